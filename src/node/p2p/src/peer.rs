//! What is remembered of a peer.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use bitcoin::BlockHash;

use crate::PeerId;
use crate::message::{Inv, Version};
use crate::netaddr::Service;
use crate::presync::Presync;
use crate::recent::Recent;

/// The whole chain is served.
pub const NODE_NETWORK: u64 = 1;
/// Bloom filters are served.
pub const NODE_BLOOM: u64 = 1 << 2;
/// Witnesses are served.
pub const NODE_WITNESS: u64 = 1 << 3;
/// Block filters are served.
pub const NODE_COMPACT_FILTERS: u64 = 1 << 6;
/// The last 288 blocks are served.
pub const NODE_NETWORK_LIMITED: u64 = 1 << 10;
/// BIP324 is spoken.
pub const NODE_P2P_V2: u64 = 1 << 11;

/// Why there is a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionKind {
    /// The peer called.
    Inbound,
    /// One that we chose, for everything.
    OutboundFullRelay,
    /// One that the user named.
    Manual,
    /// One that is only tried.
    Feeler,
    /// One that we chose, for blocks only.
    BlockRelayOnly,
    /// One that is only asked for addresses.
    AddrFetch,
}

impl ConnectionKind {
    /// The name in RPC answers and log lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::OutboundFullRelay => "outbound-full-relay",
            Self::Manual => "manual",
            Self::Feeler => "feeler",
            Self::BlockRelayOnly => "block-relay-only",
            Self::AddrFetch => "addr-fetch",
        }
    }

    /// Whether the peer must be of full use.
    pub(crate) fn expects_services(self) -> bool {
        matches!(self, Self::OutboundFullRelay | Self::BlockRelayOnly | Self::AddrFetch)
    }
}

/// What a peer may do that others may not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Permissions {
    /// It is not discouraged or evicted.
    pub noban: bool,
    /// Its transactions are taken even with `-blocksonly`.
    pub relay: bool,
    /// It may ask for the memory pool.
    pub mempool: bool,
    /// It gets headers during initial download.
    pub download: bool,
}

/// How transactions flow to a peer.
#[derive(Debug)]
pub(crate) struct TxRelay {
    pub(crate) wanted: bool,
    pub(crate) to_announce: BTreeSet<Inv>,
    pub(crate) known: Recent<[u8; 32]>,
    pub(crate) next_announcement: Duration,
    pub(crate) minimum_feerate: i64,
    pub(crate) sent_feerate: i64,
    pub(crate) next_feerate: Duration,
}

/// A block that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InFlight {
    pub(crate) hash: BlockHash,
    pub(crate) height: u32,
}

/// A peer.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) address: Service,
    pub(crate) kind: ConnectionKind,
    pub(crate) permissions: Permissions,
    pub(crate) transport: &'static str,
    pub(crate) connected: Duration,
    pub(crate) nonce: u64,
    pub(crate) version: Option<Version>,
    pub(crate) common_version: i32,
    pub(crate) established: bool,
    pub(crate) closing: bool,
    pub(crate) wtxid_relay: bool,
    pub(crate) wants_addrv2: bool,
    pub(crate) prefers_headers: bool,
    pub(crate) sent_sendheaders: bool,
    pub(crate) compact: bool,
    pub(crate) high_bandwidth: bool,
    pub(crate) relay: Option<TxRelay>,
    pub(crate) ping: Option<(u64, Duration)>,
    pub(crate) last_ping: Duration,
    pub(crate) ping_wanted: bool,
    pub(crate) last_ping_time: Option<Duration>,
    pub(crate) min_ping_time: Option<Duration>,
    pub(crate) last_received: Duration,
    pub(crate) last_block: Option<Duration>,
    pub(crate) last_tx: Option<Duration>,
    pub(crate) sync_started: bool,
    pub(crate) headers_deadline: Option<Duration>,
    pub(crate) last_getheaders: Option<Duration>,
    pub(crate) presync: Option<Presync>,
    pub(crate) best_known: Option<BlockHash>,
    pub(crate) unknown_announced: Option<BlockHash>,
    pub(crate) best_sent: Option<BlockHash>,
    pub(crate) last_common: Option<BlockHash>,
    pub(crate) in_flight: VecDeque<InFlight>,
    pub(crate) downloading_since: Duration,
    pub(crate) stalling_since: Option<Duration>,
    pub(crate) blocks_to_announce: Vec<BlockHash>,
    pub(crate) continue_from: Option<BlockHash>,
    pub(crate) requests: VecDeque<Inv>,
}

impl Peer {
    pub(crate) fn services(&self) -> u64 {
        self.version.as_ref().map_or(0, |version| version.services)
    }

    pub(crate) fn is_inbound(&self) -> bool {
        self.kind == ConnectionKind::Inbound
    }

    /// Whether it has any blocks to give.
    pub(crate) fn can_serve_blocks(&self) -> bool {
        self.services() & (NODE_NETWORK | NODE_NETWORK_LIMITED) != 0
    }

    /// Whether it has only the newest blocks.
    pub(crate) fn is_limited(&self) -> bool {
        self.services() & NODE_NETWORK == 0 && self.services() & NODE_NETWORK_LIMITED != 0
    }

    /// Whether it is asked for blocks and transactions before others.
    pub(crate) fn is_preferred(&self) -> bool {
        (!self.is_inbound() || self.permissions.noban)
            && self.kind != ConnectionKind::AddrFetch
            && self.can_serve_blocks()
    }
}
