//! Peers under the clock: a chain fetched from another daemon, a block passed on along a line of daemons, and what a
//! peer costs that says nothing.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bitcoin::Txid;
use rpc::Json;

use super::chain::reach;
use super::daemon::{Daemon, Program};
use super::madechain::{MadeChain, Recipe};
use super::{Figure, Run, net_dir, txs};
use crate::peer::{Character, Peer, Transport};

const MAGIC: [u8; 4] = [0xfa, 0xbf, 0xb5, 0xda];
/// How many daemons stand in the line: a block is passed on three times.
const LINE: usize = 4;
/// How many transactions each of its blocks has.
const PER_BLOCK: usize = 50;
/// How many peers are idle.
const IDLE: u32 = 125;
const STEP: Duration = Duration::from_micros(200);
const PATIENCE: Duration = Duration::from_mins(30);
/// How long a daemon may take to come to rest before its memory is looked at.
const REST: Duration = Duration::from_secs(2);

pub(super) fn run(run: &Run<'_>) -> Result<Vec<Figure>> {
    let mut figures = download(run)?;
    figures.extend(relay(run)?);
    figures.push(idle(run)?);
    Ok(figures)
}

/// A daemon that others can call.
struct Listening {
    daemon: Daemon,
    address: SocketAddr,
}

fn listen(program: &Program, dir: &Path, options: &[&str]) -> Result<Listening> {
    std::fs::create_dir_all(dir)?;
    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
    let bind = format!("-bind={address}");
    // The chain is old; all the same a daemon is to pass on what it gets.
    let mut all = vec!["-listen=1", "-listenonion=0", "-maxtipage=999999999", &bind];
    all.extend(options);
    Ok(Listening { daemon: program.start(dir, &all)?, address })
}

fn call(daemon: &Daemon, to: SocketAddr) -> Result<()> {
    daemon.connect()?.call("addnode", &[to.to_string().into(), "onetry".into()]).map(drop)
}

/// The bench's chain from a peer of each program that there is.
fn download(run: &Run<'_>) -> Result<Vec<Figure>> {
    let recipe = Recipe { splits: run.scale(1000), fan: 1000, spending: run.scale(3900), pairs: 64 };
    let chain = MadeChain::of(recipe)?;
    let height = u64::from(recipe.height());
    let mut figures = Vec::new();
    for (index, program) in run.programs.iter().enumerate() {
        let dir = run.dir.join(format!("server{index}"));
        chain.copy(&net_dir(&dir), true)?;
        let server = listen(program, &dir, &["-reindex", "-dbcache=450"])?;
        reach(&server.daemon, height)?;
        let fetching = run.dir.join(format!("client{index}"));
        std::fs::create_dir_all(&fetching)?;
        let client = run.program.start(&fetching, &["-dbcache=450", "-listenonion=0"])?;
        let started = Instant::now();
        call(&client, server.address)?;
        reach(&client, height)?;
        let seconds = started.elapsed().as_secs_f64();
        let best = client.connect()?.call("getbestblockhash", &[])?;
        ensure!(best.as_str()? == chain.tip()?, "it came to another tip");
        let from = if index == 0 { "ours" } else { "theirs" };
        figures.push(Figure::seconds(format!("{height} blocks from {from}"), seconds).target(0.7));
        figures.push(Figure::mebibytes(format!("peak memory of that, from {from}"), client.peak_memory()?));
        client.stop()?;
        server.daemon.stop()?;
    }
    Ok(figures)
}

