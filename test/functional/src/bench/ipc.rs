//! What another process feels that talks Cap'n Proto to the node: how long a call takes, how many go through, how fast
//! much data comes, and what an object costs that nobody uses.
//!
//! The client is [`crate::wire`], which does as little as a client can, so the server is what is timed; at the end our own
//! client library asks the same things. Both are the same for every daemon.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ::ipc::{Address, Connect, Ipc, Options};
use anyhow::{Context as _, Result, anyhow, ensure};
use bitcoin::{Amount, OutPoint, ScriptBuf, TxOut};

use super::daemon::{Daemon, Program};
use super::{Better, Figure, Run, txs};
use crate::wire::{BLOCK_TEMPLATE, Call, ECHO, INIT, MINING, Wire, in_context};

/// Methods: an interface and a number.
const MAKE_ECHO: (u64, u16) = (INIT, 1);
const MAKE_MINING: (u64, u16) = (INIT, 3);
const ECHO_ECHO: (u64, u16) = (ECHO, 1);
const GET_TIP: (u64, u16) = (MINING, 2);
const CREATE_NEW_BLOCK: (u64, u16) = (MINING, 4);
const GET_BLOCK: (u64, u16) = (BLOCK_TEMPLATE, 2);

/// Calls in flight when they are pipelined.
const WINDOW: u32 = 64;
/// Large answers in flight.
const LARGE_WINDOW: u32 = 4;
const THREADS: u32 = 8;
const MEGABYTE: usize = 1_000_000;

pub(super) fn run(run: &Run<'_>) -> Result<Vec<Figure>> {
    let socket = run.dir.join("n.sock");
    let bind = format!("-ipcbind=unix:{}", socket.display());
    let daemon = server(run.program).start(run.dir, &[&bind])?;
    let mut figures = Vec::new();
    let calls = run.scale(20_000);
    figures.extend(trips("echo, 1 thread", &[wire_times(&socket, calls)?]));
    figures.extend(trips("echo, 8 connections", &at_once(|| wire_times(&socket, calls / 2))?));
    figures.push(pipelined("echo, pipelined", &socket, Object::Echo, run.scale(100_000))?);
    daemon.mine(110, txs::ADDRESS)?;
    figures.extend(trips("getTip, 1 thread", &[tip_times(&socket, calls)?]));
    figures.push(pipelined("getTip, pipelined", &socket, Object::Tip, run.scale(100_000))?);
    figures.push(large(&socket, run.scale(200))?);
    figures.push(blocks(&daemon, &socket, run.scale(1000))?);
    figures.extend(idle(&daemon, &socket, run.scale(10_000))?);
    figures.extend(library(&socket, calls)?);
    daemon.stop()?;
    Ok(figures)
}

/// Core has two daemons, and one of them has no socket: whoever names that one means the other.
fn server(program: &Program) -> Program {
    let node: PathBuf = program.path.with_file_name("bitcoin-node");
    let mut program = program.clone();
    if program.path.file_name().is_some_and(|name| name == "bitcoind") && node.is_file() {
        program.path = node;
    }
    program
}

/// A connection, and a call that can be made on it again and again.
fn caller(socket: &Path, what: Object) -> Result<(Wire, Call)> {
    let (mut wire, init, thread) = Wire::open(socket)?;
    let method = match what {
        Object::Echo => MAKE_ECHO,
        Object::Tip => MAKE_MINING,
    };
    let object = wire.ask_cap(&in_context(init, method, thread))?;
    let call = match what {
        Object::Echo => echo(object, thread, b"hallo"),
        Object::Tip => in_context(object, GET_TIP, thread),
    };
    Ok((wire, call))
}

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    /// Which does nothing.
    Echo,
    /// Which looks something up.
    Tip,
}

fn echo(target: u32, thread: u32, text: &[u8]) -> Call {
    Call::new(target, ECHO_ECHO, &[thread], |builder, at| {
        let params = builder.object(at, 0, 2);
        builder.context(params);
        builder.bytes(params + 1, text, true);
    })
}

