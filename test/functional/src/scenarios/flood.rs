//! Too much of everything: transactions that are not standard, too large, that pin others, and more than the pool holds.
//! Memory stays below its limit, and whoever asks is answered all the while.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut, Txid};
use rpc::Json;

use crate::bench::txs;
use crate::node::Node;
use crate::processes;
use crate::stage::{Skip, Stage, expect_equal};

/// `-maxmempool`, in units of a million bytes; the least that the daemon takes.
const POOL: usize = 5;
/// `-datacarriersize`: a little less than what a transaction may be at most, so that one can be too much for the one
/// and not for the other.
const CARRIER: usize = 95_000;
/// Value of the coins that the flood is made of.
const COIN: u64 = 5_000_000;
const COINS: usize = 600;
/// What an answer may take, even on a busy machine.
const ANSWER: Duration = Duration::from_secs(5);
/// What the process may grow by: the pool, what it costs to hold it, and caches.
const GROWTH: u64 = 64 << 20;

pub(super) fn play(stage: &Stage) -> Result<()> {
    if stage.coin.id != "bitcoin" {
        return Err(Skip("its transactions are Bitcoin's".to_owned()).into());
    }
    let options =
        [format!("-maxmempool={POOL}"), "-limitclustercount=25".into(), format!("-datacarriersize={CARRIER}")];
    let mut node = stage.start("a", &options.each_ref().map(String::as_str))?;
    let mut coins = prepare(&mut node)?;
    let before = processes::memory(node.id())?;
    unusual(&mut node, &mut coins)?;
    pins(&mut node, &mut coins)?;
    evictions(&mut node, &mut coins)?;
    let grown = processes::memory(node.id())?.saturating_sub(before);
    ensure!(grown < GROWTH, "the process has grown by {} MiB", grown >> 20);
    // What was too much is forgotten with the block that takes the rest.
    node.mine(60, txs::ADDRESS)?;
    expect_equal("what is left", &node.call("getmempoolinfo", &[])?.get("size").as_int::<u64>()?, &0)?;
    node.stop()
}

/// Coins to flood with.
fn prepare(node: &mut Node) -> Result<Vec<OutPoint>> {
    node.mine(101, txs::ADDRESS)?;
    let hash = node.call("getblockhash", &[1.into()])?;
    let txid: Txid = node.call("getblock", &[hash])?.get("tx").at(0).as_str()?.parse()?;
    let tx = txs::spend(&[txs::first(txid)], &[COIN; COINS]);
    node.call("sendrawtransaction", &[txs::hex(&tx).into(), 0.into()])?;
    node.mine(1, txs::ADDRESS)?;
    Ok((0..u32::try_from(COINS)?).map(|vout| OutPoint { txid: tx.compute_txid(), vout }).collect())
}

/// Offers a transaction; answers the reason if it is refused. The pool never holds more than it may.
fn offer(node: &mut Node, tx: &Transaction) -> Result<Option<String>> {
    let verdict = node.try_call("sendrawtransaction", &[txs::hex(tx).into(), 0.into()])?;
    let started = Instant::now();
    let pool = node.call("getmempoolinfo", &[])?;
    ensure!(started.elapsed() < ANSWER, "an answer took {:?}", started.elapsed());
    let usage: usize = pool.get("usage").as_int()?;
    ensure!(usage <= POOL * 1_000_000, "the pool takes {usage} bytes");
    verdict.map_or_else(|error| Ok(Some(error.to_json().get("message").as_str()?.to_owned())), |_| Ok(None))
}

/// An output that carries so many bytes.
fn carrier(bytes: usize) -> TxOut {
    let mut script = vec![0x6a, 0x4e];
    script.extend(u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes());
    script.extend(vec![7; bytes]);
    TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from_bytes(script) }
}

/// Whatever its form, what is not standard leaves nothing behind, and its coin can be spent afterwards.
fn unusual(node: &mut Node, coins: &mut Vec<OutPoint>) -> Result<()> {
    let coin = coins.pop().context("a coin is left")?;
    let good = txs::spend(&[coin], &[COIN - 20_000]);
    let changed = |change: fn(&mut Transaction)| {
        let mut tx = good.clone();
        change(&mut tx);
        tx
    };
    let kinds: [(&str, Transaction); 5] = [
        ("version", changed(|tx| tx.version = bitcoin::transaction::Version(9))),
        ("dust", changed(|tx| tx.output[0].value = Amount::from_sat(1))),
        ("scriptpubkey", changed(|tx| tx.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0x51; 40]))),
        ("datacarrier", changed(|tx| tx.output.push(carrier(CARRIER)))),
        ("tx-size", changed(|tx| tx.output.push(carrier(110_000)))),
    ];
    for round in 0..60 {
        for (reason, tx) in &kinds {
            let mut tx = tx.clone();
            tx.lock_time = bitcoin::absolute::LockTime::from_consensus(round);
            let said = offer(node, &tx)?.unwrap_or_default();
            ensure!(said.contains(reason), "expected {reason}, but the daemon said `{said}`");
        }
    }
    expect_equal("a good one for the same coin", &offer(node, &good)?, &None)
}

