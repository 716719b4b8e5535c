//! The chain state: which blocks there are, which of them are the chain, and which coins are its result.
//!
//! What flows through, in order:
//! 1. [`accept`](Engine::accept_header): a header is judged by the headers before it and enters the [`Tree`]; a block is
//!    judged by itself, goes into a block file, and becomes a candidate once its ancestors are there too.
//! 2. [`activate`](Engine::activate): the engine moves its tip to the best candidate, back over a fork where needed, block
//!    by block. Connecting looks up coins, checks sums, locks and scripts, and only then, in one step under one lock,
//!    changes tip and coins. While scripts run, the block after is looked at [`ahead`].
//! 3. [`flush`](Engine::flush): block files, then the index, then the coins are made durable. A crash between any two
//!    writes leaves something that [`Engine::load`] repairs by itself.
//!
//! The coins may begin with a snapshot ([`Engine::begin_with`]); then the blocks below it are validated behind the chain, a
//! step at a time, when there is nothing else to do ([`Engine::work_behind`]).
//!
//! One thread, started by [`spawn`], owns the [`Engine`]; others send it closures through a [`ChainHandle`]. Everybody may
//! hold a [`Reader`], which never waits for validation. What happened is published in order through [`Hub`]; those that
//! must change in step with the tip, such as the memory pool, are [`TipFollower`]s and run on the validation thread.
//!
//! Assumed: the caller holds the data directory's lock, and [`consensus::Rules`] knows the chain.

mod accept;
mod activate;
mod ahead;
mod branch;
mod candidates;
mod coins;
mod connect;
mod disconnect;
mod engine;
mod events;
mod flush;
mod foresight;
mod genesis;
mod hashing;
mod inspect;
mod load;
mod manual;
mod muhash;
mod progress;
mod proposal;
mod prune;
mod recent;
mod reindex;
mod replay;
mod scan;
mod scripts;
mod shared;
mod snapshot;
mod stats;
#[cfg(test)]
mod tests;
mod thread;
mod tree;
mod verify;

use std::sync::Arc;

use bitcoin::BlockHash;
use consensus::ConnectReason;
use primitives::Block;

pub use accept::{Accepted, Arrival, Refusal};
pub use activate::Activation;
pub use branch::Branch;
pub use coins::StoredCoin;
pub use connect::Spending;
pub use engine::{Engine, EngineOptions, Fatal, Mishap};
pub use events::{Hub, Publish, Received, Subscription};
pub use flush::FlushMode;
pub use hashing::SaltedState;
pub use load::{LoadError, LoadOptions};
pub use muhash::MuHash;
pub use proposal::Unfit;
pub use prune::MIN_BLOCKS_TO_KEEP;
pub use reindex::Imported;
pub use scripts::ScriptChecker;
pub use shared::{Reader, Tip};
pub use snapshot::{
    Behind, CoinCaches, DumpError, Dumped, InvalidSnapshot, Loaded, Metadata, MetadataError, PopulateError, Scratch,
    SnapshotRefusal,
};
pub use stats::{CoinStats, HashKind, bogo_size, digest_bytes};
pub use thread::{ChainHandle, Stopped, ValidationThread, spawn};
pub use tree::{Node, NodeId, Tree, Validity};
pub use verify::{Verification, VerifyProblem};

/// What happened to the chain.
#[derive(Clone, Debug)]
pub enum ChainEvent {
    /// A block that extends the tip has arrived; it is not connected yet.
    Announced {
        /// The block.
        block: Arc<Block>,
        /// Its height.
        height: u32,
    },
    /// A block was put on the tip.
    Connected {
        /// The block.
        block: Arc<Block>,
        /// Its height.
        height: u32,
        /// Its hash.
        hash: BlockHash,
    },
    /// The tip was taken back.
    Disconnected {
        /// The block.
        block: Arc<Block>,
        /// Its height.
        height: u32,
        /// Its hash.
        hash: BlockHash,
    },
    /// The chain has come to rest at a new tip.
    Tip {
        /// Its hash.
        hash: BlockHash,
        /// Its height.
        height: u32,
        /// Whether the node is still catching up.
        initial_download: bool,
    },
    /// The coins of this block are on the disk.
    Flushed {
        /// Its hash.
        hash: BlockHash,
    },
}

impl Publish for ChainEvent {
    fn weight(&self) -> usize {
        match self {
            Self::Announced { block, .. } | Self::Connected { block, .. } | Self::Disconnected { block, .. } => {
                block.size(primitives::WitnessMode::Include)
            }
            Self::Tip { .. } | Self::Flushed { .. } => 64,
        }
    }
}

/// Somebody who has to be in step with the tip. Called on the validation thread, so it must be quick.
pub trait TipFollower: Send + std::fmt::Debug {
    /// A block was put on the tip.
    fn connected(&mut self, block: &Arc<Block>, node: &Node);

    /// The tip was taken back. `keep` says whether its transactions are worth having again.
    fn disconnected(&mut self, block: &Arc<Block>, node: &Node, keep: bool);

    /// The chain has come to rest for now; `reorganised` if blocks were disconnected on the way.
    fn settled(&mut self, chain: &Reader, reorganised: bool);
}

/// A block that could not be connected.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Its node.
    pub id: NodeId,
    /// Its hash.
    pub hash: BlockHash,
    /// The rule that it breaks.
    pub reason: ConnectReason,
}
