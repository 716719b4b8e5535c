//! What a person and a script feel: how soon the daemon answers, how fast, and how soon it is gone.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rpc::Json;

use super::daemon::Daemon;
use super::http::{Connection, body};
use super::{Figure, Run, txs};

/// Blocks of a chain that somebody tests with.
const SMALL: u32 = 200;

pub(super) fn run(run: &Run<'_>) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let daemon = run.program.start(run.dir, &[])?;
    figures.push(Figure::seconds("first answer, empty directory", daemon.first_answer.as_secs_f64()).target(0.25));
    let blocks = run.scale(1000);
    let started = Instant::now();
    daemon.mine(blocks, txs::ADDRESS)?;
    figures.push(Figure::seconds(format!("generatetoaddress {blocks}"), started.elapsed().as_secs_f64()).target(0.3));

    let tip = daemon.connect()?.call("getbestblockhash", &[])?;
    let while_for = Duration::from_millis(run.scale(2000).into());
    for connections in [1, 16] {
        let name = format!("getblockcount, {connections} connections");
        figures.push(rate(&daemon, &name, connections, while_for, &body("getblockcount", &[]))?);
        for verbosity in 0..=3_u32 {
            let request = body("getblock", &[tip.clone(), verbosity.into()]);
            let name = format!("getblock {verbosity}, {connections} connections");
            figures.push(rate(&daemon, &name, connections, while_for, &request)?);
        }
    }
    let many: Vec<String> = (0..1000).map(|_| body("getblockcount", &[])).collect();
    let batch = format!("[{}]", many.join(","));
    figures.push(rate(&daemon, "batch of 1000", 1, while_for, &batch)?);
    figures.push(Figure::mebibytes("memory", daemon.memory()?));
    figures.push(Figure::seconds("stop to exit", daemon.stop()?.as_secs_f64()).target(0.25));
    begin_again(run, run.dir, blocks, &mut figures)?.stop()?;

    // What a test suite has: a chain just long enough to spend from.
    let (small, more) = (run.dir.join("small"), run.scale(10_000));
    fs::create_dir(&small)?;
    let daemon = run.program.start(&small, &[])?;
    daemon.mine(SMALL, txs::ADDRESS)?;
    daemon.stop()?;
    let daemon = begin_again(run, &small, SMALL, &mut figures)?;
    let started = Instant::now();
    daemon.mine(more, txs::ADDRESS)?;
    figures.push(Figure::seconds(format!("generatetoaddress {more}"), started.elapsed().as_secs_f64()).target(0.3));
    daemon.stop()?;
    Ok(figures)
}

/// Starts a daemon that has a chain.
fn begin_again(run: &Run<'_>, dir: &Path, blocks: u32, figures: &mut Vec<Figure>) -> Result<Daemon> {
    let daemon = run.program.start(dir, &[])?;
    let height: u64 = daemon.connect()?.call("getblockcount", &[])?.as_int()?;
    ensure!(height == u64::from(blocks), "{height} of {blocks} blocks are there after a restart");
    let seconds = daemon.first_answer.as_secs_f64();
    figures.push(Figure::seconds(format!("first answer, {blocks} blocks"), seconds).target(0.25));
    Ok(daemon)
}

/// Requests per second, of connections that each wait for their answers. Time is what is given, not a number of
/// requests: some daemons take long to turn round on a connection. One thread asks on all of them in turn: threads that
/// take turns with the daemon's on the same processors would be most of what is measured.
fn rate(daemon: &Daemon, name: &str, connections: u32, time: Duration, body: &str) -> Result<Figure> {
    let open: Result<Vec<Connection>> = (0..connections).map(|_| daemon.connect()).collect();
    let mut open = open?;
    let request = open.first().context("no connection")?.request(body);
    let started = Instant::now();
    let mut answers = 0;
    for connection in &mut open {
        connection.send(&request)?;
    }
    while started.elapsed() < time {
        for connection in &mut open {
            connection.receive()?;
            connection.send(&request)?;
            answers += 1;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    for connection in &mut open {
        connection.receive()?;
    }
    Ok(Figure::rate(name, f64::from(answers) / seconds).target(2.0))
}

/// Calls a method over and over with other parameters, on one connection; answers the seconds.
pub(super) fn stream(connection: &mut Connection, method: &str, params: &[Vec<Json>]) -> Result<f64> {
    let requests: Vec<Vec<u8>> = params.iter().map(|params| connection.request(&body(method, params))).collect();
    let started = Instant::now();
    for request in &requests {
        connection.exchange(request).with_context(|| method.to_owned())?;
    }
    Ok(started.elapsed().as_secs_f64())
}
