//! What others may ask of the driver and see of it: the RPC methods, and whoever embeds the node.

use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use bitcoin::BlockHash;
use p2p::{
    AddrMan, Ban, ChainAccess, ConnectionKind, FetchError, NetAddr, Network, OrphanInfo, PeerId, PeerStats,
    PrivateAdded, PrivateTx, Service, Subnet, TransportKind, TxAccess, Waiting,
};
use primitives::Tx;

use super::{Driver, dial::Open, seconds, upload::TIMEFRAME};
use crate::link::Traffic;
use crate::options::{NETWORKS, Options};
use crate::permissions;
use crate::target::{as_cjdns, service};

/// A peer with its connection.
#[derive(Debug, Clone)]
pub struct PeerInfo {
    /// What the peer logic knows.
    pub stats: PeerStats,
    /// What it was called by, or its address.
    pub name: String,
    /// Our end.
    pub local: Option<Service>,
    /// The number of its autonomous system, if a map has it.
    pub mapped_as: Option<u32>,
    /// The network it was reached through; `None` for this machine and private networks.
    pub network: Option<Network>,
    /// What is spoken.
    pub transport: TransportKind,
    /// The number of the session, if it is encrypted.
    pub session: Option<[u8; 32]>,
    /// The names of its permissions.
    pub permissions: Vec<&'static str>,
    /// Bytes sent and received.
    pub bytes: (u64, u64),
    /// When bytes were last sent and received.
    pub last: (Duration, Duration),
    /// Bytes sent by the names of messages.
    pub sent_by_name: Vec<(String, u64)>,
    /// Bytes received by the names of messages.
    pub received_by_name: Vec<(String, u64)>,
}

/// A peer that the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedNode {
    /// As the user named it.
    pub name: String,
    /// Where it is, and whether it called us, if it is connected.
    pub connected: Option<(Service, bool)>,
}

/// A network, and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkInfo {
    /// Which.
    pub network: Network,
    /// Whether it is called.
    pub reachable: bool,
    /// Through which proxy, and whether each connection has credentials of its own.
    pub proxy: Option<(String, bool)>,
}

/// An address of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalAddress {
    /// The address.
    pub addr: NetAddr,
    /// The port.
    pub port: u16,
    /// How sure we are.
    pub score: i32,
}

/// Bytes of all connections together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Received.
    pub received: u64,
    /// Sent.
    pub sent: u64,
    /// The span of the upload target.
    pub timeframe: Duration,
    /// The target; 0 for none.
    pub target: u64,
    /// Whether it is reached.
    pub reached: bool,
    /// Whether old blocks are still served.
    pub serves_historical: bool,
    /// What is left of the target.
    pub bytes_left: u64,
    /// How long until the next span.
    pub time_left: Duration,
}

/// The driver, as others see it.
pub trait Control {
    /// All peers.
    fn peers(&mut self) -> Vec<PeerInfo>;
    /// How many peers called us, and how many we called.
    fn counts(&self) -> (usize, usize);
    /// Bytes of all connections.
    fn totals(&mut self) -> Totals;
    /// How every network is reached.
    fn networks(&self) -> Vec<NetworkInfo>;
    /// Our own addresses.
    fn local_addresses(&self) -> Vec<LocalAddress>;
    /// What the user wants.
    fn options(&self) -> &Options;
    /// Whether there is any network at all.
    fn is_active(&self) -> bool;
    /// Switches the network on or off.
    fn set_active(&mut self, active: bool);
    /// Calls a peer by its name; `done` is dropped when that has come to its end.
    fn connect(&mut self, name: &str, kind: ConnectionKind, v2: bool, done: Sender<()>);
    /// Calls a peer as one of those that are chosen; `false` if there are enough of the kind.
    fn add_connection(&mut self, name: &str, kind: ConnectionKind, v2: bool, done: Sender<()>) -> bool;
    /// Names a peer that is to be connected always; `false` if it was named before.
    fn add_node(&mut self, name: &str, v2: bool) -> bool;
    /// Takes that back; `false` if it was not named.
    fn remove_node(&mut self, name: &str) -> bool;
    /// The peers that were named.
    fn added_nodes(&self) -> Vec<AddedNode>;
    /// Ends the connection with the peer of that name or address.
    fn disconnect_name(&mut self, name: &str) -> bool;
    /// Ends a connection.
    fn disconnect_id(&mut self, id: PeerId) -> bool;
    /// Ends all connections with a range of addresses.
    fn disconnect_range(&mut self, range: &Subnet);
    /// Sends a message of any content.
    fn send_message(&mut self, id: PeerId, name: &str, payload: Vec<u8>) -> bool;
    /// Measures how far every peer is away.
    fn ping(&mut self);
    /// Makes what is done at intervals due sooner, as a test wants.
    fn forward(&mut self, by: Duration);
    /// Bans a range, for the usual time if none is said.
    fn ban(&mut self, range: Subnet, until: Option<i64>);
    /// Takes a ban back; `false` if there was none.
    fn unban(&mut self, range: &Subnet) -> bool;
    /// Takes all bans back.
    fn clear_bans(&mut self);
    /// Whether an address is banned.
    fn is_banned(&self, addr: &NetAddr) -> bool;
    /// Whether exactly this range is banned.
    fn is_range_banned(&self, range: &Subnet) -> bool;
    /// All bans.
    fn bans(&mut self) -> Vec<(Subnet, Ban)>;
    /// All addresses.
    fn addresses(&mut self) -> &mut AddrMan;
    /// Asks one peer for one block.
    fn fetch_block(&mut self, id: PeerId, hash: BlockHash) -> Result<(), FetchError>;
    /// How many transactions wait to be told to callers and to peers that we chose.
    fn waiting_txs(&self) -> (Waiting, Waiting);
    /// The transactions that wait for their parents.
    fn orphans(&self) -> Vec<OrphanInfo>;
    /// Sends a transaction over connections of its own, through Tor and I2P.
    fn broadcast_privately(&mut self, tx: Arc<Tx>) -> PrivateAdded;
    /// The transactions that are sent that way.
    fn private_txs(&self) -> Vec<PrivateTx>;
    /// Stops sending what has that txid or wtxid.
    fn abort_private(&mut self, id: &[u8; 32]) -> Vec<Arc<Tx>>;
    /// The time, in seconds since 1970.
    fn unix_time(&self) -> i64;
}

