//! The executable under the names of every coin: what it says about itself, and what it refuses.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../../start/tests/support/daemon.rs"]
mod daemon;
#[path = "../../start/tests/support/mod.rs"]
mod support;

const FILE: &str = env!("CARGO_BIN_EXE_bulkhead-node");
const SCRATCH: &str = env!("CARGO_TARGET_TMPDIR");
const SUFFIX: &str = "-node";
