//! Blocks that came in last, in memory. Most often they are connected next, and need not be read again.

use std::collections::VecDeque;
use std::sync::Arc;

use primitives::Block;

use crate::NodeId;

/// So many bytes of blocks are kept, beside the last one, whatever its size.
const MOST_BYTES: usize = 4 << 20;

/// The blocks that came in last.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    blocks: VecDeque<(NodeId, Arc<Block>, usize)>,
    bytes: usize,
}

impl Recent {
    /// Keeps a block. If they are too many, those that came first go.
    pub(crate) fn keep(&mut self, id: NodeId, block: &Arc<Block>) {
        let size = block.total_size();
        while self.bytes + size > MOST_BYTES
            && let Some((_, _, freed)) = self.blocks.pop_front()
        {
            self.bytes -= freed;
        }
        self.blocks.push_back((id, Arc::clone(block), size));
        self.bytes += size;
    }

    /// Hands out a block that is kept.
    pub(crate) fn take(&mut self, id: NodeId) -> Option<Arc<Block>> {
        let at = self.blocks.iter().position(|(kept, ..)| *kept == id)?;
        let (_, block, size) = self.blocks.remove(at)?;
        self.bytes -= size;
        Some(block)
    }

    /// Keeps nothing any longer.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