impl<C: ChainAccess, T: TxAccess> Control for Driver<C, T> {
    fn peers(&mut self) -> Vec<PeerInfo> {
        let now = self.now();
        let stats = self.peers.stats(now);
        let known = stats.into_iter().filter_map(|stats| Some((self.conns.get(&stats.id)?, stats)));
        known
            .map(|(conn, stats)| {
                let Traffic { sent, received, last_sent, last_received, sent_by_name, received_by_name } =
                    conn.link.traffic();
                let (transport, session) = conn.link.transport();
                PeerInfo {
                    name: conn.name.clone(),
                    local: conn.local,
                    mapped_as: self.options.groups.number(&conn.address.addr),
                    network: conn.network(),
                    transport,
                    session,
                    permissions: permissions::names(&conn.permissions),
                    bytes: (sent, received),
                    last: (last_sent, last_received),
                    sent_by_name: sent_by_name.into_iter().collect(),
                    received_by_name: received_by_name.into_iter().collect(),
                    stats,
                }
            })
            .collect()
    }

    fn counts(&self) -> (usize, usize) {
        let inbound = self.count(|conn| conn.kind == ConnectionKind::Inbound);
        (inbound, self.conns.len() - inbound)
    }

    fn totals(&mut self) -> Totals {
        let now = self.now();
        let (received, sent) = self.traffic();
        self.upload.note(sent, now);
        Totals {
            received,
            sent,
            timeframe: TIMEFRAME,
            target: self.upload.target(),
            reached: self.upload.is_reached(false, now),
            serves_historical: !self.upload.is_reached(true, now),
            bytes_left: self.upload.bytes_left(),
            time_left: self.upload.time_left(now),
        }
    }

    fn networks(&self) -> Vec<NetworkInfo> {
        let of = |network| NetworkInfo {
            network,
            reachable: self.options.reachable.contains(&network),
            proxy: match (network, &self.options.i2p) {
                (Network::I2p, Some(router)) => Some((router.endpoint.to_string(), false)),
                _ => self.options.proxies.to(network).map(|proxy| (proxy.endpoint.to_string(), proxy.randomize)),
            },
        };
        NETWORKS.into_iter().map(of).collect()
    }

    fn local_addresses(&self) -> Vec<LocalAddress> {
        self.local
            .iter()
            .map(|(addr, (port, score))| LocalAddress { addr: *addr, port: *port, score: *score })
            .collect()
    }

    fn options(&self) -> &Options {
        &self.options
    }

    fn is_active(&self) -> bool {
        self.active
    }

    fn set_active(&mut self, active: bool) {
        tracing::info!("SetNetworkActive: {active}");
        if self.active == active {
            return;
        }
        self.active = active;
        if active {
            return;
        }
        let now = self.now();
        for id in self.conns.keys().copied().collect::<Vec<_>>() {
            tracing::debug!(target: "net", "Network not active, disconnecting {}", self.shown(id));
            self.drop_conn(id, now);
        }
        self.dials.clear();
    }

    fn connect(&mut self, name: &str, kind: ConnectionKind, v2: bool, done: Sender<()>) {
        let now = self.now();
        self.open(Open { done: Some(done), ..Open::by_name(name, kind, v2) }, now);
    }

    fn add_connection(&mut self, name: &str, kind: ConnectionKind, v2: bool, done: Sender<()>) -> bool {
        let most = match kind {
            ConnectionKind::OutboundFullRelay => self.options.max_full_relay(),
            ConnectionKind::BlockRelayOnly => self.options.max_block_relay(),
            ConnectionKind::AddrFetch | ConnectionKind::Feeler => usize::MAX,
            ConnectionKind::Inbound | ConnectionKind::Manual | ConnectionKind::PrivateBroadcast => 0,
        };
        if self.count(|conn| conn.kind == kind) >= most || self.automatic() >= self.options.max_outbound() {
            return false;
        }
        self.connect(name, kind, v2, done);
        true
    }

