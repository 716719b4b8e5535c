//! The executable under the names of every coin: what it says about itself, and what it refuses.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../start/tests/support/mod.rs"]
mod support;

use support::Installed;

const FILE: &str = env!("CARGO_BIN_EXE_bulkhead-cli");
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

fn installed() -> Installed {
    let names: Vec<String> = coin::all().iter().map(|coin| format!("{}-cli", coin.id)).collect();
    Installed::new(FILE, SCRATCH, &names)
}

#[test]
fn version_and_help_name_the_coin() {
    let installed = installed();
    for coin in coin::all() {
        let name = format!("{}-cli", coin.id);
        let first = format!("{} RPC client version v{}\n", coin.client_name, env!("CARGO_PKG_VERSION"));
        let ran = installed.run(&name, &["-version"]);
        assert!(ran.stdout.starts_with(&first), "{}", ran.stdout);
        assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
        for (arguments, stderr, code) in [(&["-help"][..], "", 0), (&[], "Error: too few parameters\n", 1)] {
            let ran = installed.run(&name, arguments);
            assert!(ran.stdout.starts_with(&first), "{}", ran.stdout);
            assert!(ran.stdout.contains(&format!("\nUsage: {name} [options] <command> [params]\n")), "{}", ran.stdout);
            assert!(ran.stdout.contains(coin.conf_file) && ran.stdout.contains("-getinfo"), "{}", ran.stdout);
            assert_eq!((ran.stderr.as_str(), ran.code), (stderr, Some(code)));
        }
    }
}

#[test]
fn wrong_options_are_refused() {
    let installed = installed();
    std::fs::create_dir(installed.home().join("broken")).unwrap();
    std::fs::write(installed.home().join("broken/bitcoin.conf"), "garbage\n").unwrap();
    for (arguments, text) in [
        (&["-fakearg"][..], "Error parsing command line arguments: Invalid parameter -fakearg\n"),
        (&["-datadir=nowhere", "x"], "Error: Specified data directory \"nowhere\" does not exist.\n"),
        (&["-datadir=broken", "x"], "Error reading configuration file: parse error on line 1: garbage\n"),
        (&["-chain=moon", "x"], "Error: Unknown chain moon.\n"),
        (&["-regtest"], "error: too few parameters (need at least command)\n"),
        (&["-rpcport=0", "x"], "error: Invalid port provided in -rpcport: 0\n"),
        (&["-rpcconnect=h:65536", "x"], "error: Invalid port provided in -rpcconnect: h:65536\n"),
        (&["-stdinrpcpass", "x"], "error: -stdinrpcpass specified but failed to read from standard input\n"),
    ] {
        let ran = installed.run("bitcoin-cli", arguments);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str(), ran.code), ("", text, Some(1)), "{arguments:?}");
    }
}
