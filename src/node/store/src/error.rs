//! What can go wrong with the disk, in the daemon's words.

use std::{io, path::PathBuf};

/// A failure of the store. Every one of them is fatal for what was asked, none of them for what was stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused a file operation.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// What was attempted, as "read", "write", "sync".
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Less than the reserve would be left after the write.
    #[error("Disk space is too low!")]
    DiskSpace,
    /// A position that no block was ever written to.
    #[error("Failed for {0} while reading raw block storage header")]
    NullPosition(crate::FlatPos),
    /// The bytes at the position do not start with this chain's magic.
    #[error("Block magic mismatch for {pos}: {found} versus expected {expected} while reading raw block")]
    Magic {
        /// Where it was read.
        pos: crate::FlatPos,
        /// What was there, in hex.
        found: String,
        /// The chain's magic, in hex.
        expected: String,
    },
    /// The stored length is more than any block could have.
    #[error(
        "Block data is larger than maximum deserialization size for {pos}: {size} versus {max} while reading raw block"
    )]
    TooLarge {
        /// Where it was read.
        pos: crate::FlatPos,
        /// What the length field says.
        size: u32,
        /// What is allowed.
        max: u32,
    },
    /// A part of a block was asked for that is not inside it.
    #[error("the requested part is not inside the block")]
    PartRange,
    /// Undo data do not match the checksum behind them.
    #[error("Checksum mismatch at {0} while reading block undo")]
    UndoChecksum(crate::FlatPos),
    /// Bytes that should decode do not.
    #[error("Deserialize or I/O error - {reason} at {pos} while reading {what}")]
    Decode {
        /// Where it was read.
        pos: crate::FlatPos,
        /// "block" or "block undo".
        what: &'static str,
        /// The decoder's words.
        reason: String,
    },
    /// `-blocksxor=0` on a directory that was obfuscated before.
    #[error(
        "The blocksdir XOR-key can not be disabled when a random key was already stored! Stored key: '{key}', stored path: '{}'.",
        path.display()
    )]
    XorKey {
        /// The stored key in hex.
        key: String,
        /// Where it is stored.
        path: PathBuf,
    },
    /// The database engine failed.
    #[error("Fatal LevelDB error: {0}")]
    Database(#[from] rocksdb::Error),
    /// The directory holds a database that this program did not write.
    #[error(
        "Unsupported chainstate database format found. Please restart with -reindex-chainstate. This will rebuild the chainstate database."
    )]
    Foreign {
        /// Its directory.
        path: PathBuf,
    },
    /// The database was written by a later version.
    #[error(
        "Unsupported chainstate database format found. Please restart with -reindex-chainstate. This will rebuild the chainstate database."
    )]
    Newer {
        /// The version found.
        found: u32,
    },
    /// A record that this program wrote does not decode: the database is damaged.
    #[error("{what} corrupted")]
    Corrupt {
        /// Which record.
        what: &'static str,
    },
}

impl StoreError {
    /// Wraps a system error with what was attempted on which path.
    pub(crate) fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }
}
