//! Finding and reading blocks.

use std::sync::Arc;

use chainstate::{NodeId, Reader, Tree};
use interfaces::{
    Answer, BlockHash, BlockRef, Call, ChainBlocks, CommonAncestor, FoundBlock, Locator, OutPoint, RawBlock,
    ScanRequest, ScanSink,
};

use super::convert::to_outpoint;
use super::scan::Scan;
use super::{NodeChain, block_ref, disk_failed, from_hash, height_of, to_hash};

/// What is known of a block, all but the block itself.
fn found(tree: &Tree, tip: Option<NodeId>, id: NodeId) -> FoundBlock {
    let node = &tree[id];
    let on_chain = |height: u32| tip.and_then(|tip| tree.ancestor(tip, height));
    let in_active_chain = on_chain(node.height) == Some(id);
    let next = on_chain(node.height.saturating_add(1)).filter(|_| in_active_chain);
    FoundBlock {
        block: block_ref(tree, id),
        time: i64::from(node.header.time),
        max_time: i64::from(node.time_max),
        median_time: i64::from(tree.median_time_past(id)),
        in_active_chain,
        next: next.map(|next| block_ref(tree, next)),
        locator: Locator { hashes: tree.locator(id).into_iter().map(from_hash).collect() },
        data: None,
    }
}

fn look<T>(reader: &Reader, look: impl FnOnce(&Tree, Option<NodeId>) -> T) -> T {
    let tip = reader.tip().map(|tip| tip.id);
    reader.tree(|tree| look(tree, tip))
}

impl ChainBlocks for NodeChain {
    fn find_block(&self, hash: BlockHash, data: bool) -> Call<Option<FoundBlock>> {
        let reader = self.reader()?;
        let Some((id, node)) = reader.find(&to_hash(hash)) else { return Ok(None) };
        let mut answer = look(reader, |tree, tip| found(tree, tip, id));
        if data {
            let bytes = reader.block_bytes(&node).transpose().map_err(|error| disk_failed(&error))?;
            answer.data = bytes.map(RawBlock::from);
        }
        Ok(Some(answer))
    }

    fn find_first_block_with_time_and_height(&self, min_time: i64, min_height: i32) -> Call<Option<FoundBlock>> {
        Ok(look(self.reader()?, |tree, tip| {
            let tip = tip?;
            // The latest time of the chain so far never goes down, so halving finds the place.
            let (mut low, mut high) = (u32::try_from(min_height.max(0)).unwrap_or(0), tree[tip].height.checked_add(1)?);
            while low < high {
                let middle = low + (high - low) / 2;
                let early = i64::from(tree[tree.ancestor(tip, middle)?].time_max) < min_time;
                if early { low = middle + 1 } else { high = middle }
            }
            Some(found(tree, Some(tip), tree.ancestor(tip, low)?))
        }))
    }

    fn find_ancestor_by_height(&self, hash: BlockHash, height: i32) -> Call<Option<FoundBlock>> {
        Ok(look(self.reader()?, |tree, tip| {
            let id = tree.ancestor(tree.find(&to_hash(hash))?, u32::try_from(height).ok()?)?;
            Some(found(tree, tip, id))
        }))
    }

    fn find_ancestor_by_hash(&self, hash: BlockHash, ancestor: BlockHash) -> Call<Option<FoundBlock>> {
        Ok(look(self.reader()?, |tree, tip| {
            let (id, old) = (tree.find(&to_hash(hash))?, tree.find(&to_hash(ancestor))?);
            (tree.ancestor(id, tree[old].height) == Some(old)).then(|| found(tree, tip, old))
        }))
    }

    fn find_common_ancestor(&self, first: BlockHash, second: BlockHash) -> Call<CommonAncestor> {
        Ok(look(self.reader()?, |tree, _| {
            let (first, second) = (tree.find(&to_hash(first)), tree.find(&to_hash(second)));
            let (Some(first), Some(second)) = (first, second) else { return CommonAncestor::default() };
            let show = |id| Some(block_ref(tree, id));
            CommonAncestor {
                ancestor: tree.fork(first, second).and_then(show),
                first: show(first),
                second: show(second),
            }
        }))
    }

    fn find_locator_fork(&self, locator: &Locator) -> Call<Option<i32>> {
        if locator.hashes.is_empty() {
            return Ok(None);
        }
        Ok(look(self.reader()?, |tree, tip| {
            let tip = tip?;
            let top = tree[tip].height;
            for hash in &locator.hashes {
                let Some(id) = tree.find(&to_hash(*hash)) else { continue };
                let height = tree[id].height;
                if tree.ancestor(tip, height) == Some(id) {
                    return Some(height_of(height));
                }
                if tree.ancestor(id, top) == Some(tip) {
                    return Some(height_of(top));
                }
            }
            // Everything descends from genesis.
            Some(0)
        }))
    }

    fn have_block_on_disk(&self, height: i32) -> Call<bool> {
        let reader = self.reader()?;
        let found = u32::try_from(height).ok().and_then(|height| reader.at_height(height));
        Ok(found.is_some_and(|id| {
            let node = reader.node(id);
            node.has_data() && node.tx_count > 0
        }))
    }

    fn has_blocks(&self, hash: BlockHash, min_height: i32, max_height: i32) -> Call<bool> {
        let reader = self.reader()?;
        // Nothing is missing under a block whose chain was counted through, unless it was taken away, or the count is that of
        // a snapshot.
        let complete = !reader.have_pruned() && reader.behind().is_none();
        Ok(reader.tree(|tree| {
            let Some(mut at) = tree.find(&to_hash(hash)) else { return false };
            if let Ok(max) = u32::try_from(max_height)
                && let Some(lower) = tree.ancestor(at, max)
            {
                at = lower;
            }
            if complete && tree[at].chain_tx_count > 0 {
                return true;
            }
            while tree[at].has_data() {
                match tree[at].parent() {
                    Some(parent) if height_of(tree[at].height) > min_height => at = parent,
                    _ => return true,
                }
            }
            false
        }))
    }

    fn has_block_filter_index(&self) -> Call<bool> {
        Ok(self.filters().is_some())
    }

    fn scan_blocks(&self, request: &ScanRequest, sink: Arc<dyn ScanSink>) -> Call<Answer<Option<BlockRef>>> {
        let filters = match self.filters() {
            Some(filters) if self.all_unspent(&request.strangers)? => Some(filters),
            _ => None,
        };
        Scan::new(self.reader()?, &self.node.rpc_state, filters, request).run(&*sink)
    }
}

impl NodeChain {
    /// Whether nobody has spent these outputs in the chain. A filter knows scripts, those of spent outputs too, but no output by
    /// its place; what is unspent at the tip needs none.
    fn all_unspent(&self, outs: &[OutPoint]) -> Call<bool> {
        for out in outs.iter().map(to_outpoint) {
            // While the node starts there is no pool yet.
            let in_pool = self.node.mempool.get().is_some_and(|pool| pool.read().id_of(&out.txid).is_some());
            if !in_pool && self.reader()?.coin(&out).map_err(|error| disk_failed(&error))?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
