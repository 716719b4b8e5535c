//! What a node had it has again after a stop, and it tidies up behind itself.

use anyhow::{Result, ensure};

use crate::stage::{Stage, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    let mut node = stage.start("a", &[])?;
    expect_equal("a fresh chain", &node.height()?, &0)?;
    node.mine(7, stage.address()?)?;
    let (tip, coins) = (node.tip()?, node.call("gettxoutsetinfo", &[])?);
    let (net, cookie) = (node.net().to_owned(), node.cookie());
    let pid = std::fs::read_to_string(net.join(stage.coin.pid_file))?;
    expect_equal("the pid file", &pid.trim(), &node.id().to_string().as_str())?;
    node.stop()?;
    for left in [cookie, net.join(stage.coin.pid_file), net.join("ready.json")] {
        ensure!(!left.exists(), "{} was left behind", left.display());
    }

    let mut node = stage.start("a", &[])?;
    expect_equal("the tip", &node.tip()?, &tip)?;
    for field in ["txouts", "hash_serialized_3", "total_amount"] {
        expect_equal(field, node.call("gettxoutsetinfo", &[])?.get(field), coins.get(field))?;
    }
    // The directory belongs to one process at a time.
    stage.refuses("a", &[], "Cannot obtain a lock on directory")?;
    expect_equal("the tip", &node.tip()?, &tip)?;
    node.stop()
}
