//! Publishing blocks and transactions to whoever subscribes, over ZeroMQ's protocol.
//!
//! Each topic has an address; topics with the same address share a socket. A subscriber gets the messages whose topic begins
//! as it asked. Nobody is waited for: messages that a subscriber does not take in time are kept up to a number, and what
//! comes then is not sent to it. Each message has a number of its topic, so that a subscriber sees what it has missed.

mod peer;
#[cfg(test)]
#[cfg(unix)]
mod tests;
mod wire;

use std::io;
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use peer::{Peer, Stream};
use platform::socket::{LocalListener, connect_local, listen_local};

/// Subscribers of one socket; more are turned away.
const MAX_PEERS: usize = 64;
/// Messages that wait for one subscriber, unless the options say otherwise.
pub const DEFAULT_HIGH_WATER: usize = 1000;

/// What is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// Hashes of new tips.
    HashBlock,
    /// Hashes of transactions that enter the pool, or a block that is connected or disconnected.
    HashTx,
    /// Those blocks.
    RawBlock,
    /// Those transactions.
    RawTx,
    /// Everything that happens to chain and pool, in order.
    Sequence,
}

impl Topic {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 5] = [Self::HashBlock, Self::HashTx, Self::RawBlock, Self::RawTx, Self::Sequence];

    /// The first part of its messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::HashBlock => "hashblock",
            Self::HashTx => "hashtx",
            Self::RawBlock => "rawblock",
            Self::RawTx => "rawtx",
            Self::Sequence => "sequence",
        }
    }
}

/// A topic at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notifier {
    /// What.
    pub topic: Topic,
    /// Where: `tcp://host:port` or `ipc://path`.
    pub address: String,
    /// How many messages wait for a subscriber at most; 0 for any number.
    pub high_water: usize,
}

/// Why nothing is published.
#[derive(Debug, thiserror::Error)]
#[error("Unable to bind the ZMQ publisher to {address}: {source}")]
pub struct BindError {
    address: String,
    source: io::Error,
}

/// The sockets. They are closed when this is dropped.
#[derive(Debug)]
pub struct Publisher {
    notifiers: Vec<(Notifier, usize, AtomicU32)>,
    sockets: Vec<Socket>,
}

impl Publisher {
    /// Opens a socket at every address, or none at all.
    pub fn bind(notifiers: Vec<Notifier>) -> Result<Self, BindError> {
        let mut publisher = Self { notifiers: Vec::new(), sockets: Vec::new() };
        for notifier in notifiers {
            let known = publisher.sockets.iter().position(|socket| socket.address == notifier.address);
            let socket = if let Some(socket) = known {
                socket
            } else {
                let opened = Socket::open(&notifier.address);
                publisher
                    .sockets
                    .push(opened.map_err(|source| BindError { address: notifier.address.clone(), source })?);
                publisher.sockets.len() - 1
            };
            publisher.notifiers.push((notifier, socket, AtomicU32::new(0)));
        }
        Ok(publisher)
    }

    /// What is published where.
    pub fn notifiers(&self) -> impl Iterator<Item = &Notifier> {
        self.notifiers.iter().map(|(notifier, ..)| notifier)
    }

    /// Publishes a message under a topic. `body` is made only if somebody could want it.
    pub fn publish(&self, topic: Topic, body: impl FnOnce() -> Vec<u8>) {
        let mut body = Some(body);
        let mut made: Vec<u8> = Vec::new();
        for (notifier, socket, count) in self.notifiers.iter().filter(|(notifier, ..)| notifier.topic == topic) {
            if let Some(body) = body.take() {
                made = body();
            }
            let number = count.fetch_add(1, Ordering::Relaxed).to_le_bytes();
            let message: Arc<[u8]> = wire::message(&[topic.name().as_bytes(), &made, &number]).into();
            self.sockets[*socket].send(topic.name().as_bytes(), &message, notifier.high_water);
        }
    }
}

enum Listener {
    Tcp(TcpListener),
    Unix(LocalListener),
}

/// What is needed to wake the thread that accepts, and to clean up.
#[derive(Debug)]
enum Place {
    Tcp(std::net::SocketAddr),
    Unix(PathBuf),
}

#[derive(Debug, Default)]
struct Shared {
    peers: Mutex<Vec<Arc<Peer>>>,
    closed: AtomicBool,
}

impl Shared {
    fn peers(&self) -> MutexGuard<'_, Vec<Arc<Peer>>> {
        self.peers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One listening socket with its subscribers.
#[derive(Debug)]
struct Socket {
    address: String,
    place: Place,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

impl Socket {
    fn open(address: &str) -> io::Result<Self> {
        let (listener, place) = if let Some(path) = address.strip_prefix("ipc://") {
            let path = PathBuf::from(path);
            // Left over from a run that was killed.
            match std::fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => (Listener::Unix(listen_local(&path)?), Place::Unix(path)),
            }
        } else {
            let host = address.strip_prefix("tcp://").ok_or_else(|| io::Error::other("not an address"))?;
            let host = host.strip_prefix("*:").map_or_else(|| host.to_owned(), |port| format!("0.0.0.0:{port}"));
            let found: Vec<_> = host.to_socket_addrs()?.collect();
            let listener = TcpListener::bind(&found[..])?;
            let local = listener.local_addr()?;
            (Listener::Tcp(listener), Place::Tcp(local))
        };
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let accepting = platform::thread::spawn("zmq", move || accept(&listener, &theirs))?;
        Ok(Self { address: address.to_owned(), place, shared, accepting: Some(accepting) })
    }

    fn send(&self, topic: &[u8], message: &Arc<[u8]>, high_water: usize) {
        let mut peers = self.shared.peers();
        peers.retain(|peer| peer.offer(topic, message, high_water));
    }
}

fn accept(listener: &Listener, shared: &Arc<Shared>) {
    loop {
        let stream = match listener {
            Listener::Tcp(listener) => listener.accept().map(|(stream, _)| Stream::Tcp(stream)),
            Listener::Unix(listener) => listener.accept().map(|(stream, _)| Stream::Unix(stream)),
        };
        if shared.closed.load(Ordering::Acquire) {
            return;
        }
        let mut peers = shared.peers();
        peers.retain(|peer| !peer.is_closed());
        match stream.and_then(
            |stream| if peers.len() < MAX_PEERS { Peer::start(stream) } else { Err(io::Error::other("full")) },
        ) {
            Ok(peer) => peers.push(peer),
            Err(e) => tracing::debug!(target: "zmq", "A subscriber was not taken: {e}"),
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        // The thread that accepts waits for a connection, so it gets one.
        let woken = match &self.place {
            Place::Tcp(local) => {
                let mut local = *local;
                if local.ip().is_unspecified() {
                    let home: std::net::IpAddr = match local.ip() {
                        std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                        std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
                    };
                    local.set_ip(home);
                }
                TcpStream::connect(local).map(drop)
            }
            Place::Unix(path) => connect_local(path).map(drop),
        };
        // A socket that cannot be reached any more keeps its thread until the process ends.
        if let Some(thread) = self.accepting.take().filter(|_| woken.is_ok()) {
            let _ = thread.join();
        }
        for peer in self.shared.peers().drain(..) {
            peer.close();
        }
        if let Place::Unix(path) = &self.place {
            // Somebody may have removed it before.
            let _ = std::fs::remove_file(path);
        }
    }
}
