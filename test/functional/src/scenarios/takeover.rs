//! The real daemon's blocks become ours, and ours become its: from nothing but block files, whose bytes are hidden by a
//! key, the other daemon comes to the same coins.

use std::fs;

use anyhow::Result;
use bitcoin::{OutPoint, Txid};
use rpc::Json;

use crate::bench::txs;
use crate::node::Node;
use crate::stage::{Skip, Stage, expect_equal};

const BLOCKS: u32 = 10_000;
/// Every so many blocks a coinbase is split.
const SPLIT: u32 = 500;
/// How often the other daemon is asked, half a minute each time, whether it is there.
const PATIENCE: u32 = 8;

pub(super) fn play(stage: &Stage) -> Result<()> {
    if !stage.is_foreign() || stage.coin.id != "bitcoin" {
        return Err(Skip("it takes a second daemon, which BITCOIND has to name".to_owned()).into());
    }
    let ours = stage.beside(stage.coin);
    let mut node = stage.start("first", &[])?;
    let mut coin: Option<OutPoint> = None;
    for _ in 0..BLOCKS / SPLIT {
        node.mine(SPLIT, txs::ADDRESS)?;
        coin = Some(spend(&mut node, coin)?);
    }
    node.mine(1, txs::ADDRESS)?;
    let wanted = end(node)?;

    let mut node = take_over(&ours, stage, "first", "second", &wanted)?;
    node.mine(20, txs::ADDRESS)?;
    spend(&mut node, coin)?;
    node.mine(1, txs::ADDRESS)?;
    let wanted = end(node)?;
    end(take_over(stage, stage, "second", "third", &wanted)?)?;
    Ok(())
}

/// Splits the first coinbase, or a coin that came of it, and puts the parts together again.
fn spend(node: &mut Node, from: Option<OutPoint>) -> Result<OutPoint> {
    let from = if let Some(coin) = from {
        coin
    } else {
        let hash = node.call("getblockhash", &[1.into()])?;
        let txid: Txid = node.call("getblock", &[hash])?.get("tx").at(0).as_str()?.parse()?;
        txs::first(txid)
    };
    let value = node.call("gettxout", &[from.txid.to_string().into(), from.vout.into()])?;
    let value = bitcoin::Amount::from_str_in(value.get("value").as_number()?, bitcoin::Denomination::Bitcoin)?;
    let part = (value.to_sat() - 20_000) / 100;
    let split = txs::spend(&[from], &[part; 100]);
    node.call("sendrawtransaction", &[txs::hex(&split).into(), 0.into()])?;
    let parts: Vec<OutPoint> = (0..90).map(|vout| OutPoint { txid: split.compute_txid(), vout }).collect();
    let join = txs::spend(&parts, &[part * 90 - 20_000]);
    node.call("sendrawtransaction", &[txs::hex(&join).into(), 0.into()])?;
    Ok(txs::first(join.compute_txid()))
}

/// What the coins come to. The node is stopped.
fn end(mut node: Node) -> Result<Vec<String>> {
    let coins = node.call("gettxoutsetinfo", &[])?;
    node.stop()?;
    Ok(["bestblock", "txouts", "hash_serialized_3", "total_amount"].map(|field| coins.get(field).write()).to_vec())
}

/// Starts a daemon on the block files of another one.
fn take_over(stage: &Stage, home: &Stage, from: &str, to: &str, wanted: &[String]) -> Result<Node> {
    let place = home.regtest()?.datadir_subdir;
    let [from, blocks] = [from, to].map(|name| Ok(home.data(name)?.join(place).join("blocks")));
    let (from, blocks): (Result<_>, Result<_>) = (from, blocks);
    let (from, blocks) = (from?, blocks?);
    fs::create_dir_all(&blocks)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with("blk") || name == "xor.dat" {
            fs::copy(&path, blocks.join(name))?;
        }
    }
    expect_equal(
        "a key that hides something",
        &fs::read(blocks.join("xor.dat"))?.iter().any(|byte| *byte != 0),
        &true,
    )?;
    // The real daemon looks at all blocks again for each one of regtest's, unless it is told not to.
    let mut node = stage.start(to, &["-reindex", "-checkblockindex=0"])?;
    let tip = Json::from(wanted[0].trim_matches('"'));
    for _ in 0..PATIENCE {
        if node.call("waitforblock", &[tip.clone(), 30_000_u64.into()])?.get("hash") == &tip {
            break;
        }
    }
    let coins = node.call("gettxoutsetinfo", &[])?;
    for (field, wanted) in ["bestblock", "txouts", "hash_serialized_3", "total_amount"].iter().zip(wanted) {
        expect_equal(field, &coins.get(field).write(), wanted)?;
    }
    Ok(node)
}
