//! Writing the UTXO set to a file, as of the tip or as of a block below it (`dumptxoutset`).
//!
//! What is written is the daemon's format: the outputs of each transaction together, in the encoding in which coins are
//! stored. To go back, the chain itself stays as it is: what undoing the blocks above would change is collected beside the
//! coins, and both are read as one. That collection is kept in memory, or in a database of its own that is removed at the
//! end.

use std::{
    collections::{BTreeMap, btree_map},
    io::Write,
    iter::Peekable,
    path::{Path, PathBuf},
};

use bitcoin::{
    BlockHash, OutPoint, Txid,
    hashes::{Hash, HashEngine, sha256d},
};
use primitives::{put_compact_size, put_compact_u64};
use store::{CoinsBatch, CoinsDb, KvOptions, StoreError, XorKey};

use super::metadata::Metadata;
use crate::{Node, NodeId, Reader, StoredCoin, stats::digest_bytes};

/// Changes in memory before some go to the database.
const IN_MEMORY: usize = 100_000;
/// Coins between two looks at whether somebody still waits.
const STEP: u64 = 8192;
/// Stands for a coin that is gone; no coin is empty.
const GONE: &[u8] = &[];

/// Where changes are kept while going back.
#[derive(Debug, Clone, Copy)]
pub enum Scratch<'a> {
    /// In memory.
    Memory,
    /// In a new database in this directory, which is removed at the end.
    Directory(&'a Path),
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dumped {
    /// How many coins.
    pub coins: u64,
    /// The hash of all of them, as `gettxoutsetinfo` has it.
    pub digest: [u8; 32],
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The disk or a database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A block on the way back is not here, or cannot be read.
    #[error("Failed to read block at height {0}")]
    Block(u32),
    /// The same for what it spent.
    #[error("Failed to roll back block at height {0}")]
    Undo(u32),
    /// The block to go back to is not below the tip.
    #[error("The block is not part of the active chain.")]
    NotActive,
    /// The file cannot be written.
    #[error("Failed to write the snapshot: {0}")]
    Write(#[from] std::io::Error),
    /// Nobody waits for it any more.
    #[error("Shutting down")]
    Interrupted,
}

impl Reader {
    /// Writes the coins as of `target`, which is the tip or below it. The caller keeps the chain and its coins on disk still
    /// until `ready` is called.
    pub fn dump_coins(
        &self,
        tip: NodeId,
        target: NodeId,
        scratch: Scratch<'_>,
        out: &mut dyn Write,
        ready: impl FnOnce(),
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Dumped, DumpError> {
        // The number of coins stands in front of them, so they are read twice, both times as they are now.
        let db = self.shared.coins_db();
        let (first, second) = (db.cursor(), db.cursor());
        ready();
        let mut changes = Changes::new(scratch)?;
        self.go_back(tip, target, &mut changes, go_on)?;
        changes.settle()?;
        let dumped = self.count(Merged::new(first, changes.iter()), go_on)?;
        let block = self.node(target).hash;
        write_all(out, self.shared.params.magic(), &block, &dumped, Merged::new(second, changes.iter()), go_on)?;
        Ok(dumped)
    }

    /// Collects what undoing every block above `target` changes.
    fn go_back(
        &self,
        tip: NodeId,
        target: NodeId,
        changes: &mut Changes,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<(), DumpError> {
        let height = self.node(target).height;
        if self.tree(|tree| tree.ancestor(tip, height)) != Some(target) {
            return Err(DumpError::NotActive);
        }
        let mut at = tip;
        while at != target {
            if !go_on() {
                return Err(DumpError::Interrupted);
            }
            let node = self.node(at);
            self.undo_block(&node, changes)?;
            at = node.parent().ok_or(DumpError::NotActive)?;
        }
        Ok(())
    }

    fn undo_block(&self, node: &Node, changes: &mut Changes) -> Result<(), DumpError> {
        let unreadable = |e: StoreError| {
            tracing::error!("{e}");
            DumpError::Block(node.height)
        };
        let block = self.block(node).ok_or(DumpError::Block(node.height))?.map_err(unreadable)?;
        let undo = self.undo(node).ok_or(DumpError::Undo(node.height))?.map_err(|e| {
            tracing::error!("{e}");
            DumpError::Undo(node.height)
        })?;
        if undo.txs.len() + 1 != block.txs.len() {
            return Err(DumpError::Undo(node.height));
        }
        for (n, tx) in block.txs.iter().enumerate().rev() {
            for (vout, _) in (0u32..).zip(tx.outputs()) {
                changes.set(OutPoint { txid: tx.txid(), vout }, GONE)?;
            }
            let Some(spent) = n.checked_sub(1).map(|n| &undo.txs[n].spent) else { continue };
            if spent.len() != tx.inputs().len() {
                return Err(DumpError::Undo(node.height));
            }
            for (input, coin) in tx.inputs().iter().zip(spent) {
                changes.set(input.previous_output, StoredCoin::from(coin).bytes())?;
            }
        }
        Ok(())
    }

    fn count(
        &self,
        coins: impl Iterator<Item = Result<Coin, StoreError>>,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Dumped, DumpError> {
        let (mut count, mut engine, mut bytes) = (0u64, sha256d::Hash::engine(), Vec::new());
        for coin in coins {
            let (out, encoded) = coin?;
            let coin = self.shared.codec.decode_coin(&encoded).map_err(|_| StoreError::Corrupt { what: "Coin" })?;
            digest_bytes(&out, &coin, &mut bytes);
            engine.input(&bytes);
            count += 1;
            if count.is_multiple_of(STEP) && !go_on() {
                return Err(DumpError::Interrupted);
            }
        }
        Ok(Dumped { coins: count, digest: sha256d::Hash::from_engine(engine).to_byte_array() })
    }
}

/// An output and its coin, encoded.
type Coin = (OutPoint, Vec<u8>);

/// Writes the head of the file, then the coins of one transaction after the other.
fn write_all(
    out: &mut dyn Write,
    magic: [u8; 4],
    block: &BlockHash,
    dumped: &Dumped,
    coins: impl Iterator<Item = Result<Coin, StoreError>>,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<(), DumpError> {
    out.write_all(&Metadata { base: *block, coins: dumped.coins }.encode(magic))?;
    let mut written = 0u64;
    let mut group: Option<(Txid, usize, Vec<u8>)> = None;
    let mut flush = |group: Option<(Txid, usize, Vec<u8>)>| -> std::io::Result<()> {
        let Some((txid, count, coins)) = group else { return Ok(()) };
        let mut bytes = txid.to_byte_array().to_vec();
        put_compact_size(&mut bytes, count);
        out.write_all(&bytes)?;
        out.write_all(&coins)
    };
    for coin in coins {
        let (place, encoded) = coin?;
        if group.as_ref().is_none_or(|(txid, ..)| *txid != place.txid) {
            flush(group.replace((place.txid, 0, Vec::new())))?;
        }
        let (_, count, coins) = group.as_mut().expect("was filled above");
        *count += 1;
        put_compact_u64(coins, u64::from(place.vout));
        coins.extend_from_slice(&encoded);
        written += 1;
        if written.is_multiple_of(STEP) && !go_on() {
            return Err(DumpError::Interrupted);
        }
    }
    Ok(flush(group)?)
}

/// In the order of the database: by the bytes of the transaction's id, then by number.
type Key = ([u8; 32], u32);

fn key(out: &OutPoint) -> Key {
    (out.txid.to_byte_array(), out.vout)
}

/// What differs from the coins of now. A coin without bytes is gone.
struct Changes {
    recent: BTreeMap<Key, Vec<u8>>,
    spilled: Option<(CoinsDb, Removed)>,
}

/// A directory that goes when it is done with.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_dir_all(&self.0) {
            tracing::info!(
                "Failed to clean up temporary UTXO database at {}, please remove it manually. ({e})",
                self.0.display()
            );
        }
    }
}

impl Changes {
    fn new(scratch: Scratch<'_>) -> Result<Self, StoreError> {
        let spilled = match scratch {
            Scratch::Memory => None,
            Scratch::Directory(path) => {
                let options = KvOptions { cache_bytes: 8 << 20, wipe: true, compact: false };
                let db = CoinsDb::open(path, options, XorKey::default())?;
                Some((db, Removed(path.to_owned())))
            }
        };
        Ok(Self { recent: BTreeMap::new(), spilled })
    }

    fn set(&mut self, out: OutPoint, coin: &[u8]) -> Result<(), StoreError> {
        self.recent.insert(key(&out), coin.to_vec());
        if self.recent.len() >= IN_MEMORY { self.settle() } else { Ok(()) }
    }

    /// Moves everything to the database, if there is one.
    fn settle(&mut self) -> Result<(), StoreError> {
        let Some((db, _)) = &self.spilled else { return Ok(()) };
        let mut batch = CoinsBatch::default();
        for ((txid, vout), coin) in std::mem::take(&mut self.recent) {
            db.put(&mut batch, &OutPoint { txid: Txid::from_byte_array(txid), vout }, &coin);
        }
        db.write(batch, false)
    }

    /// All changes in order. With a database, after [`Changes::settle`].
    fn iter(&self) -> Box<dyn Iterator<Item = Result<Coin, StoreError>> + '_> {
        fn of_memory(((txid, vout), coin): (&Key, &Vec<u8>)) -> Coin {
            (OutPoint { txid: Txid::from_byte_array(*txid), vout: *vout }, coin.clone())
        }
        if let Some((db, _)) = &self.spilled {
            Box::new(db.cursor())
        } else {
            let recent: btree_map::Iter<'_, Key, Vec<u8>> = self.recent.iter();
            Box::new(recent.map(of_memory).map(Ok))
        }
    }
}

/// Coins with changes on top, read as one list in order.
struct Merged<A: Iterator, B: Iterator> {
    coins: Peekable<A>,
    changes: Peekable<B>,
}

impl<A: Iterator, B: Iterator> Merged<A, B> {
    fn new(coins: A, changes: B) -> Self {
        Self { coins: coins.peekable(), changes: changes.peekable() }
    }
}

impl<A, B> Iterator for Merged<A, B>
where
    A: Iterator<Item = Result<Coin, StoreError>>,
    B: Iterator<Item = Result<Coin, StoreError>>,
{
    type Item = Result<Coin, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let place = |coin: Option<&Result<Coin, StoreError>>| {
                // An error is next, whatever the other list has.
                coin.map(|coin| coin.as_ref().map_or(([0; 32], 0), |(out, _)| key(out)))
            };
            let (coin, change) = (place(self.coins.peek()), place(self.changes.peek()));
            match (coin, change) {
                (None, None) => return None,
                (Some(coin), Some(change)) if coin < change => return self.coins.next(),
                (Some(_), None) => return self.coins.next(),
                (coin, Some(change)) => {
                    if coin == Some(change)
                        && let Some(Err(e)) = self.coins.next()
                    {
                        return Some(Err(e));
                    }
                    match self.changes.next()? {
                        Ok((_, bytes)) if bytes.is_empty() => {}
                        changed => return Some(changed),
                    }
                }
            }
        }
    }
}
