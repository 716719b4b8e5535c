//! What goes in and out of the peer manager beside messages.

use std::time::Duration;

use crate::PeerId;
use crate::message::Message;
use crate::netaddr::{NetAddr, PeerAddress, Service};
use crate::peer::{ConnectionKind, Permissions};
use crate::presync::PresyncOptions;

/// What this node tells about itself, and what it wants.
#[derive(Debug, Clone)]
pub struct Options {
    /// What it offers.
    pub services: u64,
    /// The name of its software.
    pub user_agent: String,
    /// Whether it wants no transactions.
    pub blocks_only: bool,
    /// How low-work headers are fetched twice.
    pub presync: PresyncOptions,
    /// How far blocks are apart, in seconds.
    pub block_spacing: u32,
    /// After how long without a finished handshake a connection ends; silence is not looked at before.
    pub handshake_timeout: Duration,
    /// How many transactions that are not in the pool are kept for compact blocks.
    pub extra_txs: usize,
    /// How many transactions per second are told to each caller on average, over a longer time.
    pub tx_send_rate: u32,
    /// Whether it can be called, so that it makes sense to tell its address.
    pub listens: bool,
    /// Whether it keeps only its newest blocks.
    pub prunes: bool,
    /// Whether it offers to reconcile transactions (BIP330).
    pub reconcile: bool,
}

impl Options {
    /// What a node wants if its user did not say anything else.
    pub fn new(services: u64, user_agent: String, presync: PresyncOptions, block_spacing: u32) -> Self {
        Self {
            services,
            user_agent,
            blocks_only: false,
            presync,
            block_spacing,
            handshake_timeout: Duration::from_mins(1),
            extra_txs: 100,
            tx_send_rate: 14,
            listens: true,
            prunes: false,
            reconcile: false,
        }
    }
}

/// Something that the owner of the sockets has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send a message.
    Send(PeerId, Message),
    /// Close a connection.
    Disconnect(PeerId),
    /// Prefer others to this address from now on.
    Discourage(NetAddr),
    /// That is what an address that we called offers.
    Offers(Service, u64),
    /// The handshake with a peer that we called is done: its address is good, and that is what it offers.
    Good(Service, u64),
    /// A caller tells where it sees us.
    SeenLocal(PeerId, Service),
    /// A peer told addresses that are worth being kept.
    Addresses {
        /// The peer.
        from: PeerId,
        /// The addresses.
        list: Vec<PeerAddress>,
    },
    /// A peer may be told addresses; see [`PeerManager::tell_addresses`](crate::PeerManager::tell_addresses).
    WantsAddresses(PeerId),
    /// A peer may be told our own address; see [`PeerManager::tell_own_address`](crate::PeerManager::tell_own_address).
    WantsOwnAddress(PeerId),
    /// The tip may be stale: one more outbound connection may be made, or need not be made any more.
    ExtraOutbound(bool),
    /// The chain is caught up: from time to time one more connection for blocks only may be made.
    StartExtraBlockRelay,
    /// A caller wants transactions since that message. If there are too many of those, one has to go; if none can, it is
    /// this one.
    WantsTxs(PeerId, &'static str),
}

/// A connection that was just made.
#[derive(Debug, Clone, Copy)]
pub struct NewPeer {
    /// Its number, which is never used again.
    pub id: PeerId,
    /// Where the peer is.
    pub address: Service,
    /// Why there is a connection.
    pub kind: ConnectionKind,
    /// What the peer may do.
    pub permissions: Permissions,
    /// Whether it came through our onion service, so that its address says nothing.
    pub inbound_onion: bool,
    /// A salted number of the network and local address that it came through. Peers that share it are told transactions at
    /// the same time and the same addresses.
    pub network_key: u64,
}

impl NewPeer {
    /// A connection about which there is nothing special.
    pub fn new(id: PeerId, address: Service, kind: ConnectionKind, permissions: Permissions) -> Self {
        Self { id, address, kind, permissions, inbound_onion: false, network_key: 0 }
    }
}
