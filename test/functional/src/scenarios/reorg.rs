//! The most work wins: a branch is given up for a longer one, and comes back when it is the best that is left.

use anyhow::{Result, ensure};

use crate::node::Node;
use crate::stage::{Stage, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    let mut node = stage.start("a", &[])?;
    let address = stage.address()?;
    let first = node.mine(6, address)?;
    // All that is told of the coins but their size on the disk, which grows with what was written and removed again.
    let coins = |node: &mut Node| {
        let info = node.call("gettxoutsetinfo", &[])?;
        let fields = ["height", "bestblock", "txouts", "bogosize", "hash_serialized_3", "total_amount"];
        anyhow::Ok(fields.map(|field| info.get(field).write()))
    };
    let before = coins(&mut node)?;
    let fork = first.get(2).cloned().unwrap_or_default();

    node.call("invalidateblock", &[(&fork).into()])?;
    expect_equal("the height below the fork", &node.height()?, &2)?;
    // To another address: in the same second, the same address would make the very block that was invalidated.
    let second = node.mine(2, stage.regtest()?.addr_zero_p2sh)?;
    ensure!(!first.contains(&node.tip()?), "the invalid branch is still the tip");

    let log = node.log_end();
    node.call("reconsiderblock", &[(&fork).into()])?;
    expect_equal("the tip after reconsidering", &Some(&node.tip()?), &first.last())?;
    node.wait_for_log(log, "UpdateTip: new best=")?;
    expect_equal("the coins", &coins(&mut node)?, &before)?;

    let tips = node.call("getchaintips", &[])?;
    let status = |hash: Option<&String>| {
        let wanted = hash.map(String::as_str).unwrap_or_default();
        let mut tips = tips.as_arr().unwrap_or_default().iter();
        tips.find(|tip| tip.get("hash").as_str() == Ok(wanted)).map(|tip| tip.get("status").write())
    };
    expect_equal("the first branch", &status(first.last()).as_deref(), &Some("\"active\""))?;
    expect_equal("the second branch", &status(second.last()).as_deref(), &Some("\"valid-fork\""))?;

    // All of it is known after a restart too.
    node.stop()?;
    let mut node = stage.start("a", &[])?;
    expect_equal("the tip after a restart", &Some(&node.tip()?), &first.last())?;
    expect_equal("the tips", &node.call("getchaintips", &[])?.as_arr()?.len(), &2)?;
    node.stop()
}
