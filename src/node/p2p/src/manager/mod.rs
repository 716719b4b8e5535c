//! All peers together: what comes from one decides what is sent to others.
//!
//! The owner of the sockets reports what happens ([`PeerManager::connected`], [`PeerManager::receive`],
//! [`PeerManager::tick`], [`PeerManager::disconnected`]) and then does what [`PeerManager::take_actions`] says.

mod blocks;
mod handshake;
mod headers;
mod serve;
mod stats;
mod timers;
mod txs;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bitcoin::BlockHash;
use primitives::{Block, Codec};

pub use stats::PeerStats;

use crate::PeerId;
use crate::chance::Chance;
use crate::error::MessageError;
use crate::message::{FilterRange, MAX_LOCATOR, Message, sanitize};
use crate::netaddr::{NetAddr, PeerAddress, Service};
use crate::orphanage::Orphanage;
use crate::peer::{ConnectionKind, Peer, Permissions};
use crate::presync::PresyncOptions;
use crate::recent::Recent;
use crate::txrequest::TxRequests;
use crate::view::{ChainAccess, TxAccess};

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
    /// After how many seconds without a finished handshake a connection ends.
    pub handshake_timeout: Duration,
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
    /// The handshake with a peer that we called is done: its address is good, and that is what it offers.
    Good(Service, u64),
    /// A peer told addresses.
    Addresses {
        /// The peer.
        from: PeerId,
        /// The addresses.
        list: Vec<PeerAddress>,
    },
    /// A peer wants to hear addresses.
    WantsAddresses(PeerId),
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
}

