//! The program's life from start to stop.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../start/tests/support/life.rs"]
mod life;
#[path = "../../start/tests/support/mod.rs"]
mod support;

use support::Installed;

#[test]
fn a_node_starts_answers_and_stops() {
    let installed = Installed::new(env!("CARGO_BIN_EXE_bulkheadd"), env!("CARGO_TARGET_TMPDIR"), &["bitcoind"]);
    life::lead(&installed, "bitcoind");
}
