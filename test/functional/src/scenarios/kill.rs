//! A node that is killed at any instant starts again by itself, with a chain that holds together.

use anyhow::{Result, ensure};

use crate::{
    node::Node,
    stage::{Stage, expect_equal},
};

pub(super) fn play(stage: &Stage) -> Result<()> {
    let address = stage.address()?;
    let mut node = stage.start("a", &[])?;
    node.mine(5, address)?;
    node.stop()?;

    let mut flushed = 5;
    for blocks in [1, 8, 3] {
        let mut node = stage.start("a", &[])?;
        let height = node.height()?;
        ensure!(height >= flushed, "what a clean stop had written is lost: {height} of {flushed}");
        node.mine(blocks, address)?;
        node.kill()?;

        let mut node = stage.start("a", &[])?;
        let height = node.height()?;
        ensure!(height >= flushed, "a kill took the chain back to {height}, before {flushed}");
        look_over(stage, &mut node, height)?;
        node.mine(1, address)?;
        flushed = node.height()?;
        node.stop()?;
    }
    in_a_flush(stage)
}

/// A chain on which nothing was ever spent holds together.
fn look_over(stage: &Stage, node: &mut Node, height: u64) -> Result<()> {
    expect_equal("verifychain", &node.call("verifychain", &[4_u64.into(), 0_u64.into()])?.is_true(), &true)?;
    let coins = node.call("gettxoutsetinfo", &[])?;
    expect_equal("the coins' height", &coins.get("height").as_int::<u64>()?, &height)?;
    // Where blocks continue a transaction of their own, the first one begins with a coin for anybody.
    let more = u64::from(stage.coin.consensus.tx_format == coin::TxFormat::FreicoinLockHeight);
    expect_equal("a coin for each block", &coins.get("txouts").as_int::<u64>()?, &(height + more))
}

/// A node that vanishes when a part of the coins is written.
fn in_a_flush(stage: &Stage) -> Result<()> {
    let mut node = stage.start("b", &["-dbbatchsize=500", "-dbcrashratio=1"])?;
    node.mine(30, stage.address()?)?;
    let tip = node.tip()?;
    ensure!(node.call("gettxoutsetinfo", &[]).is_err(), "coins were written without a crash");
    expect_equal("the exit code", &node.wait_for_end()?.code(), &Some(0))?;
    node.wait_for_log(0, "Simulating a crash. Goodbye.")?;

    let mut node = stage.start("b", &[])?;
    node.wait_for_log(0, "Rolling forward")?;
    expect_equal("the tip", &node.tip()?, &tip)?;
    look_over(stage, &mut node, 30)?;
    node.stop()
}
