//! Blocks on top of few coins and of many: what one costs must not depend on how many there are. Both daemons run at the
//! same time and take their blocks in turns, so that whatever else the machine does falls on both. They start on a cold disk
//! with nothing in memory, and the first block comes when they have done what they do after a start.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rpc::Json;

use super::chain::{forget_pages, reach};
use super::daemon::Daemon;
use super::http::{Connection, body};
use super::madechain::{MadeChain, Recipe};
use super::{Figure, Run, net_dir};

/// A daemon that has its coins, and the blocks that it has not seen yet.
struct Side {
    coins: u32,
    daemon: Daemon,
    blocks: Vec<String>,
    tip: String,
    taken: Duration,
}

pub(super) fn run(run: &Run<'_>) -> Result<Vec<Figure>> {
    let [mut few, mut many] = [Side::begin(run, run.scale(100))?, Side::begin(run, run.scale(5000))?];
    few.daemon.settle()?;
    many.daemon.settle()?;
    let mut miners = [few.daemon.connect()?, many.daemon.connect()?];
    ensure!(few.blocks.len() == many.blocks.len(), "the two chains have different numbers of blocks");
    let count = few.blocks.len();
    for n in 0..count {
        few.submit(&mut miners[0], n)?;
        many.submit(&mut miners[1], n)?;
    }
    let mut figures = Vec::new();
    let mut costs = Vec::new();
    for side in [few, many] {
        let each = side.taken.as_secs_f64() / f64::from(u32::try_from(count)?);
        let name = format!("a block of 400 spends, {} thousand coins", side.coins);
        figures.push(Figure::seconds(name, each).target(1.0));
        costs.push(each);
        side.end()?;
    }
    figures.push(Figure { unit: "x", ..Figure::seconds("growth of that", costs[1] / costs[0]) }.target(1.0));
    Ok(figures)
}

impl Side {
    fn begin(run: &Run<'_>, splits: u32) -> Result<Side> {
        let recipe = Recipe { splits, fan: 1000, spending: 200, pairs: 200 };
        let chain = MadeChain::of(recipe)?;
        let dir = run.dir.join(splits.to_string());
        fs::create_dir_all(&dir)?;
        chain.copy(&net_dir(&dir), false)?;
        let daemon = run.program.start(&dir, &["-reindex", "-dbcache=450"])?;
        reach(&daemon, recipe.base().into())?;
        daemon.stop()?;
        forget_pages(&dir)?;
        let daemon = run.program.start(&dir, &["-dbcache=450"])?;
        let blocks = chain.spending()?;
        let coins = splits * recipe.fan / 1000;
        Ok(Side { coins, daemon, blocks, tip: chain.tip()?, taken: Duration::ZERO })
    }

    fn submit(&mut self, miner: &mut Connection, n: usize) -> Result<()> {
        let request = miner.request(&body("submitblock", &[Json::from(self.blocks[n].as_str())]));
        let started = Instant::now();
        let answer = miner.exchange(&request)?;
        self.taken += started.elapsed();
        let answer = rpc::json::parse(answer).context("the answer is not JSON")?;
        ensure!(answer.get("result").is_null(), "a block was refused: {}", answer.write());
        Ok(())
    }

    fn end(self) -> Result<()> {
        let tip = self.daemon.connect()?.call("getbestblockhash", &[])?;
        ensure!(tip.as_str()? == self.tip, "it ended on another tip");
        self.daemon.stop().map(drop)
    }
}
