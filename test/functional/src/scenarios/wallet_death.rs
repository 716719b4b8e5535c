//! The wallet process is killed, again and again: the node goes on, the wallet comes back as it was, and when the node is
//! killed nothing is left behind.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;
use rpc::Json;

use crate::node::Node;
use crate::processes::{self, children};
use crate::programs::Shape;
use crate::stage::{Skip, Stage, expect_equal};
use crate::wait::{DEADLINE, until};

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_ours("wallet in a process of its own")?;
    ensure!(stage.shape == Shape::Multi, Skip("the wallet is in the node's process".to_owned()));
    let mut node = stage.start("a", &["-keypool=10"])?;
    let (no, at_start) = (Json::Bool(false), Json::Bool(true));
    node.create_wallet(&["kept".into(), no.clone(), no.clone(), "".into(), no, Json::Null, at_start])?;
    node.create_wallet(&["by hand".into()])?;
    let address = node.call_at("/wallet/kept", "getnewaddress", &[])?.as_str()?.to_owned();

    let mut blocks = 0;
    for _ in 0..3 {
        let wallet = wallet_of(&node)?;
        processes::signal(wallet, Signal::SIGKILL)?;
        // The chain is not the wallet's business.
        node.mine(2, &address)?;
        blocks += 2;
        expect_equal("the height", &node.height()?, &blocks)?;
        until("the wallets' return", DEADLINE, || match node.try_call("listwallets", &[])? {
            Ok(list) => Ok((list.as_arr()?.len() == 2).then_some(())),
            Err(error) => {
                ensure!(error.message.contains("wallet process"), "an error that says nothing: {error}");
                Ok(None)
            }
        })?;
        ensure!(wallet_of(&node)? != wallet, "the dead wallet is still there");
        // What was mined meanwhile is known, and the address of before is ours.
        let info = node.call_at("/wallet/kept", "getwalletinfo", &[])?;
        expect_equal("transactions in the wallet", &info.get("txcount").as_int::<u64>()?, &blocks)?;
        let known = node.call_at("/wallet/kept", "getaddressinfo", &[address.as_str().into()])?;
        ensure!(known.get("ismine").is_true(), "the address is lost");
    }

    // A clean stop leaves nobody.
    let wallet = wallet_of(&node)?;
    node.stop()?;
    ensure!(!processes::runs(wallet), "the wallet outlives a node that was stopped");

    // Neither does a kill; and the wallet that is opened by the settings is open again.
    let mut node = stage.start("a", &["-keypool=10"])?;
    let open = node.call("listwallets", &[])?;
    expect_equal("wallets after a restart", &open.write(), &r#"["kept"]"#.to_owned())?;
    let wallet = wallet_of(&node)?;
    let net = node.net().to_owned();
    node.kill()?;
    until("the wallet's end", DEADLINE, || Ok((!processes::runs(wallet)).then_some(())))?;
    no_lock_left(&net)?;

    // The terminal's signal reaches both at once.
    let mut node = stage.start("a", &["-keypool=10"])?;
    let wallet = wallet_of(&node)?;
    processes::signal(wallet, Signal::SIGINT)?;
    node.signal(Signal::SIGINT)?;
    ensure!(node.wait_for_end()?.success(), "the node did not end well");
    until("the wallet's end", DEADLINE, || Ok((!processes::runs(wallet)).then_some(())))
}

fn wallet_of(node: &Node) -> Result<u32> {
    children(node.id())?.pop().context("the node has no wallet process")
}

/// A journal would say that a wallet was left in the middle of something.
fn no_lock_left(net: &Path) -> Result<()> {
    let journal = net.join("wallets/kept/wallet.dat-journal");
    ensure!(!journal.exists(), "{} is left", journal.display());
    Ok(())
}
