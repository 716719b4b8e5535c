//! A wallet at work: opening a large one, asking it, paying with one, and reading the chain again for one.
//!
//! The chain is a single chain of payments from one coinbase: each pays the large wallet, and one in a hundred a wallet
//! that only looks for it later. It is made once, by the program that runs first, without waiting for the disk. All start
//! from a copy of its block files and wallets, which shows on the way that they can be exchanged. What is timed waits for
//! the disk as it does for users.
//!
//! Our daemon runs twice, with the wallet in its process and with the wallet in one of its own. Both meet the same rival,
//! which has one process.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bitcoin::{OutPoint, ScriptBuf, Transaction, Txid};
use rpc::{Json, Object};

use super::daemon::{Daemon, Program};
use super::http::Connection;
use super::rpc::stream;
use super::{Figure, Run, net_dir, txs};

/// What each payment pays.
const PAYMENT: u64 = 10_000;
const FEE: u64 = 200;
/// Payments of one block.
const PER_BLOCK: u32 = 1_000;
/// One payment in so many is for the wallet that looks for it later.
const RARE: u32 = 100;
/// Payments that wait for a block at most: the rival cannot choose coins when more than 500 transactions of its wallet are
/// unconfirmed ("map::at").
const UNCONFIRMED: usize = 400;
/// A key that everybody knows.
const KEY: &str =
    "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK";

pub(super) fn run(run: &Run<'_>) -> Result<Vec<Figure>> {
    let twin = run.program.path.with_file_name("bitcoind");
    let is_split = run.program.path.file_name().is_some_and(|name| name == "bitcoin-node");
    if !is_split || !twin.exists() {
        let measured = measure(run.program, run.dir, run)?;
        return Ok(measured.iter().flat_map(|row| [row.named("1p"), row.named("2p")]).collect());
    }
    let (one, two) = (run.dir.join("one"), run.dir.join("two"));
    let mono = measure(&Program::ours(&twin), &one, run)?;
    let multi = measure(run.program, &two, run)?;
    Ok(mono.iter().zip(&multi).flat_map(|(mono, multi)| [mono.named("1p"), multi.named("2p")]).collect())
}

/// Seconds of one thing.
struct Row {
    name: String,
    seconds: f64,
}

impl Row {
    /// As a figure of a daemon with one process, or with two.
    fn named(&self, processes: &str) -> Figure {
        Figure::seconds(format!("{}, {processes}", self.name), self.seconds).target(0.5)
    }
}

/// One daemon, and the wallets it is asked about.
struct Bench {
    daemon: Daemon,
    connection: Connection,
    rows: Vec<Row>,
}

impl Bench {
    fn start(program: &Program, dir: &Path, options: &[&str], rows: Vec<Row>) -> Result<Bench> {
        let mut all = vec!["-fallbackfee=0.0001", "-walletbroadcast=1", "-persistmempool=0"];
        all.extend(options);
        let daemon = program.start(dir, &all)?;
        let connection = daemon.connect()?;
        Ok(Bench { daemon, connection, rows })
    }

    fn call(&mut self, method: &str, params: &[Json]) -> Result<Json> {
        self.connection.call(method, params)
    }

    /// Times a call, over and over.
    fn time(&mut self, name: impl Into<String>, times: u32, method: &str, params: &[Json]) -> Result<()> {
        let requests = vec![params.to_vec(); usize::try_from(times)?];
        let seconds = stream(&mut self.connection, method, &requests)?;
        self.rows.push(Row { name: name.into(), seconds: seconds / f64::from(times) });
        Ok(())
    }

    fn stop(self) -> Result<Vec<Row>> {
        drop(self.connection);
        self.daemon.stop()?;
        Ok(self.rows)
    }
}

