//! What `getpeerinfo` shows of a peer, beside the bytes that its connection counts.

use std::time::Duration;

use bitcoin::BlockHash;

use super::PeerManager;
use crate::PeerId;
use crate::netaddr::Service;
use crate::peer::{ConnectionKind, Peer, Permissions};
use crate::presync::Presync;
use crate::view::{ChainAccess, TxAccess};

/// A peer as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerStats {
    /// Its number.
    pub id: PeerId,
    /// Where it is.
    pub address: Service,
    /// Why there is a connection.
    pub kind: ConnectionKind,
    /// What it may do.
    pub permissions: Permissions,
    /// When the connection was made.
    pub connected: Duration,
    /// What it offers.
    pub services: u64,
    /// Its protocol version; 0 before the handshake.
    pub version: i32,
    /// The name of its software.
    pub user_agent: String,
    /// The height that it started with.
    pub start_height: i32,
    /// Whether it wants transactions.
    pub relays_txs: bool,
    /// The last ping's time, the shortest one, and how long the open one takes.
    pub ping: (Option<Duration>, Option<Duration>, Option<Duration>),
    /// When it last sent a new block, and a new transaction.
    pub last: (Option<Duration>, Option<Duration>),
    /// The height of the best header that it has, or -1.
    pub synced_headers: i64,
    /// The height of the last block in common, or -1.
    pub synced_blocks: i64,
    /// The heights of the blocks that it was asked for.
    pub in_flight: Vec<u32>,
    /// Below which feerate it wants no transaction.
    pub minimum_feerate: i64,
    /// How far its low-work headers have come, or -1.
    pub presynced_headers: i64,
    /// When it last told of a block that was better than ours.
    pub last_announcement: Option<Duration>,
    /// Whether we want compact blocks from it unasked.
    pub high_bandwidth_to: bool,
    /// Whether it wants compact blocks unasked.
    pub high_bandwidth_from: bool,
    /// How often the pool had changed when it was last told of transactions.
    pub last_inv_sequence: u64,
    /// Whether addresses flow from and to it.
    pub addr_relay: bool,
    /// How many addresses it told that were looked at.
    pub addr_processed: u64,
    /// How many addresses it told too quickly.
    pub addr_rate_limited: u64,
    /// Whether it announces transactions by their wtxid.
    pub wtxid_relay: bool,
    /// Whether it handles addresses of BIP155.
    pub wants_addrv2: bool,
    /// Whether the handshake is done.
    pub established: bool,
    /// Where it says that it sees us.
    pub seen_as: Option<Service>,
    /// How far its clock is ahead of ours, in seconds.
    pub time_offset: i64,
    /// How many transactions wait to be announced to it.
    pub to_announce: usize,
}

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// All peers, by their numbers.
    pub fn stats(&self, now: Duration) -> Vec<PeerStats> {
        self.peers.values().map(|peer| self.stats_of(peer, now)).collect()
    }

    /// Whether the handshake with a peer is done.
    pub fn is_established(&self, id: PeerId) -> bool {
        self.peers.get(&id).is_some_and(|peer| peer.established)
    }

    fn stats_of(&self, peer: &Peer, now: Duration) -> PeerStats {
        let height = |hash: Option<BlockHash>| {
            hash.and_then(|hash| self.chain.info(&hash)).map_or(-1, |info| i64::from(info.height))
        };
        let version = peer.version.as_ref();
        PeerStats {
            id: peer.id,
            address: peer.address,
            kind: peer.kind,
            permissions: peer.permissions,
            connected: peer.connected,
            services: peer.services(),
            version: version.map_or(0, |version| version.version),
            user_agent: version.map_or_else(String::new, |version| version.user_agent.clone()),
            start_height: version.map_or(-1, |version| version.start_height),
            relays_txs: peer.relay.as_ref().is_some_and(|relay| relay.wanted),
            ping: (peer.last_ping_time, peer.min_ping_time, peer.ping.map(|(_, since)| now.saturating_sub(since))),
            last: (peer.last_block, peer.last_tx),
            synced_headers: height(peer.best_known),
            synced_blocks: height(peer.last_common),
            in_flight: peer.in_flight.iter().map(|block| block.height).collect(),
            minimum_feerate: peer.relay.as_ref().map_or(0, |relay| relay.minimum_feerate),
            presynced_headers: peer.presync.as_ref().and_then(Presync::height).map_or(-1, i64::from),
            last_announcement: peer.last_announcement,
            high_bandwidth_to: peer.high_bandwidth_to,
            high_bandwidth_from: peer.high_bandwidth_from,
            last_inv_sequence: peer.relay.as_ref().map_or(0, |relay| relay.last_sequence),
            addr_relay: peer.addrs.known.is_some(),
            addr_processed: peer.addrs.processed,
            addr_rate_limited: peer.addrs.rate_limited,
            wtxid_relay: peer.wtxid_relay,
            wants_addrv2: peer.wants_addrv2,
            established: peer.established,
            seen_as: version.map(|version| version.receiver).filter(|service| service.addr.is_valid()),
            time_offset: peer.time_offset,
            to_announce: peer.relay.as_ref().map_or(0, |relay| relay.to_announce.len()),
        }
    }
}
