//! Where the chain is.

use crate::{Answer, BlockHash, BlockRef, Call};

/// Reads the state of the active chain as a whole.
pub trait ChainTip: Send + Sync {
    /// The tip, or `None` while there is not even a genesis block.
    fn tip(&self) -> Call<Option<BlockRef>>;

    /// The block at a height of the active chain.
    fn block_hash(&self, height: i32) -> Call<Answer<BlockHash>>;

    /// Whether the node is still catching up.
    fn is_initial_block_download(&self) -> Call<bool>;

    /// Whether the node is ready to broadcast transactions.
    fn is_ready_to_broadcast(&self) -> Call<bool>;

    /// What fraction of all transactions is verified once the chain up to this block is.
    fn verification_progress(&self, block: BlockHash) -> Call<f64>;

    /// Whether any block was ever pruned.
    fn have_pruned(&self) -> Call<bool>;

    /// The height of the last pruned block.
    fn prune_height(&self) -> Call<Option<i32>>;

    /// Whether the chain stands on a snapshot, validated since or not.
    fn has_assumed_valid_chain(&self) -> Call<bool>;
}
