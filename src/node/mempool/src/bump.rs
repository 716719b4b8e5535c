//! What it costs to spend an output of a transaction that waits: enough to lift it, and what it depends on, to the rate
//! that the spender wants. A wallet asks before it chooses its coins.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

use bitcoin::OutPoint;

use crate::{FeeRate, Pool, entry::EntryId};

/// With more transactions around the outputs than this no answer is given.
const MAX_AROUND: usize = 500;

impl Pool {
    /// For each output the fee that lifts it alone to `target`; nothing for what is mined at that rate anyway, or is in a
    /// block. What spends one of the outputs counts as replaced. `None` if too much hangs on them.
    pub fn bump_fees(&self, outs: &[OutPoint], target: FeeRate) -> Option<BTreeMap<OutPoint, i64>> {
        let left = self.left_at(outs, target)?;
        let fee = |out: &OutPoint| {
            let id = self.id_of(&out.txid).filter(|id| left.contains(id))?;
            let (all, own) = (self.rate_with_ancestors(id, &left).0, self.get(id)?.fee_rate());
            let lift = |rate: FeeRate| target.fee_for(rate.size).saturating_sub(rate.fee);
            Some(lift(all).max(lift(own)))
        };
        Some(outs.iter().map(|out| (*out, fee(out).unwrap_or(0))).collect())
    }

    /// The fee that lifts all of the outputs together. `None` if too much hangs on them.
    pub fn total_bump_fee(&self, outs: &[OutPoint], target: FeeRate) -> Option<i64> {
        let left = self.left_at(outs, target)?;
        let wanted = outs.iter().filter_map(|out| self.id_of(&out.txid)).filter(|id| left.contains(id));
        let all: BTreeSet<EntryId> = wanted.flat_map(|id| self.rate_with_ancestors(id, &left).1).collect();
        let sum = all.iter().filter_map(|id| self.get(*id)).fold(FeeRate::default(), |sum, e| sum + e.fee_rate());
        Some(target.fee_for(sum.size).saturating_sub(sum.fee))
    }

    /// What remains around these outputs once everything that pays `target` is mined.
    fn left_at(&self, outs: &[OutPoint], target: FeeRate) -> Option<BTreeSet<EntryId>> {
        let ids = outs.iter().filter_map(|out| self.id_of(&out.txid));
        let clusters: BTreeSet<u32> = ids.filter_map(|id| Some(self.get(id)?.cluster)).collect();
        let replaced = self.descendants_of_all(outs.iter().filter_map(|out| self.spender(out)));
        let around: Vec<EntryId> = clusters.iter().flat_map(|cluster| self.clusters.txs(*cluster)).collect();
        if around.len() > MAX_AROUND {
            return None;
        }
        let mut left: BTreeSet<EntryId> = around.into_iter().filter(|id| !replaced.contains(id)).collect();
        loop {
            let scored = left.iter().filter_map(|id| {
                let (all, set) = self.rate_with_ancestors(*id, &left);
                let entry = self.get(*id)?;
                let own = entry.fee_rate();
                let score = if own.cmp_rate(&all) == Ordering::Less { own } else { all };
                Some((score, entry.tx.txid(), all, set))
            });
            let best = scored.min_by(|a, b| b.0.cmp_rate(&a.0).then(a.1.cmp(&b.1)));
            match best {
                Some((_, _, all, set)) if all.fee >= target.fee_for(all.size) => left.retain(|id| !set.contains(id)),
                _ => return Some(left),
            }
        }
    }

    /// What an entry and its ancestors that are `left` pay, and which they are.
    fn rate_with_ancestors(&self, id: EntryId, left: &BTreeSet<EntryId>) -> (FeeRate, BTreeSet<EntryId>) {
        let (mut open, mut seen) = (vec![id], BTreeSet::from([id]));
        let mut sum = FeeRate::default();
        while let Some(entry) = open.pop().and_then(|id| self.get(id)) {
            sum += entry.fee_rate();
            open.extend(entry.parents().iter().filter(|id| left.contains(id) && seen.insert(**id)));
        }
        (sum, seen)
    }
}
