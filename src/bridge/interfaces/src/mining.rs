//! Block templates and block submission, for miners, pools and Stratum servers.

use std::sync::Arc;

use crate::{
    Amount, Answer, BlockHash, BlockRef, Bytes, Call, MerkleHash, RawBlock, RawHeader, RawTx, Txid, Wait, Wtxid,
};

/// Weight that a template keeps free for the coinbase and header, unless asked otherwise.
const DEFAULT_RESERVED_WEIGHT: u64 = 8000;
/// Signature operations that a template keeps free for the coinbase outputs, unless asked otherwise.
const DEFAULT_COINBASE_SIGOPS: u64 = 400;
/// A rise in fees that never happens: only a new tip ends the wait.
const MAX_MONEY: Amount = 2_100_000_000_000_000;

/// The node as a miner sees it.
pub trait Mining: Send + Sync {
    /// Whether the chain exists for testing only.
    fn is_test_chain(&self) -> Call<bool>;

    /// Whether the node is still catching up.
    fn is_initial_block_download(&self) -> Call<bool>;

    /// The tip, or `None` before there is one.
    fn get_tip(&self) -> Call<Option<BlockRef>>;

    /// Waits until the tip differs from `current_tip`, or time is up; returns the tip. While the node starts, waits for
    /// a tip whatever the timeout. `None` if the node shuts down or [`Mining::interrupt`] is called.
    fn wait_tip_changed(&self, current_tip: BlockHash, timeout: Wait) -> Call<Option<BlockRef>>;

    /// Makes a template. With `cooldown`, first waits until the node has caught up with its best header. `None` if the
    /// node shuts down or [`Mining::interrupt`] is called.
    fn create_new_block(
        &self,
        options: &BlockCreateOptions,
        cooldown: bool,
    ) -> Call<Answer<Option<Arc<dyn BlockTemplate>>>>;

    /// Checks a block as far as the options say, without connecting it.
    fn check_block(&self, block: &RawBlock, options: &BlockCheckOptions) -> Call<Answer<BlockCheck>>;

    /// Ends this object's `wait_tip_changed` and `create_new_block` calls. Must not block.
    fn interrupt(&self) -> Call<()>;

    /// Submits a complete block, coinbase witness included.
    fn submit_block(&self, block: &RawBlock) -> Call<Answer<BlockCheck>>;

    /// Looks transactions up in the mempool; one entry per id.
    fn get_transactions_by_tx_id(&self, txids: &[Txid]) -> Call<Vec<Option<RawTx>>>;

    /// The same by witness id.
    fn get_transactions_by_witness_id(&self, wtxids: &[Wtxid]) -> Call<Vec<Option<RawTx>>>;
}

/// A block that wants a coinbase and a proof of work.
pub trait BlockTemplate: Send + Sync {
    /// The header.
    fn get_block_header(&self) -> Call<RawHeader>;

    /// The block, with a dummy coinbase.
    fn get_block(&self) -> Call<RawBlock>;

    /// The fee of each transaction after the coinbase.
    fn get_tx_fees(&self) -> Call<Vec<Amount>>;

    /// The signature operation cost of each transaction after the coinbase.
    fn get_tx_sigops(&self) -> Call<Vec<i64>>;

    /// What the coinbase has to contain.
    fn get_coinbase_tx(&self) -> Call<CoinbaseTx>;

    /// The hashes that lead from the coinbase to the merkle root, deepest first.
    fn get_coinbase_merkle_path(&self) -> Call<Vec<MerkleHash>>;

    /// Completes the template with these fields and submits it. The template keeps them, accepted or not. An empty
    /// coinbase is refused; one that does not parse is a failure.
    fn submit_solution(&self, version: u32, timestamp: u32, nonce: u32, coinbase: &RawTx) -> Call<Answer<BlockCheck>>;

    /// Waits for a better template: more fees, a new tip. `None` when time is up or the wait is interrupted.
    fn wait_next(&self, options: &BlockWaitOptions) -> Call<Answer<Option<Arc<dyn BlockTemplate>>>>;

    /// Ends this object's `wait_next`. Must not block.
    fn interrupt_wait(&self) -> Call<()>;
}

/// How to make a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockCreateOptions {
    /// Whether to take transactions from the mempool.
    pub use_mempool: bool,
    /// Weight to keep free for header and coinbase.
    pub block_reserved_weight: u64,
    /// Signature operations to keep free for the coinbase's outputs.
    pub coinbase_output_max_additional_sigops: u64,
}

impl Default for BlockCreateOptions {
    fn default() -> Self {
        Self {
            use_mempool: true,
            block_reserved_weight: DEFAULT_RESERVED_WEIGHT,
            coinbase_output_max_additional_sigops: DEFAULT_COINBASE_SIGOPS,
        }
    }
}

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockWaitOptions {
    /// How long.
    pub timeout: Wait,
    /// By how much the fees have to rise.
    pub fee_threshold: Amount,
}

impl Default for BlockWaitOptions {
    fn default() -> Self {
        Self { timeout: Wait::Forever, fee_threshold: MAX_MONEY }
    }
}

/// What to check of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockCheckOptions {
    /// The merkle root.
    pub check_merkle_root: bool,
    /// The proof of work.
    pub check_pow: bool,
}

impl Default for BlockCheckOptions {
    fn default() -> Self {
        Self { check_merkle_root: true, check_pow: true }
    }
}

/// What became of a block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockCheck {
    /// Whether it was good: valid, or accepted as new.
    pub result: bool,
    /// The reason, as BIP 22 has it, if it was not.
    pub reason: String,
    /// More about the reason.
    pub debug: String,
}

/// The parts of a coinbase transaction that the template decides.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CoinbaseTx {
    /// Its version.
    pub version: u32,
    /// The sequence of its only input.
    pub sequence: u32,
    /// What its signature script begins with.
    pub script_sig_prefix: Bytes,
    /// The only element of its witness stack, if it has one.
    pub witness: Option<Bytes>,
    /// What the miner may pay itself.
    pub block_reward_remaining: Amount,
    /// Serialized outputs that must be there.
    pub required_outputs: Vec<Bytes>,
    /// Its lock time.
    pub lock_time: u32,
}
