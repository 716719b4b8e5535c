//! The transactions that wait: by id, by what they spend, by cluster, by age; and what they take in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem::size_of,
    sync::{Arc, Mutex},
};

use bitcoin::{OutPoint, Txid, Wtxid};
use chainstate::SaltedState;
use primitives::Tx;

use crate::{
    FeeRate, MempoolEvent, Options, RemovalReason,
    cluster::{Clusters, Member, Place},
    entry::{Entry, EntryId},
    index::Index,
    limit::Rolling,
    plan::{Plan, Planned},
    policy,
};

/// The pool. Readers look at it; only acceptance, the chain and the operator's priorities change it.
#[derive(Debug)]
pub struct Pool {
    pub(crate) options: Options,
    /// The currency code, for messages.
    pub(crate) ticker: &'static str,
    entries: Vec<Option<Entry>>,
    free: Vec<EntryId>,
    index: Index,
    pub(crate) by_time: BTreeSet<(i64, EntryId)>,
    pub(crate) clusters: Clusters,
    /// Clusters some of whose transactions have left, or changed.
    dirty: BTreeSet<u32>,
    pub(crate) deltas: BTreeMap<Txid, i64>,
    unbroadcast: BTreeSet<EntryId>,
    sequence: u64,
    updates: u64,
    total_vsize: u64,
    total_fee: i64,
    heap: usize,
    pub(crate) rolling: Mutex<Rolling>,
    /// What has happened and is not published yet.
    pub(crate) events: Vec<MempoolEvent>,
    pub(crate) load_tried: bool,
}

/// What the tables take for an entry and for an input. Hash tables are filled to between 7/16 and 7/8, and have a byte
/// more for each place.
const PER_ENTRY: usize = size_of::<Entry>()
    + (size_of::<EntryId>() + 1) * 2 * 3 / 2
    + size_of::<(i64, EntryId)>() * 3 / 2
    + size_of::<Member>();
const PER_CHUNK: usize = size_of::<Place>() * 3 / 2 + 32;
const PER_INPUT: usize = (size_of::<(EntryId, u32)>() + 1) * 3 / 2;
const PER_DELTA: usize = size_of::<(Txid, i64)>() * 3 / 2;

impl Pool {
    pub(crate) fn new(options: Options, ticker: &'static str, salt: SaltedState) -> Self {
        Self {
            options,
            ticker,
            entries: Vec::new(),
            free: Vec::new(),
            index: Index::new(salt),
            by_time: BTreeSet::new(),
            clusters: Clusters::default(),
            dirty: BTreeSet::new(),
            deltas: BTreeMap::new(),
            unbroadcast: BTreeSet::new(),
            sequence: 1,
            updates: 0,
            total_vsize: 0,
            total_fee: 0,
            heap: 0,
            rolling: Mutex::default(),
            events: Vec::new(),
            load_tried: false,
        }
    }

