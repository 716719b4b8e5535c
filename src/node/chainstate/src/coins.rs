//! The coins cache: the part of the UTXO set that is in memory, and everything about it that the disk does not know yet.
//!
//! A coin is kept in the encoding in which it is stored. It is looked at once or twice in its life, and that form is a
//! third of the size of the decoded one, so more coins fit under `-dbcache`, and a flush copies bytes.

mod map;

use std::collections::HashMap;

use bitcoin::OutPoint;
use primitives::{Codec, FinalTx, TxOutEntry};
use store::{CoinsBatch, CoinsDb, CoinsTip, StoreError};

use crate::{EngineOptions, Mishap, hashing::SaltedState};
use map::{CoinMap, Entry};

/// A coin as it is stored, without a heap allocation where it is of a usual size.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StoredCoin {
    /// Up to 46 bytes.
    Short(u8, [u8; Self::INLINE]),
    /// Anything longer.
    Long(Box<[u8]>),
}

impl StoredCoin {
    const INLINE: usize = 46;

    /// Wraps encoded bytes.
    pub fn new(bytes: &[u8]) -> Self {
        match u8::try_from(bytes.len()) {
            Ok(len) if bytes.len() <= Self::INLINE => {
                let mut inline = [0; Self::INLINE];
                inline[..bytes.len()].copy_from_slice(bytes);
                Self::Short(len, inline)
            }
            _ => Self::Long(bytes.into()),
        }
    }

    /// The encoded bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Short(len, inline) => &inline[..usize::from(*len)],
            Self::Long(bytes) => bytes,
        }
    }

    /// Bytes on the heap.
    fn heap(&self) -> usize {
        match self {
            Self::Short(..) => 0,
            Self::Long(bytes) => bytes.len() + 16, // what an allocator adds
        }
    }

    /// The coin itself; an error means that the database is damaged.
    pub fn decode(&self, codec: Codec) -> Result<TxOutEntry, StoreError> {
        codec.decode_coin(self.bytes()).map_err(|_| StoreError::Corrupt { what: "Coin" })
    }
}

impl From<&TxOutEntry> for StoredCoin {
    fn from(coin: &TxOutEntry) -> Self {
        let mut bytes = Vec::with_capacity(64);
        coin.encode(&mut bytes);
        Self::new(&bytes)
    }
}

/// What the cache knows of an output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lookup<'a> {
    /// It is unspent.
    Coin(&'a StoredCoin),
    /// It was spent.
    Spent,
    /// Only the disk can tell.
    Unknown,
}

/// How coins are written.
#[derive(Debug)]
pub(crate) struct Batches<'a> {
    /// About so many bytes at once.
    pub(crate) bytes: usize,
    /// What happens after each but the last.
    pub(crate) mishap: Option<&'a dyn Mishap>,
}

impl<'a> Batches<'a> {
    /// As the operator chose.
    pub(crate) fn of(options: &'a EngineOptions) -> Self {
        Self { bytes: options.batch_bytes, mishap: options.mishap.as_deref() }
    }
}

/// The changes of one block, or of several, to be applied at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    coins: HashMap<OutPoint, Option<StoredCoin>, SaltedState>,
    /// The last transaction that the next block has to continue, if these changes say anything about it.
    final_tx: Option<NewFinalTx>,
}

/// A change of the last transaction that the next block has to continue: to another one, or to none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewFinalTx(pub(crate) Option<FinalTx>);

impl Changes {
    /// No changes, with room for `n`.
    pub(crate) fn with_capacity(n: usize, salt: SaltedState) -> Self {
        Self { coins: HashMap::with_capacity_and_hasher(n, salt), final_tx: None }
    }

    /// What these changes say of an output: unspent, spent, or nothing.
    pub(crate) fn get(&self, out: &OutPoint) -> Lookup<'_> {
        match self.coins.get(out) {
            Some(Some(coin)) => Lookup::Coin(coin),
            Some(None) => Lookup::Spent,
            None => Lookup::Unknown,
        }
    }

    /// What these changes say about the last transaction that the next block has to continue.
    pub(crate) fn new_final_tx(&self) -> Option<NewFinalTx> {
        self.final_tx
    }

    /// The next block has to continue this, or nothing.
    pub(crate) fn set_final_tx(&mut self, final_tx: Option<FinalTx>) {
        self.final_tx = Some(NewFinalTx(final_tx));
    }

    /// A coin appears.
    pub(crate) fn add(&mut self, out: OutPoint, coin: StoredCoin) {
        self.coins.insert(out, Some(coin));
    }

    /// A coin disappears.
    pub(crate) fn spend(&mut self, out: OutPoint) {
        self.coins.insert(out, None);
    }

    /// Puts later changes on top of these.
    pub(crate) fn extend(&mut self, later: Self) {
        self.coins.extend(later.coins);
        self.final_tx = later.final_tx.or(self.final_tx);
    }

    /// How many outputs are touched.
    pub(crate) fn len(&self) -> usize {
        self.coins.len()
    }
}

/// The cache. It answers for the coins that it has seen; the database answers for the others.
#[derive(Debug)]
pub(crate) struct CoinsCache {
    map: CoinMap,
    heap: usize,
    dirty: usize,
    salt: SaltedState,
    /// The last transaction that the next block has to continue, here and on the disk.
    final_tx: Option<FinalTx>,
    stored_final_tx: Option<FinalTx>,
}

impl CoinsCache {
    /// An empty cache whose table is salted, since transaction ids are chosen by strangers.
    pub(crate) fn new(salt: SaltedState) -> Self {
        Self { map: CoinMap::new(salt), heap: 0, dirty: 0, salt, final_tx: None, stored_final_tx: None }
    }

