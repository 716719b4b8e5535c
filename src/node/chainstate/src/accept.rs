//! What comes in: headers into the tree, blocks into the files. Nothing here looks at coins.

use std::sync::{Arc, atomic::Ordering};

use bitcoin::BlockHash;
use consensus::{BlockChecks, BlockReason, BlockResult, HeaderContext, HeaderReason, Scope};
use primitives::{Block, Header, WitnessMode};
use store::FlatPos;

use crate::{
    ChainEvent, Engine, Fatal, MIN_BLOCKS_TO_KEEP, NodeId, Tree, Validity,
    branch::Branch,
    candidates::Candidates,
    shared::{read, write},
};

/// How a block came to us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// We asked for it, or a person gave it to us: take it even if it is not on the best chain.
    pub requested: bool,
    /// Its header chain was shown to have enough work to be worth storing.
    pub enough_work: bool,
    /// It is in a block file already (`-reindex`, `-loadblock` from our own directory).
    pub stored_at: Option<FlatPos>,
}

impl Arrival {
    /// A block that a miner or an operator hands in.
    pub const SUBMITTED: Self = Self { requested: true, enough_work: true, stored_at: None };
}

/// Why a block was not taken, or what became of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The header breaks a rule.
    #[error("{0}")]
    Header(HeaderReason),
    /// The block breaks a rule.
    #[error("{0}")]
    Block(BlockReason),
}

impl Refusal {
    /// The class that decides what happens to the block and its sender.
    pub fn result(&self) -> BlockResult {
        match self {
            Self::Header(reason) => reason.result(),
            Self::Block(reason) => reason.result(),
        }
    }

    /// Reject reason and debug message in one line.
    pub fn full(&self) -> String {
        match self {
            Self::Header(reason) => reason.full(),
            Self::Block(reason) => reason.full(),
        }
    }

    /// The longer text for logs.
    pub fn debug_message(&self) -> String {
        match self {
            Self::Header(reason) => reason.debug_message().into_owned(),
            Self::Block(reason) => reason.debug_message().into_owned(),
        }
    }
}

/// A block that was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// Its node.
    pub id: NodeId,
    /// Whether its data were new and are stored now.
    pub new: bool,
}

impl Engine {
    /// Takes a header into the tree, or finds it there.
    pub fn accept_header(&mut self, header: &Header, enough_work: bool) -> Result<NodeId, HeaderReason> {
        let hash = header.hash();
        let tree = read(&self.shared.tree);
        if let Some(id) = tree.find(&hash) {
            if tree[id].failed() {
                tracing::debug!(target: "validation", "AcceptBlockHeader: block {hash} is marked invalid");
                return Err(HeaderReason::CachedInvalid(hash));
            }
            return Ok(id);
        }
        self.rules.check_header(header).inspect_err(|e| {
            tracing::debug!(target: "validation", "AcceptBlockHeader: Consensus::CheckBlockHeader: {hash}, {}", e.full());
        })?;
        let Some(parent) = tree.find(&header.prev()) else {
            tracing::debug!(target: "validation", "header {hash} has prev block not found: {}", header.prev());
            return Err(HeaderReason::MissingPrev);
        };
        if tree[parent].failed() {
            tracing::debug!(target: "validation", "header {hash} has prev block invalid: {}", header.prev());
            return Err(HeaderReason::InvalidPrev);
        }
        let checkpoint = self.last_checkpoint(&tree);
        let context = HeaderContext { now: self.clock.unix_seconds(), checkpoint };
        self.rules.check_header_context(header, &Branch::new(&tree, parent), context).inspect_err(|e| {
            tracing::debug!(target: "validation", "AcceptBlockHeader: Consensus::ContextualCheckBlockHeader: {hash}, {}", e.full());
        })?;
        if !enough_work {
            tracing::debug!(target: "validation", "AcceptBlockHeader: not adding new block header {hash}, missing anti-dos proof-of-work validation");
            return Err(HeaderReason::LowWork);
        }
        drop(tree);
        Ok(self.insert_header(header, Some(parent)))
    }

    /// The highest checkpoint that has been reached: nothing may fork off below it.
    pub(crate) fn last_checkpoint(&self, tree: &Tree) -> Option<u32> {
        let reached = |point: &(u32, BlockHash)| tree.find(&point.1).is_some();
        let points = self.rules.params().checkpoints().filter(|_| self.rules.enforces_checkpoints());
        points.filter(reached).map(|(height, _)| height).max()
    }

    pub(crate) fn insert_header(&mut self, header: &Header, parent: Option<NodeId>) -> NodeId {
        let merged = self.rules.merged_facts(header);
        let mut tree = write(&self.shared.tree);
        let id = tree.insert(*header.raw(), header.hash(), parent, merged);
        let mut best = write(&self.shared.best_header);
        if best.is_none_or(|b| tree[id].chain_work > tree[b].chain_work) {
            *best = Some(id);
        }
        self.dirty.insert(id);
        id
    }

