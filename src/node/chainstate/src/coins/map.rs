//! The table of the coins cache: millions of small entries, in as little memory as they take.
//!
//! Entries lie in chunks that never move, and a hash table holds their numbers. A table that held the entries themselves
//! would be half empty after it has grown, and need room for both while it grows.

use std::hash::BuildHasher;

use bitcoin::OutPoint;
use hashbrown::{HashTable, hash_table};

use super::StoredCoin;
use crate::hashing::SaltedState;

/// Entries in a chunk.
const CHUNK: usize = 1 << 13;

/// What is known of an output.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    out: OutPoint,
    /// `None`: spent here, and the disk must hear of it.
    pub(super) coin: Option<StoredCoin>,
    /// The disk has something else.
    pub(super) dirty: bool,
    /// The disk has nothing at all, so a coin that is spent again needs no mention.
    pub(super) fresh: bool,
}

impl Entry {
    /// The output.
    pub(super) fn out(&self) -> &OutPoint {
        &self.out
    }
}

/// Entries by output.
#[derive(Debug)]
pub(super) struct CoinMap {
    salt: SaltedState,
    table: HashTable<u32>,
    entries: Entries,
}

/// Entries by number.
#[derive(Debug, Default)]
struct Entries {
    chunks: Vec<Vec<Option<Entry>>>,
    /// Numbers of entries that are gone.
    free: Vec<u32>,
}

fn place(number: u32) -> (usize, usize) {
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    (number / CHUNK, number % CHUNK)
}

impl Entries {
    fn get(&self, number: u32) -> Option<&Entry> {
        let (chunk, at) = place(number);
        self.chunks.get(chunk)?.get(at)?.as_ref()
    }

    fn slot(&mut self, number: u32) -> Option<&mut Option<Entry>> {
        let (chunk, at) = place(number);
        self.chunks.get_mut(chunk)?.get_mut(at)
    }

    fn add(&mut self, entry: Entry) -> u32 {
        if let Some(number) = self.free.pop() {
            if let Some(slot) = self.slot(number) {
                *slot = Some(entry);
            }
            return number;
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let before = (self.chunks.len() - 1) * CHUNK;
        let chunk = self.chunks.last_mut().expect("there is one now");
        chunk.push(Some(entry));
        u32::try_from(before + chunk.len() - 1)
            .expect("four thousand million coins need more memory than machines have")
    }

    fn remove(&mut self, number: u32) -> Option<Entry> {
        let entry = self.slot(number)?.take()?;
        self.free.push(number);
        Some(entry)
    }
}

impl CoinMap {
    pub(super) fn new(salt: SaltedState) -> Self {
        Self { salt, table: HashTable::new(), entries: Entries::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Bytes of memory, places that are free included.
    pub(super) fn memory(&self) -> usize {
        // One control byte a place; a table is at most seven eighths full.
        let table = self.table.capacity() / 7 * 8 * (size_of::<u32>() + 1);
        let chunks = self.entries.chunks.len() * CHUNK * size_of::<Option<Entry>>();
        table + chunks + self.entries.free.capacity() * size_of::<u32>()
    }

    fn number(&self, out: &OutPoint) -> Option<u32> {
        let same = |number: &u32| self.entries.get(*number).is_some_and(|entry| entry.out == *out);
        self.table.find(self.salt.hash_one(out), same).copied()
    }

    pub(super) fn get(&self, out: &OutPoint) -> Option<&Entry> {
        self.entries.get(self.number(out)?)
    }

    /// The entry of an output, or a new one if there is none: `fresh`, with no coin, and not dirty.
    pub(super) fn entry(&mut self, out: OutPoint, fresh: bool) -> (&mut Entry, bool) {
        let (salt, entries) = (self.salt, &mut self.entries);
        let same = |number: &u32| entries.get(*number).is_some_and(|entry| entry.out == out);
        // Only numbers of entries are in the table, so each has something to hash.
        let hash = |number: &u32| entries.get(*number).map_or(0, |entry| salt.hash_one(entry.out));
        let (number, new) = match self.table.entry(salt.hash_one(out), same, hash) {
            hash_table::Entry::Occupied(there) => (*there.get(), false),
            hash_table::Entry::Vacant(place) => {
                let number = entries.add(Entry { out, coin: None, dirty: false, fresh });
                place.insert(number);
                (number, true)
            }
        };
        let entry = entries.slot(number).and_then(Option::as_mut).expect("what the table names is there");
        (entry, new)
    }

    /// Takes the entry of an output out, if the disk knows nothing of it.
    pub(super) fn take_fresh(&mut self, out: &OutPoint) -> Option<Entry> {
        let entries = &self.entries;
        let same = |number: &u32| entries.get(*number).is_some_and(|entry| entry.out == *out);
        let found = self.table.find_entry(self.salt.hash_one(out), same).ok()?;
        if !entries.get(*found.get()).is_some_and(|entry| entry.fresh) {
            return None;
        }
        let (number, _) = found.remove();
        self.entries.remove(number)
    }

    /// All entries, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.chunks.iter().flatten().flatten()
    }

    /// Keeps the entries that `keep`, which may change them, says yes to.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&mut Entry) -> bool) {
        let Self { table, entries, .. } = self;
        table.retain(|number| {
            let stays = entries.slot(*number).and_then(Option::as_mut).is_some_and(&mut keep);
            if !stays {
                entries.remove(*number);
            }
            stays
        });
    }
}
