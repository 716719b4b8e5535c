//! A chain that is read again: from its block files to the last coin.

use std::time::Duration;

use anyhow::{Result, ensure};
use bitcoin::{OutPoint, Txid};

use super::daemon::Daemon;
use super::{Figure, Run, txs};

/// Outputs that a block's transactions make and spend.
const FAN: usize = 500;

pub(super) fn run(run: &Run<'_>) -> Result<Vec<Figure>> {
    let blocks = run.scale(400);
    let daemon = run.program.start(run.dir, &["-maxtxfee=1000000"])?;
    build(&daemon, blocks)?;
    let height: u64 = daemon.connect()?.call("getblockcount", &[])?.as_int()?;
    daemon.stop()?;
    let mut figures = Vec::new();
    for option in ["-reindex-chainstate", "-reindex"] {
        let daemon = run.program.start(run.dir, &[option])?;
        let started = std::time::Instant::now();
        let mut connection = daemon.connect()?;
        while connection.call("getblockcount", &[])?.as_int::<u64>()? < height {
            ensure!(started.elapsed() < Duration::from_mins(10), "it did not come to height {height}");
            std::thread::sleep(Duration::from_millis(1));
        }
        let seconds = daemon.first_answer.as_secs_f64() + started.elapsed().as_secs_f64();
        figures.push(Figure::seconds(format!("{option} of {height} blocks"), seconds).target(0.7));
        daemon.stop()?;
    }
    Ok(figures)
}

/// Blocks that each split one coin into many and join those of the block before.
fn build(daemon: &Daemon, blocks: u32) -> Result<()> {
    daemon.mine(blocks + 100, txs::ADDRESS)?;
    let mut connection = daemon.connect()?;
    let mut last: Option<Txid> = None;
    for height in 1..=blocks {
        let hash = connection.call("getblockhash", &[height.into()])?;
        let block = connection.call("getblock", &[hash])?;
        let coinbase: Txid = block.get("tx").at(0).as_str()?.parse()?;
        let split = txs::spend(&[txs::first(coinbase)], &vec![10_000; FAN]);
        connection.call("sendrawtransaction", &[txs::hex(&split).into(), 0.into()])?;
        if let Some(txid) = last.replace(split.compute_txid()) {
            let coins: Vec<OutPoint> = (0..u32::try_from(FAN)?).map(|vout| OutPoint { txid, vout }).collect();
            let join = txs::spend(&coins, &[10_000]);
            connection.call("sendrawtransaction", &[txs::hex(&join).into(), 0.into()])?;
        }
        daemon.mine(1, txs::ADDRESS)?;
    }
    Ok(())
}
