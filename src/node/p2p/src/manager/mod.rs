//! All peers together: what comes from one decides what is sent to others.
//!
//! The owner of the sockets reports what happens ([`PeerManager::connected`], [`PeerManager::receive`],
//! [`PeerManager::tick`], [`PeerManager::disconnected`]) and then does what [`PeerManager::take_actions`] says. The owner
//! of the chain reports blocks: [`PeerManager::block_judged`], [`PeerManager::block_connected`] and its relatives.

mod actions;
mod addrs;
mod announce;
mod arrival;
mod blocks;
mod chainsync;
mod cmpct;
mod direct;
mod filters;
mod handshake;
mod headers;
mod history;
mod invs;
mod lowwork;
mod orphans;
mod private;
mod reconcile;
mod relay;
mod serve;
mod serve_headers;
mod stats;
mod timers;
mod txs;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bitcoin::BlockHash;
use primitives::{Codec, Tx};

pub use actions::{Action, NewPeer, Options};
pub use blocks::FetchError;
pub use relay::Waiting;
pub use stats::PeerStats;

use crate::PeerId;
use crate::chance::Chance;
use crate::error::MessageError;
use crate::message::{FilterRange, MAX_LOCATOR, Message, sanitize};
use crate::orphanage::{OrphanInfo, Orphanage};
use crate::peer::{ConnectionKind, Peer};
use crate::recent::Recent;
use crate::txrequest::TxRequests;
use crate::view::{AddrPolicy, ChainAccess, FilterAccess, TxAccess};

