//! After a crash: finishing the flush that was interrupted.
//!
//! The coins on disk are then a mixture of two blocks' results. Every coin that any block between them touched is set to
//! what it has to be: first back from the old tip to the fork, then forward to the new one. Coins that are right already
//! are set to the same value again, so it does not matter how far the flush had come, or how often this is repeated.

use bitcoin::{BlockHash, OutPoint};

use crate::{
    Engine, FlushMode, LoadError, NodeId,
    coins::{Batches, Changes, StoredCoin},
    shared::{CoinsState, read, write},
};

impl Engine {
    pub(crate) fn replay(&mut self, new: BlockHash, old: Option<BlockHash>) -> Result<(), LoadError> {
        tracing::info!("Replaying blocks...");
        let (new_id, old_id, fork) = {
            let tree = read(&self.shared.tree);
            let new_id = tree.find(&new).ok_or(LoadError::Replay)?;
            let old_id = old.map(|hash| tree.find(&hash).ok_or(LoadError::Replay)).transpose()?;
            (new_id, old_id, old_id.and_then(|o| tree.fork(o, new_id)))
        };
        let mut at = old_id;
        while let Some(id) = at.filter(|id| Some(*id) != fork) {
            let node = self.node(id);
            if node.height > 0 {
                tracing::info!("Rolling back {} ({})", node.hash, node.height);
                self.roll_back(id)?;
            }
            at = node.parent();
        }
        let (from, to) = {
            let tree = read(&self.shared.tree);
            (fork.map_or(0, |f| tree[f].height), tree[new_id].height)
        };
        for height in from + 1..=to {
            let id = read(&self.shared.tree).ancestor(new_id, height).ok_or(LoadError::Replay)?;
            tracing::info!("Rolling forward {} ({height})", self.node(id).hash);
            self.roll_forward(id)?;
            let mut state = write(&self.shared.state);
            if state.cache.memory() > self.options.cache_bytes {
                // The marker on disk still says that the flush is under way, so part of it may be written now.
                let CoinsState { cache, db, .. } = &mut *state;
                cache.spill(db, &Batches::of(&self.options))?;
            }
        }
        write(&self.shared.state).tip = Some(new_id);
        self.active_tip = Some(new_id);
        self.flush(FlushMode::Empty)?;
        Ok(())
    }

    /// Puts back what a block spent and removes what it made, without asking whether that was done already.
    fn roll_back(&mut self, id: NodeId) -> Result<(), LoadError> {
        let node = self.node(id);
        let (Some(block_pos), Some(undo_pos)) = (node.block_pos(), node.undo_pos()) else {
            return Err(LoadError::Replay);
        };
        let block = self.shared.read_block(block_pos)?;
        let undo = self.shared.read_undo(undo_pos, &node.header.prev_blockhash)?;
        if undo.txs.len() + 1 != block.txs.len() {
            return Err(LoadError::Replay);
        }
        let mut changes = Changes::default();
        for (n, tx) in block.txs.iter().enumerate().rev() {
            for (vout, _) in (0u32..).zip(tx.outputs()) {
                changes.spend(OutPoint { txid: tx.txid(), vout });
            }
            if let Some(n) = n.checked_sub(1) {
                for (input, coin) in tx.inputs().iter().zip(&undo.txs[n].spent) {
                    changes.add(input.previous_output, StoredCoin::from(coin));
                }
            }
        }
        write(&self.shared.state).cache.apply(changes, false);
        Ok(())
    }

    /// Spends what a block spends and adds what it makes, knowing that it was found valid before.
    fn roll_forward(&mut self, id: NodeId) -> Result<(), LoadError> {
        let node = self.node(id);
        let block = self.shared.read_block(node.block_pos().ok_or(LoadError::Replay)?)?;
        let mut changes = Changes::default();
        for (n, tx) in block.txs.iter().enumerate() {
            if n > 0 {
                for input in tx.inputs() {
                    changes.spend(input.previous_output);
                }
            }
            crate::connect::add_outputs(&mut changes, self.shared.codec, tx, node.height);
        }
        write(&self.shared.state).cache.apply(changes, false);
        Ok(())
    }
}
