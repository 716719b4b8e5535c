//! The executable under the names of every coin: what it says about itself, and what it refuses.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../start/tests/support/daemon.rs"]
mod daemon;
#[path = "../../start/tests/support/mod.rs"]
mod support;

const FILE: &str = env!("CARGO_BIN_EXE_bulkheadd");
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");
const SUFFIX: &str = "d";

#[test]
fn the_monolithic_twin_knows_nothing_of_processes() {
    let ran = daemon::installed().run("bitcoind", &["-ipcbind=unix"]);
    assert_eq!(ran.stderr, "Error: Error parsing command line arguments: Invalid parameter -ipcbind=unix\n");
    assert_eq!(ran.code, Some(1));
}
