//! A wallet that somebody starts goes to a running node, serves it, outlives it, and finds the next one.

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::node::Node;
use crate::processes;
use crate::programs::Shape;
use crate::stage::{Skip, Stage, expect_equal};
use crate::wait::{DEADLINE, until};

const NODE: [&str; 2] = ["-disablewallet", "-ipcbind=unix"];

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_ours("wallet process that attaches")?;
    ensure!(stage.shape == Shape::Multi, Skip("there is no wallet process".to_owned()));
    let mut node = stage.start("a", &NODE)?;
    node.refuses("listwallets", &[], rpc::Code::METHOD_NOT_FOUND, "Method not found")?;
    let mut wallet = stage.wallet("a", &["-ipcconnect=unix", "-keypool=10"])?;
    wait_for_wallets(&mut node)?;
    ensure!(processes::is_confined(wallet.id())?, "the wallet is not in a sandbox");
    node.create_wallet(&["w".into()])?;
    let address = node.call("getnewaddress", &[])?.as_str()?.to_owned();
    node.mine(3, &address)?;
    expect_equal("transactions", &node.call("getwalletinfo", &[])?.get("txcount").as_int::<u64>()?, &3)?;

    // The node dies. The wallet waits, and serves the next one.
    node.kill()?;
    ensure!(wallet.runs()?, "the wallet ended with the node");
    let mut node = stage.start("a", &NODE)?;
    wait_for_wallets(&mut node)?;
    node.call("loadwallet", &["w".into()])?;
    let height = node.height()?;
    node.mine(2, &address)?;
    until("the wallet's news", DEADLINE, || {
        let info = node.call("getwalletinfo", &[])?;
        Ok((info.get("lastprocessedblock").get("height").as_int::<u64>()? == height + 2).then_some(()))
    })?;

    // It ends when it is asked, and the node goes on without.
    wallet.signal(Signal::SIGTERM)?;
    ensure!(wallet.wait_for_end()?.success(), "the wallet did not end well");
    ensure!(node.try_call("getwalletinfo", &[])?.is_err(), "who answered?");
    node.mine(1, stage.address()?)?;
    node.stop()
}

fn wait_for_wallets(node: &mut Node) -> Result<()> {
    until("the wallet process", DEADLINE, || Ok(node.try_call("listwallets", &[])?.is_ok().then_some(())))
}
