//! Transactions into the pool: side by side, in chains, in place of others; and templates out of it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use bitcoin::{OutPoint, Txid};
use rpc::{Json, Object};

use super::daemon::Daemon;
use super::http::{Connection, body};
use super::{Figure, Run, txs};

/// Value of an output to spend.
const COIN: u64 = 100_000;
const FEE: u64 = 1_000;
/// Outputs of one preparing transaction: what a standard one has room for.
const FAN: usize = 1_000;
/// Transactions in one chain: as many as the default policy lets through.
const LENGTH: usize = 25;

/// Transactions in the pool that a template is made from.
const CROWD: u32 = 100_000;

pub(super) fn run(run: &Run<'_>) -> Result<Vec<Figure>> {
    let daemon = run.program.start(run.dir, &["-maxmempool=1000"])?;
    let (count, crowd) = (usize::try_from(run.scale(20_000))?, usize::try_from(run.scale(CROWD))?);
    let coins = prepare(&daemon, crowd - count + count / LENGTH)?;
    let (single, rest) = coins.split_at(count);
    let (chained, crowd) = rest.split_at(count / LENGTH);
    let mut connection = daemon.connect()?;

    let seconds = send(&mut connection, &simple(single, FEE))?;
    let mut figures = vec![Figure::rate(format!("accept {count} independent"), per_second(count, seconds)).target(1.5)];

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
    let seconds = send(&mut connection, &chains)?;
    let name = format!("accept {} in chains of {LENGTH}", chains.len());
    figures.push(Figure::rate(name, per_second(chains.len(), seconds)).target(1.5));

    let replaced = simple(&single[..count / 5], 5 * FEE);
    let seconds = send(&mut connection, &replaced)?;
    figures.push(Figure::rate(format!("replace {}", replaced.len()), per_second(replaced.len(), seconds)).target(1.5));

    // What each further transaction takes: tables of a fixed size were filled by those before.
    let before = daemon.memory()?;
    send(&mut connection, &simple(crowd, FEE))?;
    let pool = connection.call("getmempoolinfo", &[])?;
    let size: usize = pool.get("size").as_int()?;
    ensure!(size == count + chains.len() + crowd.len(), "{size} transactions are in the pool");
    let bytes = (daemon.memory()? - before) * 1024.0 * 1024.0 / per_second(crowd.len(), 1.0);
    figures.push(Figure { unit: "B", ..Figure::mebibytes("memory per transaction", bytes).target(1.0) });

    let rules = Json::from(Object::new().with("rules", Json::Arr(vec!["segwit".into()])));
    let mut seconds = Vec::new();
    for shift in 0..5_u64 {
        // A template is kept for some seconds; another time asks for another one.
        let now = connection.call("getblockchaininfo", &[])?.get("time").as_int::<u64>()?;
        connection.call("setmocktime", &[(now + 60 + shift * 60).into()])?;
        let started = Instant::now();
        connection.call("getblocktemplate", std::slice::from_ref(&rules))?;
        seconds.push(started.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    figures.push(Figure::seconds(format!("getblocktemplate from {size}"), seconds[2]).target(0.5));
    connection.call("setmocktime", &[0.into()])?;

    let stopped = daemon.stop()?.as_secs_f64();
    figures.push(Figure::seconds(format!("stop with {size} in the pool"), stopped));
    let daemon = run.program.start(run.dir, &["-maxmempool=1000"])?;
    let started = Instant::now();
    let mut connection = daemon.connect()?;
    while !connection.call("getmempoolinfo", &[])?.get("loaded").is_true() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let loaded = daemon.first_answer.as_secs_f64() + started.elapsed().as_secs_f64();
    figures.push(Figure::seconds(format!("start with {size} in mempool.dat"), loaded).target(0.7));
    let again: usize = connection.call("getmempoolinfo", &[])?.get("size").as_int()?;
    ensure!(again == size, "{again} of {size} transactions are there after a restart");
    daemon.stop()?;
    Ok(figures)
}

/// From a small pool to a large one: what a transaction costs must not depend on how many there are.
pub(super) fn growth(run: &Run<'_>) -> Result<Vec<Figure>> {
    let daemon = run.program.start(run.dir, &["-maxmempool=2000", "-persistmempool=0"])?;
    let (step, most) = (usize::try_from(run.scale(10_000))?, usize::try_from(run.scale(300_000))?);
    let coins = prepare(&daemon, most)?;
    let mut connection = daemon.connect()?;
    let first = send(&mut connection, &simple(&coins[..step], FEE))?;
    send(&mut connection, &simple(&coins[step..most - step], FEE))?;
    let last = send(&mut connection, &simple(&coins[most - step..], FEE))?;
    daemon.stop()?;
    Ok(vec![
        Figure::rate(format!("accept, the first {step}"), per_second(step, first)),
        Figure::rate(format!("accept, the last {step} of {most}"), per_second(step, last)),
        Figure { unit: "x", ..Figure::seconds("growth of what one costs", last / first) }.target(1.0),
    ])
}

/// A transaction for each coin.
fn simple(coins: &[OutPoint], fee: u64) -> Vec<String> {
    coins.iter().map(|coin| txs::hex(&txs::spend(&[*coin], &[COIN - fee]))).collect()
}

/// Transactions in one request.
const BATCH: usize = 250;

/// Offers transactions; answers the seconds.
fn send(connection: &mut Connection, txs: &[String]) -> Result<f64> {
    let mut seconds = 0.0;
    for txs in txs.chunks(BATCH) {
        let calls: Vec<_> = txs.iter().map(|tx| body("sendrawtransaction", &[tx.clone().into(), 0.into()])).collect();
        let request = connection.request(&format!("[{}]", calls.join(",")));
        let started = Instant::now();
        let answer = connection.exchange(&request)?;
        seconds += started.elapsed().as_secs_f64();
        let refused = rpc::json::parse(answer).context("the answer is not JSON")?;
        let refused = refused.as_arr()?.iter().find(|answer| !answer.get("error").is_null());
        ensure!(refused.is_none(), "sendrawtransaction: {}", refused.map(Json::write).unwrap_or_default());
    }
    Ok(seconds)
}

fn per_second(number: usize, seconds: f64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX)) / seconds
}

