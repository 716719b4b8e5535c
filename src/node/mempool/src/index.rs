//! Where to find an entry: by its txid, by its witness id, and by what it spends.
//!
//! The tables hold numbers of entries and nothing else. What a number stands for is in the entry, which is looked at to
//! compare; to keep the ids in the tables as well would take as much memory as a small transaction itself.

use std::hash::BuildHasher;

use bitcoin::{OutPoint, Txid, Wtxid};
use chainstate::SaltedState;
use hashbrown::HashTable;
use primitives::Tx;

use crate::entry::{Entry, EntryId};

/// A place for each entry; those that left are empty.
pub(crate) type Slots = [Option<Entry>];

#[derive(Debug)]
pub(crate) struct Index {
    salt: SaltedState,
    by_txid: HashTable<EntryId>,
    by_wtxid: HashTable<EntryId>,
    /// An entry, and the number of its input.
    spends: HashTable<(EntryId, u32)>,
}

fn tx_of(slots: &Slots, id: EntryId) -> Option<&Tx> {
    slots.get(id.index())?.as_ref().map(|entry| &*entry.tx)
}

fn spent(slots: &Slots, (id, input): (EntryId, u32)) -> Option<OutPoint> {
    let input = usize::try_from(input).ok()?;
    Some(tx_of(slots, id)?.inputs().get(input)?.previous_output)
}

fn numbered(tx: &Tx) -> impl Iterator<Item = (u32, OutPoint)> {
    (0_u32..).zip(tx.inputs().iter().map(|input| input.previous_output))
}

impl Index {
    pub(crate) fn new(salt: SaltedState) -> Self {
        Self { salt, by_txid: HashTable::new(), by_wtxid: HashTable::new(), spends: HashTable::new() }
    }

    pub(crate) fn len(&self) -> usize {
        self.by_txid.len()
    }

    /// How many outputs are spent.
    pub(crate) fn spend_count(&self) -> usize {
        self.spends.len()
    }

    pub(crate) fn txid(&self, slots: &Slots, txid: &Txid) -> Option<EntryId> {
        let same = |id: &EntryId| tx_of(slots, *id).is_some_and(|tx| tx.txid() == *txid);
        self.by_txid.find(self.salt.hash_one(txid), same).copied()
    }

    pub(crate) fn wtxid(&self, slots: &Slots, wtxid: &Wtxid) -> Option<EntryId> {
        let same = |id: &EntryId| tx_of(slots, *id).is_some_and(|tx| tx.wtxid() == *wtxid);
        self.by_wtxid.find(self.salt.hash_one(wtxid), same).copied()
    }

    pub(crate) fn spender(&self, slots: &Slots, out: &OutPoint) -> Option<EntryId> {
        let same = |place: &(EntryId, u32)| spent(slots, *place) == Some(*out);
        self.spends.find(self.salt.hash_one(out), same).map(|(id, _)| *id)
    }

    /// All entries, in no order.
    pub(crate) fn ids(&self) -> impl Iterator<Item = EntryId> {
        self.by_txid.iter().copied()
    }

    /// Adds an entry that is in its slot.
    pub(crate) fn insert(&mut self, slots: &Slots, id: EntryId) {
        let Some(tx) = tx_of(slots, id) else { return };
        let salt = self.salt;
        // Entries whose slots are empty are in no table, so each has something to hash.
        let txid = |id: &EntryId| tx_of(slots, *id).map_or(0, |tx| salt.hash_one(tx.txid()));
        let wtxid = |id: &EntryId| tx_of(slots, *id).map_or(0, |tx| salt.hash_one(tx.wtxid()));
        let input = |place: &(EntryId, u32)| spent(slots, *place).map_or(0, |out| salt.hash_one(out));
        self.by_txid.insert_unique(salt.hash_one(tx.txid()), id, txid);
        self.by_wtxid.insert_unique(salt.hash_one(tx.wtxid()), id, wtxid);
        for (number, out) in numbered(tx) {
            self.spends.insert_unique(salt.hash_one(out), (id, number), input);
        }
    }

    /// Removes an entry that is about to leave its slot.
    pub(crate) fn remove(&mut self, slots: &Slots, id: EntryId) {
        let Some(tx) = tx_of(slots, id) else { return };
        let salt = self.salt;
        if let Ok(found) = self.by_txid.find_entry(salt.hash_one(tx.txid()), |other| *other == id) {
            found.remove();
        }
        if let Ok(found) = self.by_wtxid.find_entry(salt.hash_one(tx.wtxid()), |other| *other == id) {
            found.remove();
        }
        for (number, out) in numbered(tx) {
            if let Ok(found) = self.spends.find_entry(salt.hash_one(out), |place| *place == (id, number)) {
                found.remove();
            }
        }
    }
}
