//! In step with the chain: what a block confirms leaves, and so does what it makes impossible; what a reorganisation
//! disconnects comes back if it can.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use bitcoin::{OutPoint, Txid};
use chainstate::{Node, Reader, TipFollower};
use consensus::SequenceLocks;
use primitives::{Block, Tx};

use crate::{
    Mempool, MempoolEvent, Pool, RemovalReason,
    accept::{ChainView, Extra, Setting, split},
    entry::{EntryId, heap_of},
    mempool::Inner,
};

/// Disconnected transactions take this many bytes at most; of a longer reorganisation those that were mined last are
/// forgotten.
const MAX_DISCONNECTED: usize = 20_000_000;

/// Follows the tip for the pool.
#[derive(Debug)]
pub(crate) struct Follower {
    mempool: Mempool,
    /// What was disconnected, the last transaction of the chain first, and whether it is worth having again.
    disconnected: VecDeque<(Arc<Tx>, bool)>,
    bytes: usize,
}

impl Follower {
    pub(crate) fn new(mempool: Mempool) -> Self {
        Self { mempool, disconnected: VecDeque::new(), bytes: 0 }
    }
}

impl TipFollower for Follower {
    fn connected(&mut self, block: &Arc<Block>, node: &Node) {
        if !self.disconnected.is_empty() {
            let confirmed: BTreeSet<Txid> = block.txs.iter().map(|tx| tx.txid()).collect();
            self.disconnected.retain(|(tx, _)| !confirmed.contains(&tx.txid()));
            self.bytes = self.disconnected.iter().map(|(tx, _)| heap_of(tx)).sum();
        }
        self.mempool.change(|inner| {
            let mut pool = inner.write();
            pool.remove_for_block(block, node.height);
            pool.note_block(inner.now());
        });
    }

    fn disconnected(&mut self, block: &Arc<Block>, _: &Node, keep: bool) {
        for tx in block.txs.iter().rev() {
            self.bytes += heap_of(tx);
            self.disconnected.push_back((Arc::clone(tx), keep));
        }
        while self.bytes > MAX_DISCONNECTED
            && let Some((tx, _)) = self.disconnected.pop_front()
        {
            self.bytes -= heap_of(&tx);
            self.mempool.change(|inner| inner.write().remove_tree(&tx));
        }
    }

    fn settled(&mut self, chain: &Reader, reorganised: bool) {
        if !reorganised && self.disconnected.is_empty() {
            return;
        }
        self.bytes = 0;
        let back = std::mem::take(&mut self.disconnected);
        self.mempool.change(|inner| {
            let Some(view) = ChainView::new(chain, &*inner.rules) else { return };
            inner.take_back(&view, back);
            // Coins are looked up, perhaps on the disk, before readers have to wait.
            let impossible = inner.read().impossible(&view);
            let mut pool = inner.write();
            pool.remove_with_descendants(impossible, RemovalReason::Reorg);
            pool.relinearize();
            pool.limit(inner.now());
        });
    }
}

impl Inner {
    /// Takes disconnected transactions back in, the oldest first.
    fn take_back(&self, view: &ChainView<'_>, back: VecDeque<(Arc<Tx>, bool)>) {
        let setting = Setting::from_block(self.now());
        let mut returned = Vec::new();
        for (tx, keep) in back.into_iter().rev() {
            let taken = keep && !tx.is_coinbase() && {
                let verdict = split(self.accept_one(view, &setting, &tx));
                verdict.inspect_err(|e| tracing::error!("cannot look up coins: {e}")).is_ok_and(|v| v.is_ok())
            };
            if taken {
                returned.push(tx.txid());
            } else {
                self.write().remove_tree(&tx);
            }
        }
        let mut pool = self.write();
        // Children first, so that whatever hangs below a transaction is known when its turn comes.
        let mut touched = BTreeSet::new();
        for txid in returned.iter().rev() {
            if let Some(id) = pool.id_of(txid) {
                touched.extend(pool.adopt_children(id));
            }
        }
        if !touched.is_empty() && !pool.merge(touched.clone()) {
            pool.trim_clusters(touched);
        }
    }
}

impl Pool {
    /// Removes what a block confirms and what conflicts with it.
    pub(crate) fn remove_for_block(&mut self, block: &Block, height: u32) {
        let mut confirmed = Vec::new();
        for tx in &block.txs {
            if self.is_empty() && self.deltas.is_empty() {
                break;
            }
            if let Some(entry) = self.id_of(&tx.txid()).and_then(|id| self.take_out(id, RemovalReason::Block)) {
                confirmed.push(entry.tx);
            }
            for input in tx.inputs() {
                let Some(id) = self.spender(&input.previous_output) else { continue };
                if let Some(txid) = self.get(id).map(|entry| entry.tx.txid()) {
                    self.clear_delta(&txid);
                }
                self.remove_with_descendants([id], RemovalReason::Conflict);
            }
            self.clear_delta(&tx.txid());
        }
        self.relinearize();
        self.note_change();
        let weight = block.txs.iter().skip(1).fold(0u64, |sum, tx| sum.saturating_add(tx.weight()));
        self.events.push(MempoolEvent::Confirmed { txs: confirmed.into(), height, hash: block.hash(), weight });
    }

    /// Removes a transaction, if it is here, and everything that depends on it.
    fn remove_tree(&mut self, tx: &Tx) {
        let txid = tx.txid();
        let roots: Vec<EntryId> = if let Some(id) = self.id_of(&txid) {
            vec![id]
        } else {
            let outputs = (0u32..).take(tx.outputs().len());
            outputs.filter_map(|vout| self.spender(&OutPoint { txid, vout })).collect()
        };
        self.remove_with_descendants(roots, RemovalReason::Reorg);
        self.relinearize();
    }

    /// What cannot be in the next block any more: locks have closed, or coinbases are young again.
    fn impossible(&self, view: &ChainView<'_>) -> Vec<EntryId> {
        self.entries().filter(|(id, _)| self.is_impossible(view, *id)).map(|(id, _)| id).collect()
    }

    fn is_impossible(&self, view: &ChainView<'_>, id: EntryId) -> bool {
        let Some(entry) = self.get(id) else { return false };
        if !view.is_final(&entry.tx) {
            return true;
        }
        if !entry.relative_locks && !entry.spends_coinbase {
            return false;
        }
        let mut heights = Vec::with_capacity(entry.tx.inputs().len());
        for input in entry.tx.inputs() {
            let Ok(Some(coin)) = self.coin(view, &Extra::new(), &input.previous_output) else { return true };
            let depth = view.next_height().saturating_sub(coin.height);
            if coin.coinbase && depth < view.rules.coinbase_maturity(view.next_height()) {
                return true;
            }
            heights.push(coin.height);
        }
        view.branch(|branch| !SequenceLocks::of(&entry.tx, heights, branch).are_open_after(branch))
    }
}
