//! The mining interface of release 30, for clients that know only that one (`-ipccompat=30`).

use std::sync::Arc;

use crate::{
    Amount, Answer, BlockCheck, BlockCheckOptions, BlockCreateOptions, BlockHash, BlockRef, BlockWaitOptions, Bytes,
    Call, MerkleHash, RawBlock, RawHeader, RawTx, Wait,
};

/// The node as a miner of that time sees it.
pub trait Mining30: Send + Sync {
    /// Whether the chain exists for testing only.
    fn is_test_chain(&self) -> Call<bool>;

    /// Whether the node is still catching up.
    fn is_initial_block_download(&self) -> Call<bool>;

    /// The tip, or `None` before there is one.
    fn get_tip(&self) -> Call<Option<BlockRef>>;

    /// Waits until the tip differs from `current_tip`, or time is up; returns the tip. `None` if the node shuts down.
    fn wait_tip_changed(&self, current_tip: BlockHash, timeout: Wait) -> Call<Option<BlockRef>>;

    /// Makes a template on the tip.
    fn create_new_block(&self, options: &BlockCreateOptions30) -> Call<Answer<Option<Arc<dyn BlockTemplate30>>>>;

    /// Checks a block as far as the options say, without connecting it.
    fn check_block(&self, block: &RawBlock, options: &BlockCheckOptions30) -> Call<Answer<BlockCheck>>;

    /// Ends this object's `wait_tip_changed` calls. Must not block.
    fn interrupt(&self) -> Call<()>;
}

/// A block that wants a coinbase and a proof of work.
pub trait BlockTemplate30: Send + Sync {
    /// The header.
    fn get_block_header(&self) -> Call<RawHeader>;

    /// The block, with a dummy coinbase.
    fn get_block(&self) -> Call<RawBlock>;

    /// The fee of each transaction after the coinbase.
    fn get_tx_fees(&self) -> Call<Vec<Amount>>;

    /// The signature operation cost of each transaction after the coinbase.
    fn get_tx_sigops(&self) -> Call<Vec<i64>>;

    /// The dummy coinbase.
    fn get_coinbase_tx(&self) -> Call<RawTx>;

    /// The script of the output that commits to the witnesses; empty if there is none.
    fn get_coinbase_commitment(&self) -> Call<Bytes>;

    /// Which output of the dummy coinbase that is; -1 if there is none.
    fn get_witness_commitment_index(&self) -> Call<i32>;

    /// The hashes that lead from the coinbase to the merkle root, deepest first.
    fn get_coinbase_merkle_path(&self) -> Call<Vec<MerkleHash>>;

    /// Completes the template with these fields and submits it; answers whether the block was new and good.
    fn submit_solution(&self, version: u32, timestamp: u32, nonce: u32, coinbase: &RawTx) -> Call<Answer<bool>>;

    /// Waits for a better template. `None` when time is up or the wait is interrupted.
    fn wait_next(&self, options: &BlockWaitOptions30) -> Call<Answer<Option<Arc<dyn BlockTemplate30>>>>;

    /// Ends this object's `wait_next`. Must not block.
    fn interrupt_wait(&self) -> Call<()>;
}

/// How to make a template. On the wire nothing has a default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockCreateOptions30 {
    /// Whether to take transactions from the mempool.
    pub use_mempool: bool,
    /// Weight to keep free for header and coinbase.
    pub block_reserved_weight: u64,
    /// Signature operations to keep free for the coinbase's outputs.
    pub coinbase_output_max_additional_sigops: u64,
}

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockWaitOptions30 {
    /// How long.
    pub timeout: Wait,
    /// By how much the fees have to rise.
    pub fee_threshold: Amount,
}

/// What to check of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockCheckOptions30 {
    /// The merkle root.
    pub check_merkle_root: bool,
    /// The proof of work.
    pub check_pow: bool,
}

impl From<BlockCreateOptions30> for BlockCreateOptions {
    fn from(old: BlockCreateOptions30) -> Self {
        Self {
            use_mempool: old.use_mempool,
            block_reserved_weight: old.block_reserved_weight,
            coinbase_output_max_additional_sigops: old.coinbase_output_max_additional_sigops,
        }
    }
}

impl From<BlockWaitOptions30> for BlockWaitOptions {
    fn from(old: BlockWaitOptions30) -> Self {
        Self { timeout: old.timeout, fee_threshold: old.fee_threshold }
    }
}

impl From<BlockCheckOptions30> for BlockCheckOptions {
    fn from(old: BlockCheckOptions30) -> Self {
        Self { check_merkle_root: old.check_merkle_root, check_pow: old.check_pow }
    }
}