/// A stranger hangs large and cheap things on a transaction. It can be replaced for what it is worth.
fn pins(node: &mut Node, coins: &mut Vec<OutPoint>) -> Result<()> {
    let coin = coins.pop().context("a coin is left")?;
    let mut last = txs::spend(&[coin], &[COIN - 10_000]);
    expect_equal("the first of a chain", &offer(node, &last)?, &None)?;
    let mut value = COIN - 10_000;
    let mut said = None;
    for _ in 0..40 {
        value -= 15_000;
        let mut next = txs::spend(&[txs::first(last.compute_txid())], &[value]);
        next.output.push(carrier(3000));
        said = offer(node, &next)?;
        if said.is_some() {
            break;
        }
        last = next;
    }
    expect_equal("the one that is too many", &said.as_deref(), &Some("too-large-cluster"))?;
    let cheap = txs::spend(&[coin], &[COIN - 12_000]);
    let said = offer(node, &cheap)?.unwrap_or_default();
    ensure!(said.contains("insufficient fee"), "a replacement that pays too little: `{said}`");
    let dear = txs::spend(&[coin], &[COIN - 500_000]);
    expect_equal("a replacement that pays", &offer(node, &dear)?, &None)?;
    // Version 3 keeps others from pinning at all.
    let coin = coins.pop().context("a coin is left")?;
    let mut parent = txs::spend(&[coin], &[COIN - 10_000]);
    parent.version = bitcoin::transaction::Version(3);
    expect_equal("a version 3 parent", &offer(node, &parent)?, &None)?;
    let mut child = txs::spend(&[txs::first(parent.compute_txid())], &[COIN - 60_000]);
    child.version = bitcoin::transaction::Version(3);
    child.output.push(carrier(2000));
    let said = offer(node, &child)?.unwrap_or_default();
    ensure!(said.contains("TRUC-violation"), "a version 3 child that is too large: `{said}`");
    Ok(())
}

/// More than there is room for: the worst leaves, the price of entry rises, and cheap ones stay out.
fn evictions(node: &mut Node, coins: &mut Vec<OutPoint>) -> Result<()> {
    let large = |coin: OutPoint, fee: u64| {
        let mut tx = txs::spend(&[coin], &[COIN - fee]);
        tx.output.push(carrier(90_000));
        tx
    };
    let mut first = Vec::new();
    for n in 0..120 {
        let tx = large(coins.pop().context("a coin is left")?, 20_000 + n * 10_000);
        let said = offer(node, &tx)?;
        ensure!(said.is_none() || n < 2, "number {n}, which pays more than all before, was refused: {said:?}");
        first.push(tx.compute_txid());
    }
    let pool = node.call("getmempoolinfo", &[])?;
    ensure!(pool.get("size").as_int::<usize>()? < 80, "nothing was evicted");
    let entry = |node: &mut Node, txid: &Txid| node.try_call("getmempoolentry", &[Json::from(txid.to_string())]);
    ensure!(entry(node, &first[0])?.is_err(), "the cheapest is still there");
    ensure!(entry(node, &first[119])?.is_ok(), "the dearest is gone");
    let [least, relay] = ["mempoolminfee", "minrelaytxfee"].map(|field| pool.get(field).as_f64());
    ensure!(least? > relay?, "the price of entry has not risen");
    let said = offer(node, &large(coins.pop().context("a coin is left")?, 20_000))?.unwrap_or_default();
    ensure!(said.contains("mempool min fee not met"), "a cheap one was answered with `{said}`");
    // Many small ones for one price each: the limit holds for what they cost in memory.
    for _ in 0..300 {
        let coin = coins.pop().context("a coin is left")?;
        offer(node, &txs::spend(&[coin], &[COIN / 20 - 5_000; 20]))?;
    }
    Ok(())
}
