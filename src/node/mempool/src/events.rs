//! What happens to the pool, for those who listen: wallets, ZMQ, peers, the fee estimator.

use std::{fmt, sync::Arc};

use bitcoin::BlockHash;
use chainstate::Publish;
use primitives::{Tx, WitnessMode};

/// Why a transaction left.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RemovalReason {
    /// It was here for too long.
    Expiry,
    /// The pool was full, or a cluster too large.
    SizeLimit,
    /// A reorganisation made it invalid.
    Reorg,
    /// A block has it.
    Block,
    /// A block spends what it spends.
    Conflict,
    /// A better transaction took its place.
    Replaced,
}

impl fmt::Display for RemovalReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expiry => "expiry",
            Self::SizeLimit => "sizelimit",
            Self::Reorg => "reorg",
            Self::Block => "block",
            Self::Conflict => "conflict",
            Self::Replaced => "replaced",
        })
    }
}

/// Something that happened. Sequence numbers grow by one with each transaction that comes or leaves; those that leave
/// with a block use one up and are not told one by one.
#[derive(Clone, Debug)]
pub enum MempoolEvent {
    /// A transaction came.
    Added {
        /// The transaction.
        tx: Arc<Tx>,
        /// What it pays.
        fee: i64,
        /// Its virtual size.
        vsize: i64,
        /// The height of the chain.
        height: u32,
        /// Whether it came alone, through all limits, to a node that is not catching up, and depends on nothing that
        /// waits: then its confirmation teaches something about fees.
        tells_fee: bool,
        /// Its number.
        sequence: u64,
    },
    /// A transaction left, and not with a block.
    Removed {
        /// The transaction.
        tx: Arc<Tx>,
        /// Why.
        reason: RemovalReason,
        /// Its number.
        sequence: u64,
    },
    /// Transactions left with a block.
    Confirmed {
        /// Those that were here.
        txs: Arc<[Arc<Tx>]>,
        /// The height of the block.
        height: u32,
        /// Its hash.
        hash: BlockHash,
        /// The weight of all its transactions but the coinbase.
        weight: u64,
    },
}

impl Publish for MempoolEvent {
    fn weight(&self) -> usize {
        match self {
            Self::Added { tx, .. } | Self::Removed { tx, .. } => tx.total_size() + 64,
            // The block is kept by others as well.
            Self::Confirmed { txs, .. } => txs.len() * 64 + 64,
        }
    }
}

impl MempoolEvent {
    /// The transaction's bytes as peers and subscribers want them.
    pub fn tx_bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Added { tx, .. } | Self::Removed { tx, .. } => Some(tx.to_bytes(WitnessMode::Include)),
            Self::Confirmed { .. } => None,
        }
    }
}