/// How long each of some calls took, one behind the other.
fn times(wire: &mut Wire, call: &Call, count: u32) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for _ in 0..count {
        let started = Instant::now();
        let answer = wire.ask(call)?;
        times.push(started.elapsed());
        // It goes with the next call, as with clients that gather what they send.
        wire.finish(answer.question, true);
    }
    Ok(times)
}

fn wire_times(socket: &Path, count: u32) -> Result<Vec<Duration>> {
    let (mut wire, call) = caller(socket, Object::Echo)?;
    times(&mut wire, &call, count / 10)?;
    times(&mut wire, &call, count)
}

fn tip_times(socket: &Path, count: u32) -> Result<Vec<Duration>> {
    let (mut wire, call) = caller(socket, Object::Tip)?;
    times(&mut wire, &call, count / 10)?;
    times(&mut wire, &call, count)
}

/// The same by several threads at once.
fn at_once(work: impl Fn() -> Result<Vec<Duration>> + Sync) -> Result<Vec<Vec<Duration>>> {
    thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(&work)).collect();
        workers.into_iter().map(|worker| worker.join().map_err(|_| anyhow!("a client panicked"))?).collect()
    })
}

/// The middle and the slow end of what all clients saw.
fn trips(name: &str, times: &[Vec<Duration>]) -> [Figure; 2] {
    let mut all: Vec<Duration> = times.iter().flatten().copied().collect();
    all.sort_unstable();
    let at = |part: usize| all.get(all.len() * part / 100).copied().unwrap_or_default().as_secs_f64() * 1e6;
    [micros(format!("{name}, p50"), at(50)).target(0.5), micros(format!("{name}, p99"), at(99))]
}

fn micros(name: String, value: f64) -> Figure {
    Figure { name, value, unit: "us", better: Better::Less, target: None }
}

/// Keeps so many calls in flight until all are answered.
fn flood(
    wire: &mut Wire,
    call: &Call,
    count: u32,
    window: u32,
    mut check: impl FnMut(usize) -> Result<()>,
) -> Result<()> {
    for _ in 0..window.min(count) {
        wire.queue(call);
    }
    wire.flush()?;
    let (mut asked, mut answered) = (window.min(count), 0);
    while answered < count {
        // What has come already is answered with one message, as a client does that reads all there is.
        let answer = wire.answer()?;
        check(answer.bytes)?;
        answered += 1;
        wire.finish(answer.question, true);
        if asked < count {
            wire.queue(call);
            asked += 1;
        }
        if !wire.has_more() {
            wire.flush()?;
        }
    }
    wire.flush()
}

fn pipelined(name: &str, socket: &Path, what: Object, count: u32) -> Result<Figure> {
    let (mut wire, call) = caller(socket, what)?;
    flood(&mut wire, &call, count / 10, WINDOW, |_| Ok(()))?;
    let started = Instant::now();
    flood(&mut wire, &call, count, WINDOW, |_| Ok(()))?;
    Ok(Figure::rate(name, f64::from(count) / started.elapsed().as_secs_f64()).target(2.0))
}

/// Answers of a megabyte, each waited for. The question is as large.
fn large(socket: &Path, count: u32) -> Result<Figure> {
    let (mut wire, init, thread) = Wire::open(socket)?;
    let object = wire.ask_cap(&in_context(init, MAKE_ECHO, thread))?;
    let call = echo(object, thread, &vec![b'x'; MEGABYTE]);
    let started = Instant::now();
    for _ in 0..count {
        let answer = wire.ask(&call)?;
        ensure!(answer.bytes > MEGABYTE, "an answer of {} bytes", answer.bytes);
        wire.finish(answer.question, true);
    }
    Ok(Figure::rate("echo of 1 MB", f64::from(count) / started.elapsed().as_secs_f64()).target(2.0))
}

