//! A pruned node says so, prunes when it is told, and cannot become a whole one without its blocks.

use anyhow::Result;
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
    node.stop()
}
