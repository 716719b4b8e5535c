//! From a file to a database: coins are read one after the other, written as they are stored, and hashed as a whole.

use std::{
    io::Read,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
};

use bitcoin::{
    BlockHash, OutPoint, Txid,
    hashes::{Hash, sha256d},
};
use coin::Snapshot;
use primitives::{Codec, DecodeError, Reader as Bytes, TxOutEntry};
use store::{CoinsBatch, CoinsDb, KvOptions, StoreError};

use super::{CoinPlaces, Metadata, folder, known};
use crate::{HashKind, Reader, StoredCoin, stats::stats_of};

/// A batch of about this size is written at a time.
const BATCH_BYTES: usize = 8 << 20;
/// The file is read in pieces of this size, or as large as a coin.
const PIECE: usize = 256 << 10;
/// Coins between two looks at whether to go on.
const STEP: u64 = 8192;
/// Coins between two lines about progress.
const REPORT: u64 = 1_000_000;

/// Why a snapshot is not taken.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotRefusal {
    /// One is in use.
    #[error("Can't activate a snapshot-based chainstate more than once")]
    Twice,
    /// Nobody has looked at the coins of that block.
    #[error(
        "assumeutxo block hash in snapshot metadata not recognized (hash: {base}). The following snapshot heights are available: {heights}"
    )]
    NotKnown {
        /// The block that the file names.
        base: BlockHash,
        /// The heights of those that are known.
        heights: String,
    },
    /// Its header was not seen yet.
    #[error(
        "The base block header ({0}) must appear in the headers chain. Make sure all headers are syncing, and call loadtxoutset again"
    )]
    NoHeader(BlockHash),
    /// Its block, or one below it, was found or declared invalid.
    #[error("The base block header ({0}) is part of an invalid chain")]
    InvalidChain(BlockHash),
    /// The network is likely to go on without that block.
    #[error(
        "A forked headers-chain with more work than the chain with the snapshot base block header exists. Please proceed to sync without AssumeUtxo."
    )]
    Forked,
    /// Transactions of the pool spend coins of the chain that is left.
    #[error("Can't activate a snapshot when mempool not empty")]
    Mempool,
    /// Blocks must continue something that the file does not hold.
    #[error("The coins of this chain are not complete without what a snapshot leaves out")]
    Incomplete,
    /// Another file is being read.
    #[error("A snapshot is being loaded already")]
    Busy,
    /// The file cannot be used.
    #[error("Population failed: {0}")]
    Population(#[from] PopulateError),
    /// The chain has come further in the meantime.
    #[error("work does not exceed active chainstate")]
    LessWork,
    /// The block's hash cannot be kept beside the coins.
    #[error("could not write base blockhash")]
    Base,
}

