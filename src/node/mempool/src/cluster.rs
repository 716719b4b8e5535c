//! Clusters: transactions that hang together, cut into chunks; and the one order of all chunks of the pool, from what
//! is mined first to what is evicted first.

use std::{cmp::Ordering, collections::BTreeSet};

use bitcoin::{Txid, hashes::Hash as _};
use smallvec::SmallVec;

use crate::{FeeRate, entry::EntryId};

/// Where a chunk stands among all. Better rates come first; of equals, what needs less to come before it, then the
/// lower id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The rate of the chunk, by weight.
    pub(crate) rate: FeeRate,
    /// The size of the chunks of its cluster of the same rate, up to this one.
    prefix: i64,
    /// The beginning of the highest id in it, which tells the few apart that are equal so far.
    highest: u64,
    pub(crate) cluster: u32,
    chunk: u32,
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .rate
            .cmp_rate(&self.rate)
            .then(self.prefix.cmp(&other.prefix))
            .then(self.highest.cmp(&other.highest))
            .then(self.cluster.cmp(&other.cluster))
            .then(self.chunk.cmp(&other.chunk))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Place {}

/// The transactions of a chunk. Nearly always it is one.
pub(crate) type ChunkTxs = SmallVec<[EntryId; 4]>;

/// A chunk of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) place: Place,
    /// Parents first.
    pub(crate) txs: ChunkTxs,
}

/// All clusters.
#[derive(Debug, Default)]
pub(crate) struct Clusters {
    slots: Vec<Option<Box<[Member]>>>,
    free: Vec<u32>,
    order: BTreeSet<Place>,
}

impl Clusters {
    /// The chunks of a cluster, best first.
    pub(crate) fn get(&self, cluster: u32) -> &[Member] {
        let slot = usize::try_from(cluster).ok().and_then(|n| self.slots.get(n)?.as_deref());
        slot.unwrap_or_default()
    }

    /// The transactions of a cluster in the order in which they are mined.
    pub(crate) fn txs(&self, cluster: u32) -> impl Iterator<Item = EntryId> {
        self.get(cluster).iter().flat_map(|member| member.txs.iter().copied())
    }

    /// Adds a cluster of these chunks: their rates, their transactions, and the highest id of each.
    pub(crate) fn insert(&mut self, chunks: impl Iterator<Item = (FeeRate, ChunkTxs, Txid)>) -> u32 {
        let cluster = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("there are fewer clusters than entries, whose ids have 32 bits")
        });
        let mut members: Vec<Member> = Vec::with_capacity(chunks.size_hint().0);
        for (rate, txs, highest) in chunks {
            let before = members.last().filter(|last| last.place.rate.cmp_rate(&rate) == Ordering::Equal);
            let prefix = before.map_or(0, |last| last.place.prefix).saturating_add(rate.size);
            let highest = highest.as_byte_array().first_chunk().map_or(0, |start| u64::from_be_bytes(*start));
            let chunk = u32::try_from(members.len()).expect("a cluster has no more chunks than transactions");
            let place = Place { rate, prefix, highest, cluster, chunk };
            self.order.insert(place);
            members.push(Member { place, txs });
        }
        if let Some(slot) = usize::try_from(cluster).ok().and_then(|n| self.slots.get_mut(n)) {
            *slot = Some(members.into());
        }
        cluster
    }

    pub(crate) fn remove(&mut self, cluster: u32) {
        let slot = usize::try_from(cluster).ok().and_then(|n| self.slots.get_mut(n));
        if let Some(members) = slot.and_then(Option::take) {
            for member in &members {
                self.order.remove(&member.place);
            }
            self.free.push(cluster);
        }
    }

    /// All chunks in the order in which they are mined.
    pub(crate) fn in_order(&self) -> impl DoubleEndedIterator<Item = &Member> {
        self.order.iter().filter_map(|place| self.get(place.cluster).get(usize::try_from(place.chunk).ok()?))
    }

    /// The chunk that is mined last.
    pub(crate) fn worst(&self) -> Option<&Member> {
        self.in_order().next_back()
    }

    /// How many chunks there are.
    pub(crate) fn chunk_count(&self) -> usize {
        self.order.len()
    }
}