/// Confirmed outputs of [`COIN`] to spend.
fn prepare(daemon: &Daemon, count: usize) -> Result<Vec<OutPoint>> {
    let fans = count.div_ceil(FAN);
    daemon.mine(u32::try_from(fans)? + 100, txs::ADDRESS)?;
    let mut connection = daemon.connect()?;
    let mut coins = Vec::with_capacity(count);
    let heights: Vec<_> = (1..=fans).map(|height| ("getblockhash", vec![Json::from(height)])).collect();
    let hashes = results(connection.batch(&heights)?)?;
    let blocks: Vec<_> = hashes.into_iter().map(|hash| ("getblock", vec![hash])).collect();
    for (number, blocks) in blocks.chunks(20).enumerate() {
        let mut sent = Vec::new();
        for block in results(connection.batch(blocks)?)? {
            let txid: Txid = block.get("tx").at(0).as_str()?.parse()?;
            let tx = txs::spend(&[txs::first(txid)], &vec![COIN; FAN]);
            // It leaves nearly everything to the miner, on purpose.
            sent.push(("sendrawtransaction", vec![txs::hex(&tx).into(), 0.into()]));
            let txid = tx.compute_txid();
            coins.extend((0..u32::try_from(FAN)?).map(|vout| OutPoint { txid, vout }));
        }
        results(connection.batch(&sent)?).with_context(|| format!("preparing coins, part {number}"))?;
        daemon.mine(1, txs::ADDRESS)?;
    }
    daemon.mine(1, txs::ADDRESS)?;
    let left: u64 = connection.call("getmempoolinfo", &[])?.get("size").as_int()?;
    ensure!(left == 0, "{left} preparing transactions wait for a block");
    coins.truncate(count);
    Ok(coins)
}

fn results(outcomes: Vec<std::result::Result<Json, Json>>) -> Result<Vec<Json>> {
    outcomes.into_iter().map(|outcome| outcome.map_err(|error| anyhow!("{}", error.write()))).collect()
}
