//! The disk becomes full: what is asked for is not pretended to be done, the node ends and says so by its code, and with room
//! again it starts by itself with everything that it had written before.

use anyhow::{Result, ensure};

use crate::stage::{Stage, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    let address = stage.address()?;
    let mut node = stage.start("a", &[])?;
    node.mine(10, address)?;
    node.stop()?;

    let mut flushed = 10;
    for blocks in [0, 3] {
        let mut node = stage.start_on_small_disk("a", &[])?;
        let height = node.height()?;
        ensure!(height >= flushed, "what a clean stop had written is lost: {height} of {flushed}");
        node.mine(blocks, address)?;
        let full = node.fill_disk()?;
        ensure!(node.mine(2, address).is_err(), "blocks were mined that cannot be written");
        let status = node.wait_for_end()?;
        // The real daemon aborts when it has blocks that it cannot write any more.
        let told = if stage.is_foreign() { !status.success() } else { status.code() == Some(1) };
        ensure!(told, "a node that could not write ended with {status}");
        drop(full);

        let mut node = stage.start("a", &[])?;
        let height = node.height()?;
        ensure!(height >= flushed, "a full disk took the chain back to {height}, before {flushed}");
        ensure!(node.call("verifychain", &[4_u64.into(), 0_u64.into()])?.is_true(), "the chain does not hold together");
        let coins = node.call("gettxoutsetinfo", &[])?;
        expect_equal("the coins' height", &coins.get("height").as_int::<u64>()?, &height)?;
        node.mine(1, address)?;
        flushed = node.height()?;
        node.stop()?;
    }
    Ok(())
}
