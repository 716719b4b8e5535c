//! The thread that decides: it feeds the peer logic with what came, and does what the peer logic says.
//!
//! Everything that happens enters through one queue of [`Input`]s. Between them the driver goes round: one message of each
//! peer that has any, so that no peer can keep the others waiting, then whatever is due by the clock.

mod accept;
mod actions;
mod added;
mod addresses;
mod capture;
mod control;
mod dial;
mod news;
mod open;
mod private;
mod quiet;
mod seeds;
mod upload;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use p2p::{
    AddrCache, AddrMan, ChainAccess, Chance, ConnectionKind, NetAddr, Network, PeerId, PeerManager, Permissions,
    Received, Service, TxAccess,
};
use platform::Clock;
use tokio::sync::mpsc::UnboundedSender;

pub use control::{AddedNode, Control, LocalAddress, NetworkInfo, PeerInfo, Totals};
pub use news::ChainNews;
pub(crate) use news::{Heard, Later};
pub use open::is_bad_port;

use crate::io::{Command, Dialed};
use crate::link::{End, Link};
use crate::options::Options;
use crate::shun::Shun;
use crate::sockets::Connected;
use crate::waker::Waker;

/// How often things are looked at that happen by the clock.
const TICK: Duration = Duration::from_millis(100);

/// Something to be done by the driver.
pub(crate) type Work = Box<dyn FnOnce(&mut dyn Control) + Send>;

/// Something that has happened.
pub(crate) enum Input {
    /// A connection has messages, or has ended, or has room again.
    Ready(PeerId),
    /// Somebody called.
    Accepted {
        /// Where; nowhere for somebody who comes through I2P.
        listener: Option<usize>,
        /// The connection.
        connected: Connected,
    },
    /// A call was answered, or not.
    Dialed {
        /// Which call.
        ticket: u64,
        /// The answer.
        dialed: Dialed,
    },
    /// A name was looked up.
    Resolved {
        /// For which call.
        ticket: u64,
        /// What was found.
        found: Vec<IpAddr>,
    },
    /// An address of ours can be called, or cannot any more.
    Local(Service, bool),
    /// Tor's proxy was found.
    TorProxy(SocketAddr),
    /// Somebody outside wants something.
    Call(Work),
    /// Something about the chain, and what to do once it was heard.
    News(ChainNews, Option<Heard>),
    /// The node stops.
    Stop,
}

/// A connection, as the driver sees it.
#[derive(Debug)]
pub(crate) struct Conn {
    link: Arc<Link>,
    kind: ConnectionKind,
    /// Where the peer is.
    address: Service,
    /// What it was called by, or its address.
    name: String,
    /// Whether it was called by that name, and not by its address.
    by_name: bool,
    /// Our end.
    local: Option<Service>,
    /// It came through Tor.
    inbound_onion: bool,
    permissions: Permissions,
    connected: Duration,
    v2: bool,
    /// Through which proxy it was called, if not through that of its network.
    proxy: Option<crate::options::Proxy>,
    transport_told: bool,
}

impl Conn {
    /// The network that the peer was reached through, if it is one that everybody can reach.
    fn network(&self) -> Option<Network> {
        if self.inbound_onion {
            return Some(Network::Onion);
        }
        self.address.addr.is_routable().then(|| self.address.addr.network())
    }

    /// Whether it counts as one that we chose or that the user chose, for good.
    fn is_lasting_outbound(&self) -> bool {
        matches!(self.kind, ConnectionKind::OutboundFullRelay | ConnectionKind::Manual)
    }
}

/// The driver.
pub(crate) struct Driver<C, T> {
    pub(crate) peers: PeerManager<C, T>,
    pub(crate) options: Options,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Chance,
    pub(crate) waker: Waker,
    pub(crate) io: UnboundedSender<Command>,
    pub(crate) addrman: AddrMan,
    pub(crate) shun: Shun,
    pub(crate) anchors: Vec<Service>,
    pub(crate) bound: Vec<crate::options::Bind>,
    later: Arc<Later>,
    conns: BTreeMap<PeerId, Conn>,
    next_id: PeerId,
    ready: BTreeSet<PeerId>,
    dials: HashMap<u64, dial::Dial>,
    next_ticket: u64,
    extra_outbound: bool,
    extra_block_relay: bool,
    cache: AddrCache,
    salt: [u8; 32],
    active: bool,
    next_tick: Duration,
    next_check: Duration,
    ended: (u64, u64),
    added: added::Added,
    opener: open::Opener,
    private: private::Private,
    seeds: seeds::Seeds,
    local: BTreeMap<NetAddr, (u16, i32)>,
    upload: upload::Upload,
    next_save: Duration,
    next_health: Duration,
    isolation: (u64, u64),
    capture: capture::Capture,
}

