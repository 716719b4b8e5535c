//! The command line client finds the node's cookie by itself and ends with the codes that scripts test.

use anyhow::{Result, ensure};

use crate::stage::{Stage, expect_equal};

pub(super) fn play(stage: &Stage) -> Result<()> {
    let node = stage.start("a", &[])?;
    let mined = stage.cli(&node, &["generatetoaddress", "1", stage.address()?])?;
    ensure!(mined.status.success(), "the client ended with {}: {}", mined.status, mined.stderr);
    let counted = stage.cli(&node, &["getblockcount"])?;
    expect_equal("the client's answer", &counted.stdout.as_str(), &"1\n")?;

    let named = stage.cli(&node, &["-named", "getblockhash", "height=0"])?;
    expect_equal("an answer's length", &named.stdout.trim_end().len(), &64)?;
    let unknown = stage.cli(&node, &["nosuchmethod"])?;
    expect_equal("the code of an unknown method", &unknown.status.code(), &Some(89))?;
    ensure!(unknown.stderr.contains("error code: -32601\nerror message:\nMethod not found"), "{}", unknown.stderr);

    let stopped = stage.cli(&node, &["stop"])?;
    expect_equal("the farewell", &stopped.stdout, &format!("{} stopping\n", stage.coin.client_name))?;
    let mut node = node;
    ensure!(node.wait_for_end()?.success(), "the node did not end well");
    let gone = stage.cli(&node, &["getblockcount"])?;
    expect_equal("the code without a node", &gone.status.code(), &Some(1))?;
    ensure!(gone.stderr.contains("Could not connect to the server"), "{}", gone.stderr);
    Ok(())
}