/// What is wrong with the contents of a snapshot file.
#[derive(Debug, thiserror::Error)]
pub enum PopulateError {
    /// The chain is as good without it.
    #[error("Work does not exceed active chainstate")]
    LessWork,
    /// A transaction is said to have more coins than there are.
    #[error("Mismatch in coins count in snapshot metadata and actual snapshot data")]
    Count,
    /// A coin is from a block above, or has a number that no output has.
    #[error("Bad snapshot data after deserializing {0} coins")]
    Coin(u64),
    /// A coin is worth more than all money.
    #[error("Bad snapshot data after deserializing {0} coins - bad tx out value")]
    Value(u64),
    /// The file ends too early, or is no list of coins.
    #[error("Bad snapshot format or truncated snapshot after deserializing {0} coins")]
    Format(u64),
    /// The file is longer than it says.
    #[error("Bad snapshot - coins left over after deserializing {0} coins")]
    LeftOver(u64),
    /// The program stops, or nobody waits any more.
    #[error("Aborting after an interrupt was requested")]
    Interrupted,
    /// The coins are not those of the block.
    #[error("Bad snapshot content hash: expected {expected}, got {found}")]
    Hash {
        /// What is known.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Coins that are on disk and are known to be those of a block, for [`Engine::begin_with`](crate::Engine::begin_with).
#[derive(Debug)]
pub struct Loaded {
    pub(crate) db: CoinsDb,
    pub(crate) known: &'static Snapshot,
    pub(crate) folder: Folder,
    /// How many there are.
    pub coins: u64,
}

impl Loaded {
    /// The block that the coins are the result of.
    pub fn base(&self) -> BlockHash {
        BlockHash::from_byte_array(self.known.blockhash)
    }
}

/// The directory of a database that goes with it unless somebody keeps it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    places: Arc<CoinPlaces>,
    kept: bool,
}

impl Folder {
    /// The one for a snapshot; only one file is read at a time.
    fn claim(places: &Arc<CoinPlaces>) -> Result<Self, SnapshotRefusal> {
        if places.loading.swap(true, Ordering::AcqRel) {
            return Err(SnapshotRefusal::Busy);
        }
        Ok(Self { path: folder::snapshot_path(&places.coins), places: Arc::clone(places), kept: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.kept
            && let Err(e) = std::fs::remove_dir_all(&self.path)
        {
            tracing::error!(
                "Failed to remove snapshot chainstate dir ({}). Manually remove it before restarting. ({e})",
                self.path.display()
            );
        }
        self.places.loading.store(false, Ordering::Release);
    }
}

/// Shows a digest as the daemon does.
pub(super) fn show(digest: [u8; 32]) -> String {
    sha256d::Hash::from_byte_array(digest).to_string()
}

impl Reader {
    /// Whether a snapshot of that block could be of use now.
    pub fn may_load(&self, base: &BlockHash) -> Result<&'static Snapshot, SnapshotRefusal> {
        if self.snapshot_base().is_some() {
            return Err(SnapshotRefusal::Twice);
        }
        let Some(known) = known(self.params(), base) else {
            let heights: Vec<_> = self.params().chain().assumeutxo.iter().map(|s| s.height.to_string()).collect();
            return Err(SnapshotRefusal::NotKnown { base: *base, heights: heights.join(", ") });
        };
        let (id, node) = self.find(base).ok_or(SnapshotRefusal::NoHeader(*base))?;
        if node.failed() {
            return Err(SnapshotRefusal::InvalidChain(*base));
        }
        let on_best = |best| self.tree(|tree| tree.ancestor(best, node.height)) == Some(id);
        if !self.best_header().is_some_and(on_best) {
            return Err(SnapshotRefusal::Forked);
        }
        // A file has no place for it, and the next block could not be judged.
        if self.final_tx().is_some() {
            return Err(SnapshotRefusal::Incomplete);
        }
        Ok(known)
    }

    /// Reads the coins that follow `about` in `file` into a database beside that of the chain, and makes sure that they
    /// are what they have to be. Nobody uses them yet. What is wrong leaves nothing behind.
    pub fn load_coins(
        &self,
        about: &Metadata,
        file: &mut dyn Read,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Loaded, SnapshotRefusal> {
        let known = self.may_load(&about.base)?;
        let node = self.find(&about.base).ok_or(SnapshotRefusal::NoHeader(about.base))?.1;
        if self.tip().is_some_and(|tip| self.node(tip.id).chain_work >= node.chain_work) {
            return Err(PopulateError::LessWork.into());
        }
        let places = &self.shared.places;
        let folder = Folder::claim(places)?;
        let options = KvOptions { cache_bytes: places.cache_bytes / 2, wipe: true, compact: false };
        let db = CoinsDb::open(folder.path(), options, places.key).map_err(PopulateError::Store)?;
        let loaded = Loaded { db, known, folder, coins: about.coins };
        tracing::info!("[snapshot] loading {} coins from snapshot {}", about.coins, about.base);
        self.populate(&loaded, file, go_on)?;
        tracing::info!("[snapshot] loaded {} coins from snapshot {}", about.coins, about.base);
        let stats =
            stats_of(&loaded.db, self.codec(), (about.base, node.height), HashKind::Serialized, || {}, &mut *go_on);
        let stats = stats.map_err(PopulateError::Store)?.ok_or(PopulateError::Interrupted)?;
        let found = stats.digest.unwrap_or_default();
        if found != known.hash_serialized {
            return Err(PopulateError::Hash { expected: show(known.hash_serialized), found: show(found) }.into());
        }
        tracing::info!("[snapshot] validated snapshot");
        Ok(loaded)
    }

    fn populate(
        &self,
        loaded: &Loaded,
        file: &mut dyn Read,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<(), PopulateError> {
        let (db, total) = (&loaded.db, loaded.coins);
        let max_money = self.params().max_money();
        let mut file = Pieces { file, codec: self.codec(), bytes: Vec::new(), at: 0 };
        let mut batch = CoinsBatch::default();
        db.begin(&mut batch, &loaded.base())?;
        let mut done = 0;
        while done < total {
            let (txid, count) = file.group().map_err(|_| PopulateError::Format(done))?;
            if u64::try_from(count).map_or(true, |count| count > total - done) {
                return Err(PopulateError::Count);
            }
            for _ in 0..count {
                let (vout, coin) = file.coin().map_err(|_| PopulateError::Format(done))?;
                let vout = u32::try_from(vout).ok().filter(|vout| *vout < u32::MAX);
                let Some(vout) = vout.filter(|_| coin.height <= loaded.known.height) else {
                    return Err(PopulateError::Coin(done));
                };
                if !(0..=max_money).contains(&consensus::value_of(&coin.out)) {
                    return Err(PopulateError::Value(done));
                }
                let out = OutPoint { txid: Txid::from_byte_array(txid), vout };
                db.put(&mut batch, &out, StoredCoin::from(&coin).bytes());
                done += 1;
                if batch.bytes() > BATCH_BYTES {
                    db.write(std::mem::take(&mut batch), false)?;
                }
                if done.is_multiple_of(STEP) && !go_on() {
                    return Err(PopulateError::Interrupted);
                }
                if done.is_multiple_of(REPORT) {
                    tracing::info!(
                        "[snapshot] {done} coins loaded ({}.{:02}%)",
                        done * 100 / total,
                        done * 10_000 / total % 100
                    );
                }
            }
        }
        if !file.ended().map_err(|_| PopulateError::Format(done))? {
            return Err(PopulateError::LeftOver(total));
        }
        db.finish(&mut batch, &loaded.base());
        db.write(batch, true)?;
        Ok(db.settle()?)
    }
}

/// A file of any length, read piece by piece. No more is in memory than a piece, or the one coin that is longer.
struct Pieces<'a> {
    file: &'a mut dyn Read,
    codec: Codec,
    bytes: Vec<u8>,
    at: usize,
}

impl Pieces<'_> {
    /// The next value. A value that does not fit what is in memory is tried again with more.
    fn parse<T>(&mut self, read: impl Fn(&mut Bytes<'_>) -> Result<T, DecodeError>) -> Result<T, DecodeError> {
        loop {
            let mut bytes = Bytes::new(&self.bytes[self.at..]);
            match read(&mut bytes) {
                Ok(value) => {
                    self.at += bytes.position();
                    return Ok(value);
                }
                Err(DecodeError::EndOfData) if self.fill()? => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// The next transaction, and how many of its coins follow.
    fn group(&mut self) -> Result<([u8; 32], usize), DecodeError> {
        self.parse(|bytes| Ok((bytes.array()?, bytes.compact_size()?)))
    }

    /// The next coin with the number of its output.
    fn coin(&mut self) -> Result<(usize, TxOutEntry), DecodeError> {
        let codec = self.codec;
        self.parse(|bytes| Ok((bytes.compact_size()?, codec.read_coin(bytes)?)))
    }

    /// Whether nothing follows.
    fn ended(&mut self) -> Result<bool, DecodeError> {
        Ok(self.at == self.bytes.len() && !self.fill()?)
    }

    /// Reads more, so that values of any length take few attempts. `false` at the end of the file.
    fn fill(&mut self) -> Result<bool, DecodeError> {
        self.bytes.drain(..self.at);
        self.at = 0;
        let want = u64::try_from(self.bytes.len().max(PIECE)).unwrap_or(u64::MAX);
        // A file that cannot be read any further is as good as one that ends there.
        let read = self.file.take(want).read_to_end(&mut self.bytes).map_err(|_| DecodeError::EndOfData)?;
        Ok(read > 0)
    }
}
