//! Blocks, one by one and in bulk.

use std::sync::Arc;

use crate::{Answer, BlockHash, BlockRef, Call, OutPoint, RawBlock, RawTx, Script};

/// Finds and reads blocks.
pub trait ChainBlocks: Send + Sync {
    /// What is known of a block; with `data`, also the block itself if it is on disk.
    fn find_block(&self, hash: BlockHash, data: bool) -> Call<Option<FoundBlock>>;

    /// The first block of the active chain that is neither lower nor older than this.
    fn find_first_block_with_time_and_height(&self, min_time: i64, min_height: i32) -> Call<Option<FoundBlock>>;

    /// The ancestor of a block at a height.
    fn find_ancestor_by_height(&self, hash: BlockHash, height: i32) -> Call<Option<FoundBlock>>;

    /// The ancestor, if it is one.
    fn find_ancestor_by_hash(&self, hash: BlockHash, ancestor: BlockHash) -> Call<Option<FoundBlock>>;

    /// Where two branches met.
    fn find_common_ancestor(&self, first: BlockHash, second: BlockHash) -> Call<CommonAncestor>;

    /// The height of the highest block of the active chain that the locator names or descends from.
    fn find_locator_fork(&self, locator: &Locator) -> Call<Option<i32>>;

    /// Whether a block of the active chain is on disk with its transactions.
    fn have_block_on_disk(&self, height: i32) -> Call<bool>;

    /// Whether all ancestors of a block from `min_height` to `max_height` are on disk. A negative `max_height` means up
    /// to the block itself.
    fn has_blocks(&self, hash: BlockHash, min_height: i32, max_height: i32) -> Call<bool>;

    /// Whether a basic block filter index exists.
    fn has_block_filter_index(&self) -> Call<bool>;

    /// Reads the active chain from `request.start_height` to `request.stop_height` and hands every transaction that
    /// touches the scripts or outputs to `sink`, in batches, in order. The next batch is not sent before the last one
    /// was taken, so a slow reader slows the scan and nothing piles up. The sink may add scripts on the way and have
    /// blocks looked at again for them. Returns the last block scanned; it is lower than asked if the sink said stop, and
    /// the block it names may have left the active chain meanwhile.
    fn scan_blocks(&self, request: &ScanRequest, sink: Arc<dyn ScanSink>) -> Call<Answer<Option<BlockRef>>>;
}

/// Takes the batches of a scan.
pub trait ScanSink: Send + Sync {
    /// One batch. Returns how to go on.
    fn batch(&self, batch: &ScanBatch) -> Call<ScanReply>;
}

/// How a scan goes on after a batch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanReply {
    /// Whether to go on.
    pub go_on: bool,
    /// Scripts to look for as well from now on.
    pub scripts: Vec<Script>,
    /// The height from which blocks are to be looked at again, for these scripts. One that is above the last block that
    /// was scanned means that none is.
    pub again: i32,
}

impl ScanReply {
    /// The next blocks, and nothing new to look for.
    pub fn next() -> Self {
        Self { go_on: true, scripts: Vec::new(), again: i32::MAX }
    }
}

/// What to scan for. Outputs found on the way whose script is wanted are watched for spending from then on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanRequest {
    /// First height.
    pub start_height: i32,
    /// Last height; negative means the tip, wherever it is by then.
    pub stop_height: i32,
    /// Scripts that outputs may pay to.
    pub scripts: Vec<Script>,
    /// Outputs that may be spent and pay to these scripts: the scripts are enough where filters tell what a block touches.
    pub outpoints: Vec<OutPoint>,
    /// Outputs that may be spent and pay to scripts that the caller does not know. Filters are of no use while one of them
    /// may have been spent in the chain.
    pub strangers: Vec<OutPoint>,
}

/// Some blocks' worth of a scan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanBatch {
    /// The last block that was scanned.
    pub scanned: BlockRef,
    /// The last block's time.
    pub time: i64,
    /// The blocks that had something.
    pub matches: Vec<ScanMatch>,
}

/// What one block had.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScanMatch {
    /// The block.
    pub block: BlockRef,
    /// Its time.
    pub time: i64,
    /// The transactions, in block order.
    pub txs: Vec<ScannedTx>,
}

/// A transaction and its place in the block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScannedTx {
    /// The place.
    pub index: u32,
    /// The transaction.
    pub tx: RawTx,
}

/// What the node knows of a block.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundBlock {
    /// Hash and height.
    pub block: BlockRef,
    /// Its time.
    pub time: i64,
    /// The latest time of the chain up to it.
    pub max_time: i64,
    /// The median time of the last eleven blocks up to it.
    pub median_time: i64,
    /// Whether it is in the active chain.
    pub in_active_chain: bool,
    /// The next block of the active chain, if this one is in it and not its tip.
    pub next: Option<BlockRef>,
    /// A locator for it.
    pub locator: Locator,
    /// The block, if it was asked for and is on disk.
    pub data: Option<RawBlock>,
}

/// Where two branches met. All three are `None` if one of the blocks is unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommonAncestor {
    /// The block both descend from.
    pub ancestor: Option<BlockRef>,
    /// The first block.
    pub first: Option<BlockRef>,
    /// The second block.
    pub second: Option<BlockRef>,
}

/// Hashes that tell a branch, from its tip back to genesis, ever further apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Locator {
    /// The hashes.
    pub hashes: Vec<BlockHash>,
}