    /// The last transaction that the next block has to continue.
    pub(crate) fn final_tx(&self) -> Option<FinalTx> {
        self.final_tx
    }

    /// What the disk says about it.
    pub(crate) fn remember_final_tx(&mut self, final_tx: Option<FinalTx>) {
        (self.final_tx, self.stored_final_tx) = (final_tx, final_tx);
    }

    /// What the cache knows of an output.
    pub(crate) fn get(&self, out: &OutPoint) -> Lookup<'_> {
        match self.map.get(out) {
            Some(Entry { coin: Some(coin), .. }) => Lookup::Coin(coin),
            Some(_) => Lookup::Spent,
            None => Lookup::Unknown,
        }
    }

    /// Remembers what the disk has for an output that was unknown here.
    pub(crate) fn remember(&mut self, out: OutPoint, coin: StoredCoin) {
        let heap = coin.heap();
        if let (entry, true) = self.map.entry(out, false) {
            entry.coin = Some(coin);
            self.heap += heap;
        }
    }

    /// Applies changes. `known` says that the disk has none of the outputs which appear here and which the cache does not
    /// know: true for the outputs of new transactions, false when a block is undone or applied again after a crash.
    pub(crate) fn apply(&mut self, changes: Changes, known: bool) {
        if let Some(NewFinalTx(final_tx)) = changes.final_tx {
            self.final_tx = final_tx;
        }
        for (out, coin) in changes.coins {
            match coin {
                Some(coin) => self.add(out, coin, known),
                None => self.spend(out),
            }
        }
    }

    fn add(&mut self, out: OutPoint, coin: StoredCoin, disk_has_none: bool) {
        self.heap += coin.heap();
        let (entry, _) = self.map.entry(out, disk_has_none);
        self.heap -= entry.coin.as_ref().map_or(0, StoredCoin::heap);
        entry.coin = Some(coin);
        self.dirty += usize::from(!std::mem::replace(&mut entry.dirty, true));
    }

    fn spend(&mut self, out: OutPoint) {
        // Most coins that are spent at all are spent before the disk hears of them.
        if let Some(gone) = self.map.take_fresh(&out) {
            self.heap -= gone.coin.as_ref().map_or(0, StoredCoin::heap);
            self.dirty -= usize::from(gone.dirty);
            return;
        }
        let (entry, _) = self.map.entry(out, false);
        self.heap -= entry.coin.take().as_ref().map_or(0, StoredCoin::heap);
        self.dirty += usize::from(!std::mem::replace(&mut entry.dirty, true));
    }

    /// Bytes of memory that the cache takes, free slots of its table included.
    pub(crate) fn memory(&self) -> usize {
        self.map.memory() + self.heap
    }

    /// How many outputs the cache knows.
    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// How many outputs differ from the disk.
    #[cfg(test)]
    pub(crate) fn dirty(&self) -> usize {
        self.dirty
    }

    /// Writes what differs from the disk and marks the result as that of `tip`.
    ///
    /// With `keep` the cache stays warm, else it is emptied and its memory freed. A failure leaves the cache as it was.
    pub(crate) fn flush(
        &mut self,
        db: &CoinsDb,
        tip: &bitcoin::BlockHash,
        batches: &Batches<'_>,
        keep: bool,
    ) -> Result<(), StoreError> {
        if self.dirty == 0 && db.tip()? == CoinsTip::At(*tip) {
            // The disk knows all of it, for instance because the program stops and has flushed a moment ago.
            self.written(keep);
            return Ok(());
        }
        let mut batch = CoinsBatch::default();
        db.begin(&mut batch, tip)?;
        if self.final_tx != self.stored_final_tx {
            db.put_final_tx(&mut batch, self.final_tx.map(|last| (last.txid, last.outputs)));
        }
        let mut batch = self.write_dirty(db, batch, batches)?;
        db.finish(&mut batch, tip);
        db.write(batch, true)?;
        self.stored_final_tx = self.final_tx;
        self.written(keep);
        Ok(())
    }

    /// Writes what differs from the disk without a word about the tip, and empties the cache. Only for use while the
    /// disk says that a flush is under way.
    pub(crate) fn spill(&mut self, db: &CoinsDb, batches: &Batches<'_>) -> Result<(), StoreError> {
        let batch = self.write_dirty(db, CoinsBatch::default(), batches)?;
        db.write(batch, true)?;
        self.written(false);
        Ok(())
    }

    fn write_dirty(
        &self,
        db: &CoinsDb,
        mut batch: CoinsBatch,
        batches: &Batches<'_>,
    ) -> Result<CoinsBatch, StoreError> {
        // In key order: RocksDB's memory table then appends instead of searching.
        let mut dirty: Vec<_> = self.map.iter().filter(|entry| entry.dirty).collect();
        dirty.sort_unstable_by_key(|entry| *entry.out());
        for entry in dirty {
            match &entry.coin {
                Some(coin) => db.put(&mut batch, entry.out(), coin.bytes()),
                None => db.delete(&mut batch, entry.out()),
            }
            if batch.bytes() > batches.bytes {
                db.write(std::mem::take(&mut batch), false)?;
                if let Some(mishap) = batches.mishap {
                    mishap.between_batches();
                }
            }
        }
        Ok(batch)
    }

    /// What was dirty is on the disk now.
    fn written(&mut self, keep: bool) {
        if keep {
            self.map.retain(|entry| {
                (entry.dirty, entry.fresh) = (false, false);
                entry.coin.is_some()
            });
        } else {
            self.map = CoinMap::new(self.salt);
            self.heap = 0;
        }
        self.dirty = 0;
    }
}

#[cfg(test)]
mod tests;
