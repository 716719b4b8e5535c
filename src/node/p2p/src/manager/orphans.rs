//! Transactions whose parents are missing: getting the parents, and looking at the children again.

use std::sync::Arc;
use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::{Txid, Wtxid};
use primitives::Tx;

use super::PeerManager;
use crate::PeerId;
use crate::message::Inv;
use crate::view::{ChainAccess, TxAccess, TxVerdict};

/// The transactions that one spends outputs of, each once.
fn parents_of(tx: &Tx) -> Vec<Txid> {
    let mut parents: Vec<_> = tx.inputs().iter().map(|input| input.previous_output.txid).collect();
    parents.sort_unstable();
    parents.dedup();
    parents
}

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    fn missing_parents(&self, tx: &Tx) -> Vec<Txid> {
        // A parent that pays too little is asked for again: this child may pay for it.
        parents_of(tx).into_iter().filter(|parent| !self.has_tx(&Inv::tx(*parent), false)).collect()
    }

    /// Whether an orphan is not worth waiting: a parent was refused, or more than one needs a child to pay for it.
    fn has_refused_parents(&self, parents: &[Txid]) -> bool {
        let refused = parents.iter().any(|parent| self.rejected.contains(parent.as_byte_array()));
        let poor = |parent: &&Txid| {
            self.reconsiderable.contains(parent.as_byte_array()) && self.pool.by_txid(parent).is_none()
        };
        refused || parents.iter().filter(poor).count() > 1
    }

    /// Keeps a transaction until its parents are here, and asks those for them who announced it.
    pub(super) fn keep_orphan(&mut self, id: PeerId, tx: &Arc<Tx>, now: Duration) {
        let (txid, wtxid) = (tx.txid(), tx.wtxid());
        if self.rejected.contains(wtxid.as_byte_array()) {
            return;
        }
        if self.has_refused_parents(&parents_of(tx)) {
            tracing::debug!(
                target: "mempool", "not keeping orphan with rejected parents {txid} (wtxid={wtxid})"
            );
            // No witness makes up for that.
            self.rejected.insert(txid.to_byte_array());
            self.rejected.insert(wtxid.to_byte_array());
            self.forget_requests(tx);
            self.keep_extra(tx);
            return;
        }
        let parents = self.missing_parents(tx);
        if !self.orphans.contains(&wtxid) {
            self.keep_extra(tx);
        }
        let mut candidates = vec![id];
        candidates.extend(self.requests.candidates(txid.as_byte_array()));
        if tx.has_witness() {
            candidates.extend(self.requests.candidates(wtxid.as_byte_array()));
        }
        for candidate in candidates {
            if self.resolve_by(candidate, &wtxid, &parents, now) {
                self.orphans.add(tx, candidate);
            }
        }
        self.forget_requests(tx);
        // Whoever sends a child knows its parents.
        if let Some(relay) = self.peers.get_mut(&id).and_then(|peer| peer.relay.as_mut()) {
            for parent in &parents {
                relay.known.insert(parent.as_byte_array());
            }
        }
    }

    /// A peer announces an orphan that is here: it is one more to ask for the parents.
    pub(super) fn orphan_announced(&mut self, id: PeerId, wtxid: Wtxid, now: Duration) {
        let Some(tx) = self.orphans.get(&wtxid) else { return };
        let parents = self.missing_parents(&tx);
        if !parents.is_empty() && self.resolve_by(id, &wtxid, &parents, now) {
            self.orphans.add_announcer(&wtxid, id);
        }
    }

    /// Counts a peer among those who are asked for the parents of an orphan, as if it had announced them.
    fn resolve_by(&mut self, id: PeerId, wtxid: &Wtxid, parents: &[Txid], now: Duration) -> bool {
        if !self.peers.contains_key(&id) || self.orphans.is_announced_by(wtxid, id) {
            return false;
        }
        let how = self.announcer(id, true);
        if !how.unlimited && !self.requests.has_room(id, parents.len()) {
            return false;
        }
        for parent in parents {
            self.requests.announced(id, Inv::tx(*parent), how, now);
        }
        tracing::debug!(target: "txpackages", "added peer={id} as a candidate for resolving orphan {wtxid}");
        true
    }

    /// Looks at orphans again on a peer's account, until one of them is settled.
    pub(super) fn work_on_orphan(&mut self, id: PeerId, now: Duration) {
        while let Some(tx) = self.orphans.take_work(id) {
            let (txid, wtxid) = (tx.txid(), tx.wtxid());
            let verdict = self.pool.submit(tx.clone());
            match &verdict {
                TxVerdict::MissingInputs => continue,
                TxVerdict::Accepted { .. } => {
                    tracing::debug!(target: "txpackages", "   accepted orphan tx {txid} (wtxid={wtxid})");
                }
                TxVerdict::Rejected { reason, .. } => tracing::debug!(
                    target: "txpackages", "   invalid orphan tx {txid} (wtxid={wtxid}) from peer={id}. {reason}"
                ),
                TxVerdict::Known => {}
            }
            self.settle(id, &tx, &verdict, false, now);
            return;
        }
    }
}
