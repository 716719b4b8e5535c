//! A pruned node says so, prunes when it is told, and cannot become a whole one without its blocks.

use anyhow::{Result, ensure};
use rpc::Code;

use crate::stage::{Stage, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    let mut node = stage.start("a", &[])?;
    node.mine(3, stage.address()?)?;
    expect_equal("pruned", &node.call("getblockchaininfo", &[])?.get("pruned").is_true(), &false)?;
    node.refuses(
        "pruneblockchain",
        &[1_u64.into()],
        Code::MISC,
        "Cannot prune blocks because node is not in prune mode.",
    )?;
    node.stop()?;

    let mut node = stage.start("a", &["-prune=1"])?;
    let info = node.call("getblockchaininfo", &[])?;
    expect_equal("pruned", &info.get("pruned").is_true(), &true)?;
    expect_equal("automatic pruning", &info.get("automatic_pruning").is_true(), &false)?;
    expect_equal("the height", &node.height()?, &3)?;
    node.refuses("pruneblockchain", &[9_u64.into()], Code::MISC, "Blockchain is too short for pruning.")?;
    node.stop()?;

    let mut node = stage.start("a", &["-prune=550"])?;
    let info = node.call("getblockchaininfo", &[])?;
    expect_equal("automatic pruning", &info.get("automatic_pruning").is_true(), &true)?;
    expect_equal("the target", &info.get("prune_target_size").as_int::<u64>()?, &(550 << 20))?;
    node.stop()?;
    without_old_blocks(stage)
}

/// What needs blocks that are gone says so.
fn without_old_blocks(stage: &Stage) -> Result<()> {
    const PRUNED: [&str; 2] = ["-fastprune", "-prune=1"];
    let mut node = stage.start("b", &PRUNED)?;
    node.mine(800, stage.address()?)?;
    expect_equal("verifychain", &node.call("verifychain", &[4_u64.into(), 0_u64.into()])?.is_true(), &true)?;
    ensure!(node.call("pruneblockchain", &[500_u64.into()])?.as_int::<i64>()? > 0, "no block went");
    expect_equal("verifychain", &node.call("verifychain", &[4_u64.into(), 0_u64.into()])?.is_true(), &false)?;
    node.stop()?;
    for (indexes, name) in [
        (&["-blockfilterindex=1", "-coinstatsindex=1"][..], "basic block filter index"),
        (&["-coinstatsindex=1"][..], "coinstatsindex"),
    ] {
        let text = format!(
            "Error: {name} best block of the index goes beyond pruned data (including undo data). Please disable the index \
             or reindex (which will download the whole blockchain again)\nError: A fatal internal error occurred, see \
             debug.log for details: Failed to start indexes, shutting down…"
        );
        stage.refuses("b", &[&PRUNED, indexes].concat(), &text)?;
    }
    Ok(())
}
