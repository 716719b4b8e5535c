//! Transactions: hearing of them, fetching them, passing them on.

use std::sync::Arc;
use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::{Txid, Wtxid};
use primitives::{Block, Tx};

use super::PeerManager;
use crate::PeerId;
use crate::message::{FEEFILTER_VERSION, Inv, InvKind, MAX_INV, Message};
use crate::peer::{ConnectionKind, NODE_BLOOM, Peer};
use crate::view::{ChainAccess, TxAccess, TxVerdict};

/// How long the announcements to all callers wait on average, and those to each peer that we chose.
const INBOUND_INTERVAL: Duration = Duration::from_secs(5);
const OUTBOUND_INTERVAL: Duration = Duration::from_secs(2);
/// How many transactions are announced at a time, and how many more for each thousand that wait.
const MAX_ANNOUNCED: usize = 70;
const MOST_ANNOUNCED: usize = 1000;
/// How often a peer is told our feerate.
const FEERATE_INTERVAL: Duration = Duration::from_mins(10);
/// The feerate by which a node that wants no transaction says so: all the money there is.
const NO_TXS: i64 = 2_100_000_000_000_000;

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// A transaction has entered the pool: every peer is told in its time.
    pub fn relay_tx(&mut self, txid: Txid, wtxid: Wtxid) {
        for peer in self.peers.values_mut().filter(|peer| peer.established) {
            let inv = if peer.wtxid_relay { Inv::wtx(wtxid) } else { Inv::tx(txid) };
            if let Some(relay) = &mut peer.relay
                && relay.wanted
                && !relay.known.contains(&inv.hash)
            {
                relay.to_announce.insert(inv);
            }
        }
    }

    pub(super) fn on_inv(&mut self, id: PeerId, list: &[Inv], now: Duration) {
        let Some(peer) = self.peers.get(&id) else { return };
        let (by_wtxid, kind, permitted) = (peer.wtxid_relay, peer.kind, peer.permissions.relay);
        let refuses = (self.options.blocks_only && !permitted)
            || matches!(kind, ConnectionKind::BlockRelayOnly | ConnectionKind::Feeler);
        let mut unknown_block = None;
        for inv in list {
            match inv.kind {
                InvKind::Block => {
                    self.announced_block(id, inv.block_hash());
                    if self.chain.info(&inv.block_hash()).is_none() {
                        unknown_block = Some(inv.block_hash());
                    }
                }
                // Each transaction is announced in the way that was agreed on.
                InvKind::Tx if by_wtxid => {}
                InvKind::Wtx if !by_wtxid => {}
                InvKind::Tx | InvKind::Wtx if refuses => {
                    tracing::debug!(
                        target: "net",
                        "transaction ({inv}) inv sent in violation of protocol, disconnecting peer={id}"
                    );
                    self.disconnect(id);
                    return;
                }
                InvKind::Tx | InvKind::Wtx => self.heard_of(id, *inv, now),
                _ => tracing::debug!(target: "net", "Unknown inv type \"{inv}\" received from peer={id}"),
            }
        }
        if let Some(hash) = unknown_block {
            let best = self.chain.best_header().hash;
            if self.ask_headers(id, best, now) {
                tracing::debug!(target: "net", "getheaders to fetch {hash} peer={id}");
            }
        }
    }

    fn heard_of(&mut self, id: PeerId, inv: Inv, now: Duration) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if let Some(relay) = &mut peer.relay {
            relay.known.insert(inv.hash);
        }
        let preferred = peer.is_preferred();
        if self.chain.is_initial_download() || self.has_tx(&inv) {
            return;
        }
        let by_txid = inv.kind == InvKind::Tx && self.peers.values().any(|peer| peer.wtxid_relay);
        self.requests.announced(id, inv, preferred, by_txid, now);
    }

    fn has_tx(&self, inv: &Inv) -> bool {
        if self.rejected.contains(&inv.hash) || self.confirmed.contains(&inv.hash) {
            return true;
        }
        match inv.kind {
            InvKind::Wtx => {
                let wtxid = Wtxid::from_byte_array(inv.hash);
                self.reconsiderable.contains(&inv.hash)
                    || self.orphans.contains(&wtxid)
                    || self.pool.by_wtxid(&wtxid).is_some()
            }
            _ => self.pool.by_txid(&Txid::from_byte_array(inv.hash)).is_some(),
        }
    }

    pub(super) fn request_txs(&mut self, id: PeerId, now: Duration) {
        let list: Vec<_> = self
            .requests
            .requests(id, now)
            .into_iter()
            .map(|inv| match inv.kind {
                InvKind::Tx => Inv { kind: InvKind::WitnessTx, ..inv },
                _ => inv,
            })
            .collect();
        for part in list.chunks(1000) {
            self.send(id, Message::GetData(part.to_vec()));
        }
    }

    pub(super) fn on_notfound(&mut self, id: PeerId, list: &[Inv]) {
        for inv in list.iter().filter(|inv| inv.is_tx()) {
            self.requests.failed(id, &inv.hash);
        }
    }

    pub(super) fn on_tx(&mut self, id: PeerId, tx: Arc<Tx>, now: Duration) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let refuses = (self.options.blocks_only && !peer.permissions.relay)
            || matches!(peer.kind, ConnectionKind::BlockRelayOnly | ConnectionKind::Feeler);
        if refuses {
            tracing::debug!(target: "net", "transaction sent in violation of protocol, disconnecting peer={id}");
            self.disconnect(id);
            return;
        }
        // During initial download nothing can be judged.
        if self.chain.is_initial_download() {
            return;
        }
        let (txid, wtxid) = (tx.txid(), tx.wtxid());
        if let Some(relay) = &mut peer.relay {
            relay.known.insert(txid.to_byte_array());
            relay.known.insert(wtxid.to_byte_array());
        }
        self.requests.failed(id, txid.as_byte_array());
        self.requests.failed(id, wtxid.as_byte_array());
        if self.reconsiderable.contains(wtxid.as_byte_array()) {
            // It pays too little by itself, and was asked for again because a child waits.
            self.pay_for(&tx);
            return;
        }
        if self.has_tx(&Inv::wtx(wtxid)) {
            return;
        }
        self.judge(id, tx, now);
    }

    /// Submits a transaction, and then those that waited for it.
    fn judge(&mut self, id: PeerId, tx: Arc<Tx>, now: Duration) {
        let mut waiting = vec![(tx, id)];
        while let Some((tx, from)) = waiting.pop() {
            let verdict = self.pool.submit(tx.clone());
            match &verdict {
                TxVerdict::Accepted => {
                    if let Some(peer) = self.peers.get_mut(&from) {
                        peer.last_tx = Some(now);
                    }
                    tracing::debug!(
                        target: "mempool", "AcceptToMemoryPool: peer={from}: accepted {} (wtxid={})", tx.txid(), tx.wtxid()
                    );
                    self.taken(&tx);
                    waiting.extend(self.orphans.children(&tx.txid()));
                }
                TxVerdict::Known => self.forget_requests(&tx),
                TxVerdict::MissingInputs => self.keep_orphan(from, &tx, now),
                TxVerdict::Rejected { reason, reconsiderable } => {
                    tracing::debug!(
                        target: "mempoolrej",
                        "{} (wtxid={}) from peer={from} was not accepted: {reason}", tx.txid(), tx.wtxid()
                    );
                    self.forget_requests(&tx);
                    self.orphans.remove(&tx.wtxid());
                    if !reconsiderable {
                        self.reject(&tx);
                    } else if !self.pay_for(&tx) {
                        self.reconsiderable.insert(tx.wtxid().to_byte_array());
                    }
                }
            }
        }
    }

    /// Tries whether a child that waits pays for its parent.
    fn pay_for(&mut self, parent: &Arc<Tx>) -> bool {
        for (child, _) in self.orphans.children(&parent.txid()) {
            if self.pool.submit_package(parent.clone(), child.clone()) == TxVerdict::Accepted {
                tracing::debug!(target: "txpackages", "package accepted: {} {}", parent.txid(), child.txid());
                self.taken(parent);
                self.taken(&child);
                return true;
            }
        }
        false
    }

    fn taken(&mut self, tx: &Arc<Tx>) {
        self.forget_requests(tx);
        self.orphans.remove(&tx.wtxid());
        self.relay_tx(tx.txid(), tx.wtxid());
    }

    fn forget_requests(&mut self, tx: &Tx) {
        self.requests.settled(tx.txid().as_byte_array());
        self.requests.settled(tx.wtxid().as_byte_array());
    }

    fn reject(&mut self, tx: &Tx) {
        self.rejected.insert(tx.wtxid().to_byte_array());
        // Without a witness there is no other form that could be valid.
        if !tx.has_witness() {
            self.rejected.insert(tx.txid().to_byte_array());
        }
    }

    /// Keeps a transaction until its parents are here, and asks its sender for them.
    fn keep_orphan(&mut self, id: PeerId, tx: &Arc<Tx>, now: Duration) {
        self.forget_requests(tx);
        let mut parents: Vec<_> = tx.inputs().iter().map(|input| input.previous_output.txid).collect();
        parents.sort_unstable();
        parents.dedup();
        if parents.iter().any(|parent| self.rejected.contains(parent.as_byte_array())) {
            tracing::debug!(target: "mempool", "not keeping orphan with rejected parents {}", tx.txid());
            self.reject(tx);
            return;
        }
        if self.orphans.add(tx.clone(), id) {
            tracing::debug!(target: "txpackages", "stored orphan tx {} (wtxid={})", tx.txid(), tx.wtxid());
        }
        let preferred = self.peers.get(&id).is_some_and(Peer::is_preferred);
        for parent in parents {
            let inv = Inv::tx(parent);
            if !self.has_tx(&inv) {
                self.requests.announced(id, inv, preferred, false, now);
            }
        }
    }

    /// The transactions of a block are not wanted any more, and what conflicts with them never will be.
    pub(super) fn block_confirmed(&mut self, block: &Block) {
        for tx in &block.txs {
            self.confirmed.insert(tx.txid().to_byte_array());
            self.confirmed.insert(tx.wtxid().to_byte_array());
            self.forget_requests(tx);
            self.orphans.remove(&tx.wtxid());
        }
    }

    /// Tells a peer of transactions, at times that do not reveal when we heard of them.
    pub(super) fn announce_txs(&mut self, id: PeerId, now: Duration) {
        let Some(peer) = self.peers.get(&id) else { return };
        let (inbound, noban) = (peer.is_inbound(), peer.permissions.noban);
        let Some(relay) = &peer.relay else { return };
        if now < relay.next_announcement && !noban {
            return;
        }
        // All callers are told at the same time: many connections must not tell more than one.
        let next = if inbound {
            if now >= self.next_inbound_announcement {
                self.next_inbound_announcement = now + self.chance.exponential(INBOUND_INTERVAL);
            }
            self.next_inbound_announcement
        } else {
            now + self.chance.exponential(OUTBOUND_INTERVAL)
        };
        let Some(relay) = self.peers.get_mut(&id).and_then(|peer| peer.relay.as_mut()) else { return };
        relay.next_announcement = next;
        let most = (MAX_ANNOUNCED + relay.to_announce.len() / 1000 * 5).min(MOST_ANNOUNCED);
        let mut list = Vec::new();
        while list.len() < most {
            let Some(inv) = relay.to_announce.pop_first() else { break };
            let txid = match inv.kind {
                InvKind::Wtx => self.pool.by_wtxid(&Wtxid::from_byte_array(inv.hash)).map(|tx| tx.txid()),
                _ => Some(Txid::from_byte_array(inv.hash)),
            };
            let Some(feerate) = txid.and_then(|txid| self.pool.feerate(&txid)) else { continue };
            if relay.known.contains(&inv.hash) || feerate < relay.minimum_feerate {
                continue;
            }
            relay.known.insert(inv.hash);
            list.push(inv);
        }
        if !list.is_empty() {
            self.send(id, Message::Inv(list));
        }
    }

    pub(super) fn on_feefilter(&mut self, id: PeerId, rate: i64) {
        let relay = self.peers.get_mut(&id).and_then(|peer| peer.relay.as_mut());
        if let Some(relay) = relay.filter(|_| (0..=NO_TXS).contains(&rate)) {
            relay.minimum_feerate = rate;
            tracing::debug!(target: "net", "received: feefilter of {rate} sat/kvB from peer={id}");
        }
    }

    /// Tells a peer below which feerate we want nothing.
    pub(super) fn tell_feerate(&mut self, id: PeerId, now: Duration) {
        let wanted = if self.chain.is_initial_download() { NO_TXS } else { self.pool.minimum_feerate() };
        let Some(peer) = self.peers.get_mut(&id) else { return };
        // With -blocksonly, or by permission, there is nothing to say.
        let silent = self.options.blocks_only || peer.common_version < FEEFILTER_VERSION || peer.permissions.relay;
        let Some(relay) = peer.relay.as_mut().filter(|_| !silent) else { return };
        let leaving_download = relay.sent_feerate == NO_TXS && wanted != NO_TXS;
        if now < relay.next_feerate && !leaving_download {
            return;
        }
        relay.next_feerate = now + self.chance.exponential(FEERATE_INTERVAL);
        if relay.sent_feerate != wanted {
            relay.sent_feerate = wanted;
            self.send(id, Message::FeeFilter(wanted));
        }
    }

    pub(super) fn on_mempool(&mut self, id: PeerId) {
        let allowed = self.peers.get(&id).is_some_and(|peer| peer.permissions.mempool);
        if self.options.services & NODE_BLOOM == 0 && !allowed {
            tracing::debug!(target: "net", "mempool request with bloom filters disabled, disconnecting peer={id}");
            self.disconnect(id);
            return;
        }
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let by_wtxid = peer.wtxid_relay;
        let Some(relay) = &mut peer.relay else { return };
        let mut list = Vec::new();
        for (txid, wtxid) in self.pool.list() {
            let pays = self.pool.feerate(&txid).is_some_and(|feerate| feerate >= relay.minimum_feerate);
            if pays {
                let inv = if by_wtxid { Inv::wtx(wtxid) } else { Inv::tx(txid) };
                relay.known.insert(inv.hash);
                relay.to_announce.remove(&inv);
                list.push(inv);
            }
        }
        for part in list.chunks(MAX_INV) {
            self.send(id, Message::Inv(part.to_vec()));
        }
    }
}