/// What a driver is made of.
pub(crate) struct Parts<C, T> {
    pub(crate) peers: PeerManager<C, T>,
    pub(crate) options: Options,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chance: Chance,
    pub(crate) waker: Waker,
    pub(crate) io: UnboundedSender<Command>,
    pub(crate) addrman: AddrMan,
    pub(crate) shun: Shun,
    pub(crate) anchors: Vec<Service>,
    pub(crate) bound: Vec<crate::options::Bind>,
    pub(crate) later: Arc<Later>,
}

impl<C: ChainAccess, T: TxAccess> Driver<C, T> {
    pub(crate) fn new(parts: Parts<C, T>) -> Self {
        let Parts { peers, options, clock, mut chance, waker, io, addrman, shun, anchors, bound, later } = parts;
        let now = waker.now();
        tracing::info!("SetNetworkActive: {}", options.active);
        let mut it = Self {
            added: added::Added::new(&options),
            opener: open::Opener::new(now, &mut chance),
            private: private::Private::default(),
            seeds: seeds::Seeds::new(&options, now),
            upload: upload::Upload::new(options.max_upload),
            capture: capture::Capture::new(options.capture.clone()),
            isolation: (chance.u64(), 0),
            salt: chance.bytes(),
            active: options.active,
            peers,
            later,
            options,
            clock,
            chance,
            waker,
            io,
            addrman,
            shun,
            anchors,
            bound,
            conns: BTreeMap::new(),
            next_id: 0,
            ready: BTreeSet::new(),
            dials: HashMap::new(),
            next_ticket: 0,
            extra_outbound: false,
            extra_block_relay: false,
            cache: AddrCache::default(),
            next_tick: Duration::ZERO,
            next_check: Duration::ZERO,
            ended: (0, 0),
            local: BTreeMap::new(),
            next_save: Duration::ZERO,
            next_health: Duration::ZERO,
        };
        it.learn_local_addresses();
        it
    }

    fn now(&self) -> Duration {
        self.waker.now()
    }

