//! Tor's control port: a conversation in lines, in which Tor is asked where its proxy is and for an onion service that
//! leads to us.
//!
//! `reply` reads the lines, `talk` decides what to say, and this file connects, and connects again.

mod reply;
mod talk;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use p2p::{Chance, Service};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::driver::Input;
use crate::options::TorControl;
use crate::sockets::{Endpoint, Sockets, Stream};
use crate::target::Target;
use crate::waker::Waker;
use reply::Lines;
use talk::{Deed, Talk};

/// The control port unless something else is said.
const CONTROL_PORT: u16 = 9051;
/// How long until another try: at first, how much longer each time, and at most.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_FACTOR: f64 = 1.5;
const MAX_RETRY: Duration = Duration::from_mins(10);
/// How long Tor may take to take a command.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// A file with the bytes by which Tor knows us is not larger.
const MAX_COOKIE: u64 = 1024;

/// What is needed to talk to Tor.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) settings: TorControl,
    /// Where the onion service leads.
    pub(crate) target: SocketAddr,
    /// Its port. It is always that of the network: another one would tell nodes apart.
    pub(crate) port: u16,
    pub(crate) timeout: Duration,
    /// Where the key of the service is kept.
    pub(crate) key_file: PathBuf,
    pub(crate) chance: Chance,
}

/// Talks to Tor for as long as the node runs.
pub(crate) async fn run(sockets: Rc<dyn Sockets>, mut control: Control, waker: Waker) {
    let center = control.settings.center.clone();
    let mut retry = RETRY;
    loop {
        tracing::debug!(target: "tor", "Attempting to connect to Tor control port {center}");
        let Some(stream) = connect(&*sockets, &control).await else {
            tracing::warn!("tor: Initiating connection to Tor control port {center} failed");
            tracing::debug!(target: "tor", "Retrying in {:.1} seconds", retry.as_secs_f64());
            tokio::time::sleep(retry).await;
            retry = retry.mul_f64(RETRY_FACTOR).min(MAX_RETRY);
            continue;
        };
        tracing::debug!(target: "tor", "Successfully connected to Tor control port");
        retry = RETRY;
        let mut service = None;
        if let Err(error) = converse(stream, &mut control, &mut service, &waker).await {
            tracing::warn!("tor: {error}");
        }
        // The service lives as long as the connection by which it was asked for.
        if let Some(service) = service {
            waker.tell(Input::Local(service, false));
        }
        tracing::debug!(target: "tor", "Not connected to Tor control port {center}, will retry");
        tokio::time::sleep(RETRY).await;
    }
}

async fn connect(sockets: &dyn Sockets, control: &Control) -> Option<Box<dyn Stream>> {
    let center = &control.settings.center;
    let target = Target::parse(center, CONTROL_PORT);
    let address = match target.numeric().and_then(|service| service.socket()) {
        Some(address) => Some(address),
        None => sockets.resolve(target.host.clone()).await.first().map(|ip| SocketAddr::new(*ip, target.port)),
    };
    let Some(address) = address else {
        tracing::warn!("tor: Failed to look up control center {center}");
        return None;
    };
    let connecting = tokio::time::timeout(control.timeout, sockets.connect(Endpoint::Tcp(address))).await;
    let Ok(Ok(connected)) = connecting else {
        tracing::warn!("tor: Error connecting to address {center}");
        return None;
    };
    Some(connected.stream)
}

/// Talks until the connection ends. `service` is what others can call while it lasts.
async fn converse(
    mut stream: Box<dyn Stream>,
    control: &mut Control,
    service: &mut Option<Service>,
    waker: &Waker,
) -> Result<(), reply::TorError> {
    let (mut lines, mut talk) = (Lines::default(), Talk::new(control, read_key(&control.key_file)));
    let mut deeds = vec![talk.begin()];
    let mut buffer = vec![0; 4096];
    loop {
        for deed in deeds {
            match deed {
                Deed::Say(text) => {
                    let sending = stream.write_all(text.as_bytes());
                    let sent = tokio::time::timeout(SEND_TIMEOUT, sending).await;
                    sent.map_err(|_| reply::TorError::Slow)??;
                }
                Deed::Proxy(address) => {
                    waker.tell(Input::TorProxy(address));
                }
                Deed::Key(key) => keep_key(&control.key_file, &key),
                Deed::Service(found) => {
                    *service = Some(found);
                    waker.tell(Input::Local(found, true));
                }
            }
        }
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            tracing::debug!(target: "tor", "End of stream");
            return Ok(());
        }
        deeds = Vec::new();
        for reply in lines.receive(&buffer[..count])? {
            deeds.extend(talk.hear(&reply, &mut control.chance, &read_cookie));
        }
    }
}

fn read_key(file: &Path) -> Option<String> {
    let key = std::fs::read_to_string(file).ok()?;
    tracing::debug!(target: "tor", "Reading cached private key from {}", file.display());
    Some(key)
}

fn keep_key(file: &Path, key: &str) {
    if platform::file::replace(file, key.as_bytes()).is_ok() {
        tracing::debug!(target: "tor", "Cached service private key to {}", file.display());
    } else {
        tracing::warn!("tor: Error writing service private key to {}", file.display());
    }
}

fn read_cookie(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(std::fs::File::open(file)?, MAX_COOKIE), &mut bytes)?;
    Ok(bytes)
}

/// For the fuzz target: whatever Tor says, whole or in pieces.
pub(crate) fn fuzz_replies(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else { return };
    let mut whole = Lines::default();
    let all = whole.receive(bytes);
    let (mut cut, mut pieces, mut failed) = (Lines::default(), Vec::new(), false);
    for part in bytes.chunks(usize::from(*choice) + 1) {
        let Ok(list) = cut.receive(part) else {
            failed = true;
            break;
        };
        pieces.extend(list);
    }
    assert_eq!(all.is_err(), failed);
    let Ok(all) = all else { return };
    assert_eq!(all, pieces);
    let settings = TorControl { center: String::new(), password: String::new(), finds_proxy: true, may_reach: true };
    let target = SocketAddr::from(([127, 0, 0, 1], 1));
    let mut talk = Talk::to(&settings, target, 8333, None);
    let mut chance = Chance::new([*choice; 32]);
    talk.begin();
    for reply in &all {
        let deeds = talk.hear(reply, &mut chance, &|_| Ok(vec![*choice; 32]));
        let words = |deed: &Deed| matches!(deed, Deed::Say(text) if text.matches('\n').count() != 1);
        assert!(!deeds.iter().any(words), "one command is one line");
    }
}

#[cfg(test)]
mod tests;
