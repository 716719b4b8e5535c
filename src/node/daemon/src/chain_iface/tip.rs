//! Where the chain is.

use interfaces::{Answer, BlockHash, BlockRef, Call, ChainTip, Failure};
use platform::Clock;

use super::events::tip_ref;
use super::{NodeChain, from_hash, height_of, to_hash};

impl ChainTip for NodeChain {
    fn tip(&self) -> Call<Option<BlockRef>> {
        Ok(tip_ref(self.reader()?))
    }

    fn block_hash(&self, height: i32) -> Call<Answer<BlockHash>> {
        let reader = self.reader()?;
        let found = u32::try_from(height).ok().and_then(|height| reader.at_height(height));
        Ok(found.map(|id| from_hash(reader.node(id).hash)).ok_or_else(|| Failure::new("Block height out of range")))
    }

    fn is_initial_block_download(&self) -> Call<bool> {
        Ok(self.reader()?.initial_download())
    }

    fn is_ready_to_broadcast(&self) -> Call<bool> {
        Ok(self.mempool()?.read().load_tried() && !self.reader()?.initial_download())
    }

    fn verification_progress(&self, block: BlockHash) -> Call<f64> {
        let reader = self.reader()?;
        let found = reader.find(&to_hash(block));
        Ok(found.map_or(0.0, |(_, node)| reader.progress(&node, self.node.clock.unix_seconds())))
    }

    fn have_pruned(&self) -> Call<bool> {
        Ok(self.reader()?.have_pruned())
    }

    fn prune_height(&self) -> Call<Option<i32>> {
        let reader = self.reader()?;
        let last = reader.tip().and_then(|tip| reader.tree(|tree| tree.last_pruned(tip.id)));
        Ok(last.map(height_of))
    }

    fn has_assumed_valid_chain(&self) -> Call<bool> {
        Ok(self.reader()?.snapshot_base().is_some())
    }
}
