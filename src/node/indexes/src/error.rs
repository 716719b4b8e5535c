//! Why an index cannot go on.

use bitcoin::BlockHash;
use store::StoreError;

/// Why an index cannot start, go on or answer. The texts are the daemon's.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The block that the index stood at is not known here.
    #[error("best block of {index} not found. Please rebuild the index.")]
    UnknownBest {
        /// The index.
        index: String,
    },
    /// Blocks that the index has not seen are gone.
    #[error(
        "{index} best block of the index goes beyond pruned data{}. Please disable the index or reindex (which will download the whole blockchain again)",
        if *.undo { " (including undo data)" } else { "" }
    )]
    Pruned {
        /// The index.
        index: String,
        /// Whether it needs undo data too.
        undo: bool,
    },
    /// What the index wrote about itself does not fit.
    #[error("Cannot read current {index} state; index may be corrupted")]
    Corrupt {
        /// The index.
        index: String,
    },
    /// A block is not where the chain state says it is.
    #[error("Failed to read block {0} from disk")]
    NoBlock(BlockHash),
    /// Its undo data are not.
    #[error("Failed to read undo block data {0} from disk")]
    NoUndo(BlockHash),
    /// The system gave no thread.
    #[error("Failed to start indexes, shutting down… ({0})")]
    Thread(#[from] std::io::Error),
}
