//! What the peer logic asks of the chain and of the memory pool. Whoever owns those implements the traits.

use std::sync::Arc;

use bitcoin::{BlockHash, Txid, Work, Wtxid};
use primitives::{Block, Header, Tx};

/// What is known of a block or its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockInfo {
    /// Its hash.
    pub hash: BlockHash,
    /// Its height.
    pub height: u32,
    /// Its time, in seconds since 1970.
    pub time: u32,
    /// The work of its chain up to it.
    pub work: Work,
    /// Whether the block itself is here.
    pub has_data: bool,
    /// Whether it is part of the active chain.
    pub active: bool,
    /// Whether it is known to be invalid.
    pub invalid: bool,
}

/// Why a header or a block is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The daemon's word for it.
    pub reason: String,
    /// Whether an honest peer could not have sent it.
    pub punish: bool,
}

/// The chain, as far as peers have to do with it.
pub trait ChainAccess {
    /// The last block of the active chain.
    fn tip(&self) -> BlockInfo;
    /// The header with the most work.
    fn best_header(&self) -> BlockInfo;
    /// What is known of a block.
    fn info(&self, hash: &BlockHash) -> Option<BlockInfo>;
    /// The block of that height among a block's ancestors and itself.
    fn ancestor(&self, hash: &BlockHash, height: u32) -> Option<BlockHash>;
    /// A header.
    fn header(&self, hash: &BlockHash) -> Option<Header>;
    /// A block.
    fn block(&self, hash: &BlockHash) -> Option<Arc<Block>>;
    /// Whether the node is still catching up.
    fn is_initial_download(&self) -> bool;
    /// The work below which a chain is not worth keeping.
    fn minimum_work(&self) -> Work;
    /// Whether a header's hash meets its own target. No other rule is asked for.
    fn has_valid_proof(&self, header: &Header) -> bool;
    /// Whether a block of that height may have those bits behind a block with `old` bits.
    fn permits_transition(&self, height: u32, old: u32, new: u32) -> bool;
    /// Takes headers that follow one another; the one before the first is known.
    fn accept_headers(&mut self, headers: &[Header]) -> Result<(), Refusal>;
    /// Takes a block; tells whether it was new. A block that nobody asked for may be left alone.
    fn submit_block(&mut self, block: Arc<Block>, requested: bool) -> Result<bool, Refusal>;
}

/// What became of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TxVerdict {
    /// It is in the pool now.
    Accepted,
    /// It was there, or is in the chain.
    Known,
    /// It spends outputs that nobody knows.
    MissingInputs,
    /// It is refused.
    Rejected {
        /// The daemon's word for it.
        reason: String,
        /// Whether a child could pay for it.
        reconsiderable: bool,
    },
}

/// The memory pool, as far as peers have to do with it.
pub trait TxAccess {
    /// A transaction of the pool.
    fn by_txid(&self, txid: &Txid) -> Option<Arc<Tx>>;
    /// A transaction of the pool.
    fn by_wtxid(&self, wtxid: &Wtxid) -> Option<Arc<Tx>>;
    /// All transactions of the pool.
    fn list(&self) -> Vec<(Txid, Wtxid)>;
    /// What a transaction of the pool pays, in satoshis per thousand virtual bytes.
    fn feerate(&self, txid: &Txid) -> Option<i64>;
    /// What a transaction must pay, in satoshis per thousand virtual bytes.
    fn minimum_feerate(&self) -> i64;
    /// Takes a transaction.
    fn submit(&mut self, tx: Arc<Tx>) -> TxVerdict;
    /// Takes a transaction and a child that pays for it, both or none.
    fn submit_package(&mut self, parent: Arc<Tx>, child: Arc<Tx>) -> TxVerdict;
}
