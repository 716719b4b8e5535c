//! Transactions that peers send.

use std::sync::Arc;
use std::time::Duration;

use bitcoin::hashes::{Hash, HashEngine, sha256};
use primitives::{Block, Tx};

use super::PeerManager;
use crate::PeerId;
use crate::message::Inv;
use crate::view::{ChainAccess, PackageVerdict, RejectKind, TxAccess, TxVerdict};

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    pub(super) fn on_tx(&mut self, id: PeerId, tx: &Arc<Tx>, now: Duration) {
        let Some(peer) = self.peers.get(&id) else { return };
        if self.refuses_txs(peer) {
            tracing::debug!(target: "net", "transaction sent in violation of protocol, disconnecting peer={id}");
            self.disconnect(id);
            return;
        }
        // During initial download nothing can be judged.
        if self.chain.is_initial_download() {
            return;
        }
        let (txid, wtxid) = (tx.txid(), tx.wtxid());
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let (by_wtxid, force) = (peer.wtxid_relay, peer.permissions.force_relay);
        if let Some(relay) = &mut peer.relay {
            relay.known.insert(if by_wtxid { wtxid.as_byte_array() } else { txid.as_byte_array() });
        }
        self.private_returned(id, tx);
        self.requests.failed(id, txid.as_byte_array());
        self.requests.failed(id, wtxid.as_byte_array());
        let known = self.has_tx(&Inv::wtx(wtxid), false);
        let waits_for_child = !known && self.reconsiderable.contains(wtxid.as_byte_array());
        if force && (known || waits_for_child) {
            self.force_relay(id, tx);
        }
        if waits_for_child {
            tracing::debug!(
                target: "txpackages",
                "found tx {txid} (wtxid={wtxid}) in reconsiderable rejects, looking for child in orphanage"
            );
            self.try_with_child(id, tx, now);
        } else if !known {
            self.judge(id, tx, now);
        }
    }

    /// A peer that hides others behind it has their transactions passed on, even if they are here.
    fn force_relay(&mut self, id: PeerId, tx: &Tx) {
        let (txid, wtxid) = (tx.txid(), tx.wtxid());
        if self.pool.by_txid(&txid).is_none() {
            tracing::info!("Not relaying non-mempool transaction {txid} (wtxid={wtxid}) from forcerelay peer={id}");
        } else {
            tracing::info!("Force relaying tx {txid} (wtxid={wtxid}) from peer={id}");
            self.relay_tx(txid, wtxid);
        }
    }

    /// Submits a transaction that has just come.
    fn judge(&mut self, id: PeerId, tx: &Arc<Tx>, now: Duration) {
        let verdict = self.pool.submit(tx.clone());
        let accepted = matches!(verdict, TxVerdict::Accepted { .. });
        let try_child = self.settle(id, tx, &verdict, true, now);
        if accepted && let Some(peer) = self.peers.get_mut(&id) {
            peer.last_tx = Some(now);
        }
        if try_child {
            tracing::debug!(
                target: "txpackages",
                "tx {} (wtxid={}) failed but reconsiderable, looking for child in orphanage", tx.txid(), tx.wtxid()
            );
            self.try_with_child(id, tx, now);
        }
    }

    /// Draws the conclusions from a verdict. Tells whether a child that pays for it should be looked for.
    pub(super) fn settle(&mut self, id: PeerId, tx: &Arc<Tx>, verdict: &TxVerdict, first: bool, now: Duration) -> bool {
        let (txid, wtxid) = (tx.txid(), tx.wtxid());
        match verdict {
            TxVerdict::Accepted { replaced } => {
                self.accepted(id, tx);
                for old in replaced {
                    self.keep_extra(old);
                }
                false
            }
            TxVerdict::Known => {
                self.forget_requests(tx);
                self.orphans.remove(&wtxid);
                false
            }
            TxVerdict::MissingInputs => {
                log_refused(id, tx, "bad-txns-inputs-missingorspent");
                if first {
                    self.keep_orphan(id, tx, now);
                }
                false
            }
            TxVerdict::Rejected { reason, kind } => {
                log_refused(id, tx, reason);
                if first && *kind != RejectKind::WitnessStripped {
                    self.keep_extra(tx);
                }
                self.remember_rejected(tx, *kind);
                if self.orphans.remove(&wtxid) {
                    tracing::debug!(target: "txpackages", "   removed orphan tx {txid} (wtxid={wtxid})");
                }
                first && *kind == RejectKind::Reconsiderable
            }
        }
    }

    fn remember_rejected(&mut self, tx: &Tx, kind: RejectKind) {
        let (txid, wtxid) = (tx.txid().to_byte_array(), tx.wtxid().to_byte_array());
        match kind {
            // Nothing is learned of the transaction itself: with its witness it may be fine.
            RejectKind::WitnessStripped => return,
            RejectKind::Reconsiderable => self.reconsiderable.insert(wtxid),
            RejectKind::Final => self.rejected.insert(wtxid),
            RejectKind::AnyWitness => {
                self.rejected.insert(wtxid);
                self.rejected.insert(txid);
                self.requests.settled(&txid);
            }
        }
        self.requests.settled(&wtxid);
    }

    /// A transaction is in the pool now.
    fn accepted(&mut self, id: PeerId, tx: &Arc<Tx>) {
        self.forget_requests(tx);
        self.orphans.parent_came(tx, &mut self.chance);
        self.orphans.remove(&tx.wtxid());
        let (count, bytes) = self.pool.size();
        tracing::debug!(
            target: "mempool",
            "AcceptToMemoryPool: peer={id}: accepted {} (wtxid={}) (poolsz {count} txn, {} kB)",
            tx.txid(), tx.wtxid(), bytes / 1000
        );
        self.relay_tx(tx.txid(), tx.wtxid());
    }

    pub(super) fn forget_requests(&mut self, tx: &Tx) {
        self.requests.settled(tx.txid().as_byte_array());
        self.requests.settled(tx.wtxid().as_byte_array());
    }

    /// Tries whether a child that the same peer sent pays for its parent.
    fn try_with_child(&mut self, id: PeerId, parent: &Arc<Tx>, now: Duration) {
        let children = self.orphans.children_of(&parent.txid(), id);
        let fresh = |child: &Arc<Tx>| {
            !self.reconsiderable.contains(&package_id(parent, child))
                && !self.rejected.contains(child.txid().as_byte_array())
        };
        let Some(child) = children.into_iter().find(fresh) else { return };
        let PackageVerdict { refused, parent: of_parent, child: of_child } =
            self.pool.submit_package(parent.clone(), child.clone());
        tracing::debug!(
            target: "txpackages",
            "package evaluation for parent {} (wtxid={}, sender={id}) + child {} (wtxid={}, sender={id}): {}",
            parent.txid(), parent.wtxid(), child.txid(), child.wtxid(),
            if refused.is_none() { "package accepted" } else { "package rejected" }
        );
        if refused.is_some() {
            self.reconsiderable.insert(package_id(parent, &child));
        }
        // The child first, so that it is not looked at once more when its parent comes.
        for (tx, verdict) in [(&child, of_child), (parent, of_parent)] {
            if let Some(verdict) = verdict {
                self.settle(id, tx, &verdict, false, now);
            }
        }
    }

    /// The transactions of a block are not wanted any more, and what conflicts with them never will be.
    pub(super) fn block_confirmed(&mut self, block: &Block) {
        self.orphans.block_came(block);
        for tx in &block.txs {
            self.orphans.parent_came(tx, &mut self.chance);
            self.confirmed.insert(tx.txid().to_byte_array());
            if tx.has_witness() {
                self.confirmed.insert(tx.wtxid().to_byte_array());
            }
            self.forget_requests(tx);
        }
    }
}

/// What a parent and a child are remembered by: the hash of both wtxids in the order of their numbers.
fn package_id(parent: &Tx, child: &Tx) -> [u8; 32] {
    let mut ids = [parent.wtxid().to_byte_array(), child.wtxid().to_byte_array()];
    ids.sort_unstable();
    let mut engine = sha256::Hash::engine();
    engine.input(ids.as_flattened());
    sha256::Hash::from_engine(engine).to_byte_array()
}

fn log_refused(id: PeerId, tx: &Tx, reason: &str) {
    tracing::debug!(
        target: "mempoolrej",
        "{} (wtxid={}) from peer={id} was not accepted: {reason}", tx.txid(), tx.wtxid()
    );
}