/// Blocks of a megabyte, from a template: a few in flight, as whoever reads a chain has them.
fn blocks(daemon: &Daemon, socket: &Path, count: u32) -> Result<Figure> {
    fill_pool(daemon)?;
    let (mut wire, init, thread) = Wire::open(socket)?;
    let mining = wire.ask_cap(&in_context(init, MAKE_MINING, thread))?;
    let create = Call::new(mining, CREATE_NEW_BLOCK, &[thread], |builder, at| {
        let params = builder.object(at, 1, 2);
        // No pause before it: the default is true, and defaults are turned around.
        builder.set(params, 1);
        builder.context(params + 1);
    });
    let template = wire.ask_cap(&create)?;
    let call = in_context(template, GET_BLOCK, thread);
    let started = Instant::now();
    flood(&mut wire, &call, count, LARGE_WINDOW, |bytes| {
        ensure!(bytes > MEGABYTE * 9 / 10, "a block of {bytes} bytes");
        Ok(())
    })?;
    Ok(Figure::rate("blocks of 1 MB, streamed", f64::from(count) / started.elapsed().as_secs_f64()).target(2.0))
}

/// Transactions of a megabyte into the pool.
fn fill_pool(daemon: &Daemon) -> Result<()> {
    const DATA: usize = 95_000;
    let mut connection = daemon.connect()?;
    for height in 1..=10_u32 {
        let hash = connection.call("getblockhash", &[height.into()])?;
        let block = connection.call("getblock", &[hash])?;
        let from = OutPoint { txid: block.get("tx").at(0).as_str()?.parse()?, vout: 0 };
        let mut tx = txs::spend(&[from], &[4_000_000_000]);
        let mut script = vec![0x6a, 0x4e];
        script.extend(u32::try_from(DATA)?.to_le_bytes());
        script.resize(script.len() + DATA, 0x51);
        tx.output.push(TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from_bytes(script) });
        connection.call("sendrawtransaction", &[txs::hex(&tx).into(), 0.into()])?;
    }
    Ok(())
}

/// Objects that a client has and does not use.
fn idle(daemon: &Daemon, socket: &Path, count: u32) -> Result<[Figure; 2]> {
    let (mut wire, init, thread) = Wire::open(socket)?;
    let call = in_context(init, MAKE_ECHO, thread);
    let before = daemon.memory()?;
    let started = Instant::now();
    let mut made = 0;
    while made < count {
        let now = WINDOW.min(count - made);
        for _ in 0..now {
            wire.queue(&call);
        }
        wire.flush()?;
        for _ in 0..now {
            let answer = wire.answer()?;
            answer.cap.context("no object in the answer")?;
            wire.finish(answer.question, false);
        }
        made += now;
    }
    wire.flush()?;
    let seconds = started.elapsed().as_secs_f64();
    let grown = (daemon.memory()? - before).max(0.0) * 1024.0 * 1024.0 / f64::from(count);
    let bytes =
        Figure { name: "memory of an object".into(), value: grown, unit: "B", better: Better::Less, target: None };
    Ok([Figure::seconds(format!("{count} idle objects"), seconds), bytes])
}

/// The same with our own client: one connection, which all threads share.
fn library(socket: &Path, count: u32) -> Result<Vec<Figure>> {
    let client = Ipc::new(Options::new("bench"));
    let to = Connect::To(Address::Unix(Some(socket.to_owned())));
    let peer = client.connect(&to, Path::new("/"), "node", None)?.context("nobody is there")?;
    let echo = peer.init().make_echo()?.context("no echo is offered")?;
    let work = || -> Result<Vec<Duration>> {
        let echo = Arc::clone(&echo);
        let mut times = Vec::new();
        for _ in 0..count / 2 {
            let started = Instant::now();
            let answer = echo.echo("hallo")?;
            times.push(started.elapsed());
            ensure!(answer == "hallo", "echo answered {answer}");
        }
        Ok(times)
    };
    let mut figures = trips("our client, 1 thread", &[work()?]).to_vec();
    figures.extend(trips("our client, 8 threads", &at_once(work)?));
    Ok(figures)
}
