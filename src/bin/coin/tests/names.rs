//! The executable under the names of every coin: what it says about itself, and what it refuses.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../start/tests/support/mod.rs"]
mod support;

use support::Installed;

const FILE: &str = env!("CARGO_BIN_EXE_bulkhead");
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

fn installed() -> Installed {
    let names: Vec<String> = coin::all().iter().map(|coin| coin.id.to_owned()).collect();
    Installed::new(FILE, SCRATCH, &names)
}

/// Stands in for another program: says what it was called by and with what.
fn stand_in(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, "#!/bin/sh\necho \"$0\" \"$@\"\nexit 7\n").unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_version_names_the_client() {
    let installed = installed();
    for coin in coin::all() {
        for option in ["-v", "--version", "version"] {
            let ran = installed.run(coin.id, &[option]);
            let first = format!("{} version v{}\n", coin.client_name, env!("CARGO_PKG_VERSION"));
            assert!(ran.stdout.starts_with(&first), "{}", ran.stdout);
            assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
        }
    }
}

#[test]
fn help_and_mistakes() {
    let installed = installed();
    let ran = installed.run("syscoin", &["--help"]);
    assert!(ran.stdout.starts_with("Usage: syscoin [OPTIONS] COMMAND...\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("'syscoind [ARGS]' or 'syscoin-node [ARGS]'"), "{}", ran.stdout);
    assert_eq!(ran.code, Some(0));
    assert_eq!(installed.run("syscoin", &[]).code, Some(1));
    let called = installed.path().join("syscoin").display().to_string();
    for (argument, text) in [("-x", "Unknown option: -x"), ("dance", "Unrecognized command: 'dance'")] {
        let ran = installed.run("syscoin", &[argument]);
        assert_eq!(ran.stderr, format!("Error: {text}\nTry '{called} --help' for more information.\n"));
        assert_eq!((ran.stdout.as_str(), ran.code), ("", Some(1)));
    }
}

#[test]
fn commands_become_other_programs() {
    let installed = installed();
    for name in ["freicoind", "freicoin-node", "freicoin-cli", "freicoin-qt", "freicoin-gui", "freicoin-tx"] {
        stand_in(&installed.path().join(name));
    }
    for (arguments, program, passed) in [
        (&["node", "-regtest", "-version"][..], "freicoind", " -regtest -version"),
        (&["-M", "node"], "freicoind", ""),
        (&["-m", "node"], "freicoin-node", ""),
        (&["node", "-ipcbind=unix"], "freicoin-node", " -ipcbind=unix"),
        (&["gui"], "freicoin-qt", ""),
        (&["-m", "gui"], "freicoin-gui", ""),
        (&["rpc", "getblock", "x"], "freicoin-cli", " -named getblock x"),
        (&["tx", "-json"], "freicoin-tx", " -json"),
    ] {
        let ran = installed.run("freicoin", arguments);
        let expected = format!("{}{passed}\n", installed.path().join(program).display());
        assert_eq!((ran.stdout, ran.stderr.as_str(), ran.code), (expected, "", Some(7)), "{arguments:?}");
    }
}

#[test]
fn the_gui_is_found_where_there_is_no_twin_of_one_process() {
    let installed = installed();
    stand_in(&installed.path().join("freicoin-gui"));
    let ran = installed.run("freicoin", &["gui", "-regtest"]);
    let expected = format!("{} -regtest\n", installed.path().join("freicoin-gui").display());
    assert_eq!((ran.stdout, ran.code), (expected, Some(7)));
    assert_eq!(installed.run("freicoin", &["-M", "gui"]).code, Some(1));
}

#[test]
fn programs_are_looked_for_in_libexec_first() {
    let names = ["bin/bitcoin"];
    let dir = tempfile::tempdir_in(SCRATCH).unwrap();
    let scratch = dir.path().display().to_string();
    let installed = Installed::new(FILE, &scratch, &[] as &[&str]);
    std::fs::create_dir(installed.path().join("bin")).unwrap();
    std::fs::hard_link(FILE, installed.path().join(names[0])).unwrap();
    stand_in(&installed.path().join("bin/bitcoin-cli"));
    let run = || installed.run(names[0], &["rpc"]).stdout;
    assert_eq!(run(), format!("{} -named\n", installed.path().join("bin/bitcoin-cli").display()));
    stand_in(&installed.path().join("libexec/bitcoin-cli"));
    assert_eq!(run(), format!("{} -named\n", installed.path().join("libexec/bitcoin-cli").display()));
}

#[test]
fn a_program_that_is_missing_is_named() {
    let installed = installed();
    let ran = installed.run("bitcoin", &["wallet", "info"]);
    let (missing, own) = (installed.path().join("bitcoin-wallet"), installed.path().join("bitcoin"));
    assert_eq!(
        ran.stderr,
        format!(
            "Error: execvp failed to execute '{}': No such file or directory\nTry '{} --help' for more information.\n",
            missing.display(),
            own.display()
        )
    );
    assert_eq!((ran.stdout.as_str(), ran.code), ("", Some(1)));
}
