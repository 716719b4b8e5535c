//! What is remembered of a peer.

use std::collections::VecDeque;
use std::time::Duration;

use bitcoin::{BlockHash, Txid};

use crate::PeerId;
use crate::bloom::BloomFilter;
use crate::compact::PartialBlock;
use crate::message::{Inv, Version};
use crate::netaddr::{PeerAddress, Service};
use crate::presync::Presync;
use crate::recent::Known;

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
    /// One that one transaction of our own is sent over, and nothing that tells who we are.
    PrivateBroadcast,
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
            Self::PrivateBroadcast => "private-broadcast",
        }
    }

    /// Whether the peer must be of full use.
    pub(crate) fn expects_services(self) -> bool {
        matches!(self, Self::OutboundFullRelay | Self::BlockRelayOnly | Self::AddrFetch | Self::PrivateBroadcast)
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
    /// It may use bloom filters even if they are not offered.
    pub bloom: bool,
    /// Its transactions are passed on even if they are known already.
    pub force_relay: bool,
    /// It is told fresh addresses, not those of the cache.
    pub addr: bool,
}

/// How transactions flow to a peer.
#[derive(Debug)]
pub(crate) struct TxRelay {
    /// Whether it wants to hear of transactions.
    pub(crate) wanted: bool,
    pub(crate) bloom: Option<BloomFilter>,
    pub(crate) to_announce: Vec<Txid>,
    pub(crate) known: Known,
    /// When it is told next; `None` before the end of the handshake, as the time of arrival of a transaction must not be
    /// told by it.
    pub(crate) next_announcement: Option<Duration>,
    /// It has asked for the whole pool.
    pub(crate) send_pool: bool,
    /// How often the pool had changed when it was told last: it may ask for what was there then.
    pub(crate) last_sequence: u64,
    pub(crate) minimum_feerate: i64,
    pub(crate) sent_feerate: i64,
    pub(crate) next_feerate: Duration,
}

/// How addresses flow from and to a peer.
#[derive(Debug)]
pub(crate) struct AddrRelay {
    /// What it has told or was told; `None` while no addresses flow.
    pub(crate) known: Option<Known>,
    pub(crate) to_send: Vec<PeerAddress>,
    pub(crate) asked: bool,
    pub(crate) has_asked: bool,
    pub(crate) tokens: f64,
    pub(crate) tokens_at: Duration,
    pub(crate) processed: u64,
    pub(crate) rate_limited: u64,
    pub(crate) next_send: Duration,
    /// When our own address is told next; `None` before the first time.
    pub(crate) next_own: Option<Duration>,
    pub(crate) own_told: bool,
    /// Addresses, or our own one, were asked of the owner; what there is to be sent waits for that.
    pub(crate) waits_for_answer: bool,
    pub(crate) waits_for_own: bool,
}

/// Whether a peer that we chose keeps up with our chain.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ChainSync {
    /// Until when it has to show as much work as `benchmark`.
    pub(crate) deadline: Option<Duration>,
    pub(crate) benchmark: Option<BlockHash>,
    pub(crate) asked: bool,
    /// It has shown its worth and stays.
    pub(crate) protected: bool,
}

/// How far two sides have come in agreeing to reconcile transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reconciliation {
    /// We have said that we can.
    Offered,
    /// So has the peer.
    Agreed,
}

/// How far a compact block has come.
#[derive(Debug)]
pub(crate) enum Compact {
    /// Its missing transactions were asked for.
    Waiting(PartialBlock),
    /// It could not be put together; the whole block was asked for.
    Spent,
}

/// A block that was asked for.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) hash: BlockHash,
    pub(crate) height: u32,
    pub(crate) compact: Option<Compact>,
}

/// A peer.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: PeerId,
    pub(crate) address: Service,
    pub(crate) kind: ConnectionKind,
    pub(crate) permissions: Permissions,
    pub(crate) inbound_onion: bool,
    pub(crate) network_key: u64,
    pub(crate) our_services: u64,
    pub(crate) transport: &'static str,
    pub(crate) connected: Duration,
    pub(crate) nonce: u64,
    pub(crate) version: Option<Version>,
    pub(crate) common_version: i32,
    pub(crate) time_offset: i64,
    pub(crate) established: bool,
    pub(crate) closing: bool,
    /// Blocks of it that are being judged elsewhere.
    pub(crate) judging: Vec<BlockHash>,
    pub(crate) wtxid_relay: bool,
    pub(crate) reconciliation: Option<Reconciliation>,
    pub(crate) wants_addrv2: bool,
    pub(crate) prefers_headers: bool,
    pub(crate) sent_sendheaders: bool,
    /// It gives compact blocks.
    pub(crate) compact: bool,
    /// It wants compact blocks unasked.
    pub(crate) high_bandwidth_from: bool,
    /// We want compact blocks from it unasked.
    pub(crate) high_bandwidth_to: bool,
    pub(crate) relay: Option<TxRelay>,
    pub(crate) addrs: AddrRelay,
    pub(crate) ping: Option<(u64, Duration)>,
    pub(crate) last_ping: Duration,
    pub(crate) ping_wanted: bool,
    pub(crate) last_ping_time: Option<Duration>,
    pub(crate) min_ping_time: Option<Duration>,
    pub(crate) last_block: Option<Duration>,
    pub(crate) last_tx: Option<Duration>,
    /// When it last told of a block that was new to us and better than ours.
    pub(crate) last_announcement: Option<Duration>,
    pub(crate) sync_started: bool,
    /// A block that it announced has led to a question for headers before its turn.
    pub(crate) asked_for_inv: bool,
    pub(crate) headers_deadline: Option<Duration>,
    pub(crate) last_getheaders: Option<Duration>,
    pub(crate) presync: Option<Presync>,
    pub(crate) chain_sync: ChainSync,
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

    /// Whether it is one of the few that we chose, and can be exchanged for another.
    pub(crate) fn is_chosen(&self) -> bool {
        matches!(self.kind, ConnectionKind::OutboundFullRelay | ConnectionKind::BlockRelayOnly)
    }

    /// Whether transactions have no place on this connection.
    pub(crate) fn is_without_txs(&self) -> bool {
        matches!(self.kind, ConnectionKind::BlockRelayOnly | ConnectionKind::Feeler)
    }

    /// Whether it has any blocks to give.
    pub(crate) fn can_serve_blocks(&self) -> bool {
        self.services() & (NODE_NETWORK | NODE_NETWORK_LIMITED) != 0
    }

    /// Whether its blocks have witnesses.
    pub(crate) fn can_serve_witnesses(&self) -> bool {
        self.services() & NODE_WITNESS != 0
    }

    /// Whether it has only the newest blocks.
    pub(crate) fn is_limited(&self) -> bool {
        self.services() & NODE_NETWORK == 0 && self.services() & NODE_NETWORK_LIMITED != 0
    }

    /// Whether it is asked for blocks and transactions before others.
    pub(crate) fn is_preferred(&self) -> bool {
        (!self.is_inbound() || self.permissions.noban)
            && !matches!(self.kind, ConnectionKind::AddrFetch | ConnectionKind::PrivateBroadcast)
            && self.can_serve_blocks()
    }
}
