//! One name to remember: the wrapper starts the daemon, whose process it becomes, and asks it.

use anyhow::{Result, ensure};

use crate::stage::{Stage, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    let mut node = stage.start_wrapped("a", &[])?;
    node.mine(2, stage.address()?)?;
    let pid = std::fs::read_to_string(node.net().join(stage.coin.pid_file))?;
    expect_equal("the process", &pid.trim(), &node.id().to_string().as_str())?;
    let counted = stage.wrapped_cli(&node, &["getblockcount"])?;
    expect_equal("the answer", &counted.stdout.as_str(), &"2\n")?;
    // Its client takes names without being told to.
    let named = stage.wrapped_cli(&node, &["getblockhash", "height=2"])?;
    expect_equal("the tip", &named.stdout.trim(), &node.tip()?.as_str())?;
    let stopped = stage.wrapped_cli(&node, &["stop"])?;
    ensure!(stopped.status.success(), "stop ended with {}: {}", stopped.status, stopped.stderr);
    ensure!(node.wait_for_end()?.success(), "the node did not end well");
    Ok(())
}
