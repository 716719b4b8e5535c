//! Taking the tip back: what its outputs added goes, what its inputs took returns.

use std::{collections::HashMap, sync::Arc};

use bitcoin::OutPoint;
use primitives::{Block, BlockUndo};
use store::StoreError;

use crate::{
    Engine, Fatal, NodeId,
    coins::{Changes, Lookup, StoredCoin},
    hashing::SaltedState,
    shared::{read, write},
};

/// The chain behind a snapshot tells of one block in so many.
const LOG_BEHIND: u32 = 2000;

/// Why a block cannot be undone exactly.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Unclean {
    /// Undo data are of another block.
    #[error("block and undo data inconsistent")]
    Undo,
    /// A coin that should be there is not, or is another one.
    #[error("transaction and coin data inconsistent")]
    Coins,
}

/// The coins that a block makes, but for those that nobody keeps.
pub(crate) fn created(block: &Block) -> impl Iterator<Item = OutPoint> {
    block.txs.iter().flat_map(|tx| {
        let txid = tx.txid();
        let kept = (0u32..).zip(tx.outputs()).filter(|(_, out)| !script::templates::is_unspendable(&out.script_pubkey));
        kept.map(move |(vout, _)| OutPoint { txid, vout })
    })
}

impl Engine {
    /// Takes the tip back to its parent. `keep` says whether its transactions may return to the memory pool.
    pub(crate) fn disconnect_tip(&mut self, keep: bool) -> Result<(), Fatal> {
        let tip = self.active_tip.ok_or(Fatal::Disconnect)?;
        let node = self.node(tip);
        let parent = node.parent().ok_or(Fatal::Disconnect)?;
        let (Some(block_pos), Some(undo_pos)) = (node.block_pos(), node.undo_pos()) else {
            return Err(Fatal::Disconnect);
        };
        let unreadable = |e: StoreError| {
            tracing::error!("DisconnectTip(): Failed to read {}: {e}", node.hash);
            Fatal::Disconnect
        };
        let block = Arc::new(self.shared.read_block(block_pos).map_err(unreadable)?);
        let undo = self.shared.read_undo(undo_pos, &node.header.prev_blockhash).map_err(unreadable)?;
        let changes = self.undo_changes(&block, &undo, node.height, &Changes::default()).map_err(|e| {
            tracing::error!("DisconnectTip(): DisconnectBlock {} failed: {e}", node.hash);
            Fatal::Disconnect
        })?;
        {
            let mut state = write(&self.shared.state);
            state.cache.apply(changes, false);
            state.tip = Some(parent);
        }
        self.active_tip = Some(parent);
        if !self.in_background {
            // What was the tip remains a candidate; so does its parent, which is the tip now.
            let tree = read(&self.shared.tree);
            self.candidates.offer(&tree, parent, None);
            write(&self.shared.prune_locks).move_back(tree[parent].height);
        }
        self.flush(crate::FlushMode::IfNeeded)?;
        self.log_tip(parent);
        self.tell_disconnected(&block, tip, keep);
        Ok(())
    }

    /// The changes that undo a block on top of `pending`, which are not in the cache yet.
    pub(crate) fn undo_changes(
        &self,
        block: &Block,
        undo: &BlockUndo,
        height: u32,
        pending: &Changes,
    ) -> Result<Changes, Unclean> {
        if undo.txs.len() + 1 != block.txs.len() {
            return Err(Unclean::Undo);
        }
        let mut changes = Changes::with_capacity(block.txs.len() * 4, self.scripts.salt());
        changes.set_final_tx(undo.final_tx);
        let stored = self.stored(created(block).collect(), pending).map_err(|_| Unclean::Coins)?;
        for (n, tx) in block.txs.iter().enumerate().rev() {
            for (vout, output) in (0u32..).zip(tx.outputs()) {
                if script::templates::is_unspendable(&output.script_pubkey) {
                    continue;
                }
                let out = OutPoint { txid: tx.txid(), vout };
                let found = match changes.get(&out) {
                    Lookup::Coin(coin) => Some(coin),
                    Lookup::Spent => None,
                    Lookup::Unknown => stored.get(&out),
                };
                let same = found
                    .and_then(|c| c.decode(self.shared.codec).ok())
                    .is_some_and(|c| c.out == *output && c.height == height && c.coinbase == (n == 0));
                if !same && !consensus::is_bip30_unspendable(&block.hash(), height) {
                    return Err(Unclean::Coins);
                }
                changes.spend(out);
            }
            let Some(spent) = n.checked_sub(1).map(|n| &undo.txs[n].spent) else { continue };
            if spent.len() != tx.inputs().len() {
                return Err(Unclean::Undo);
            }
            for (input, coin) in tx.inputs().iter().zip(spent) {
                changes.add(input.previous_output, StoredCoin::from(coin));
            }
        }
        Ok(changes)
    }

    /// Which of these coins there are, as of the tip with `pending` on top.
    fn stored(
        &self,
        outs: Vec<OutPoint>,
        pending: &Changes,
    ) -> Result<HashMap<OutPoint, StoredCoin, SaltedState>, StoreError> {
        let mut found = HashMap::with_capacity_and_hasher(outs.len(), self.scripts.salt());
        let mut unknown = Vec::new();
        let state = read(&self.shared.state);
        for out in outs {
            let looked = match pending.get(&out) {
                Lookup::Unknown => state.cache.get(&out),
                known => known,
            };
            match looked {
                Lookup::Coin(coin) => drop(found.insert(out, coin.clone())),
                Lookup::Spent => {}
                Lookup::Unknown => unknown.push(out),
            }
        }
        drop(state);
        unknown.sort_unstable();
        let values = self.shared.coins_db().get_many(&unknown)?;
        let known = unknown.into_iter().zip(values).filter_map(|(out, value)| Some((out, StoredCoin::new(&value?))));
        found.extend(known);
        Ok(found)
    }

    pub(crate) fn log_tip(&self, tip: NodeId) {
        let tree = read(&self.shared.tree);
        let node = &tree[tip];
        if self.in_background && !node.height.is_multiple_of(LOG_BEHIND) {
            return;
        }
        let what = if self.in_background { "[background validation] " } else { "" };
        let state = read(&self.shared.state);
        #[expect(clippy::cast_precision_loss, reason = "shown to one decimal")]
        let megabytes = state.cache.memory() as f64 / f64::from(1 << 20);
        // A catch-up has more of these lines than the limit of an hour lets through, and tools read them.
        tracing::info!(
            no_rate_limit = true,
            "{what}UpdateTip: new best={} height={} version={:#010x} log2_work={:.6} tx={} date='{}' progress={:.6} cache={megabytes:.1}MiB({}txo)",
            node.hash,
            node.height,
            node.header.version.to_consensus(),
            node.log2_work(),
            node.chain_tx_count,
            platform::format_iso8601(i64::from(node.header.time)),
            self.progress_of(&tree, node),
            state.cache.len(),
        );
    }
}
