//! One connection: the task that moves its bytes, and what it shares with the driver.
//!
//! Both sides have a queue, and both queues are bounded. While the driver has not handled what came, nothing more is read
//! from the socket; while the socket has not taken what was sent, the driver handles nothing more of that peer. A peer
//! that floods us, or that does not read, slows down itself alone.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use p2p::{PeerId, Received, Transport, TransportError, TransportKind};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Notify;

use crate::driver::Input;
use crate::sockets::Stream;
use crate::waker::Waker;

/// How many bytes are read at a time, at first and at most.
const READ: usize = 4 << 10;
const READ_MOST: usize = 256 << 10;
/// How many bytes of messages are put on their way at a time.
const BATCH: usize = 256 << 10;
/// What an entry of a queue costs beside its bytes.
const ENTRY: usize = 64;

/// How a connection has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// The peer has closed it.
    Closed,
    /// The peer does not speak our language.
    Transport(TransportError),
    /// Reading failed.
    Receive(String),
    /// Writing failed.
    Send(String),
}

/// Bytes and times of a connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Traffic {
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) last_sent: Duration,
    pub(crate) last_received: Duration,
    pub(crate) sent_by_name: BTreeMap<String, u64>,
    pub(crate) received_by_name: BTreeMap<String, u64>,
}

/// What the statistics call messages with names that nobody knows.
pub(crate) const OTHER: &str = "*other*";

#[derive(Debug, Default)]
struct State {
    inbox: VecDeque<Received>,
    inbox_bytes: usize,
    outbox: VecDeque<(String, Vec<u8>)>,
    outbox_bytes: usize,
    /// The driver has been told that there is something for it.
    told: bool,
    /// The driver waits for room in the outbox.
    wants_room: bool,
    closing: bool,
    end: Option<End>,
    retry_v1: bool,
    traffic: Traffic,
    transport: Option<(TransportKind, Option<[u8; 32]>)>,
}

/// A connection, as both its task and the driver hold it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: PeerId,
    state: Mutex<State>,
    wake: Notify,
    max_inbox: usize,
    max_outbox: usize,
    waker: Waker,
}

impl Link {
    pub(crate) fn new(id: PeerId, max_inbox: usize, max_outbox: usize, waker: Waker) -> Arc<Self> {
        Arc::new(Self { id, state: Mutex::default(), wake: Notify::new(), max_inbox, max_outbox, waker })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change leaves it whole, so a panic elsewhere did not damage it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next message. Nothing while the peer does not take what it was sent.
    pub(crate) fn next(&self) -> Option<Received> {
        self.next_if(|_| true)
    }

    /// The next message if it is a block.
    pub(crate) fn next_block(&self) -> Option<Received> {
        self.next_if(|next| matches!(next, Received::Message { name, .. } if name == "block"))
    }

    /// The next message if it is one that is wanted. One that is not stays, and whoever did not want it comes back.
    fn next_if(&self, wanted: impl Fn(&Received) -> bool) -> Option<Received> {
        let mut state = self.lock();
        if state.outbox_bytes > self.max_outbox {
            // The task says when there is room.
            state.wants_room = true;
            state.told = false;
            return None;
        }
        if state.inbox.front().is_some_and(|next| !wanted(next)) {
            return None;
        }
        let was_full = state.inbox_bytes > self.max_inbox;
        let Some(next) = state.inbox.pop_front() else {
            state.told = false;
            return None;
        };
        state.inbox_bytes -= cost(&next);
        if was_full && state.inbox_bytes <= self.max_inbox {
            self.wake.notify_one();
        }
        state.told = !state.inbox.is_empty();
        Some(next)
    }

    /// How it has ended, once everything that came before has been handled.
    pub(crate) fn end(&self) -> Option<End> {
        let state = self.lock();
        state.end.clone().filter(|_| state.inbox.is_empty() || state.outbox_bytes > self.max_outbox)
    }

    /// Whether to call again in the clear.
    pub(crate) fn should_retry_v1(&self) -> bool {
        self.lock().retry_v1
    }

    /// Puts a message on its way.
    pub(crate) fn send(&self, name: String, payload: Vec<u8>) {
        let mut state = self.lock();
        state.outbox_bytes += payload.len() + ENTRY;
        state.outbox.push_back((name, payload));
        drop(state);
        self.wake.notify_one();
    }

    /// Whether the peer does not take what it was sent. If so, the driver is told when it does.
    pub(crate) fn is_congested(&self) -> bool {
        let mut state = self.lock();
        let congested = state.outbox_bytes > self.max_outbox;
        if congested {
            state.wants_room = true;
            state.told = false;
        }
        congested
    }

    /// Closes the connection. What fits into the socket's buffer is still sent.
    pub(crate) fn close(&self) {
        self.lock().closing = true;
        self.wake.notify_one();
    }

    pub(crate) fn traffic(&self) -> Traffic {
        self.lock().traffic.clone()
    }

    /// When something last came and went, and how much.
    pub(crate) fn pulse(&self) -> (Duration, Duration, u64, u64) {
        let traffic = &self.lock().traffic;
        (traffic.last_received, traffic.last_sent, traffic.received, traffic.sent)
    }

    /// What is spoken, and the number of the session.
    pub(crate) fn transport(&self) -> (TransportKind, Option<[u8; 32]>) {
        self.lock().transport.unwrap_or((TransportKind::Detecting, None))
    }

    fn tell(&self, state: &mut State) {
        if !state.told {
            state.told = true;
            self.waker.tell(Input::Ready(self.id));
        }
    }
}

fn cost(received: &Received) -> usize {
    ENTRY
        + match received {
            Received::Message { payload, .. } => payload.len(),
            Received::Rejected { .. } => 0,
        }
}

/// All names that messages have. Statistics must not grow with names that a peer makes up.
const NAMES: [&str; 36] = [
    "addr",
    "addrv2",
    "block",
    "blocktxn",
    "cfcheckpt",
    "cfheaders",
    "cfilter",
    "cmpctblock",
    "feature",
    "feefilter",
    "filteradd",
    "filterclear",
    "filterload",
    "getaddr",
    "getblocks",
    "getblocktxn",
    "getcfcheckpt",
    "getcfheaders",
    "getcfilters",
    "getdata",
    "getheaders",
    "headers",
    "inv",
    "mempool",
    "merkleblock",
    "notfound",
    "ping",
    "pong",
    "sendaddrv2",
    "sendcmpct",
    "sendheaders",
    "sendtxrcncl",
    "tx",
    "verack",
    "version",
    "wtxidrelay",
];

fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

fn count(map: &mut BTreeMap<String, u64>, name: &str, bytes: usize) {
    let name = if is_known(name) { name } else { OTHER };
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    match map.get_mut(name) {
        Some(sum) => *sum += bytes,
        None => {
            map.insert(name.to_owned(), bytes);
        }
    }
}

/// Moves the bytes of a connection until it ends.
pub(crate) async fn run(link: Arc<Link>, mut transport: Transport, stream: Box<dyn Stream>) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut buffer = vec![0; READ];
    let mut out = transport.take_output();
    let mut at = 0;
    if out.is_empty() {
        link.lock().transport = Some((transport.kind(), None));
    } else {
        tracing::debug!(target: "net", "start sending v2 handshake to peer={}", link.id);
    }
    let end = loop {
        let closing = {
            let mut state = link.lock();
            if at == out.len() {
                (out, at) = (next_batch(&mut state, &mut transport), 0);
            }
            state.closing
        };
        if closing {
            flush(&link, &mut transport, &mut writer, out.split_off(at)).await;
            break None;
        }
        let full = link.lock().inbox_bytes > link.max_inbox;
        tokio::select! {
            read = reader.read(&mut buffer), if !full => match read {
                Ok(0) => break Some(End::Closed),
                Ok(count) => {
                    if let Err(error) = received(&link, &mut transport, &buffer[..count]) {
                        break Some(End::Transport(error));
                    }
                    if at == out.len() {
                        (out, at) = (transport.take_output(), 0);
                    } else {
                        out.extend(transport.take_output());
                    }
                    if count == buffer.len() && count < READ_MOST {
                        buffer.resize(count * 2, 0);
                    }
                }
                Err(error) => break Some(End::Receive(platform::system_error_text(&error))),
            },
            written = writer.write(&out[at..]), if at < out.len() => match written {
                Ok(count) => {
                    at += count;
                    sent(&link, count);
                }
                Err(error) => break Some(End::Send(platform::system_error_text(&error))),
            },
            () = link.wake.notified() => {}
        }
    };
    let mut state = link.lock();
    state.end = end;
    state.retry_v1 = transport.should_reconnect_v1();
    state.told = true;
    drop(state);
    // Whatever it was told before, the end is news.
    link.waker.tell(Input::Ready(link.id));
}