    /// The options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// How many transactions there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.index.len() == 0
    }

    /// The virtual size of all.
    pub fn total_vsize(&self) -> u64 {
        self.total_vsize
    }

    /// What all pay.
    pub fn total_fee(&self) -> i64 {
        self.total_fee
    }

    /// Bytes of memory in use.
    pub fn memory_usage(&self) -> usize {
        self.len() * PER_ENTRY
            + self.clusters.chunk_count() * PER_CHUNK
            + self.index.spend_count() * PER_INPUT
            + self.deltas.len() * PER_DELTA
            + self.heap
    }

    /// Grows with each transaction that comes or leaves.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Grows with each change, so that others can tell whether anything has changed.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    pub(crate) fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence - 1
    }

    /// The entry of this name.
    pub fn get(&self, id: EntryId) -> Option<&Entry> {
        self.entries.get(id.index())?.as_ref()
    }

    /// The entry that a txid names.
    pub fn id_of(&self, txid: &Txid) -> Option<EntryId> {
        self.index.txid(&self.entries, txid)
    }

    /// The entry of a txid.
    pub fn entry(&self, txid: &Txid) -> Option<&Entry> {
        self.get(self.id_of(txid)?)
    }

    /// The entry of a witness id.
    pub fn entry_by_wtxid(&self, wtxid: &Wtxid) -> Option<&Entry> {
        self.get(self.index.wtxid(&self.entries, wtxid)?)
    }

    /// The transaction of a txid.
    pub fn tx(&self, txid: &Txid) -> Option<Arc<Tx>> {
        self.entry(txid).map(|entry| Arc::clone(&entry.tx))
    }

    /// What spends an output.
    pub fn spender(&self, out: &OutPoint) -> Option<EntryId> {
        self.index.spender(&self.entries, out)
    }

    /// All entries in the order in which they are mined, each with the rate of its chunk by weight.
    pub fn in_mining_order(&self) -> impl Iterator<Item = (&Entry, FeeRate)> {
        self.clusters
            .in_order()
            .flat_map(move |chunk| chunk.txs.iter().filter_map(move |id| Some((self.get(*id)?, chunk.place.rate))))
    }

    /// The rates of all chunks by weight, in the order in which they are mined.
    pub fn diagram(&self) -> impl Iterator<Item = FeeRate> {
        self.clusters.in_order().map(|chunk| chunk.place.rate)
    }

    /// Sorts transactions as they are mined, and drops those that are not here.
    pub fn sort_for_relay(&self, txids: &mut Vec<Txid>) {
        let mut found: Vec<(Place, usize, Txid)> = txids
            .drain(..)
            .filter_map(|txid| {
                let id = self.id_of(&txid)?;
                let entry = self.get(id)?;
                let chunk = self.clusters.get(entry.cluster).get(entry.chunk)?;
                Some((chunk.place, chunk.txs.iter().position(|other| *other == id)?, txid))
            })
            .collect();
        found.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(&b.1)));
        found.dedup_by_key(|(_, _, txid)| *txid);
        txids.extend(found.into_iter().map(|(_, _, txid)| txid));
    }

    /// The chunk of an entry: its rate by weight and its transactions.
    pub fn chunk_of(&self, entry: &Entry) -> Option<(FeeRate, &[EntryId])> {
        let chunk = self.clusters.get(entry.cluster).get(entry.chunk)?;
        Some((chunk.place.rate, &chunk.txs))
    }

    /// The chunks of an entry's cluster, best first: rate by weight and transactions.
    pub fn cluster_of(&self, entry: &Entry) -> impl Iterator<Item = (FeeRate, &[EntryId])> {
        self.clusters.get(entry.cluster).iter().map(|chunk| (chunk.place.rate, &*chunk.txs))
    }

    /// An entry and everything that it depends on.
    pub fn ancestors(&self, id: EntryId) -> BTreeSet<EntryId> {
        self.walk([id], |entry| &entry.parents)
    }

    /// An entry and everything that depends on it.
    pub fn descendants(&self, id: EntryId) -> BTreeSet<EntryId> {
        self.walk([id], |entry| &entry.children)
    }

    pub(crate) fn descendants_of_all(&self, ids: impl IntoIterator<Item = EntryId>) -> BTreeSet<EntryId> {
        self.walk(ids, |entry| &entry.children)
    }

    fn walk(&self, from: impl IntoIterator<Item = EntryId>, next: impl Fn(&Entry) -> &[EntryId]) -> BTreeSet<EntryId> {
        let mut open: Vec<EntryId> = from.into_iter().collect();
        let mut seen: BTreeSet<EntryId> = open.iter().copied().collect();
        while let Some(entry) = open.pop().and_then(|id| self.get(id)) {
            open.extend(next(entry).iter().filter(|id| seen.insert(**id)));
        }
        seen
    }

    /// How many these are, their virtual size, and what they are taken to pay.
    pub fn totals(&self, ids: &BTreeSet<EntryId>) -> (usize, i64, i64) {
        let entries = ids.iter().filter_map(|id| self.get(*id));
        entries.fold((0, 0, 0), |(count, vsize, fees), entry| {
            (count + 1, entry.vsize.saturating_add(vsize), entry.modified_fee.saturating_add(fees))
        })
    }

    /// Whether a transaction, or something that it depends on, says that it may be replaced (BIP125). Here that makes no
    /// difference, but others are told.
    pub fn signals_replacement(&self, id: EntryId) -> bool {
        let signals = |tx: &Tx| tx.inputs().iter().any(|input| input.sequence.is_rbf());
        self.ancestors(id).into_iter().filter_map(|id| self.get(id)).any(|entry| signals(&entry.tx))
    }

    /// Whether a transaction that pays nothing would keep within the limits of its cluster.
    pub fn within_limits(&self, tx: &Arc<Tx>) -> bool {
        let entry = Entry::blank(Arc::clone(tx));
        self.plan(BTreeSet::new(), &[&entry]).is_ok()
    }

    /// What the operator pretends that a transaction pays besides its fee.
    pub fn delta(&self, txid: &Txid) -> i64 {
        self.deltas.get(txid).copied().unwrap_or(0)
    }

    /// All such pretences.
    pub fn deltas(&self) -> &BTreeMap<Txid, i64> {
        &self.deltas
    }

    /// Whether a transaction has outputs that are not worth spending, where that matters.
    pub fn has_dust(&self, txid: &Txid) -> bool {
        let standard = self.options.require_standard;
        let dusty = |entry: &Entry| policy::dust_outputs(&entry.tx, self.options.dust_relay_fee).next().is_some();
        standard && self.entry(txid).is_some_and(dusty)
    }

    /// Our own transactions that no peer has asked for yet.
    pub fn unbroadcast(&self) -> impl ExactSizeIterator<Item = EntryId> {
        self.unbroadcast.iter().copied()
    }

    /// Whether a transaction is one of them.
    pub fn is_unbroadcast(&self, id: EntryId) -> bool {
        self.unbroadcast.contains(&id)
    }

    pub(crate) fn add_unbroadcast(&mut self, txid: &Txid) {
        self.unbroadcast.extend(self.id_of(txid));
    }

    pub(crate) fn remove_unbroadcast(&mut self, txid: &Txid) -> bool {
        self.id_of(txid).is_some_and(|id| self.unbroadcast.remove(&id))
    }

    /// Whether loading the file was tried.
    pub fn load_tried(&self) -> bool {
        self.load_tried
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (EntryId, &Entry)> {
        self.index.ids().filter_map(|id| Some((id, self.get(id)?)))
    }

    pub(crate) fn entry_mut(&mut self, id: EntryId) -> Option<&mut Entry> {
        self.entries.get_mut(id.index())?.as_mut()
    }

    /// `prioritisetransaction`: adds to what a transaction is taken to pay.
    pub(crate) fn prioritise(&mut self, txid: Txid, change: i64) {
        let delta = self.deltas.entry(txid).or_insert(0);
        *delta = delta.saturating_add(change);
        let total = *delta;
        let id = self.id_of(&txid);
        if let Some(entry) = id.and_then(|id| self.entry_mut(id)) {
            entry.modified_fee = entry.modified_fee.saturating_add(change);
            let cluster = entry.cluster;
            self.updates += 1;
            self.dirty.insert(cluster);
            self.relinearize();
        }
        let here = if id.is_some() { "" } else { "not " };
        if total == 0 {
            self.deltas.remove(&txid);
            tracing::info!("PrioritiseTransaction: {txid} ({here}in mempool) delta cleared");
        } else {
            let (change, total) = (consensus::format_money(change), consensus::format_money(total));
            tracing::info!("PrioritiseTransaction: {txid} ({here}in mempool) fee += {change}, new delta={total}");
        }
    }

    /// Makes a planned change. The new entries come in the order of the plan.
    pub(crate) fn commit(&mut self, plan: Plan, coming: Vec<Entry>) {
        let mut leaving: Vec<EntryId> = plan.leaving.iter().copied().collect();
        leaving.sort_unstable_by_key(|id| self.get(*id).map(|entry| entry.tx.txid()));
        for id in leaving {
            self.take_out(id, RemovalReason::Replaced);
        }
        let ids: Vec<EntryId> = coming.into_iter().filter_map(|entry| self.put_in(entry)).collect();
        self.install(plan, &ids);
    }

    /// Replaces old clusters by planned ones.
    fn install(&mut self, plan: Plan, new: &[EntryId]) {
        for cluster in plan.old {
            self.dirty.remove(&cluster);
            self.clusters.remove(cluster);
        }
        for group in plan.groups {
            let id_of = |n: &usize| match group.members[*n] {
                Planned::Old(id) => Some(id),
                Planned::New(n) => new.get(n).copied(),
            };
            let chunks = group.chunks.iter().filter_map(|chunk| {
                let highest = chunk.txs.iter().map(|n| group.ids[*n]).max()?;
                Some((chunk.rate, chunk.txs.iter().filter_map(id_of).collect(), highest))
            });
            let cluster = self.clusters.insert(chunks);
            for (at, chunk) in group.chunks.iter().enumerate() {
                for id in chunk.txs.iter().filter_map(id_of) {
                    if let Some(entry) = self.entry_mut(id) {
                        (entry.cluster, entry.chunk) = (cluster, at);
                    }
                }
            }
        }
    }

    /// Brings clusters in order that have lost transactions, or in which fees have changed.
    pub(crate) fn relinearize(&mut self) {
        for cluster in std::mem::take(&mut self.dirty) {
            // What remains of a cluster is not larger than it was.
            if let Ok(plan) = self.replan(BTreeSet::from([cluster])) {
                self.install(plan, &[]);
            }
        }
    }

    /// Merges clusters between which dependencies were found. Tells whether the result is within the limits.
    pub(crate) fn merge(&mut self, clusters: BTreeSet<u32>) -> bool {
        match self.replan(clusters) {
            Ok(plan) => {
                self.install(plan, &[]);
                true
            }
            Err(_) => false,
        }
    }

    fn put_in(&mut self, mut entry: Entry) -> Option<EntryId> {
        let txids: BTreeSet<Txid> = entry.tx.inputs().iter().map(|input| input.previous_output.txid).collect();
        entry.parents = txids.iter().filter_map(|txid| self.id_of(txid)).collect();
        let id = if let Some(id) = self.free.pop() {
            id
        } else {
            let id = EntryId::new(self.entries.len())?;
            self.entries.push(None);
            id
        };
        for parent in entry.parents.clone() {
            if let Some(parent) = self.entry_mut(parent) {
                parent.children.push(id);
            }
        }
        self.by_time.insert((entry.time, id));
        self.total_vsize = self.total_vsize.saturating_add_signed(entry.vsize);
        self.total_fee = self.total_fee.saturating_add(entry.fee);
        self.heap += entry.usage;
        self.updates += 1;
        let slot = self.entries.get_mut(id.index())?;
        *slot = Some(entry);
        self.index.insert(&self.entries, id);
        Some(id)
    }

    /// Takes one entry out. The caller brings the clusters in order afterwards.
    pub(crate) fn take_out(&mut self, id: EntryId, reason: RemovalReason) -> Option<Entry> {
        self.index.remove(&self.entries, id);
        let entry = self.entries.get_mut(id.index())?.take()?;
        let sequence = self.next_sequence();
        self.by_time.remove(&(entry.time, id));
        if self.unbroadcast.remove(&id) {
            tracing::debug!(
                target: "mempool",
                "Removed {} from set of unbroadcast txns before confirmation that txn was sent out",
                entry.tx.txid()
            );
        }
        for parent in &entry.parents {
            if let Some(parent) = self.entry_mut(*parent) {
                parent.children.retain(|child| *child != id);
            }
        }
        for child in &entry.children {
            if let Some(child) = self.entry_mut(*child) {
                child.parents.retain(|parent| *parent != id);
            }
        }
        self.total_vsize = self.total_vsize.saturating_sub(entry.vsize.unsigned_abs());
        self.total_fee = self.total_fee.saturating_sub(entry.fee);
        self.heap -= entry.usage;
        self.updates += 1;
        self.dirty.insert(entry.cluster);
        self.free.push(id);
        if reason != RemovalReason::Block {
            self.events.push(MempoolEvent::Removed { tx: Arc::clone(&entry.tx), reason, sequence });
        }
        Some(entry)
    }

    /// Takes entries out with everything that depends on them.
    pub(crate) fn remove_with_descendants(
        &mut self,
        ids: impl IntoIterator<Item = EntryId>,
        reason: RemovalReason,
    ) -> usize {
        let all = self.descendants_of_all(ids);
        for id in &all {
            self.take_out(*id, reason);
        }
        all.len()
    }

    /// Links a transaction that came back from a block with what already spends it.
    pub(crate) fn adopt_children(&mut self, id: EntryId) -> BTreeSet<u32> {
        let Some(entry) = self.get(id) else { return BTreeSet::new() };
        let txid = entry.tx.txid();
        let outputs = (0u32..).take(entry.tx.outputs().len());
        let children: BTreeSet<EntryId> = outputs.filter_map(|vout| self.spender(&OutPoint { txid, vout })).collect();
        let mut clusters = BTreeSet::from([entry.cluster]);
        for child in children {
            let Some(entry) = self.entry_mut(child) else { continue };
            if !entry.parents.contains(&id) {
                entry.parents.push(id);
                clusters.insert(entry.cluster);
                if let Some(parent) = self.entry_mut(id) {
                    parent.children.push(child);
                }
            }
        }
        clusters
    }

    /// Forgets a pretence about a transaction's fee.
    pub(crate) fn clear_delta(&mut self, txid: &Txid) {
        self.deltas.remove(txid);
    }

    pub(crate) fn note_change(&mut self) {
        self.updates += 1;
    }
}
