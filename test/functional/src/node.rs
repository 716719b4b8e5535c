//! A daemon that runs: asking it, waiting for it, reading its log, and harming it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rpc::client::{Client, ClientError, Credentials};
use rpc::{Code, Json, RpcError};

use crate::stage::Helper;
use crate::wait::{DEADLINE, until};

/// Longest wait for one answer.
const ANSWER: Duration = Duration::from_mins(1);

/// Where a daemon was told to listen. Zero means that it chooses, and writes down what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ports {
    pub(crate) rpc: u16,
    /// `None` if peers cannot connect.
    pub(crate) p2p: Option<u16>,
}

/// A running daemon. It is killed when it is dropped.
#[derive(Debug)]
pub struct Node {
    child: Child,
    data: PathBuf,
    net: PathBuf,
    port: u16,
    p2p: Option<u16>,
    client: Client,
    gap: Option<u64>,
    /// The wallet process that is attached to it, in the shape that has one.
    wallet: Option<Helper>,
}

impl Node {
    /// Waits until a started daemon answers. `net` is its directory of the chain. `gap` is for [`Node::mine`].
    pub(crate) fn attach(child: Child, data: PathBuf, net: PathBuf, ports: Ports, gap: Option<u64>) -> Result<Node> {
        let client = Client::new("127.0.0.1", ports.rpc, Credentials::CookieDisabled, Some(ANSWER));
        let mut node = Node { child, data, net, port: ports.rpc, p2p: ports.p2p, client, gap, wallet: None };
        until("the daemon's first answer", DEADLINE, || node.try_to_reach(ports.rpc))?;
        Ok(node)
    }

