//! A daemon as a process, and JSON-RPC over a socket: one request per connection, as little as it takes.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use corepc_types::bitcoin::base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The variable that names the daemon, which is our `bitcoind`.
pub const VARIABLE: &str = "BULKHEAD_DAEMON";

/// Longest wait for something that takes a moment. It is spent only when something is broken.
const DEADLINE: Duration = Duration::from_mins(2);
/// Between two looks.
const STEP: Duration = Duration::from_millis(10);

/// Regtest, free ports, and no word to anybody who was not named.
const OPTIONS: [&str; 9] = [
    "-regtest",
    "-rpcport=0",
    "-listen=1",
    "-bind=127.0.0.1",
    "-port=0",
    "-discover=0",
    "-dnsseed=0",
    "-fixedseeds=0",
    "-printtoconsole=0",
];

/// A running daemon. It is killed when it is dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    data: PathBuf,
    rpc: SocketAddr,
    p2p: SocketAddr,
    /// What the header says who is asking.
    credentials: String,
}

/// What the daemon writes when it serves.
#[derive(Deserialize)]
struct Ready {
    pid: u32,
    rpc: Vec<SocketAddr>,
    p2p: Vec<SocketAddr>,
    cookie: PathBuf,
}

/// What a request is answered with.
#[derive(Deserialize)]
struct Reply {
    result: Option<Box<RawValue>>,
    error: Option<Value>,
}

impl Daemon {
    /// Starts `program` in an empty directory and waits until it serves.
    pub fn start(program: &Path, data: PathBuf, options: &[&str]) -> Result<Daemon> {
        fs::create_dir_all(&data)?;
        let errors = data.join("stderr.log");
        let mut command = Command::new(program);
        command.args(OPTIONS).arg(format!("-datadir={}", data.display())).args(options);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(&errors)?);
        let mut child = command.spawn().with_context(|| format!("starting {}", program.display()))?;
        let file = data.join("regtest/ready.json");
        let ready = until("the daemon to serve", || {
            if let Some(status) = child.try_wait()? {
                bail!("the daemon ended with {status}: {}", fs::read_to_string(&errors)?.trim_end());
            }
            let Ok(text) = fs::read_to_string(&file) else { return Ok(None) };
            let ready: Option<Ready> = serde_json::from_str(&text).ok();
            Ok(ready.filter(|ready| ready.pid == child.id()))
        })?;
        let credentials = BASE64_STANDARD.encode(fs::read(&ready.cookie)?);
        let first = |addresses: &[SocketAddr]| addresses.first().copied().context("it listens nowhere");
        let (rpc, p2p) = (first(&ready.rpc)?, first(&ready.p2p)?);
        Ok(Daemon { child, data, rpc, p2p, credentials })
    }

    /// The text of the answer to a call. An error of the method is an error.
    pub fn call(&self, place: &str, method: &str, params: &Value) -> Result<Box<RawValue>> {
        let request = json!({ "jsonrpc": "1.0", "id": 0, "method": method, "params": params }).to_string();
        let mut stream = TcpStream::connect(self.rpc)?;
        stream.set_read_timeout(Some(DEADLINE))?;
        let head = format!(
            "POST {place} HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            self.rpc,
            self.credentials,
            request.len()
        );
        stream.write_all(&[head.as_bytes(), request.as_bytes()].concat())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        let reply: Reply = serde_json::from_str(body).with_context(|| format!("{head}\n{body}"))?;
        if let Some(error) = reply.error {
            bail!("{error}");
        }
        // Serde takes a null for nothing at all.
        reply.result.map_or_else(|| Ok(RawValue::from_string("null".to_owned())?), Ok)
    }

    /// Where peers connect.
    pub fn p2p(&self) -> SocketAddr {
        self.p2p
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Waits until the process, which was asked to stop, has ended well.
    pub fn wait_for_end(&mut self) -> Result<()> {
        let status: ExitStatus = until("the daemon's end", || Ok(self.child.try_wait()?))?;
        ensure!(status.success(), "the daemon was stopped and ended with {status}");
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill and only its status to take.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `look` finds something. An error ends the wait at once; `what` is told if nothing comes.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        ensure!(Instant::now() < end, "waited {} s in vain for {what}", DEADLINE.as_secs());
        thread::sleep(STEP);
    }
}