/// All peers, and what is on its way from them.
#[derive(Debug)]
pub struct PeerManager<C, T> {
    /// The chain.
    pub chain: C,
    /// The memory pool.
    pub pool: T,
    options: Options,
    codec: Codec,
    chance: Chance,
    peers: BTreeMap<PeerId, Peer>,
    actions: Vec<Action>,
    /// Which peer was asked for a block.
    in_flight: HashMap<BlockHash, PeerId>,
    /// How long a peer may hold up the window of blocks.
    stalling_timeout: Duration,
    requests: TxRequests,
    orphans: Orphanage,
    rejected: Recent<[u8; 32]>,
    reconsiderable: Recent<[u8; 32]>,
    confirmed: Recent<[u8; 32]>,
    next_inbound_announcement: Duration,
    seen_tip: BlockHash,
}

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// Without peers.
    pub fn new(chain: C, pool: T, codec: Codec, options: Options, chance: Chance) -> Self {
        let seen_tip = chain.tip().hash;
        Self {
            chain,
            pool,
            options,
            codec,
            chance,
            peers: BTreeMap::new(),
            actions: Vec::new(),
            in_flight: HashMap::new(),
            stalling_timeout: blocks::STALLING_TIMEOUT,
            requests: TxRequests::default(),
            orphans: Orphanage::default(),
            rejected: Recent::new(60_000),
            reconsiderable: Recent::new(60_000),
            confirmed: Recent::new(24_000),
            next_inbound_announcement: Duration::ZERO,
            seen_tip,
        }
    }

    /// What is to be done, in this order.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// A connection is there, in either direction.
    pub fn connected(&mut self, new: NewPeer, now: Duration) {
        let nonce = self.chance.u64();
        let peer = handshake::new_peer(new, nonce, now);
        self.peers.insert(new.id, peer);
        if new.kind != ConnectionKind::Inbound {
            self.send_version(new.id, now);
        }
    }

    /// A connection is gone.
    pub fn disconnected(&mut self, id: PeerId) {
        let Some(peer) = self.peers.remove(&id) else { return };
        for block in peer.in_flight {
            self.in_flight.remove(&block.hash);
        }
        self.requests.disconnected(id);
        self.orphans.disconnected(id);
        tracing::debug!(target: "net", "Cleared nodestate for peer={id}");
    }

    /// The two sides have agreed on what is spoken.
    pub fn transport_known(&mut self, id: PeerId, name: &'static str) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.transport = name;
        }
    }

    /// A message has come, not yet decoded. One that cannot be decoded is dropped.
    pub fn receive(&mut self, id: PeerId, name: &str, payload: &[u8], now: Duration) {
        let Some(peer) = self.peers.get_mut(&id).filter(|peer| !peer.closing) else { return };
        peer.last_received = now;
        let (shown, size) = (sanitize(name.as_bytes()), payload.len());
        tracing::debug!(target: "net", "received: {shown} ({size} bytes) peer={id}");
        if name != "version" && peer.version.is_none() {
            tracing::debug!(
                target: "net",
                "non-version message before version handshake. Message \"{shown}\" from peer={id}"
            );
            return;
        }
        match Message::decode(name, payload, &self.codec) {
            Ok(message) => self.handle(id, message, now),
            Err(error) => self.undecodable(id, &shown, size, &error),
        }
    }

    fn undecodable(&mut self, id: PeerId, name: &str, size: usize, error: &MessageError) {
        match error {
            MessageError::TooMany { message, count } if message.ends_with("locator") => {
                tracing::debug!(target: "net", "{message} size {count} > {MAX_LOCATOR}, disconnecting peer={id}");
                self.disconnect(id);
            }
            MessageError::TooMany { .. } => self.misbehaving(id, &error.to_string()),
            MessageError::BadFeature => {
                tracing::debug!(target: "net", "invalid feature payload, disconnecting peer={id}");
                self.disconnect(id);
            }
            // A block or transaction of another network is no accident, but it is not punished either.
            _ => tracing::debug!(
                target: "net",
                "ProcessMessages({name}, {size} bytes): Exception '{error}' (std::ios_base::failure) caught"
            ),
        }
    }

    /// Handles a decoded message. Everything but `version` needs a version first.
    pub fn handle(&mut self, id: PeerId, message: Message, now: Duration) {
        let Some(peer) = self.peers.get(&id).filter(|peer| !peer.closing) else { return };
        if let Message::Version(version) = message {
            self.on_version(id, *version, now);
            return;
        }
        if peer.version.is_none() {
            return;
        }
        let Some(message) = self.negotiate(id, message, now) else { return };
        if !self.peers.get(&id).is_some_and(|peer| peer.established) {
            tracing::debug!(target: "net", "Unsupported message \"{}\" prior to verack from peer={id}", message.name());
            return;
        }
        match message {
            Message::Ping(nonce) => self.send(id, Message::Pong(Some(nonce))),
            Message::Pong(nonce) => self.on_pong(id, nonce, now),
            Message::Addr(list) | Message::AddrV2(list) => self.actions.push(Action::Addresses { from: id, list }),
            Message::GetAddr => self.on_getaddr(id),
            Message::Inv(list) => self.on_inv(id, &list, now),
            Message::GetData(list) => self.on_getdata(id, list),
            Message::NotFound(list) => self.on_notfound(id, &list),
            Message::GetBlocks(locator) => self.on_getblocks(id, &locator),
            Message::GetHeaders(locator) => self.on_getheaders(id, &locator),
            Message::Headers(list) => self.on_headers(id, &list, now),
            Message::Block(block, _) => self.on_block(id, &block, now),
            Message::CmpctBlock(block) => self.on_headers(id, std::slice::from_ref(&block.header), now),
            Message::GetBlockTxn(request) => self.on_getblocktxn(id, &request),
            Message::Tx(tx, _) => self.on_tx(id, tx, now),
            Message::Mempool => self.on_mempool(id),
            Message::FeeFilter(rate) => self.on_feefilter(id, rate),
            Message::FilterLoad(_) | Message::FilterAdd(_) | Message::FilterClear => self.refuse_bloom(id, &message),
            Message::GetCFilters(FilterRange { kind, .. })
            | Message::GetCFHeaders(FilterRange { kind, .. })
            | Message::GetCFCheckpt { kind, .. } => {
                // Block filters are not offered, so nobody who has read our services asks for them.
                tracing::debug!(
                    target: "net", "peer requested unsupported block filter type: {kind}, disconnecting peer={id}"
                );
                self.disconnect(id);
            }
            Message::Other { name, .. } => {
                tracing::debug!(
                    target: "net", "Unknown message type \"{}\" from peer={id}", sanitize(name.as_bytes())
                );
            }
            _ => {}
        }
    }

    fn send(&mut self, id: PeerId, message: Message) {
        self.actions.push(Action::Send(id, message));
    }

    fn disconnect(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id)
            && !peer.closing
        {
            peer.closing = true;
            self.actions.push(Action::Disconnect(id));
        }
    }

    /// A peer did what no honest one does.
    fn misbehaving(&mut self, id: PeerId, what: &str) {
        tracing::debug!(target: "net", "Misbehaving: peer={id}: {what}");
        let Some(peer) = self.peers.get(&id) else { return };
        if peer.permissions.noban {
            tracing::warn!(target: "net", "Warning: not punishing noban peer {id}!");
            return;
        }
        if peer.kind == ConnectionKind::Manual {
            tracing::warn!(target: "net", "Warning: not punishing manually connected peer {id}!");
            return;
        }
        let addr = peer.address.addr;
        if addr.is_local() {
            tracing::debug!(target: "net", "Warning: disconnecting but not discouraging local peer {id}!");
        } else {
            tracing::debug!(target: "net", "Disconnecting and discouraging peer {id}!");
            self.actions.push(Action::Discourage(addr));
        }
        self.disconnect(id);
    }

    /// A block was put on the tip: its transactions are wanted from nobody any more.
    pub fn block_connected(&mut self, block: &Arc<Block>) {
        self.block_confirmed(block);
    }
}

#[cfg(test)]
mod tests;