fn measure(program: &Program, dir: &Path, run: &Run<'_>) -> Result<Vec<Row>> {
    let count = run.scale(100_000);
    let sends = run.scale(1_000);
    take_over(program, dir, count, sends)?;

    let mut bench = Bench::start(program, dir, &[], Vec::new())?;
    let names: Vec<Vec<Json>> = (0..10).map(|number| vec![Json::from(format!("new{number}"))]).collect();
    let seconds = stream(&mut bench.connection, "createwallet", &names)?;
    bench.rows.push(Row { name: "createwallet".into(), seconds: seconds / 10.0 });
    for name in names {
        bench.call("unloadwallet", &name)?;
    }
    bench.time(format!("load {count} transactions"), 1, "loadwallet", &["large".into()])?;
    let info = bench.call("getwalletinfo", &[])?;
    ensure!(info.get("txcount").as_int::<u32>()? >= count - count / RARE, "transactions are missing: {}", info.write());
    bench.time("getbalances", 10, "getbalances", &[])?;
    bench.time("listtransactions 10", 100, "listtransactions", &["*".into(), 10.into()])?;
    bench.time("listtransactions 1000", 10, "listtransactions", &["*".into(), 1000.into()])?;
    bench.time("listunspent all", 2, "listunspent", &[])?;
    bench.call("unloadwallet", &["large".into()])?;

    bench.call("loadwallet", &["payer".into()])?;
    let to = vec![Json::from(txs::ADDRESS), Json::amount(5_000)];
    let mut seconds = 0.0;
    for part in vec![to; usize::try_from(sends)?].chunks(UNCONFIRMED) {
        seconds += stream(&mut bench.connection, "sendtoaddress", part)?;
        bench.daemon.mine(1, txs::ADDRESS)?;
        bench.call("syncwithvalidationinterfacequeue", &[])?;
    }
    bench.rows.push(Row { name: format!("sendtoaddress x{sends}"), seconds });
    bench.call("unloadwallet", &["payer".into()])?;

    rescan(&mut bench, "rescan, every block", "plain", count)?;
    let rows = bench.stop()?;

    let mut bench = Bench::start(program, dir, &["-blockfilterindex=1"], rows)?;
    let tip = bench.call("getblockcount", &[])?;
    let started = Instant::now();
    while *bench.call("getindexinfo", &[])?.get("basic block filter index").get("best_block_height") != tip {
        ensure!(started.elapsed().as_secs() < 600, "the index is not built");
        std::thread::sleep(Duration::from_millis(20));
    }
    rescan(&mut bench, "rescan, with filters", "filtered", count)?;
    bench.stop()
}

/// Times reading the whole chain for a wallet that knows nothing of it.
fn rescan(bench: &mut Bench, name: &str, wallet: &str, count: u32) -> Result<()> {
    let descriptor = watched(bench)?;
    let (no, yes) = (Json::Bool(false), Json::Bool(true));
    bench.call("createwallet", &[wallet.into(), yes.clone(), yes, "".into(), no])?;
    let request = Object::new().with("desc", descriptor).with("timestamp", "now").with("range", 999);
    bench.call("importdescriptors", &[Json::Arr(vec![request.into()])])?;
    bench.time(name, 1, "rescanblockchain", &[0.into()])?;
    let found = bench.call("getwalletinfo", &[])?.get("txcount").as_int::<u32>()?;
    ensure!(found == count / RARE, "{found} of {} payments were found", count / RARE);
    bench.call("unloadwallet", &[wallet.into()])?;
    Ok(())
}

/// The descriptor of the wallet that looks later.
fn watched(bench: &mut Bench) -> Result<Json> {
    let info = bench.call("getdescriptorinfo", &[format!("wpkh({KEY}/7/*)").into()])?;
    Ok(info.get("descriptor").clone())
}

/// A directory with the chain and the wallets.
static GROUND: OnceLock<tempfile::TempDir> = OnceLock::new();

/// Gives a program the chain and the wallets, which it makes itself if it is the first.
fn take_over(program: &Program, dir: &Path, count: u32, sends: u32) -> Result<()> {
    let ground = if let Some(ground) = GROUND.get() {
        ground
    } else {
        let ground = tempfile::Builder::new().prefix("bench-wallet-").tempdir()?;
        let mut bench = Bench::start(program, ground.path(), &["-unsafesqlitesync"], Vec::new())?;
        fill(&mut bench, count, sends)?;
        bench.stop()?;
        GROUND.get_or_init(|| ground)
    };
    for part in ["blocks", "wallets"] {
        copy(&net_dir(ground.path()).join(part), &net_dir(dir).join(part))?;
    }
    let height = sends.div_ceil(PER_BLOCK) + count.div_ceil(PER_BLOCK) + FIRST_BLOCKS;
    let mut bench = Bench::start(program, dir, &["-reindex"], Vec::new())?;
    let started = Instant::now();
    while bench.call("getblockcount", &[])?.as_int::<u32>()? < height {
        ensure!(started.elapsed() < Duration::from_mins(10), "it did not come to height {height}");
        std::thread::sleep(Duration::from_millis(20));
    }
    bench.stop().map(drop)
}