/// All peers, and what is on its way from them.
///
/// Whoever drives it finds here:
/// - connections: [`connected`](Self::connected), [`transport_known`](Self::transport_known),
///   [`receive`](Self::receive) (not while [`is_busy`](Self::is_busy), unless it is a block and
///   [`takes_block_ahead`](Self::takes_block_ahead)), [`has_requests`](Self::has_requests) and [`serve`](Self::serve),
///   [`disconnected`](Self::disconnected);
/// - time: [`tick`](Self::tick);
/// - results: [`take_actions`](Self::take_actions);
/// - blocks: [`block_judged`](Self::block_judged) answers a submission that was left open, [`block_checked`](Self::block_checked)
///   tells of blocks whose rules were checked later, [`block_accepted`](Self::block_accepted) passes a new block on before
///   it is connected, [`block_connected`](Self::block_connected) and [`block_disconnected`](Self::block_disconnected)
///   follow the tip, [`notice_tip`](Self::notice_tip) tells everybody;
/// - transactions: [`relay_tx`](Self::relay_tx), [`orphans`](Self::orphans);
///   [`broadcast_privately`](Self::broadcast_privately) for those whose origin nobody must learn, which wants connections
///   ([`private_to_open`](Self::private_to_open), [`private_opened`](Self::private_opened));
/// - addresses: [`Action::WantsAddresses`] is answered by [`tell_addresses`](Self::tell_addresses) (from an
///   [`AddrCache`](crate::AddrCache)), [`Action::WantsOwnAddress`] by [`tell_own_address`](Self::tell_own_address);
/// - choices: [`choose_eviction`](Self::choose_eviction) when all places are taken, [`may_be_stale`](Self::may_be_stale)
///   and [`Action::ExtraOutbound`] for another connection;
/// - RPC: [`stats`](Self::stats), [`ping_all`](Self::ping_all), [`forward`](Self::forward), [`fetch_block`](Self::fetch_block);
/// - switches: [`set_loading`](Self::set_loading), [`set_upload_limits`](Self::set_upload_limits),
///   [`set_filters`](Self::set_filters), [`set_addr_policy`](Self::set_addr_policy), [`set_extra_peers`](Self::set_extra_peers).
#[derive(Debug)]
pub struct PeerManager<C, T> {
    /// The chain.
    pub chain: C,
    /// The memory pool.
    pub pool: T,
    options: Options,
    codec: Codec,
    chance: Chance,
    /// The time of the last event.
    now: Duration,
    filters: Option<Box<dyn FilterAccess>>,
    addr_policy: Option<Box<dyn AddrPolicy>>,
    /// Blocks are being read from the disk, so nothing of them is taken from peers.
    loading: bool,
    /// Whether old blocks, and whether anything large, are beyond the upload limit.
    upload_limits: (bool, bool),
    peers: BTreeMap<PeerId, Peer>,
    actions: Vec<Action>,
    /// Which peers were asked for a block, in that order.
    in_flight: HashMap<BlockHash, Vec<PeerId>>,
    /// Blocks that have come and are being judged elsewhere, and how large they are.
    judging: HashMap<BlockHash, usize>,
    /// Who sent a block that is being checked, and whether it vouches for its transactions.
    sources: HashMap<BlockHash, arrival::Source>,
    /// Peers that we asked for compact blocks, the one that was useful least lately first.
    compact_announcers: VecDeque<PeerId>,
    /// Transactions that are not in the pool, but may be in a block.
    extra_txs: VecDeque<Arc<Tx>>,
    /// The last block, as others will ask for it soon.
    recent: Option<announce::RecentBlock>,
    /// Requests for blocks that are here and not yet judged. Peers may ask as soon as a block is announced.
    early: Vec<(PeerId, crate::message::Inv)>,
    highest_early: u32,
    /// How long a peer may hold up the window of blocks.
    stalling_timeout: Duration,
    requests: TxRequests,
    orphans: Orphanage,
    rejected: Recent<[u8; 32]>,
    reconsiderable: Recent<[u8; 32]>,
    confirmed: Recent<[u8; 32]>,
    backlog: relay::Backlog,
    private: private::Private,
    /// When callers are told of transactions, by the network that they came through.
    inbound_announcements: HashMap<u64, Duration>,
    next_rebroadcast: Option<Duration>,
    addr_salt: (u64, u64),
    seen_tip: BlockHash,
    tip_changed: Option<Duration>,
    /// A block whose announcement has made us ask one more peer for headers.
    last_inv_sync: Option<BlockHash>,
    extra: chainsync::Extra,
}

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// Without peers.
    pub fn new(chain: C, pool: T, codec: Codec, options: Options, mut chance: Chance) -> Self {
        let seen_tip = chain.tip().hash;
        Self {
            chain,
            pool,
            codec,
            now: Duration::ZERO,
            filters: None,
            addr_policy: None,
            loading: false,
            upload_limits: (false, false),
            peers: BTreeMap::new(),
            actions: Vec::new(),
            in_flight: HashMap::new(),
            judging: HashMap::new(),
            sources: HashMap::new(),
            compact_announcers: VecDeque::new(),
            extra_txs: VecDeque::new(),
            recent: None,
            early: Vec::new(),
            highest_early: 0,
            stalling_timeout: blocks::STALLING_TIMEOUT,
            requests: TxRequests::new(&mut chance),
            orphans: Orphanage::default(),
            rejected: Recent::new(60_000),
            reconsiderable: Recent::new(60_000),
            confirmed: Recent::new(24_000),
            backlog: relay::Backlog::new(options.tx_send_rate),
            private: private::Private::default(),
            inbound_announcements: HashMap::new(),
            next_rebroadcast: None,
            addr_salt: (chance.u64(), chance.u64()),
            seen_tip,
            tip_changed: None,
            last_inv_sync: None,
            extra: chainsync::Extra::default(),
            options,
            chance,
        }
    }

    /// What is to be done, in this order.
    pub fn take_actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// Tells whether blocks are being read from the disk; until that is over, none are taken from peers.
    pub fn set_loading(&mut self, loading: bool) {
        self.loading = loading;
    }

    /// Tells whether old blocks (`historical`), and whether anything large, are beyond the limit of what is sent.
    pub fn set_upload_limits(&mut self, historical: bool, all: bool) {
        self.upload_limits = (historical, all);
    }

    /// From where block filters are served. Only with it may the services offer them.
    pub fn set_filters(&mut self, filters: Box<dyn FilterAccess>) {
        self.filters = Some(filters);
    }

    /// Which addresses are kept and passed on; without it all are.
    pub fn set_addr_policy(&mut self, policy: Box<dyn AddrPolicy>) {
        self.addr_policy = Some(policy);
    }

    /// The transactions that wait for their parents.
    pub fn orphans(&self) -> Vec<OrphanInfo> {
        self.orphans.list()
    }

    /// A connection is there, in either direction.
    pub fn connected(&mut self, new: NewPeer, now: Duration) {
        let nonce = self.chance.u64();
        let peer = handshake::new_peer(&new, self.offered(), nonce, now);
        self.peers.insert(new.id, peer);
        if new.kind != ConnectionKind::Inbound {
            self.send_version(new.id, now);
        }
    }

    /// A connection is gone.
    pub fn disconnected(&mut self, id: PeerId) {
        self.forget_reconciliation(id);
        let Some(peer) = self.peers.remove(&id) else { return };
        if peer.kind == ConnectionKind::PrivateBroadcast {
            self.private_gone(id);
        }
        for block in peer.in_flight {
            self.forget_asked(&block.hash, id);
        }
        self.sources.retain(|_, source| source.peer != id);
        self.early.retain(|(peer, _)| *peer != id);
        self.compact_announcers.retain(|announcer| *announcer != id);
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

    /// Whether a peer's next message has to wait: a block of it is being judged, there is something left to be served to
    /// it, or orphans wait to be looked at on its account. [`PeerManager::serve`] does the latter two.
    pub fn is_busy(&self, id: PeerId) -> bool {
        self.peers.get(&id).is_some_and(|peer| !peer.judging.is_empty()) || self.has_requests(id)
    }

    /// A message has come, not yet decoded. One that cannot be decoded is dropped.
    pub fn receive(&mut self, id: PeerId, name: &str, payload: &[u8], now: Duration) {
        let Some(peer) = self.peers.get_mut(&id).filter(|peer| !peer.closing) else { return };
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
        self.now = now;
        // Whoever sent a parent need not be the one whose child waited for it.
        for worker in self.orphans.workers() {
            self.work_on_orphan(worker, now);
        }
        self.tick_peer(id, now);
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
        if self.is_private(id) && !private::may_hear(&message) {
            tracing::debug!(target: "privatebroadcast", "Ignoring incoming message '{}', peer={id}", message.name());
            return;
        }
        if self.loading && is_of_blocks(id, &message) {
            return;
        }
        match message {
            Message::Ping(nonce) => self.send(id, Message::Pong(Some(nonce))),
            Message::Pong(nonce) => self.on_pong(id, nonce, now),
            Message::Addr(list) => self.on_addr(id, "addr", list, now),
            Message::AddrV2(list) => self.on_addr(id, "addrv2", list, now),
            Message::GetAddr => self.on_getaddr(id, now),
            Message::Inv(list) => self.on_inv(id, &list, now),
            Message::GetData(list) => self.on_getdata(id, list, now),
            Message::NotFound(list) => self.on_notfound(id, &list),
            Message::GetBlocks(locator) => self.on_getblocks(id, &locator),
            Message::GetHeaders(locator) => self.on_getheaders(id, &locator),
            Message::Headers(list) => self.on_headers(id, list, false, now),
            Message::Block(block, _) => self.on_block(id, &block, now),
            Message::CmpctBlock(block) => self.on_cmpctblock(id, &block, now),
            Message::GetBlockTxn(request) => self.on_getblocktxn(id, &request, now),
            Message::BlockTxn(answer) => self.on_blocktxn(id, &answer.block, &answer.txs, now),
            Message::Tx(tx, _) => self.on_tx(id, &tx, now),
            Message::Mempool => self.on_mempool(id),
            Message::FeeFilter(rate) => self.on_feefilter(id, rate),
            Message::FilterLoad(_) | Message::FilterAdd(_) | Message::FilterClear => self.on_bloom(id, message),
            Message::GetCFilters(range) => self.on_getcfilters(id, &range),
            Message::GetCFHeaders(range) => self.on_getcfheaders(id, &range),
            Message::GetCFCheckpt { kind, stop } => {
                self.on_getcfcheckpt(id, &FilterRange { kind, start: 0, stop });
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
        if self.is_private(id) && !private::may_say(&message) {
            tracing::debug!(target: "privatebroadcast", "Omitting send of message '{}', peer={id}", message.name());
            return;
        }
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
        let what = if what.is_empty() { String::new() } else { format!(": {what}") };
        tracing::debug!(target: "net", "Misbehaving: peer={id}{what}");
        let Some(peer) = self.peers.get(&id).filter(|peer| !peer.closing) else { return };
        if peer.permissions.noban {
            tracing::warn!("Not punishing noban peer {id}!");
            return;
        }
        if peer.kind == ConnectionKind::Manual {
            tracing::warn!("Not punishing manually connected peer {id}!");
            return;
        }
        let addr = peer.address.addr;
        if addr.is_local() {
            let what = if peer.inbound_onion { "inbound onion" } else { "local" };
            tracing::debug!(target: "net", "Warning: disconnecting but not discouraging {what} peer {id}!");
        } else {
            tracing::debug!(target: "net", "Disconnecting and discouraging peer {id}!");
            self.actions.push(Action::Discourage(addr));
        }
        self.disconnect(id);
    }
}

/// Whether a message cannot be handled while blocks are read from the disk.
fn is_of_blocks(id: PeerId, message: &Message) -> bool {
    let name = message.name();
    match message {
        Message::Headers(_) | Message::Block(..) | Message::BlockTxn(_) => {
            tracing::debug!(target: "net", "Unexpected {name} message received from peer {id}");
        }
        Message::CmpctBlock(_) => tracing::debug!(
            target: "cmpctblock", "peer={id} sent us a compact block even though we are still loading blocks!"
        ),
        Message::GetHeaders(_) => {
            tracing::debug!(target: "net", "Ignoring getheaders from peer={id} while importing/reindexing");
        }
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests;