    /// Checks a block as far as that goes without coins, and stores it.
    pub fn accept_block(&mut self, block: &Arc<Block>, how: Arrival) -> Result<Result<Accepted, Refusal>, Fatal> {
        let mut checks = BlockChecks::default();
        // A body that fails here may not be the one that was mined, so its header is neither stored nor marked.
        if let Err(reason) = self.rules.check_block(block, Scope::FULL, &mut checks) {
            tracing::error!("AcceptBlock FAILED ({})", reason.full());
            return Ok(Err(Refusal::Block(reason)));
        }
        let id = match self.accept_header(&block.header, how.enough_work) {
            Ok(id) => id,
            Err(reason) => return Ok(Err(Refusal::Header(reason))),
        };
        if !self.wants(id, how) {
            return Ok(Ok(Accepted { id, new: false }));
        }
        let (height, parent) = {
            let tree = read(&self.shared.tree);
            (tree[id].height, tree[id].parent())
        };
        let in_context = {
            let tree = read(&self.shared.tree);
            let branch = parent.map(|p| Branch::new(&tree, p));
            let prev = branch.as_ref().map(|b| b as &dyn consensus::HeaderView);
            self.rules.check_block_context(block, prev, &mut checks)
        };
        if let Err(reason) = in_context {
            tracing::error!("AcceptBlock: {}", reason.full());
            if reason.result().is_permanent() {
                self.fail(id);
            }
            return Ok(Err(Refusal::Block(reason)));
        }
        if !self.shared.initial_download.load(Ordering::Acquire) && parent.is_some() && parent == self.active_tip {
            self.shared.events.publish(&ChainEvent::Announced { block: Arc::clone(block), height });
        }
        let pos = if let Some(pos) = how.stored_at {
            let len = u32::try_from(block.total_size()).expect("a block that was read from a file fits in it");
            self.shared.files.note_block(pos, len, height, block.header.time());
            pos
        } else {
            let bytes = block.to_bytes(WitnessMode::Include);
            self.shared.files.write_block(&bytes, height, block.header.time())?
        };
        self.received(id, block, pos);
        self.recent.keep(id, block);
        self.flush(crate::FlushMode::IfNeeded)?;
        Ok(Ok(Accepted { id, new: true }))
    }

    /// Whether a block's data should be stored: always when we asked for it, else only if it could matter.
    fn wants(&self, id: NodeId, how: Arrival) -> bool {
        let tree = read(&self.shared.tree);
        let node = &tree[id];
        if node.has_data() {
            return false;
        }
        if how.requested {
            return true;
        }
        let Some(tip) = self.active_tip.map(|t| &tree[t]) else { return true };
        node.tx_count == 0 // a block that was pruned comes again only on request
            && node.chain_work >= tip.chain_work
            && node.height <= tip.height + MIN_BLOCKS_TO_KEEP
            && node.chain_work >= self.rules.params().minimum_chain_work()
    }

    /// A block's data are in the files: it, and those that waited for it, may become candidates.
    pub(crate) fn received(&mut self, id: NodeId, block: &Block, pos: FlatPos) {
        let shared = Arc::clone(&self.shared);
        let mut tree = write(&shared.tree);
        let witness = self.rules.params().is_active(consensus::Buried::Segwit, tree[id].height);
        let node = &mut tree[id];
        node.tx_count = u32::try_from(block.txs.len()).expect("a block has fewer transactions than bytes");
        node.set_stored(pos, witness);
        node.raise(Validity::Transactions);
        let parent = node.parent();
        self.dirty.insert(id);
        if let Some(parent) = parent
            && tree[parent].chain_tx_count == 0
        {
            self.candidates.wait_for(parent, id);
            return;
        }
        self.count(&mut tree, id);
    }

    /// All ancestors of a block are counted through: so is it now, with those that waited for it.
    pub(crate) fn count(&mut self, tree: &mut Tree, id: NodeId) {
        let mut ready = vec![id];
        while let Some(id) = ready.pop() {
            let below = tree[id].parent().map_or(0, |p| tree[p].chain_tx_count);
            // The block of a snapshot may be the tip before it is here.
            self.candidates.remove(tree, id);
            let node = &mut tree[id];
            node.chain_tx_count = below + u64::from(node.tx_count);
            node.sequence = self.next_sequence;
            self.next_sequence += 1;
            if Candidates::eligible(&tree[id]) {
                self.candidates.offer(tree, id, self.active_tip);
            }
            let mut next = self.candidates.release(id);
            // Those that waited longest come first.
            next.reverse();
            ready.extend(next);
        }
    }

    /// A block broke a rule for good: neither it nor what builds on it is tried again.
    pub(crate) fn fail(&mut self, id: NodeId) {
        self.fail_descendants(id);
        self.note_invalid(id);
    }
}
