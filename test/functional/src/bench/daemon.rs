//! A daemon under the clock: from exec to the first answer, and from `stop` to the end.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rpc::Json;

use super::http::Connection;
use super::net_dir;

/// Between two attempts to reach a daemon that starts: short, because it is what is measured.
const STEP: Duration = Duration::from_micros(500);
const DEADLINE: Duration = Duration::from_mins(2);
/// Who does nothing for so long has nothing to do.
const QUIET: Duration = Duration::from_secs(1);

/// A daemon's executable.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    more: Vec<String>,
}

impl Program {
    pub(super) fn ours(path: &Path) -> Program {
        // A release build does not check its answers against their descriptions either.
        Program { path: path.to_owned(), more: Vec::new() }
    }

    pub(super) fn rival(path: &Path) -> Program {
        Program { path: path.to_owned(), more: Vec::new() }
    }

    /// Starts it in `dir`, and waits for its first answer.
    pub(super) fn start(&self, dir: &Path, options: &[&str]) -> Result<Daemon> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let err = dir.join("stderr.log");
        let mut command = Command::new(&self.path);
        command.args(["-regtest", "-server", "-listen=0", "-discover=0", "-dnsseed=0", "-fixedseeds=0", "-connect=0"]);
        command.arg(format!("-datadir={}", dir.display())).arg(format!("-rpcport={port}"));
        // On regtest the real daemon looks through its whole pool and its whole index after each change.
        command.args(["-checkmempool=0", "-checkblockindex=0", "-checkaddrman=0"]);
        command.args(["-rpcthreads=16", "-rpcworkqueue=1024", "-printtoconsole=0"]).args(&self.more).args(options);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&err)?);
        let started = Instant::now();
        let child = command.spawn().with_context(|| format!("starting {}", self.path.display()))?;
        let mut daemon = Daemon { child, port, cookie: String::new(), first_answer: Duration::ZERO };
        let cookie = net_dir(dir).join(".cookie");
        while started.elapsed() < DEADLINE {
            if let Some(status) = daemon.child.try_wait()? {
                bail!("it ended with {status}: {}", fs::read_to_string(&err).unwrap_or_default().trim_end());
            }
            if let Ok(cookie) = fs::read_to_string(&cookie) {
                daemon.cookie = cookie;
                let answer = daemon.connect().and_then(|mut connection| connection.call("getblockchaininfo", &[]));
                if answer.is_ok() {
                    daemon.first_answer = started.elapsed();
                    return Ok(daemon);
                }
            }
            thread::sleep(STEP);
        }
        bail!("no answer within {} s", DEADLINE.as_secs())
    }
}

/// A daemon that runs. It is killed when it is dropped.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    port: u16,
    cookie: String,
    /// From exec.
    pub(super) first_answer: Duration,
}

impl Daemon {
    /// A connection of its own.
    pub(super) fn connect(&self) -> Result<Connection> {
        Connection::open(self.port, &self.cookie)
    }

    /// Memory that it keeps, in MiB; with the wallet's process, if it has one of its own.
    pub(super) fn memory(&self) -> Result<f64> {
        self.status("VmRSS:")
    }

    /// The most memory that it ever had, in MiB.
    pub(super) fn peak_memory(&self) -> Result<f64> {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> Result<f64> {
        let mut sum = 0.0;
        for pid in [vec![self.child.id()], children(self.child.id())].concat() {
            let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
            let line = status.lines().find_map(|line| line.strip_prefix(field));
            let kib: f64 = line.with_context(|| format!("no {field}"))?.trim().trim_end_matches("kB").trim().parse()?;
            sum += kib / 1024.0;
        }
        Ok(sum)
    }

    /// Waits until it has nothing more to do: it has not used a processor for a second.
    pub(super) fn settle(&self) -> Result<()> {
        let started = Instant::now();
        let (mut before, mut since) = (self.processor_time()?, Instant::now());
        while since.elapsed() < QUIET {
            ensure!(started.elapsed() < DEADLINE, "it was not quiet within {} s", DEADLINE.as_secs());
            thread::sleep(QUIET / 10);
            let now = self.processor_time()?;
            // One tick more in a second is nothing that anybody waits for.
            if now > before + 1 {
                (before, since) = (now, Instant::now());
            }
        }
        Ok(())
    }

    /// What it has used of processors, in ticks of the clock.
    fn processor_time(&self) -> Result<u64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // The name, in parentheses, may hold anything; the times are the 12th and 13th field behind it.
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let times = fields.get(11..13).context("/proc/PID/stat has too few fields")?;
        times.iter().map(|ticks| Ok(ticks.parse::<u64>()?)).sum()
    }

    /// Stops it; answers how long that took.
    pub(super) fn stop(mut self) -> Result<Duration> {
        let mut connection = self.connect()?;
        let started = Instant::now();
        connection.call("stop", &[])?;
        while started.elapsed() < DEADLINE {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "it was stopped and ended with {status}");
                return Ok(started.elapsed());
            }
            thread::sleep(STEP);
        }
        bail!("it did not stop within {} s", DEADLINE.as_secs())
    }

    /// Mines blocks to an address, some at a time: one answer may not take for ever.
    pub(super) fn mine(&self, count: u32, address: &str) -> Result<()> {
        let mut connection = self.connect()?;
        let mut left = count;
        while left > 0 {
            let now = left.min(500);
            let answer = connection.call("generatetoaddress", &[u64::from(now).into(), address.into()])?;
            let found = answer.as_arr().map_or(0, <[Json]>::len);
            ensure!(u32::try_from(found) == Ok(now), "{found} of {now} blocks were found");
            left -= now;
        }
        Ok(())
    }
}

/// The processes that a process has started.
fn children(pid: u32) -> Vec<u32> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return vec![] };
    let lists = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>()).collect()
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill and only its status to take.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
