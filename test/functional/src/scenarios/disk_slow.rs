//! A disk that takes its time delays whoever waits for it, and nobody else; and a node that dies while it waits has what it
//! had.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::stage::{Stage, expect_equal};

/// What every wait for the disk takes.
const DELAY: Duration = Duration::from_millis(50);
/// What an answer may take that needs no disk, on a busy machine and while somebody watches.
const ANSWER: Duration = Duration::from_secs(5);

pub(super) fn play(stage: &Stage) -> Result<()> {
    let address = stage.address()?;
    let mut node = stage.start("a", &[])?;
    node.mine(5, address)?;
    let disk = node.slow_disk(DELAY)?;
    let mut longest = Duration::ZERO;
    for height in 6..16 {
        node.mine(1, address)?;
        let asked = Instant::now();
        expect_equal("the height", &node.height()?, &height)?;
        longest = longest.max(asked.elapsed());
    }
    ensure!(longest < ANSWER, "an answer that needs no disk took {longest:?}");
    // It comes to its end with time, and nothing is lost.
    node.call("stop", &[])?;
    ensure!(node.wait_for_end()?.success(), "the node did not end well");
    drop(disk);

    let mut node = stage.start("a", &[])?;
    expect_equal("the height", &node.height()?, &15)?;
    // The end comes while it writes.
    let disk = node.slow_disk(DELAY)?;
    node.mine(5, address)?;
    node.call("stop", &[])?;
    node.kill()?;
    drop(disk);
    let mut node = stage.start("a", &[])?;
    let height = node.height()?;
    ensure!((15..=20).contains(&height), "the chain is at {height}");
    ensure!(node.call("verifychain", &[4_u64.into(), 0_u64.into()])?.is_true(), "the chain does not hold together");
    node.mine(1, address)?;
    node.stop()
}