    fn try_to_reach(&mut self, told: u16) -> Result<Option<()>> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the daemon ended with {status}: {}", self.stderr().trim_end());
        }
        self.port = if told == 0 {
            let Ok(text) = fs::read(self.net.join("ready.json")) else { return Ok(None) };
            let Some(ready) = ready(&text, self.child.id()) else { return Ok(None) };
            if self.p2p.is_some() {
                self.p2p = Some(port_of(&ready, "p2p").context("it listens to no peers")?);
            }
            match port_of(&ready, "rpc") {
                Some(port) => port,
                None => return Ok(None),
            }
        } else {
            told
        };
        let Ok(cookie) = rpc::cookie::read_cookie(&self.cookie()) else { return Ok(None) };
        self.client = self.client_with(Credentials::Cookie(cookie));
        match self.client.call("/", "getblockcount", Json::Arr(vec![])) {
            Ok(Ok(_)) => Ok(Some(())),
            // Still starting, or a cookie from its former life.
            Ok(Err(_)) | Err(_) => Ok(None),
        }
    }

    /// Takes a wallet process along that attaches to it, and waits until that serves.
    pub(crate) fn has_wallet(&mut self, mut wallet: Helper) -> Result<()> {
        until("the attached wallet", DEADLINE, || {
            ensure!(wallet.runs()?, "the wallet ended: {}", self.stderr().trim_end());
            Ok(self.try_call("listwallets", &[])?.is_ok().then_some(()))
        })?;
        self.wallet = Some(wallet);
        Ok(())
    }

    /// The answer to a call; an error of the method fails the scenario.
    pub fn call(&mut self, method: &str, params: &[Json]) -> Result<Json> {
        self.try_call(method, params)?.map_err(|error| anyhow!("{method} answered {error:?}"))
    }

    /// The same for one wallet's address, such as `/wallet/w`.
    pub fn call_at(&mut self, place: &str, method: &str, params: &[Json]) -> Result<Json> {
        let answer = self.client.call(place, method, Json::Arr(params.to_vec()));
        let answer = answer.map_err(|error| self.explained(method, &error))?;
        answer.map_err(|error| anyhow!("{method} answered {error:?}"))
    }

    /// The answer to a call, or the method's error.
    pub fn try_call(&mut self, method: &str, params: &[Json]) -> Result<Result<Json, RpcError>> {
        let answer = self.client.call("/", method, Json::Arr(params.to_vec()));
        answer.map_err(|error| self.explained(method, &error))
    }

    fn explained(&mut self, method: &str, error: &ClientError) -> anyhow::Error {
        let state = match self.child.try_wait() {
            Ok(Some(status)) => format!("the daemon ended with {status}"),
            _ => "the daemon still runs".to_owned(),
        };
        anyhow!("no answer to {method}: {error} ({state})")
    }

    /// Calls a method that must fail with a code and with a text that holds `part`.
    pub fn refuses(&mut self, method: &str, params: &[Json], code: Code, part: &str) -> Result<()> {
        match self.try_call(method, params)? {
            Ok(answer) => bail!("{method} should fail with {}, but answered {}", code.0, answer.write()),
            Err(error) => {
                let text = error.to_json().write();
                let found: i32 = error.to_json().get("code").as_int()?;
                ensure!(found == code.0 && text.contains(part), "{method}: expected {} {part}, got {text}", code.0);
                Ok(())
            }
        }
    }

    /// A client with other credentials.
    pub fn client_with(&self, credentials: Credentials) -> Client {
        Client::new("127.0.0.1", self.port, credentials, Some(ANSWER))
    }

    /// The height of the tip.
    pub fn height(&mut self) -> Result<u64> {
        Ok(self.call("getblockcount", &[])?.as_int()?)
    }

    /// The hash of the tip.
    pub fn tip(&mut self) -> Result<String> {
        Ok(self.call("getbestblockhash", &[])?.as_str()?.to_owned())
    }

    /// Mines blocks to an address; returns their hashes.
    ///
    /// Where blocks are easy only after a gap in time, the daemon's clock is set so that there is one.
    pub fn mine(&mut self, count: u32, address: &str) -> Result<Vec<String>> {
        let Some(gap) = self.gap else { return self.mine_at_once(count, address) };
        let mut hashes = Vec::new();
        for _ in 0..count {
            let tip = self.tip()?;
            let time: u64 = self.call("getblockheader", &[tip.into()])?.get("time").as_int()?;
            self.set_mock_time(time + gap)?;
            hashes.extend(self.mine_at_once(1, address)?);
        }
        self.set_mock_time(0)?;
        Ok(hashes)
    }

    fn mine_at_once(&mut self, count: u32, address: &str) -> Result<Vec<String>> {
        let answer = self.call("generatetoaddress", &[u64::from(count).into(), address.into()])?;
        let hashes: Result<Vec<String>> = answer.as_arr()?.iter().map(|hash| Ok(hash.as_str()?.to_owned())).collect();
        let hashes = hashes?;
        ensure!(u32::try_from(hashes.len()) == Ok(count), "{} of {count} blocks were found", hashes.len());
        Ok(hashes)
    }

    /// Creates a wallet with these arguments, its name first. What is older than a wallet is not its business, so where [`Node::mine`] makes blocks of the
    /// past, the wallet is made there too.
    pub fn create_wallet(&mut self, arguments: &[Json]) -> Result<()> {
        if self.gap.is_some() {
            let tip = self.tip()?;
            let time: u64 = self.call("getblockheader", &[tip.into()])?.get("time").as_int()?;
            self.set_mock_time(time)?;
        }
        self.call("createwallet", arguments)?;
        if self.gap.is_some() { self.set_mock_time(0) } else { Ok(()) }
    }

    /// Whether [`Node::mine`] makes blocks that are older than they should be.
    pub fn mines_the_past(&self) -> bool {
        self.gap.is_some()
    }

    /// Sets the daemon's clock, in seconds since 1970; zero gives it the machine's back.
    pub fn set_mock_time(&mut self, seconds: u64) -> Result<()> {
        self.call("setmocktime", &[seconds.into()]).map(|_| ())
    }

    /// The port of JSON-RPC.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where peers connect, if they can.
    pub fn p2p(&self) -> Option<SocketAddr> {
        self.p2p.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The directory of the chain in it.
    pub fn net(&self) -> &Path {
        &self.net
    }

    /// The cookie file.
    pub fn cookie(&self) -> PathBuf {
        self.net.join(".cookie")
    }

    /// The number of the process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the daemon wrote to standard error.
    pub fn stderr(&self) -> String {
        fs::read_to_string(self.data.join("stderr.log")).unwrap_or_default()
    }

    /// The end of the log, as a place to look on from.
    pub fn log_end(&self) -> u64 {
        fs::metadata(self.net.join("debug.log")).map_or(0, |log| log.len())
    }

    /// Waits until the log behind `from` holds `text`.
    pub fn wait_for_log(&self, from: u64, text: &str) -> Result<()> {
        until(&format!("`{text}` in the log"), DEADLINE, || Ok(self.log_since(from)?.contains(text).then_some(())))
    }

    /// The log behind a place.
    fn log_since(&self, from: u64) -> Result<String> {
        let log = fs::read(self.net.join("debug.log")).unwrap_or_default();
        let start = usize::try_from(from)?.min(log.len());
        Ok(String::from_utf8_lossy(log.get(start..).unwrap_or_default()).into_owned())
    }

    /// Does something of which the log has to tell all of `told`, and none of `untold`.
    pub fn logs<T>(
        &mut self,
        told: &[&str],
        untold: &[&str],
        during: impl FnOnce(&mut Node) -> Result<T>,
    ) -> Result<T> {
        let from = self.log_end();
        let result = during(self)?;
        for text in told {
            self.wait_for_log(from, text)?;
        }
        // What was told came last, so what was not told by now will not come any more.
        let log = self.log_since(from)?;
        match untold.iter().find(|text| log.contains(**text)) {
            Some(text) => bail!("the log tells `{text}`"),
            None => Ok(result),
        }
    }

    /// Asks the daemon to stop and waits until it has ended well.
    pub fn stop(mut self) -> Result<()> {
        self.call("stop", &[])?;
        let status = self.wait_for_end()?;
        ensure!(status.success(), "the daemon was stopped and ended with {status}: {}", self.stderr());
        if let Some(mut wallet) = self.wallet.take() {
            // It would wait for the next daemon.
            wallet.signal(Signal::SIGTERM)?;
            let status = wallet.wait_for_end()?;
            ensure!(status.success(), "the attached wallet ended with {status}: {}", self.stderr());
        }
        Ok(())
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let id = i32::try_from(self.child.id()).context("the number of a process is an i32")?;
        kill(Pid::from_raw(id), signal).with_context(|| format!("sending {signal}"))
    }

    /// Ends the process, and the wallet's, as a power failure would: they get no time to write anything.
    pub fn kill(mut self) -> Result<()> {
        self.signal(Signal::SIGKILL)?;
        drop(self.wallet.take());
        self.wait_for_end().map(|_| ())
    }

    /// Freezes the process while `meanwhile` runs.
    pub fn frozen<T>(&mut self, meanwhile: impl FnOnce(&mut Node) -> Result<T>) -> Result<T> {
        self.signal(Signal::SIGSTOP)?;
        let result = meanwhile(self);
        self.signal(Signal::SIGCONT)?;
        result
    }

    /// Waits until the process has ended by itself.
    pub fn wait_for_end(&mut self) -> Result<ExitStatus> {
        until("the daemon's end", DEADLINE, || Ok(self.child.try_wait()?))
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already; then there is nothing to kill and only its status to take.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The `ready.json` that the process `id` wrote.
fn ready(text: &[u8], id: u32) -> Option<Json> {
    let ready = rpc::json::parse(text)?;
    (ready.get("pid").as_int() == Ok(id)).then_some(ready)
}

/// The port of a list of addresses in it.
fn port_of(ready: &Json, list: &str) -> Option<u16> {
    let addresses = ready.get(list).as_arr().ok()?;
    let address = addresses.iter().filter_map(|address| address.as_str().ok());
    address.filter_map(|address| address.strip_prefix("127.0.0.1:")).find_map(|port| port.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_from_what_this_process_wrote() {
        let text = br#"{"pid":7,"rpc":["[::1]:2","127.0.0.1:3"],"p2p":["127.0.0.1:4"]}"#;
        let ready = |text, id| ready(text, id).map(|ready| (port_of(&ready, "rpc"), port_of(&ready, "p2p")));
        assert_eq!(ready(text, 7), Some((Some(3), Some(4))));
        assert_eq!(ready(text, 8), None);
        assert_eq!(ready(b"{\"pid\":7", 7), None);
        assert_eq!(ready(br#"{"pid":7,"rpc":[]}"#, 7), Some((None, None)));
    }
}
