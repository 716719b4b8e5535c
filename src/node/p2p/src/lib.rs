//! The peer-to-peer network, without sockets, clocks or threads: bytes, time and chance go in, bytes and decisions come
//! out.
//!
//! What flows through, in order:
//! 1. Bytes of a connection enter its [`Transport`], in the clear (v1) or encrypted (v2), and leave it as [`Received`]
//!    messages: a name and a payload.
//! 2. The [`PeerManager`] decodes them into a [`Message`], with all limits checked before memory is reserved, and handles
//!    them: handshake, headers, blocks, transactions. It asks the chain and the memory pool through [`ChainAccess`] and
//!    [`TxAccess`].
//! 3. What is to be done about it piles up as [`Action`]s. The owner of the sockets takes them and sends, closes and
//!    remembers. Between messages it calls [`PeerManager::tick`], which does what is due by the clock.
//!
//! Where peers may be found is the business of [`AddrMan`], which also reads and writes `peers.dat`; which of them belong
//! together is told by [`Groups`], with a map of autonomous systems ([`AsMap`]) or without; whom the user does not want is
//! the business of [`BanList`].
//!
//! Assumed: whoever calls is one thread; time is the time since 1970 and may stand still, but does not run backwards;
//! [`Chance`] has a seed that nobody can guess. Everything else that comes in may come from an enemy: a peer can get its
//! connection closed, but neither stop the node nor make it keep more than a bounded amount.

mod addrcache;
mod addrman;
mod asmap;
mod banlist;
mod bloom;
mod chance;
pub mod compact;
mod error;
mod eviction;
pub mod fuzz;
mod manager;
mod message;
mod netaddr;
mod orphanage;
mod peer;
mod presync;
mod private;
mod recent;
mod sha3;
#[cfg(test)]
mod testing;
mod transport;
mod txrequest;
mod view;

pub use addrcache::AddrCache;
pub use addrman::{AddrFileError, AddrMan, Entry};
pub use asmap::{AsMap, Groups};
pub use banlist::{Ban, BanList, Subnet, SubnetError};
pub use chance::Chance;
pub use error::{MessageError, Rejected, TransportError};
pub use eviction::{Candidate, choose};
pub use manager::{Action, FetchError, NewPeer, Options, PeerManager, PeerStats, Waiting};
pub use message::{
    BlockTxn, CFHeaders, CFilter, CompactBlock, FEATURE_VERSION, FEEFILTER_VERSION, FilterCheckpoint, FilterLoad,
    FilterRange, GetBlockTxn, Inv, InvKind, Locator, MAX_ADDR, MAX_HEADERS, MAX_INV, MAX_LOCATOR, MAX_MESSAGE_LENGTH,
    MESSAGE_NAMES, MIN_PEER_PROTO_VERSION, MerkleBlock, Message, PROTOCOL_VERSION, Prefilled, SENDHEADERS_VERSION,
    SHORT_IDS_BLOCKS_VERSION, Version, WTXID_RELAY_VERSION, sanitize,
};
pub use netaddr::{AddrError, NetAddr, Network, PeerAddress, Service};
pub use orphanage::OrphanInfo;
pub use peer::{
    ConnectionKind, NODE_BLOOM, NODE_COMPACT_FILTERS, NODE_NETWORK, NODE_NETWORK_LIMITED, NODE_P2P_V2, NODE_WITNESS,
    Permissions,
};
pub use presync::PresyncOptions;
pub use private::{PrivateAdded, PrivateSend, PrivateTx};
pub use transport::{Received, Transport, TransportKind};
pub use view::{
    AddrPolicy, Behind, BlockInfo, BlockVerdict, ChainAccess, Fault, FilterAccess, PackageVerdict, Refusal, RejectKind,
    TxAccess, TxVerdict,
};

/// The number of a connection; none is used twice.
pub type PeerId = u64;
