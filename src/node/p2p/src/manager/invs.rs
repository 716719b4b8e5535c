//! What peers announce, and what is asked of them for it.

use std::collections::HashSet;
use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Txid, Wtxid};

use super::PeerManager;
use super::blocks::MAX_IN_FLIGHT;
use crate::PeerId;
use crate::message::{Inv, InvKind, Message};
use crate::peer::{NODE_WITNESS, Peer};
use crate::txrequest::{Announcer, MAX_ANNOUNCEMENTS};
use crate::view::{ChainAccess, TxAccess};

/// How many things are asked for in one message.
const MAX_GETDATA: usize = 1000;

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// Whether a peer has been told not to send transactions.
    pub(super) fn refuses_txs(&self, peer: &Peer) -> bool {
        peer.is_without_txs() || (self.options.blocks_only && !peer.permissions.relay)
    }

    pub(super) fn on_inv(&mut self, id: PeerId, list: &[Inv], now: Duration) {
        let Some(peer) = self.peers.get(&id) else { return };
        let (by_wtxid, refuses) = (peer.wtxid_relay, self.refuses_txs(peer));
        let mut unknown_block = None;
        let mut seen = HashSet::new();
        for inv in list {
            match inv.kind {
                // Each transaction is announced in the way that was agreed on.
                InvKind::Tx if by_wtxid => {}
                InvKind::Wtx if !by_wtxid => {}
                InvKind::Block => {
                    let hash = inv.block_hash();
                    let known = self.chain.info(&hash).is_some() || self.judging.contains_key(&hash);
                    log_inv(id, inv, known);
                    self.announced_block(id, inv.block_hash());
                    if !known && !self.loading && !self.in_flight.contains_key(&inv.block_hash()) {
                        unknown_block = Some(inv.block_hash());
                    }
                }
                InvKind::Tx | InvKind::Wtx | InvKind::WitnessTx if refuses => {
                    let hash = Txid::from_byte_array(inv.hash);
                    tracing::debug!(
                        target: "net",
                        "transaction ({hash}) inv sent in violation of protocol, disconnecting peer={id}"
                    );
                    self.disconnect(id);
                    return;
                }
                InvKind::Tx | InvKind::Wtx | InvKind::WitnessTx => {
                    if seen.insert((inv.kind == InvKind::Wtx, inv.hash)) {
                        self.heard_of(id, *inv, now);
                    }
                }
                _ => tracing::debug!(target: "net", "Unknown inv type \"{inv}\" received from peer={id}"),
            }
        }
        if let Some(hash) = unknown_block {
            self.ask_for_unknown(id, hash, now);
        }
    }

    /// A peer announces a block that we know nothing of. While the first headers come from one peer, each new block lets
    /// one more be asked, in case that one does not answer.
    fn ask_for_unknown(&mut self, id: PeerId, hash: BlockHash, now: Duration) {
        let Some(peer) = self.peers.get(&id) else { return };
        let started = peer.sync_started;
        if !started && (peer.asked_for_inv || self.last_inv_sync == Some(hash)) {
            return;
        }
        let best = self.chain.best_header();
        if self.ask_headers(id, best.hash, now) {
            tracing::debug!(target: "net", "getheaders ({}) {hash} to peer={id}", best.height);
        }
        if !started && let Some(peer) = self.peers.get_mut(&id) {
            peer.asked_for_inv = true;
            self.last_inv_sync = Some(hash);
        }
    }

    fn heard_of(&mut self, id: PeerId, inv: Inv, now: Duration) {
        if let Some(relay) = self.peers.get_mut(&id).and_then(|peer| peer.relay.as_mut()) {
            relay.known.insert(&inv.hash);
        }
        if self.chain.is_initial_download() {
            return;
        }
        let known = self.announced_tx(id, inv, now);
        log_inv(id, &inv, known);
    }

    /// A peer announces a transaction. Tells whether it is here or was here.
    fn announced_tx(&mut self, id: PeerId, inv: Inv, now: Duration) -> bool {
        if inv.kind == InvKind::Wtx && self.orphans.contains(&Wtxid::from_byte_array(inv.hash)) {
            // It can help to get the parents.
            self.orphan_announced(id, Wtxid::from_byte_array(inv.hash), now);
            return true;
        }
        if self.has_tx(&inv, true) {
            return true;
        }
        let how = self.announcer(id, inv.kind != InvKind::Wtx);
        self.requests.announced(id, inv, how, now);
        false
    }

    /// What decides when a peer is asked for a transaction.
    pub(super) fn announcer(&self, id: PeerId, by_txid: bool) -> Announcer {
        let Some(peer) = self.peers.get(&id) else { return Announcer::default() };
        let others_by_wtxid = || self.peers.values().any(|peer| peer.established && peer.wtxid_relay);
        Announcer {
            preferred: peer.is_preferred(),
            unlimited: peer.permissions.relay,
            by_txid: by_txid && others_by_wtxid(),
        }
    }

    /// Whether a transaction is here, or was judged; `reconsiderable` counts those that a child could still pay for.
    pub(super) fn has_tx(&self, inv: &Inv, reconsiderable: bool) -> bool {
        // Without a witness both ids are the same, so an orphan may be found by either.
        if self.orphans.contains(&Wtxid::from_byte_array(inv.hash))
            || (reconsiderable && self.reconsiderable.contains(&inv.hash))
            || self.confirmed.contains(&inv.hash)
            || self.rejected.contains(&inv.hash)
        {
            return true;
        }
        match inv.kind {
            InvKind::Wtx => self.pool.by_wtxid(&Wtxid::from_byte_array(inv.hash)).is_some(),
            _ => self.pool.by_txid(&Txid::from_byte_array(inv.hash)).is_some(),
        }
    }

    /// Asks a peer for transactions whose time has come.
    pub(super) fn request_txs(&mut self, id: PeerId, now: Duration) {
        for (slow, inv) in self.requests.expire(now) {
            tracing::debug!(target: "net", "timeout of inflight {inv} from peer={slow}");
        }
        let due = self.requests.requests(id, now);
        if due.is_empty() {
            return;
        }
        let witness = self.peers.get(&id).is_some_and(|peer| peer.services() & NODE_WITNESS != 0);
        let mut list = Vec::with_capacity(due.len());
        for inv in due {
            if self.has_tx(&inv, false) {
                self.requests.settled(&inv.hash);
                continue;
            }
            tracing::debug!(target: "net", "Requesting {inv} peer={id}");
            let kind = match inv.kind {
                InvKind::Wtx => InvKind::Wtx,
                _ if witness => InvKind::WitnessTx,
                _ => InvKind::Tx,
            };
            list.push(Inv { kind, ..inv });
        }
        for part in list.chunks(MAX_GETDATA) {
            self.send(id, Message::GetData(part.to_vec()));
        }
    }

    pub(super) fn on_notfound(&mut self, id: PeerId, list: &[Inv]) {
        if list.len() > MAX_ANNOUNCEMENTS + MAX_IN_FLIGHT {
            return;
        }
        for inv in list.iter().filter(|inv| inv.is_tx()) {
            self.requests.failed(id, &inv.hash);
        }
    }
}

fn log_inv(id: PeerId, inv: &Inv, known: bool) {
    tracing::debug!(target: "net", "got inv: {inv} {} peer={id}", if known { "have" } else { "new" });
}
