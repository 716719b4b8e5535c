//! Times calls to whoever listens at a unix socket, a Core node as well as ours:
//! `cargo run --release -p ipc --example echo_bench -- PATH [SECONDS]`.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use interfaces::Echo;
use ipc::{Address, Connect, Ipc, Options};

/// Calls for as long as this, and returns how long each took.
fn calls(echo: &dyn Echo, text: &str, limit: Duration) -> Vec<Duration> {
    let end = Instant::now() + limit;
    let mut times = Vec::new();
    while Instant::now() < end {
        let start = Instant::now();
        if echo.echo(text).is_err() {
            break;
        }
        times.push(start.elapsed());
    }
    times
}

fn report(what: &str, mut times: Vec<Duration>, limit: Duration) -> std::io::Result<()> {
    times.sort();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    let rate = f64::from(u32::try_from(times.len()).unwrap_or(u32::MAX)) / limit.as_secs_f64();
    writeln!(std::io::stdout(), "{what}: p50 {:?}, p99 {:?}, {rate:.0} calls/s", at(50), at(99))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("usage: echo_bench PATH [SECONDS]")?;
    let seconds = std::env::args().nth(2).map_or(Ok(2), |text| text.parse())?;
    let limit = Duration::from_secs(seconds);
    let client = Ipc::new(Options::new("bench"));
    let to = Connect::To(Address::Unix(Some(path.into())));
    let peer = client.connect(&to, Path::new("/"), "node", None)?.ok_or("nobody is there")?;
    let echo = peer.init().make_echo()?.ok_or("no echo is offered")?;

    calls(&*echo, "warm", Duration::from_millis(200));
    report("1 thread", calls(&*echo, "hallo", limit), limit)?;
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let echo: Arc<dyn Echo> = echo.clone();
            std::thread::spawn(move || calls(&*echo, "hallo", limit))
        })
        .collect();
    let times = workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect();
    report("8 threads", times, limit)?;
    report("1 MB replies", calls(&*echo, &"x".repeat(1_000_000), limit), limit)?;
    Ok(())
}
