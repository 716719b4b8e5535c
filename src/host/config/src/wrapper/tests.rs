//! The wrapper's plans, as a table.

use super::*;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn plan(&self, coin: &str, arguments: &[&str]) -> Result<Plan, WrapperError> {
        let argv: Vec<OsString> =
            [format!("/opt/bin/{coin}").as_str()].iter().chain(arguments).map(OsString::from).collect();
        plan(coin::by_id(coin).unwrap(), &argv, &Env::rooted_at(self.0.path()))
    }

    /// The command line that the plan leads to.
    fn line(&self, coin: &str, arguments: &[&str]) -> String {
        match self.plan(coin, arguments).unwrap() {
            Plan::Start { executable, arguments, .. } => {
                let arguments = arguments.into_iter().map(|argument| argument.into_string().unwrap());
                std::iter::once(executable).chain(arguments).collect::<Vec<_>>().join(" ")
            }
            Plan::Print { stdout, .. } => stdout,
        }
    }
}

#[test]
fn commands_become_programs() {
    let home = Home::new();
    for (arguments, line) in [
        (&["node", "-regtest"][..], "bitcoind -regtest"),
        (&["-m", "node", "-regtest"], "bitcoin-node -regtest"),
        (&["--multiprocess", "gui"], "bitcoin-gui"),
        (&["-m", "-M", "gui", "-m"], "bitcoin-qt -m"),
        (&["--monolithic", "node", "-ipcbind=unix"], "bitcoind -ipcbind=unix"),
        (&["node", "-ipcbind=unix"], "bitcoin-node -ipcbind=unix"),
        (&["node", "-noipcbind"], "bitcoin-node -noipcbind"),
        (&["rpc", "getblockcount"], "bitcoin-cli -named getblockcount"),
        (&["wallet", "info"], "bitcoin-wallet info"),
        (&["", "tx", "-json"], "bitcoin-tx -json"),
        (&["util"], "bitcoin-util"),
    ] {
        assert_eq!(home.line("bitcoin", arguments), line, "{arguments:?}");
    }
    assert_eq!(home.line("freicoin", &["-m", "node"]), "freicoin-node");
    assert_eq!(home.line("c1pzo", &["rpc"]), "c1pzo-cli -named");
}

#[test]
fn the_configuration_file_may_ask_for_processes() {
    let home = Home::new();
    let conf = home.0.path().join("own.conf");
    let argument = format!("-conf={}", conf.display());
    std::fs::write(&conf, "server=1\n").unwrap();
    assert!(home.line("bitcoin", &["node", &argument]).starts_with("bitcoind "));
    std::fs::write(&conf, "regtest=1\n[regtest]\nipcbind=unix\n").unwrap();
    assert!(home.line("bitcoin", &["node", &argument]).starts_with("bitcoin-node "));
    // Of another chain's section nothing counts.
    assert!(home.line("bitcoin", &["node", &argument, "-regtest=0", "-chain=main"]).starts_with("bitcoind "));

    std::fs::write(&conf, "garbage\n").unwrap();
    let Plan::Start { executable, warnings, .. } = home.plan("bitcoin", &["node", &argument]).unwrap() else {
        panic!()
    };
    assert_eq!(executable, "bitcoind");
    assert_eq!(warnings, ["Warning: failed to parse subcommand config: parse error on line 1: garbage"]);
    // Nothing was made on the way.
    assert_eq!(std::fs::read_dir(home.0.path()).unwrap().count(), 1);
}

#[test]
fn help_and_version() {
    let home = Home::new();
    for (arguments, start, code) in [
        (&["--help"][..], "Usage: bitcoin [OPTIONS] COMMAND...", 0),
        (&["help"], "Usage: bitcoin ", 0),
        (&[], "Usage: bitcoin ", 1),
        (&["-m"], "Usage: bitcoin ", 1),
        (&["-v"], "Bitcoin Core version v", 0),
        (&["version"], "Bitcoin Core version v", 0),
    ] {
        let Ok(Plan::Print { stdout, code: printed }) = home.plan("bitcoin", arguments) else {
            panic!("{arguments:?}")
        };
        assert!(stdout.starts_with(start), "{stdout}");
        assert_eq!(printed, code, "{arguments:?}");
    }
    assert!(home.line("syscoin", &["-h"]).contains("syscoin-qt"));
    assert!(home.line("syscoin", &[]).contains("Run 'syscoin help'"));
}

#[test]
fn a_gui_takes_the_place_of_its_twin() {
    let home = Home::new();
    for (arguments, expected) in
        [(&["gui"][..], Some("syscoin-gui")), (&["-M", "gui"], None), (&["-m", "gui"], None), (&["node"], None)]
    {
        let Plan::Start { instead, .. } = home.plan("syscoin", arguments).unwrap() else { panic!("nothing starts") };
        assert_eq!(instead.as_deref(), expected, "{arguments:?}");
    }
}

#[test]
fn unknown_words_are_named() {
    let home = Home::new();
    let error = home.plan("bitcoin", &["-x", "node"]).unwrap_err();
    assert_eq!(
        error.report(OsStr::new("./bitcoin")),
        "Error: Unknown option: -x\nTry './bitcoin --help' for more information.\n"
    );
    assert_eq!(home.plan("bitcoin", &["mine"]).unwrap_err().to_string(), "Unrecognized command: 'mine'");
}
