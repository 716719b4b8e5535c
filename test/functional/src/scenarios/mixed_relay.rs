//! Ours and another node as neighbours: what one learns, the other learns from it. Transactions, blocks, and the better
//! of two branches.

use anyhow::{Result, ensure};
use rpc::Json;

use super::mixed_sync::{agree, meet};
use crate::mini::MiniWallet;
use crate::node::Node;
use crate::stage::{Stage, Whose, expect_equal};
use crate::wait::{DEADLINE, until};

pub(super) fn play(stage: &Stage) -> Result<()> {
    stage.needs_judge()?;
    // Those who are trusted are told at once.
    let options = ["-whitelist=noban@127.0.0.1"];
    let mut left = stage.start_listening(Whose::Ours, "left", &options)?;
    let mut middle = stage.start_listening(Whose::Judge, "middle", &options)?;
    let mut right = stage.start_listening(Whose::Ours, "right", &options)?;
    let mut wallet = MiniWallet::new(stage)?;
    wallet.fill(&mut left, 20)?;
    meet(&mut left, &middle, true)?;
    meet(&mut right, &middle, false)?;
    agree(&mut left, &mut middle)?;
    agree(&mut left, &mut right)?;

    // Transactions go through the one in the middle, from either side.
    let mut sent = Vec::new();
    for number in 0..10 {
        let from = if number % 2 == 0 { &mut left } else { &mut right };
        sent.push(wallet.send(from, 1000 + number)?.to_string());
    }
    for node in [&mut left, &mut middle, &mut right] {
        until("all transactions", DEADLINE, || {
            let pool = node.call("getrawmempool", &[])?.write();
            Ok(sent.iter().all(|txid| pool.contains(txid.as_str())).then_some(()))
        })?;
    }

    // So do blocks, as short as they can be, because their transactions are known.
    for _ in 0..4 {
        wallet.mine(&mut left, 1)?;
        agree(&mut left, &mut right)?;
        wallet.mine(&mut right, 1)?;
        agree(&mut left, &mut right)?;
        agree(&mut left, &mut middle)?;
    }
    expect_equal("what is left in the pool", &middle.call("getrawmempool", &[])?.write(), &"[]".to_owned())?;
    for (name, node) in [("left", &mut left), ("middle", &mut middle), ("right", &mut right)] {
        ensure!(short_blocks(node)? > 0, "no compact block came to the {name} one");
    }

    // Apart they go different ways; together again they take the longer one.
    for (longer, shorter) in [(3, 2), (2, 4)] {
        apart(&mut left, true)?;
        left.mine(longer, stage.address()?)?;
        middle.mine(shorter, stage.regtest()?.addr_zero_p2sh)?;
        let best = if longer > shorter { left.tip()? } else { middle.tip()? };
        apart(&mut left, false)?;
        meet(&mut left, &middle, true)?;
        agree(&mut left, &mut middle)?;
        agree(&mut right, &mut middle)?;
        expect_equal("the tip", &right.tip()?, &best)?;
    }
    left.stop()?;
    middle.stop()?;
    right.stop()
}

/// Bytes of compact blocks that came.
fn short_blocks(node: &mut Node) -> Result<u64> {
    let shown = node.call("getpeerinfo", &[])?;
    let of = |peer: &Json| peer.get("bytesrecv_per_msg").get("cmpctblock").as_int::<u64>().unwrap_or(0);
    Ok(shown.as_arr()?.iter().map(of).sum())
}

/// Cuts a node off, or lets it be called again.
fn apart(node: &mut Node, apart: bool) -> Result<()> {
    node.call("setnetworkactive", &[Json::Bool(!apart)])?;
    until("the end of the connections", DEADLINE, || {
        Ok((!apart || node.call("getconnectioncount", &[])?.as_int::<u64>()? == 0).then_some(()))
    })
}