/// A block at one end of a line of daemons: how long until it is the tip at the other end.
fn relay(run: &Run<'_>) -> Result<Vec<Figure>> {
    // Whoever has this permission is told of transactions at once; only blocks are timed.
    let permission = "-whitelist=noban,in,out@127.0.0.1";
    let line: Vec<Listening> = (0..LINE)
        .map(|at| listen(run.program, &run.dir.join(format!("line{at}")), &[permission]))
        .collect::<Result<_>>()?;
    for pair in line.windows(2) {
        call(&pair[1].daemon, pair[0].address)?;
    }
    let (first, last) = (&line[0].daemon, &line[LINE - 1].daemon);
    let rounds = usize::try_from(run.scale(40).max(5))?;
    first.mine(101, txs::ADDRESS)?;
    let mut coins = split(first, rounds * PER_BLOCK)?;
    let (mut near, mut far) = (first.connect()?, last.connect()?);
    let tip = near.call("generatetoaddress", &[1.into(), txs::ADDRESS.into()])?;
    wait("the last one follows", || Ok(far.call("getbestblockhash", &[])? == tip.as_arr()?[0]))?;
    let mut times = Vec::new();
    for _ in 0..rounds {
        for (txid, vout, value) in coins.drain(..PER_BLOCK) {
            let tx = txs::spend(&[bitcoin::OutPoint { txid, vout }], &[value - 1000]);
            near.call("sendrawtransaction", &[txs::hex(&tx).into()])?;
        }
        wait("the last one has the transactions", || {
            Ok(far.call("getmempoolinfo", &[])?.get("size").as_int::<usize>()? == PER_BLOCK)
        })?;
        let started = Instant::now();
        let made = near.call("generatetoaddress", &[1.into(), txs::ADDRESS.into()])?;
        let making = started.elapsed();
        let hash = &made.as_arr()?[0];
        wait("the block has come", || Ok(far.call("getbestblockhash", &[])? == *hash))?;
        // What it took to find it is not what it took to pass it on.
        times.push(started.elapsed().saturating_sub(making).as_secs_f64() * 1000.0);
    }
    for it in line {
        it.daemon.stop()?;
    }
    times.sort_by(f64::total_cmp);
    let milliseconds = |name, value| Figure { unit: "ms", ..Figure::seconds(name, value) };
    Ok(vec![
        milliseconds("a block over 3 hops, median", times[times.len() / 2]).target(1.0),
        milliseconds("a block over 3 hops, 9 of 10", times[times.len() * 9 / 10]),
    ])
}

/// Makes coins of one coinbase, in a block.
fn split(daemon: &Daemon, count: usize) -> Result<Vec<(Txid, u32, u64)>> {
    let mut connection = daemon.connect()?;
    let hash = connection.call("getblockhash", &[1.into()])?;
    let block = connection.call("getblock", &[hash])?;
    let coinbase: Txid = block.get("tx").as_arr()?[0].as_str()?.parse().context("a transaction id")?;
    let value = 5_000_000_000 / u64::try_from(count + 1)?;
    let tx = txs::spend(&[txs::first(coinbase)], &vec![value; count]);
    connection.call("sendrawtransaction", &[txs::hex(&tx).into(), 0.into()])?;
    daemon.mine(1, txs::ADDRESS)?;
    let txid = tx.compute_txid();
    (0..count).map(|vout| Ok((txid, u32::try_from(vout)?, value))).collect()
}

/// What a peer costs that has introduced itself and is silent. Half of them want transactions.
fn idle(run: &Run<'_>) -> Result<Figure> {
    let node = listen(run.program, &run.dir.join("idle"), &[])?;
    node.daemon.mine(1, txs::ADDRESS)?;
    std::thread::sleep(REST);
    let before = node.daemon.memory()?;
    let mut peers = Vec::new();
    for number in 0..IDLE {
        let character = Character { relay: number % 2 == 0, ..Character::new(Transport::V2) };
        peers.push(Peer::at(node.address, MAGIC, &character)?);
    }
    let mut connection = node.daemon.connect()?;
    wait("all peers are there", || Ok(connection.call("getconnectioncount", &[])? == Json::from(IDLE)))?;
    std::thread::sleep(REST);
    let kibibytes = (node.daemon.memory()? - before) * 1024.0 / f64::from(IDLE);
    drop(peers);
    node.daemon.stop()?;
    Ok(Figure { unit: "KiB", ..Figure::mebibytes(format!("memory of an idle peer, of {IDLE}"), kibibytes) }.target(0.5))
}

fn wait(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let started = Instant::now();
    while !holds()? {
        ensure!(started.elapsed() < PATIENCE, "it never came true that {what}");
        std::thread::sleep(STEP);
    }
    Ok(())
}
