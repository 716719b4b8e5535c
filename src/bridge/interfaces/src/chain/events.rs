//! What happens to the chain, in order.

use std::sync::Arc;

use crate::{BlockHash, BlockRef, Call, Handler, Locator, RawBlock, RawTx};

/// Subscribes to the chain.
pub trait ChainEvents: Send + Sync {
    /// Calls `notifications` for everything that happens from now on, in order, until the handler is dropped or
    /// disconnected. A subscriber that is slow delays its own events and nobody else's.
    fn handle_notifications(&self, notifications: Arc<dyn ChainNotifications>) -> Call<Arc<dyn Handler>>;

    /// Returns once everything that happened before this call was delivered.
    fn wait_for_notifications(&self) -> Call<()>;

    /// The same, but at once if the tip is still `old_tip`.
    fn wait_for_notifications_if_tip_changed(&self, old_tip: BlockHash) -> Call<()>;

    /// Calls `transaction_added_to_mempool` for everything that is in the mempool now, before it returns. Events may
    /// arrive meanwhile: the reader must ignore what it knows already.
    fn request_mempool_transactions(&self, notifications: Arc<dyn ChainNotifications>) -> Call<()>;
}

/// Is told what happens.
pub trait ChainNotifications: Send + Sync {
    /// A transaction entered the mempool.
    fn transaction_added_to_mempool(&self, tx: &RawTx) -> Call<()>;

    /// A transaction left the mempool for a reason other than a block. `reason` is the daemon's word for it: `expiry`,
    /// `sizelimit`, `reorg`, `conflict`, `replaced`.
    fn transaction_removed_from_mempool(&self, tx: &RawTx, reason: &str) -> Call<()>;

    /// A block became part of the chain. With `background`, of a chain that is verified behind a snapshot.
    fn block_connected(&self, block: &ConnectedBlock, background: bool) -> Call<()>;

    /// The tip stopped being part of the chain.
    fn block_disconnected(&self, block: &ConnectedBlock) -> Call<()>;

    /// The chain has a new tip and is done moving towards it.
    fn updated_block_tip(&self) -> Call<()>;

    /// Everything up to here is on disk.
    fn chain_state_flushed(&self, locator: &Locator) -> Call<()>;
}

/// A block that came or went.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConnectedBlock {
    /// Hash and height.
    pub block: BlockRef,
    /// The hash of its parent.
    pub prev: BlockHash,
    /// The latest time of the chain up to it.
    pub max_time: i64,
    /// The block itself.
    pub data: RawBlock,
}
