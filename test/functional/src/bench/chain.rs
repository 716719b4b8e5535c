//! A chain that is read again: from its block files to the last coin; then a cold start, a reorganisation, and what all
//! of it takes in memory and on the disk.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::daemon::Daemon;
use super::madechain::{MadeChain, Recipe};
use super::{Figure, Run, net_dir};

/// Blocks that are taken back and put on again.
const DEPTH: u64 = 100;
const PATIENCE: Duration = Duration::from_mins(30);

pub(super) fn run(run: &Run<'_>) -> Result<Vec<Figure>> {
    let recipe = Recipe { splits: run.scale(1000), fan: 1000, spending: run.scale(3900), pairs: 64 };
    let chain = MadeChain::of(recipe)?;
    let given = chain.copy(&net_dir(run.dir), true)?;
    let height = u64::from(recipe.height());
    let mut figures = Vec::new();
    for option in ["-reindex", "-reindex-chainstate"] {
        let started = Instant::now();
        let daemon = run.program.start(run.dir, &[option, "-dbcache=450"])?;
        reach(&daemon, height)?;
        let seconds = started.elapsed().as_secs_f64();
        figures.push(Figure::seconds(format!("{option} of {height} blocks"), seconds).target(0.7));
        figures.push(Figure::mebibytes(format!("peak memory of {option}"), daemon.peak_memory()?).target(1.0));
        let stopped = daemon.stop()?.as_secs_f64();
        figures.push(Figure::seconds(format!("stop after {option}"), stopped));
        if option == "-reindex" {
            let more = bytes_in(run.dir)?.saturating_sub(given);
            let mebibytes = f64::from(u32::try_from(more >> 10)?) / 1024.0;
            figures.push(Figure::mebibytes("on disk beside the blocks", mebibytes).target(1.0));
        }
    }
    forget_pages(run.dir)?;
    let daemon = run.program.start(run.dir, &["-dbcache=450"])?;
    figures.push(Figure::seconds("cold start", daemon.first_answer.as_secs_f64()).target(0.3));
    reorganise(&daemon, height, &mut figures)?;
    let mut connection = daemon.connect()?;
    let started = Instant::now();
    let coins = connection.call("gettxoutsetinfo", &[])?;
    figures.push(Figure::seconds("gettxoutsetinfo", started.elapsed().as_secs_f64()));
    ensure!(coins.get("bestblock").as_str()? == chain.tip()?, "it ended on another tip");
    for field in ["txouts", "hash_serialized_3"] {
        chain.agree(field, &coins.get(field).write())?;
    }
    daemon.stop()?;
    Ok(figures)
}

/// Waits until it has come to this height.
pub(super) fn reach(daemon: &Daemon, height: u64) -> Result<()> {
    let started = Instant::now();
    let mut connection = daemon.connect()?;
    while connection.call("getblockcount", &[])?.as_int::<u64>()? < height {
        ensure!(started.elapsed() < PATIENCE, "it did not come to height {height}");
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn reorganise(daemon: &Daemon, height: u64, figures: &mut Vec<Figure>) -> Result<()> {
    let mut connection = daemon.connect()?;
    let first = connection.call("getblockhash", &[(height - DEPTH + 1).into()])?;
    for (method, left) in [("invalidateblock", height - DEPTH), ("reconsiderblock", height)] {
        let started = Instant::now();
        connection.call(method, std::slice::from_ref(&first))?;
        let seconds = started.elapsed().as_secs_f64();
        figures.push(Figure::seconds(format!("{method}, {DEPTH} blocks"), seconds).target(1.0));
        let count: u64 = connection.call("getblockcount", &[])?.as_int()?;
        ensure!(count == left, "{method} left the tip at {count}");
    }
    Ok(())
}

/// Bytes of all files below a directory, as the disk counts them.
fn bytes_in(dir: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt as _;
    let mut sum = 0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let about = entry.metadata()?;
        sum += if about.is_dir() { bytes_in(&entry.path())? } else { about.blocks() * 512 };
    }
    Ok(sum)
}

/// Asks the system to forget what it has read of a directory, so that the next start finds a cold disk.
pub(super) fn forget_pages(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.metadata()?.is_dir() {
            forget_pages(&entry.path())?;
        } else if entry.metadata()?.is_file() {
            let file = fs::File::open(entry.path())?;
            file.sync_all()?;
            nix::fcntl::posix_fadvise(&file, 0, 0, nix::fcntl::PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
        }
    }
    Ok(())
}
