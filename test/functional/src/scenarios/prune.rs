//! A pruned node says so, prunes when it is told, and cannot become a whole one without its blocks.

use anyhow::{Result, ensure};
use rpc::Code;

use super::mixed_sync::{agree, meet};
use crate::{
    node::Node,
    stage::{Stage, Whose, expect_equal},
    wait::{DEADLINE, until},
};

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
    without_old_blocks(stage)?;
    at_the_start(stage)
}

/// What is over a target is taken away before the node answers, also when no block comes.
fn at_the_start(stage: &Stage) -> Result<()> {
    let mut node = stage.start("c", &["-fastprune"])?;
    node.mine(800, stage.address()?)?;
    node.stop()?;
    let mut node = stage.start("c", &["-fastprune", "-prune=2"])?;
    let first = first_block(&mut node)?;
    ensure!((2..=513).contains(&first), "the first block is {first}");
    node.stop()
}

/// What needs blocks that are gone says so.
fn without_old_blocks(stage: &Stage) -> Result<()> {
    const PRUNED: [&str; 2] = ["-fastprune", "-prune=1"];
    let mut whole = stage.start_listening(Whose::Tested, "whole", &[])?;
    whole.mine(800, stage.address()?)?;
    let mut node = stage.start("b", &PRUNED)?;
    meet(&mut node, &whole, true)?;
    agree(&mut node, &mut whole)?;
    expect_equal("verifychain", &node.call("verifychain", &[4_u64.into(), 0_u64.into()])?.is_true(), &true)?;
    let last = node.call("pruneblockchain", &[500_u64.into()])?.as_int::<u64>()?;
    ensure!(last > 0, "no block went");
    expect_equal("the first block", &first_block(&mut node)?, &(last + 1))?;
    expect_equal("verifychain", &node.call("verifychain", &[4_u64.into(), 0_u64.into()])?.is_true(), &false)?;
    give_again(&mut node, last)?;
    expect_equal("the first block with undo data", &first_block(&mut node)?, &(last + 1))?;
    whole.stop()?;
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

/// The only peer of `node` gives it a block that it had. The undo data stay away.
fn give_again(node: &mut Node, height: u64) -> Result<()> {
    let hash = node.call("getblockhash", &[height.into()])?;
    let block = std::slice::from_ref(&hash);
    node.refuses("getblock", block, Code::MISC, "Block not available (pruned data)")?;
    let peer = node.call("getpeerinfo", &[])?.at(0).get("id").clone();
    node.call("getblockfrompeer", &[hash.clone(), peer])?;
    until("the block", DEADLINE, || Ok(node.try_call("getblock", block)?.ok().map(drop)))
}

fn first_block(node: &mut Node) -> Result<u64> {
    Ok(node.call("getblockchaininfo", &[])?.get("pruneheight").as_int()?)
}
