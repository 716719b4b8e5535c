//! The executable under the names of every coin: what it says about itself, and what it refuses.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../start/tests/support/mod.rs"]
mod support;

use support::Installed;

const FILE: &str = env!("CARGO_BIN_EXE_bulkhead-wallet");
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");

fn installed() -> Installed {
    let names: Vec<String> = coin::all().iter().map(|coin| format!("{}-wallet", coin.id)).collect();
    Installed::new(FILE, SCRATCH, &names)
}

#[test]
fn the_version_names_the_coin_and_the_program() {
    let installed = installed();
    for coin in coin::all() {
        let ran = installed.run(&format!("{}-wallet", coin.id), &["-version"]);
        let first = format!("{} {}-wallet utility version v{}\n", coin.client_name, coin.id, env!("CARGO_PKG_VERSION"));
        assert!(ran.stdout.starts_with(&first), "{}", ran.stdout);
        assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
    }
}

#[test]
fn help_shows_the_tools_commands() {
    let ran = installed().run("freicoin-wallet", &["-help"]);
    assert!(ran.stdout.contains("Usage: freicoin-wallet [options] <command>\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("\nChain selection options:\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("\nCommands:\n") && ran.stdout.contains("createfromdump"), "{}", ran.stdout);
    assert_eq!((ran.stderr.as_str(), ran.code), ("", Some(0)));
}

#[test]
fn errors_are_those_of_the_tool() {
    let installed = installed();
    for (arguments, text) in [
        (&["-fakearg"][..], "Error parsing command line arguments: Invalid parameter -fakearg\n"),
        (&["foo"], "Error parsing command line arguments: Invalid command 'foo'\n"),
        (&["-regtest"], "No method provided. Run `arcadia-wallet -help` for valid methods.\n"),
        (
            &["info", "create"],
            "Error: Additional arguments provided (create). Methods do not take arguments. Please refer to `-help`.\n",
        ),
        (&["-ipcfd", "77"], "Error: Invalid -ipcfd number '77' (nothing is open there)\n"),
    ] {
        let ran = installed.run("arcadia-wallet", arguments);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str(), ran.code), ("", text, Some(1)), "{arguments:?}");
    }
    assert_eq!(std::fs::read_dir(installed.home()).unwrap().count(), 0, "nothing was made");
}