    /// Works until it is asked to stop.
    pub(crate) fn run(mut self, inputs: &Receiver<Input>) {
        // Ticks follow the machine's clock: mock time may stand still.
        self.next_tick = self.clock.monotonic();
        self.next_save = self.clock.monotonic() + addresses::SAVE_INTERVAL;
        loop {
            let wait = if self.ready.is_empty() {
                self.next_tick.saturating_sub(self.clock.monotonic())
            } else {
                Duration::ZERO
            };
            let input = inputs.recv_timeout(wait);
            self.hear_later();
            match input {
                Ok(Input::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(input) => self.take(input),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let mut stop = false;
            while let Ok(input) = inputs.try_recv() {
                if matches!(input, Input::Stop) {
                    stop = true;
                    break;
                }
                self.take(input);
            }
            if stop {
                break;
            }
            self.round();
            self.later.set_alone(self.conns.is_empty() && self.dials.is_empty());
        }
        self.finish();
    }

    fn take(&mut self, input: Input) {
        let now = self.now();
        match input {
            Input::Ready(id) => {
                self.ready.insert(id);
            }
            Input::Accepted { listener, connected } => self.accepted(listener, connected, now),
            Input::Dialed { ticket, dialed } => self.dialed(ticket, dialed, now),
            Input::Resolved { ticket, found } => self.resolved(ticket, &found, now),
            Input::Local(service, here) => self.set_local(service, here),
            Input::TorProxy(address) => self.found_tor(address),
            Input::Call(work) => work(self),
            Input::News(news, done) => {
                self.hear(news, now);
                if let Some(done) = done {
                    done();
                }
            }
            Input::Stop => {}
        }
        self.act(now);
    }

    /// One message of each peer, then what is due.
    fn round(&mut self) {
        let now = self.now();
        let mut worked = false;
        for id in std::mem::take(&mut self.ready) {
            worked |= self.step(id, now);
            self.act(now);
        }
        let uptime = self.clock.monotonic();
        let due = uptime >= self.next_tick;
        if due {
            self.next_tick = uptime + TICK;
        }
        if worked || due {
            self.peers.tick(now);
            self.act(now);
        }
        if due {
            self.tell_limits(now);
            self.check_quiet(now);
            self.keep_added(now);
            self.keep_open(now);
            self.keep_private(now);
            self.keep_seeds(now);
            self.act(now);
            self.save_if_due(uptime);
            self.tell_health_if_due(uptime);
        }
    }

    /// Tells the peer logic how many connections there are beyond those that are wanted, and what may still be sent.
    fn tell_limits(&mut self, now: Duration) {
        let beyond = |kind, most: usize| {
            let all = self.conns.iter().filter(|(id, conn)| conn.kind == kind && self.peers.is_established(**id));
            all.count().saturating_sub(most)
        };
        let full = beyond(ConnectionKind::OutboundFullRelay, self.options.max_full_relay());
        let blocks = beyond(ConnectionKind::BlockRelayOnly, self.options.max_block_relay());
        self.peers.set_extra_peers(full, blocks);
        self.tell_upload(now);
    }

    fn tell_upload(&mut self, now: Duration) {
        if self.upload.target() == 0 {
            return;
        }
        let (_, sent) = self.traffic();
        self.upload.note(sent, now);
        self.peers.set_upload_limits(self.upload.is_reached(true, now), self.upload.is_reached(false, now));
    }

    /// Handles one message of a peer, or its end. Tells whether there was a message.
    fn step(&mut self, id: PeerId, now: Duration) -> bool {
        let Some(conn) = self.conns.get_mut(&id) else { return false };
        let judging = self.peers.is_busy(id) && !self.peers.has_requests(id);
        if judging && !self.peers.takes_block_ahead(id) {
            // A block of it is being judged. The verdict calls again.
            return false;
        }
        if self.peers.has_requests(id) {
            // What it has asked for comes before what it says next.
            if conn.link.is_congested() {
                return false;
            }
            self.tell_upload(now);
            self.peers.serve(id, now);
            self.ready.insert(id);
            return true;
        }
        let next = if judging { conn.link.next_block() } else { conn.link.next() };
        let Some(received) = next else {
            // What was said before the end is heard before it.
            if !judging && let Some(end) = conn.link.end() {
                self.on_end(id, &end, now);
            }
            return false;
        };
        // Until the next look says that there is nothing more.
        self.ready.insert(id);
        if !conn.transport_told {
            conn.transport_told = true;
            self.peers.transport_known(id, conn.link.transport().0.name());
        }
        match received {
            Received::Message { name, payload, .. } => {
                if name == "getdata" {
                    self.tell_upload(now);
                }
                let Some(conn) = self.conns.get(&id) else { return false };
                self.capture.record(id, conn, &name, &payload, true, now);
                self.peers.receive(id, &name, &payload, now);
            }
            Received::Rejected { reason, .. } => tracing::debug!(target: "net", "{reason}, peer={id}"),
        }
        true
    }

    /// How log lines name a peer.
    fn shown(&self, id: PeerId) -> String {
        match self.conns.get(&id) {
            Some(conn) if self.options.log_ips => format!("peer={id}, peeraddr={}", conn.name),
            _ => format!("peer={id}"),
        }
    }

    /// A connection has ended from the other side, or by its own fault.
    fn on_end(&mut self, id: PeerId, end: &End, now: Duration) {
        let shown = self.shown(id);
        match end {
            End::Closed => tracing::debug!(target: "net", "socket closed, disconnecting {shown}"),
            End::Transport(error) => {
                let with_peer = !matches!(error, p2p::TransportError::V1WrongMagic(_));
                let peer = if with_peer { format!(", peer={id}") } else { String::new() };
                tracing::debug!(target: "net", "{error}{peer}");
                tracing::debug!(target: "net", "receiving message bytes failed, disconnecting {shown}");
            }
            End::Receive(why) => tracing::debug!(target: "net", "socket recv error, disconnecting {shown}: {why}"),
            End::Send(why) => tracing::debug!(target: "net", "socket send error, disconnecting {shown}: {why}"),
        }
        self.drop_conn(id, now);
    }

    /// Takes a connection out, whoever ended it.
    fn drop_conn(&mut self, id: PeerId, now: Duration) {
        let retry = self.retry_in_the_clear(id);
        let shown = self.shown(id);
        let Some(conn) = self.conns.remove(&id) else { return };
        tracing::debug!(target: "net", "Resetting socket for {shown}");
        conn.link.close();
        self.ready.remove(&id);
        let (_, _, received, sent) = conn.link.pulse();
        self.ended.0 += received;
        self.ended.1 += sent;
        let was_good = self.peers.is_established(id);
        let shows = !matches!(
            conn.kind,
            ConnectionKind::Inbound | ConnectionKind::BlockRelayOnly | ConnectionKind::PrivateBroadcast
        );
        if was_good && shows {
            self.addrman.connected(&conn.address, seconds(now));
        }
        self.peers.disconnected(id);
        if let Some(again) = retry {
            tracing::debug!(target: "net", "retrying with v1 transport protocol for peer={id}");
            self.open(again, now);
        }
    }

    /// The node stops: every connection is closed and everything that is known is written down.
    fn finish(mut self) {
        self.save_anchors();
        self.save_bans();
        self.save_addresses();
        for conn in self.conns.values() {
            conn.link.close();
        }
    }

    fn count(&self, fits: impl Fn(&Conn) -> bool) -> usize {
        self.conns.values().filter(|conn| fits(conn)).count()
    }
}

/// Seconds since 1970.
pub(crate) fn seconds(now: Duration) -> i64 {
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}
