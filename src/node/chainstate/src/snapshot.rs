//! Beginning with a UTXO set that somebody else has computed (`dumptxoutset`, `loadtxoutset`).
//!
//! What happens, in order:
//! 1. [`Reader::dump_coins`] writes the coins of a block to a file, behind [`Metadata`] that says which block it is.
//! 2. [`Reader::load_coins`] reads such a file into a database of its own. Only blocks are taken whose digest is known to
//!    the program; what the file holds has to have that digest.
//! 3. [`Engine::begin_with`](crate::Engine::begin_with) exchanges the coins: the snapshot's become those that everybody
//!    sees, and the chain goes on from its block. The coins that were there become the [`Background`]'s.
//! 4. The background connects every block from where the old chain stood up to the snapshot's block, whenever the
//!    validation thread has nothing else to do. There it compares the digest of its coins with the known one.
//! 5. If they are the same, the snapshot is proven, and the next start drops the background's coins. If not, the snapshot
//!    is put aside and the program stops; the next start goes on from the background's coins.
//!
//! On disk the snapshot's coins are in `chainstate_snapshot/`, with the hash of its block in `base_blockhash`; the
//! background's stay in `chainstate/`. Both chains have one block index and one set of block files.

mod background;
mod dump;
mod folder;
mod metadata;
mod populate;
mod switch;

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use bitcoin::BlockHash;
use coin::Snapshot;
use consensus::ChainParams;
use store::XorKey;

use crate::{NodeId, Reader, Tip, Tree, shared::read};

pub(crate) use background::Background;
pub use background::InvalidSnapshot;
pub use dump::{DumpError, Dumped, Scratch};
pub(crate) use folder::settle;
pub use metadata::{Metadata, MetadataError};
pub use populate::{Loaded, PopulateError, SnapshotRefusal};

/// Where databases of coins are, and how large their caches may be.
#[derive(Debug)]
pub(crate) struct CoinPlaces {
    /// `<datadir>/<chain>/chainstate`.
    pub(crate) coins: PathBuf,
    /// Bytes for RocksDB's own caches.
    pub(crate) cache_bytes: usize,
    /// What obfuscates the coins of a snapshot.
    pub(crate) key: XorKey,
    /// Bytes for the coins in memory, of both chains together, and the chain's part of it.
    pub(crate) total_cache: usize,
    pub(crate) tip_cache: AtomicUsize,
    /// A file is being read into a database.
    pub(crate) loading: AtomicBool,
}

/// The snapshot that the coins began with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct SnapshotState {
    /// Its block.
    pub(crate) base: NodeId,
    /// The tip of the background, until it has proven the snapshot.
    pub(crate) behind: Option<NodeId>,
}

impl SnapshotState {
    /// With a background that ends in `tip`, or has not even begun.
    fn unproven(tree: &Tree, base: NodeId, tip: Option<NodeId>) -> Self {
        Self { base, behind: tip.or_else(|| tree.ancestor(base, 0)) }
    }
}

/// The chain that is validated behind a snapshot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Behind {
    /// Its tip.
    pub tip: NodeId,
    /// The snapshot's block, up to which it goes.
    pub target: NodeId,
}

/// The entry of the table for a block; `None` if its coins cannot be had from a file.
pub(crate) fn known(params: &ChainParams, block: &BlockHash) -> Option<&'static Snapshot> {
    use bitcoin::hashes::Hash as _;
    params.chain().assumeutxo.iter().find(|known| known.blockhash == block.to_byte_array())
}

/// Sizes of caches, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CoinCaches {
    /// Of each database.
    pub database: usize,
    /// Of the coins of the chain.
    pub tip: usize,
    /// Of the coins of what is validated behind a snapshot.
    pub behind: usize,
}

impl Reader {
    /// How the memory for coins is shared.
    pub fn coin_caches(&self) -> CoinCaches {
        let places = &self.shared.places;
        let tip = places.tip_cache.load(Ordering::Acquire);
        CoinCaches { database: places.cache_bytes, tip, behind: places.total_cache.saturating_sub(tip) }
    }

    /// The block of the snapshot that the coins began with, in this run or an earlier one, until the start after it was
    /// proven.
    pub fn snapshot_base(&self) -> Option<NodeId> {
        read(&self.shared.snapshot).map(|snapshot| snapshot.base)
    }

    /// What is being validated behind a snapshot; `None` if there is none, or it is proven.
    pub fn behind(&self) -> Option<Behind> {
        let snapshot = (*read(&self.shared.snapshot))?;
        Some(Behind { tip: snapshot.behind?, target: snapshot.base })
    }

    /// The end of what was validated from genesis on: the tip, or that of the background.
    pub fn proven_tip(&self) -> Option<Tip> {
        match self.behind() {
            None => self.tip(),
            Some(behind) => self.tree(|tree| {
                let node = &tree[behind.tip];
                Some(Tip { id: behind.tip, hash: node.hash, height: node.height, time: node.header.time })
            }),
        }
    }
}