    fn add_node(&mut self, name: &str, v2: bool) -> bool {
        Self::add_node(self, name, v2)
    }

    fn remove_node(&mut self, name: &str) -> bool {
        Self::remove_node(self, name)
    }

    fn added_nodes(&self) -> Vec<AddedNode> {
        let of = |name: &String| AddedNode {
            name: name.clone(),
            connected: self.find_by_name(name).map(|conn| (conn.address, conn.kind == ConnectionKind::Inbound)),
        };
        self.added.nodes.iter().map(|node| of(&node.name)).collect()
    }

    fn disconnect_name(&mut self, name: &str) -> bool {
        let resolved = service(name, 0).map(|found| as_cjdns(found, self.options.cjdns));
        let found = self.conns.iter().find(|(_, conn)| conn.name == name || Some(conn.address) == resolved);
        let Some(id) = found.map(|(id, _)| *id) else { return false };
        let shown = if self.options.log_ips { format!("={name}") } else { String::new() };
        tracing::debug!(target: "net", "disconnect by address{shown} match, disconnecting {}", self.shown(id));
        let now = self.now();
        self.drop_conn(id, now);
        true
    }

    fn disconnect_id(&mut self, id: PeerId) -> bool {
        if !self.conns.contains_key(&id) {
            return false;
        }
        tracing::debug!(target: "net", "disconnect by id, disconnecting {}", self.shown(id));
        let now = self.now();
        self.drop_conn(id, now);
        true
    }

    fn disconnect_range(&mut self, range: &Subnet) {
        let now = self.now();
        let hit = |(id, conn): (&PeerId, &super::Conn)| range.contains(&conn.address.addr).then_some(*id);
        for id in self.conns.iter().filter_map(hit).collect::<Vec<_>>() {
            let shown = if self.options.log_ips { format!("={range}") } else { String::new() };
            tracing::debug!(target: "net", "disconnect by subnet{shown} match, disconnecting {}", self.shown(id));
            self.drop_conn(id, now);
        }
    }

    fn send_message(&mut self, id: PeerId, name: &str, payload: Vec<u8>) -> bool {
        let now = self.now();
        self.send_raw_message(id, name.to_owned(), payload, now)
    }

    fn ping(&mut self) {
        self.peers.ping_all();
    }

    fn forward(&mut self, by: Duration) {
        self.peers.forward(by);
    }

    fn ban(&mut self, range: Subnet, until: Option<i64>) {
        let created = self.unix_time();
        let until = until.unwrap_or_else(|| created.saturating_add(self.options.ban_time));
        if self.shun.lock().bans.ban(range, Ban { created, until }) {
            self.save_bans();
        }
    }

    fn unban(&mut self, range: &Subnet) -> bool {
        let changed = self.shun.lock().bans.unban(range);
        if changed {
            self.save_bans();
        }
        changed
    }

    fn clear_bans(&mut self) {
        self.shun.lock().bans.clear();
        self.save_bans();
    }

    fn is_banned(&self, addr: &NetAddr) -> bool {
        self.shun.is_banned(addr)
    }

    fn is_range_banned(&self, range: &Subnet) -> bool {
        self.shun.lock().bans.has(range, self.unix_time())
    }

    fn bans(&mut self) -> Vec<(Subnet, Ban)> {
        let now = self.unix_time();
        self.shun.lock().bans.sweep(now).map(|(range, ban)| (*range, *ban)).collect()
    }

    fn addresses(&mut self) -> &mut AddrMan {
        &mut self.addrman
    }

    fn fetch_block(&mut self, id: PeerId, hash: BlockHash) -> Result<(), FetchError> {
        let now = self.now();
        self.peers.fetch_block(id, hash, now)
    }

    fn waiting_txs(&self) -> (Waiting, Waiting) {
        self.peers.waiting_txs()
    }

    fn orphans(&self) -> Vec<OrphanInfo> {
        self.peers.orphans()
    }

    fn broadcast_privately(&mut self, tx: Arc<Tx>) -> PrivateAdded {
        let now = self.now();
        self.peers.broadcast_privately(tx, now)
    }

    fn private_txs(&self) -> Vec<PrivateTx> {
        self.peers.private_txs()
    }

    fn abort_private(&mut self, id: &[u8; 32]) -> Vec<Arc<Tx>> {
        self.peers.abort_private(id)
    }

    fn unix_time(&self) -> i64 {
        seconds(self.now())
    }
}

impl<C: ChainAccess, T: TxAccess> Driver<C, T> {
    /// Bytes received and sent by all connections that there ever were.
    pub(super) fn traffic(&self) -> (u64, u64) {
        self.conns.values().fold(self.ended, |sum, conn| {
            let (_, _, received, sent) = conn.link.pulse();
            (sum.0 + received, sum.1 + sent)
        })
    }
}
