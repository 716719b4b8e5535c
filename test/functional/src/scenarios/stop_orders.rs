//! A node and a wallet that was attached to it end in any order: nothing hangs, and no process, socket or lock is left.

use anyhow::{Result, ensure};
use nix::sys::signal::Signal;

use crate::node::Node;
use crate::programs::Shape;
use crate::stage::{Helper, Skip, Stage, expect_equal};
use crate::wait::{DEADLINE, until};

type Ending = fn(Node, &mut Helper) -> Result<()>;

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_ours("wallet process that attaches")?;
    ensure!(stage.shape == Shape::Multi, Skip("there is no wallet process".to_owned()));
    let endings: [(&str, Ending); 4] = [
        ("the node first", |node, wallet| {
            node.stop()?;
            end(wallet)
        }),
        ("the wallet first", |node, wallet| {
            end(wallet)?;
            node.stop()
        }),
        ("both at once", |mut node, wallet| {
            node.signal(Signal::SIGTERM)?;
            wallet.signal(Signal::SIGTERM)?;
            ensure!(node.wait_for_end()?.success(), "the node did not end well");
            ensure!(wallet.wait_for_end()?.success(), "the wallet did not end well");
            Ok(())
        }),
        ("no time for anything", |node, wallet| {
            wallet.signal(Signal::SIGKILL)?;
            wallet.wait_for_end()?;
            node.kill()
        }),
    ];
    let mut blocks = 0;
    for (number, (what, ending)) in endings.into_iter().enumerate() {
        // That they start at all says that no lock is left of the round before.
        let mut node = stage.start("a", &["-disablewallet", "-ipcbind=unix"])?;
        let mut wallet = stage.wallet("a", &["-ipcconnect=unix", "-keypool=10"])?;
        until("the wallet process", DEADLINE, || Ok(node.try_call("listwallets", &[])?.is_ok().then_some(())))?;
        if number == 0 {
            node.create_wallet(&["w".into()])?;
        } else {
            node.call("loadwallet", &["w".into()])?;
        }
        let address = node.call("getnewaddress", &[])?.as_str()?.to_owned();
        node.mine(1, &address)?;
        blocks += 1;
        until("the wallet's news", DEADLINE, || {
            let known: u64 = node.call("getwalletinfo", &[])?.get("txcount").as_int()?;
            Ok((known == blocks).then_some(()))
        })?;
        expect_equal("the height", &node.height()?, &blocks)?;
        let socket = node.net().join("node.sock");
        ending(node, &mut wallet).map_err(|error| error.context(what))?;
        ensure!(what == "no time for anything" || !socket.exists(), "{what}: the socket is left behind");
    }
    // A killed one has left its socket, which is in nobody's way.
    stage.start("a", &["-disablewallet", "-ipcbind=unix"])?.stop()
}

fn end(wallet: &mut Helper) -> Result<()> {
    wallet.signal(Signal::SIGTERM)?;
    ensure!(wallet.wait_for_end()?.success(), "the wallet did not end well");
    Ok(())
}
