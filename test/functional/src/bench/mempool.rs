//! Transactions into the pool: side by side, in chains, in place of others; and templates out of it.

use anyhow::{Context as _, Result, ensure};
use bitcoin::{OutPoint, Txid};
use rpc::{Json, Object};

use super::daemon::Daemon;
use super::rpc::stream;
use super::{Figure, Run, txs};

/// Value of an output to spend.
const COIN: u64 = 100_000;
const FEE: u64 = 1_000;
/// Outputs of one preparing transaction: what a standard one has room for.
const FAN: usize = 1_000;
/// Transactions in one chain: as many as the default policy lets through.
const LENGTH: usize = 25;

pub(super) fn run(run: &Run<'_>) -> Result<Vec<Figure>> {
    let daemon = run.program.start(run.dir, &["-maxmempool=1000"])?;
    let count = usize::try_from(run.scale(20_000))?;
    let coins = prepare(&daemon, count + count / LENGTH)?;
    let (single, chained) = coins.split_at(count);
    let mut connection = daemon.connect()?;
    let before = daemon.memory()?;

    let params = |txs: &[String]| txs.iter().map(|tx| vec![Json::from(tx.clone())]).collect::<Vec<_>>();
    let independent: Vec<String> = single.iter().map(|coin| txs::hex(&txs::spend(&[*coin], &[COIN - FEE]))).collect();
    let seconds = stream(&mut connection, "sendrawtransaction", &params(&independent))?;
    let per_second = |number: usize, seconds: f64| f64::from(u32::try_from(number).unwrap_or(u32::MAX)) / seconds;
    let mut figures = vec![Figure::rate(format!("accept {count} independent"), per_second(count, seconds)).target(1.5)];
    let bytes = (daemon.memory()? - before) * 1024.0 * 1024.0 / per_second(count, 1.0);
    figures.push(Figure { unit: "B", ..Figure::mebibytes("memory per transaction", bytes).target(1.0) });

    let mut chains = Vec::new();
    for coin in chained {
        let (mut from, mut value) = (*coin, COIN);
        for _ in 0..LENGTH {
            value -= FEE;
            let tx = txs::spend(&[from], &[value]);
            from = txs::first(tx.compute_txid());
            chains.push(txs::hex(&tx));
        }
    }
    let seconds = stream(&mut connection, "sendrawtransaction", &params(&chains))?;
    let name = format!("accept {} in chains of {LENGTH}", chains.len());
    figures.push(Figure::rate(name, per_second(chains.len(), seconds)).target(1.5));

    let replaced: Vec<String> =
        single.iter().take(count / 5).map(|coin| txs::hex(&txs::spend(&[*coin], &[COIN - 5 * FEE]))).collect();
    let seconds = stream(&mut connection, "sendrawtransaction", &params(&replaced))?;
    figures.push(Figure::rate(format!("replace {}", replaced.len()), per_second(replaced.len(), seconds)).target(1.5));

    let rules = Json::from(Object::new().with("rules", Json::Arr(vec!["segwit".into()])));
    let mut templates = Vec::new();
    for shift in 0..5_u64 {
        // A template is kept for some seconds; another time asks for another one.
        let now = connection.call("getblockchaininfo", &[])?.get("time").as_int::<u64>()?;
        connection.call("setmocktime", &[(now + 60 + shift * 60).into()])?;
        templates.push(vec![rules.clone()]);
        let seconds = stream(&mut connection, "getblocktemplate", &templates[templates.len() - 1..])?;
        if shift == 4 {
            figures.push(Figure::seconds("getblocktemplate", seconds).target(0.5));
        }
    }
    let pool = connection.call("getmempoolinfo", &[])?;
    let size: usize = pool.get("size").as_int()?;
    ensure!(size == count + chains.len(), "{size} of {} transactions are in the pool", count + chains.len());
    daemon.stop()?;
    let daemon = run.program.start(run.dir, &["-maxmempool=1000"])?;
    let started = std::time::Instant::now();
    let mut connection = daemon.connect()?;
    while !connection.call("getmempoolinfo", &[])?.get("loaded").is_true() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let loaded = daemon.first_answer.as_secs_f64() + started.elapsed().as_secs_f64();
    figures.push(Figure::seconds(format!("start with {size} in mempool.dat"), loaded).target(0.7));
    daemon.stop()?;
    Ok(figures)
}

/// Confirmed outputs of [`COIN`] to spend.
fn prepare(daemon: &Daemon, count: usize) -> Result<Vec<OutPoint>> {
    let fans = count.div_ceil(FAN);
    daemon.mine(u32::try_from(fans)? + 100, txs::ADDRESS)?;
    let mut connection = daemon.connect()?;
    let mut coins = Vec::with_capacity(count);
    for height in 1..=fans {
        let hash = connection.call("getblockhash", &[u64::try_from(height)?.into()])?;
        let block = connection.call("getblock", &[hash])?;
        let txid: Txid = block.get("tx").at(0).as_str()?.parse()?;
        let tx = txs::spend(&[txs::first(txid)], &vec![COIN; FAN]);
        // It leaves nearly everything to the miner, on purpose.
        let sent = connection.call("sendrawtransaction", &[txs::hex(&tx).into(), 0.into()]);
        sent.context("preparing coins")?;
        let txid = tx.compute_txid();
        coins.extend((0..u32::try_from(FAN)?).map(|vout| OutPoint { txid, vout }));
        if height % 20 == 0 {
            daemon.mine(1, txs::ADDRESS)?;
        }
    }
    daemon.mine(1, txs::ADDRESS)?;
    let left: u64 = connection.call("getmempoolinfo", &[])?.get("size").as_int()?;
    ensure!(left == 0, "{left} preparing transactions wait for a block");
    coins.truncate(count);
    Ok(coins)
}
