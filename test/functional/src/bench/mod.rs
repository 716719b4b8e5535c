//! The bench: our daemon and another one on the same work, in pairs, in one run on one machine.
//!
//! A workload is a function from a daemon to figures. The runner plays it with ours and with the rival in turn, now one
//! first, now the other, so that whatever else the machine does falls on both. What counts is the ratio: its median
//! over the pairs, and how far the pairs lie apart. Without a rival (`BITCOIND` names none) figures stand alone.
//!
//! [`daemon`] starts and stops a daemon with nothing in the way of the clock, [`http`] asks it as fast as it answers,
//! [`txs`] builds transactions that need no keys. The workloads are [`rpc`], [`mempool`], [`chain`], [`net`] and [`wallet`].

mod chain;
mod compare;
mod daemon;
mod growth;
mod http;
mod ipc;
mod keys;
mod madechain;
mod mempool;
mod net;
mod offers;
mod rpc;
mod table;
pub(crate) mod txs;
mod wallet;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use crate::args::Functional;
use crate::programs::{Programs, Shape};
use daemon::Program;

/// Whether more of a figure is better, or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Better {
    More,
    Less,
}

/// One figure of one run.
#[derive(Debug, Clone, PartialEq)]
struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    better: Better,
    /// The ratio, ours to theirs, that we mean to reach.
    target: Option<f64>,
}

impl Figure {
    fn seconds(name: impl Into<String>, value: f64) -> Figure {
        Figure { name: name.into(), value, unit: "s", better: Better::Less, target: None }
    }

    fn rate(name: impl Into<String>, value: f64) -> Figure {
        Figure { name: name.into(), value, unit: "1/s", better: Better::More, target: None }
    }

    fn mebibytes(name: impl Into<String>, value: f64) -> Figure {
        Figure { name: name.into(), value, unit: "MiB", better: Better::Less, target: None }
    }

    fn target(mut self, ratio: f64) -> Figure {
        self.target = Some(ratio);
        self
    }
}

/// What a workload is given.
#[derive(Debug)]
struct Run<'a> {
    program: &'a Program,
    /// Ours, and the rival if there is one: whom a daemon talks to.
    programs: &'a [Program],
    /// An empty directory.
    dir: &'a Path,
    /// A tenth of the work, to see that everything works.
    quick: bool,
}

impl Run<'_> {
    /// `full` units of work, or a tenth.
    fn scale(&self, full: u32) -> u32 {
        if self.quick { (full / 10).max(1) } else { full }
    }
}

type Work = fn(&Run<'_>) -> Result<Vec<Figure>>;

const WORKLOADS: [(&str, &str, Work); 8] = [
    ("rpc", "start, generate, JSON-RPC requests, stop", rpc::run),
    ("mempool", "transactions into the pool, templates out of it", mempool::run),
    ("crowd", "transactions into a small pool and into a large one", mempool::growth),
    ("chain", "reading a chain again, cold start, reorganisation, memory, disk", chain::run),
    ("growth", "blocks on top of few and of many coins", growth::run),
    ("net", "a chain from a peer, a block over three hops, memory of idle peers", net::run),
    ("ipc", "Cap'n Proto calls over a unix socket, and objects", ipc::run),
    ("wallet", "opening a large wallet, asking it, paying, reading the chain again", wallet::run),
];

/// Plays the workloads that the command line names. Answers whether all of them could be played.
pub fn run(args: &Functional) -> Result<bool> {
    let bitcoin = coin::by_id("bitcoin").context("bitcoin is a coin")?;
    let ours = Programs::find(bitcoin, Shape::Multi, &args.bin, |_| None).ours;
    let named = Programs::from_environment(bitcoin, Shape::Multi, &args.bin);
    let rival = named.foreign.then(|| named.daemon.path().to_owned());
    let pairs = args.pairs.unwrap_or(3).max(1);
    let chosen: Vec<_> = WORKLOADS
        .iter()
        .filter(|(name, ..)| args.filters.is_empty() || args.filters.iter().any(|filter| filter == name))
        .collect();
    if chosen.is_empty() {
        bail!("no such workload; known: {}", WORKLOADS.map(|(name, ..)| name).join(", "));
    }
    println!("ours:  {}", ours.display());
    match &rival {
        Some(rival) => println!("rival: {}", rival.display()),
        None => println!("no rival: name one with BITCOIND=/path/to/bitcoind"),
    }
    if args.compare {
        let rival = rival.context("--compare needs a rival: name one with BITCOIND=/path/to/bitcoind")?;
        return compare::run(&ours, &rival, if args.quick { 5000 } else { 50_000 });
    }
    let mut report = Vec::new();
    for (name, about, work) in chosen {
        println!("\n== {name}: {about}");
        let rows = play(*work, &ours, rival.as_deref(), pairs, args.quick)?;
        print!("{}", table::text(&rows));
        report.push(((*name).to_owned(), rows));
    }
    if let Some(file) = &args.json {
        std::fs::write(file, table::json(&report)).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(true)
}

/// The figures of one kind, of every pair in order.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    figure: Figure,
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

fn play(work: Work, ours: &Path, rival: Option<&Path>, pairs: usize, quick: bool) -> Result<Vec<Row>> {
    let mut order = Vec::new();
    let programs: Vec<Program> = [Program::ours(ours)].into_iter().chain(rival.map(Program::rival)).collect();
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    for pair in 0..pairs {
        let mut turns = vec![(Program::ours(ours), true)];
        turns.extend(rival.map(|rival| (Program::rival(rival), false)));
        if pair % 2 == 1 {
            turns.reverse();
        }
        for (program, is_ours) in turns {
            let dir = tempfile::Builder::new().prefix("bench-").tempdir()?;
            let figures = work(&Run { program: &program, programs: &programs, dir: dir.path(), quick });
            let figures = figures.with_context(|| format!("with {}", program.path.display()))?;
            for figure in figures {
                let name = figure.name.clone();
                let row = rows.entry(name.clone()).or_insert_with(|| {
                    order.push(name);
                    Row { figure: figure.clone(), ours: vec![], theirs: vec![] }
                });
                let side = if is_ours { &mut row.ours } else { &mut row.theirs };
                side.push(figure.value);
            }
        }
    }
    Ok(order.iter().filter_map(|name| rows.remove(name)).collect())
}

/// The directory of the chain in a data directory.
fn net_dir(dir: &Path) -> PathBuf {
    dir.join("regtest")
}