/// Takes messages from the queue and makes bytes of them.
fn next_batch(state: &mut State, transport: &mut Transport) -> Vec<u8> {
    let mut bytes = 0;
    while bytes < BATCH
        && let Some((name, payload)) = state.outbox.pop_front()
    {
        state.outbox_bytes -= payload.len() + ENTRY;
        let size = transport.send(&name, &payload);
        bytes += size;
        count(&mut state.traffic.sent_by_name, &name, size);
    }
    transport.take_output()
}

fn received(link: &Link, transport: &mut Transport, bytes: &[u8]) -> Result<(), TransportError> {
    let mut list = Vec::new();
    let result = transport.receive(bytes, &mut list);
    let now = link.waker.now();
    let mut state = link.lock();
    state.traffic.received += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    state.traffic.last_received = now;
    state.transport = Some((transport.kind(), transport.session_id()));
    for item in list {
        match &item {
            Received::Message { name, raw_size, .. } => count(&mut state.traffic.received_by_name, name, *raw_size),
            Received::Rejected { raw_size, .. } => count(&mut state.traffic.received_by_name, OTHER, *raw_size),
        }
        state.inbox_bytes += cost(&item);
        state.inbox.push_back(item);
    }
    if !state.inbox.is_empty() {
        link.tell(&mut state);
    }
    result
}

fn sent(link: &Link, count: usize) {
    let now = link.waker.now();
    let mut state = link.lock();
    state.traffic.sent += u64::try_from(count).unwrap_or(u64::MAX);
    state.traffic.last_sent = now;
    // The driver may have left messages alone because of this queue.
    if state.wants_room && state.outbox_bytes <= link.max_outbox {
        state.wants_room = false;
        link.tell(&mut state);
    }
}

/// The last words, as far as the socket takes them without waiting.
async fn flush(link: &Link, transport: &mut Transport, writer: &mut (impl AsyncWriteExt + Unpin), mut out: Vec<u8>) {
    let rest = next_batch(&mut link.lock(), transport);
    out.extend(rest);
    let mut at = 0;
    while at < out.len() {
        tokio::select! {
            biased;
            written = writer.write(&out[at..]) => match written {
                Ok(count) if count > 0 => {
                    at += count;
                    sent(link, count);
                }
                _ => return,
            },
            () = std::future::ready(()) => return,
        }
    }
}