/// Copies a directory; what is no part of the blocks or of a wallet stays.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), target)?;
        } else if entry.file_name() != "index" {
            copy(&entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Blocks before the first payment, so that the first coinbase is ripe.
const FIRST_BLOCKS: u32 = 110;

/// Makes the chain, the large wallet and the one that pays.
fn fill(bench: &mut Bench, count: u32, sends: u32) -> Result<()> {
    bench.daemon.mine(FIRST_BLOCKS, txs::ADDRESS)?;
    let descriptor = watched(bench)?;
    let rare = bench.call("deriveaddresses", &[descriptor, Json::Arr(vec![0.into(), 99.into()])])?;
    let rare: Vec<ScriptBuf> = rare.as_arr()?.iter().map(|address| script(address.as_str()?)).collect::<Result<_>>()?;

    let mut chain = Chain { coin: coinbase(bench, 1)?, value: 5_000_000_000 };
    bench.call("createwallet", &["payer".into()])?;
    let payees = addresses(bench, 50)?;
    let payments = (0..sends).map(|number| chain.pay(&payees[number as usize % payees.len()], 100_000));
    let payments: Vec<String> = payments.collect();
    mine(bench, &payments)?;
    bench.call("unloadwallet", &["payer".into()])?;

    bench.call("createwallet", &["large".into()])?;
    let payees = addresses(bench, 500)?;
    let mut made = 0;
    while made < count {
        let block: Vec<String> = (made..count.min(made + PER_BLOCK))
            .map(|number| {
                let to = if number % RARE == 0 { &rare } else { &payees };
                chain.pay(&to[(number / RARE) as usize % to.len()], PAYMENT)
            })
            .collect();
        made += u32::try_from(block.len())?;
        mine(bench, &block)?;
    }
    bench.call("syncwithvalidationinterfacequeue", &[])?;
    bench.call("unloadwallet", &["large".into()])?;
    Ok(())
}

/// A coin that pays and pays.
struct Chain {
    coin: OutPoint,
    value: u64,
}

impl Chain {
    /// The next payment.
    fn pay(&mut self, to: &ScriptBuf, amount: u64) -> String {
        self.value -= amount + FEE;
        let mut tx: Transaction = txs::spend(&[self.coin], &[self.value, amount]);
        tx.output[1].script_pubkey = to.clone();
        self.coin = txs::first(tx.compute_txid());
        txs::hex(&tx)
    }
}

/// A block with these.
fn mine(bench: &mut Bench, txs: &[String]) -> Result<()> {
    for part in txs.chunks(PER_BLOCK as usize) {
        let list = Json::Arr(part.iter().map(|tx| Json::from(tx.as_str())).collect());
        bench.call("generateblock", &[txs::ADDRESS.into(), list])?;
    }
    Ok(())
}

fn coinbase(bench: &mut Bench, height: u32) -> Result<OutPoint> {
    let hash = bench.call("getblockhash", &[height.into()])?;
    let block = bench.call("getblock", &[hash])?;
    let txid: Txid = block.get("tx").at(0).as_str()?.parse()?;
    Ok(txs::first(txid))
}

fn addresses(bench: &mut Bench, count: u32) -> Result<Vec<ScriptBuf>> {
    (0..count).map(|_| script(bench.call("getnewaddress", &[])?.as_str()?)).collect()
}

fn script(address: &str) -> Result<ScriptBuf> {
    let address: bitcoin::Address<_> = address.parse().context("an address")?;
    Ok(address.assume_checked().script_pubkey())
}
