//! Replacement: a transaction that spends what another one spends may take its place if that makes everybody better off.

use std::{cmp::Ordering, collections::BTreeSet};

use bitcoin::Txid;
use consensus::format_money;

use super::Candidate;
use crate::{
    FeeRate, PackageReason, Pool, Reason,
    entry::{Entry, EntryId},
    feerate::compare_diagrams,
    plan::Plan,
    policy::MAX_REPLACEMENT_CANDIDATES,
};

impl Pool {
    /// What goes with these conflicts, if that is not too much.
    fn all_conflicts(&self, txid: Txid, conflicts: &BTreeSet<Txid>) -> Result<BTreeSet<EntryId>, String> {
        let direct: Vec<EntryId> = conflicts.iter().filter_map(|txid| self.id_of(txid)).collect();
        let clusters: BTreeSet<u32> = direct.iter().filter_map(|id| Some(self.get(*id)?.cluster)).collect();
        if clusters.len() > MAX_REPLACEMENT_CANDIDATES {
            return Err(format!(
                "rejecting replacement {txid}; too many conflicting clusters ({} > {MAX_REPLACEMENT_CANDIDATES})",
                clusters.len()
            ));
        }
        Ok(self.descendants_of_all(direct))
    }

    fn fees_of(&self, ids: &BTreeSet<EntryId>) -> i64 {
        ids.iter().filter_map(|id| self.get(*id)).fold(0, |sum, entry| sum.saturating_add(entry.modified_fee))
    }

    /// The new fees must not be lower than the old ones, and the difference must pay for relaying the replacement.
    fn pays(&self, txid: Txid, old: i64, new: FeeRate) -> Result<(), String> {
        if new.fee < old {
            let (new, old) = (format_money(new.fee), format_money(old));
            return Err(format!("rejecting replacement {txid}, less fees than conflicting txs; {new} < {old}"));
        }
        let (more, needed) = (new.fee - old, self.options.incremental_relay_fee.fee_for(new.size));
        if more < needed {
            let (more, needed) = (format_money(more), format_money(needed));
            return Err(format!(
                "rejecting replacement {txid}, not enough additional fees to relay; {more} < {needed}"
            ));
        }
        Ok(())
    }

    /// Whether miners are better off after the plan, and nowhere worse.
    fn improves(&self, plan: &Plan) -> bool {
        let [old, new] = self.diagrams(plan);
        compare_diagrams(&new, &old) == Some(Ordering::Greater)
    }

    /// Checks that a transaction may take the place of what it conflicts with.
    pub(super) fn check_replacement(&self, candidate: &Candidate) -> Result<Plan, Reason> {
        let Candidate { entry, sibling, conflicts, .. } = candidate;
        let (txid, sibling) = (entry.tx.txid(), *sibling);
        let leaving =
            self.all_conflicts(txid, conflicts).map_err(|detail| Reason::TooManyReplacements { sibling, detail })?;
        self.pays(txid, self.fees_of(&leaving), entry.fee_rate())
            .map_err(|detail| Reason::InsufficientFee { sibling, detail })?;
        let plan = self.plan(leaving, &[entry]).map_err(|_| Reason::ClusterTooLarge)?;
        if self.improves(&plan) { Ok(plan) } else { Err(Reason::ReplacementFailed) }
    }

    /// Nothing that a transaction depends on may be what it replaces.
    pub(super) fn check_disjoint(&self, candidate: &Candidate) -> Result<(), Reason> {
        let ancestors = candidate.parents.iter().flat_map(|parent| self.ancestors(*parent));
        let mut txids = ancestors.filter_map(|id| Some(self.get(id)?.tx.txid()));
        match txids.find(|txid| candidate.conflicts.contains(txid)) {
            Some(ancestor) => Err(Reason::SpendsConflicting { txid: candidate.entry.tx.txid(), ancestor }),
            None => Ok(()),
        }
    }

    /// Checks that a parent and its child together may take the place of what they conflict with.
    pub(super) fn check_package_replacement(
        &self,
        candidates: &[Candidate],
        total: FeeRate,
    ) -> Result<Plan, PackageReason> {
        let [parent, child] = candidates else { return Err(PackageReason::RbfNotPair) };
        let parent_txid = parent.entry.tx.txid();
        if !child.entry.tx.inputs().iter().any(|input| input.previous_output.txid == parent_txid) {
            return Err(PackageReason::RbfNotPair);
        }
        if candidates.iter().any(|candidate| !candidate.parents.is_empty()) {
            return Err(PackageReason::RbfAncestors);
        }
        let conflicts = parent.conflicts.union(&child.conflicts).copied().collect();
        let txid = child.entry.tx.txid();
        let leaving = self.all_conflicts(txid, &conflicts).map_err(PackageReason::RbfTooMany)?;
        self.pays(txid, self.fees_of(&leaving), total).map_err(PackageReason::RbfFees)?;
        let parent_rate = parent.entry.fee_rate();
        if total.cmp_rate(&parent_rate).is_le() {
            return Err(PackageReason::RbfParentRate(format!(
                "package feerate {} <= parent feerate is {}",
                total.text(self.ticker),
                parent_rate.text(self.ticker)
            )));
        }
        let coming: Vec<&Entry> = candidates.iter().map(|candidate| &candidate.entry).collect();
        let plan = self.plan(leaving, &coming).map_err(|_| PackageReason::ClusterTooLarge)?;
        if self.improves(&plan) { Ok(plan) } else { Err(PackageReason::RbfDiagram) }
    }
}
