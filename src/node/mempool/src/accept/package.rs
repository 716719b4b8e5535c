//! Several transactions at once: for a test, any that fit together; for real, a child with its parents, which it may
//! help to pay for.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use bitcoin::{OutPoint, Wtxid};
use consensus::TxResult;
use primitives::Tx;
use store::StoreError;

use super::{
    Accepted, Candidate, ChainView, Extra, PackageOptions, PackageOutcome, Rejected, Setting, Stop, Verdict, split,
};
use crate::{FeeRate, PackageReason, Pool, Reason, entry::Entry, mempool::Inner, plan::Plan, policy};

/// A package that has passed every check.
struct Ready {
    candidates: Vec<Candidate>,
    plan: Plan,
    total: FeeRate,
    replaced: Vec<Arc<Tx>>,
}

/// Why a package stops.
enum PackageStop {
    Failed(Box<PackageOutcome>),
    Disk(StoreError),
}

impl From<PackageOutcome> for PackageStop {
    fn from(outcome: PackageOutcome) -> Self {
        Self::Failed(Box::new(outcome))
    }
}

impl From<PackageReason> for PackageStop {
    fn from(reason: PackageReason) -> Self {
        PackageOutcome::failed(reason).into()
    }
}

/// A transaction of a package failed, and with it the package.
fn failed_at(tx: &Tx, stop: Stop) -> PackageStop {
    match stop {
        Stop::Refused(rejected) => {
            PackageOutcome::failed_at(PackageReason::TransactionFailed, tx.wtxid(), *rejected).into()
        }
        Stop::Disk(error) => PackageStop::Disk(error),
    }
}

impl Inner {
    /// Checks a package and, unless it is only a test, takes in what can be taken. The caller is the only writer.
    pub(crate) fn accept_package(
        &self,
        chain: &ChainView<'_>,
        package: &[Arc<Tx>],
        options: PackageOptions,
        now: i64,
    ) -> Result<PackageOutcome, StoreError> {
        let setting = Setting::package(options, now);
        if options.test_only {
            return self.accept_all(chain, &setting, package);
        }
        if let Err(reason) = policy::check_well_formed(package) {
            return Ok(PackageOutcome::failed(reason));
        }
        if package.len() > 1 && !policy::is_child_with_parents(package) {
            return Ok(PackageOutcome::failed(PackageReason::NotChildWithParents));
        }
        let (mut verdicts, mut alone, mut together) = (HashMap::new(), HashMap::new(), Vec::new());
        let mut hopeless = false;
        for tx in package {
            let wtxid = tx.wtxid();
            if let Some(verdict) = self.read().already_here(tx) {
                verdicts.insert(wtxid, verdict);
                continue;
            }
            match split(self.accept_one(chain, &setting.single_in_package(), tx))? {
                Ok(accepted) => {
                    verdicts.insert(wtxid, Verdict::Accepted(accepted));
                }
                Err(rejected) => {
                    // A child can help with fees, and a parent that is taken with its child is no longer missing.
                    let helpable = matches!(rejected.result(), TxResult::Reconsiderable | TxResult::MissingInputs);
                    if package.len() > 1 && helpable {
                        together.push(Arc::clone(tx));
                    } else {
                        hopeless = true;
                    }
                    alone.insert(wtxid, rejected);
                }
            }
        }
        let mut outcome = if hopeless {
            PackageOutcome::failed(PackageReason::TransactionFailed)
        } else if together.is_empty() {
            PackageOutcome::default()
        } else if let [tx] = &together[..] {
            self.accept_last(chain, &setting, tx)?
        } else {
            self.accept_all(chain, &setting, &together)?
        };
        self.write().limit(now);
        for (wtxid, rejected) in alone {
            outcome.verdicts.entry(wtxid).or_insert(Verdict::Rejected(rejected));
        }
        outcome.verdicts.extend(verdicts);
        self.read().drop_evicted(package, &mut outcome);
        Ok(outcome)
    }

    /// Of a package only this transaction is left: it is tried once more, now that the others are in.
    fn accept_last(
        &self,
        chain: &ChainView<'_>,
        setting: &Setting,
        tx: &Arc<Tx>,
    ) -> Result<PackageOutcome, StoreError> {
        Ok(match split(self.accept_one(chain, &setting.single_in_package(), tx))? {
            Ok(accepted) => {
                PackageOutcome { error: None, verdicts: HashMap::from([(tx.wtxid(), Verdict::Accepted(accepted))]) }
            }
            Err(rejected) => PackageOutcome::failed_at(PackageReason::TransactionFailed, tx.wtxid(), rejected),
        })
    }

    /// Takes in all of these, or none.
    fn accept_all(
        &self,
        chain: &ChainView<'_>,
        setting: &Setting,
        package: &[Arc<Tx>],
    ) -> Result<PackageOutcome, StoreError> {
        let ready = match self.check_all(chain, setting, package) {
            Ok(ready) => ready,
            Err(PackageStop::Failed(outcome)) => return Ok(*outcome),
            Err(PackageStop::Disk(error)) => return Err(error),
        };
        let wtxids: Vec<Wtxid> = package.iter().map(|tx| tx.wtxid()).collect();
        let mut replaced = if setting.test_only { Vec::new() } else { ready.replaced };
        let mut verdicts = HashMap::new();
        for candidate in &ready.candidates {
            let (entry, wtxid) = (&candidate.entry, candidate.entry.tx.wtxid());
            let (effective_rate, effective_includes) =
                if setting.package_rates { (ready.total, wtxids.clone()) } else { (entry.fee_rate(), vec![wtxid]) };
            let accepted = Accepted {
                vsize: entry.vsize,
                fee: entry.fee,
                effective_rate,
                effective_includes,
                replaced: std::mem::take(&mut replaced),
            };
            verdicts.insert(wtxid, Verdict::Accepted(accepted));
        }
        if !setting.test_only {
            let mut pool = self.write();
            pool.commit(ready.plan, ready.candidates.into_iter().map(|candidate| candidate.entry).collect());
            for tx in package {
                pool.announce(tx, false);
            }
        }
        Ok(PackageOutcome { error: None, verdicts })
    }

    fn check_all(&self, chain: &ChainView<'_>, setting: &Setting, package: &[Arc<Tx>]) -> Result<Ready, PackageStop> {
        policy::check_well_formed(package)?;
        let pool = self.read();
        let mut extra = Extra::new();
        let mut candidates = Vec::with_capacity(package.len());
        for tx in package {
            let candidate = pool.check(chain, setting, &extra, tx).map_err(|stop| failed_at(tx, stop))?;
            if setting.max_fee_rate.is_some_and(|max| candidate.entry.fee_rate().cmp_rate(&max).is_gt()) {
                return Err(failed_at(tx, Reason::MaxFeeRate.into()));
            }
            for (vout, n) in (0u32..).zip(0..tx.outputs().len()) {
                if let Some(coin) = chain.codec.new_coin(tx, n, chain.next_height()) {
                    extra.insert(OutPoint { txid: tx.txid(), vout }, coin);
                }
            }
            candidates.push(candidate);
        }
        for (tx, candidate) in package.iter().zip(&candidates) {
            let parents = pool.relatives(&candidate.parents);
            policy::check_package_truc(tx, candidate.entry.vsize, package, &parents).map_err(PackageReason::Truc)?;
        }
        let total = candidates.iter().fold(FeeRate::default(), |sum, candidate| sum + candidate.entry.fee_rate());
        if setting.package_rates
            && let Err(reason) = pool.check_fee(total.fee, total.size, setting.now)
            && let Some(last) = package.last()
        {
            let effective = Some((total, package.iter().map(|tx| tx.wtxid()).collect()));
            let rejected = Rejected { reason, effective };
            return Err(PackageOutcome::failed_at(PackageReason::TransactionFailed, last.wtxid(), rejected).into());
        }
        let plan = if candidates.iter().any(|candidate| !candidate.conflicts.is_empty()) {
            pool.check_package_replacement(&candidates, total)?
        } else {
            let coming: Vec<&Entry> = candidates.iter().map(|candidate| &candidate.entry).collect();
            pool.plan(BTreeSet::new(), &coming).map_err(|_| PackageReason::ClusterTooLarge)?
        };
        if pool.options.require_standard {
            policy::check_ephemeral_spends(package, pool.options.dust_relay_fee, |txid| pool.tx(txid)).map_err(
                |(child, reason)| {
                    PackageOutcome::failed_at(PackageReason::UnspentDust, child.wtxid(), Rejected::new(reason))
                },
            )?;
        }
        for (n, candidate) in candidates.iter().enumerate() {
            if let Err(reason) = self.check_scripts(chain, candidate) {
                let mut stop = PackageOutcome::failed_at(
                    PackageReason::TransactionFailed,
                    candidate.entry.tx.wtxid(),
                    Rejected::new(reason),
                );
                if setting.test_only {
                    stop.verdicts.extend(candidates[..n].iter().map(Candidate::passed));
                }
                return Err(stop.into());
            }
        }
        let replaced = plan.leaving.iter().filter_map(|id| Some(Arc::clone(&pool.get(*id)?.tx))).collect();
        Ok(Ready { candidates, plan, total, replaced })
    }
}

impl Candidate {
    /// The verdict of a transaction that would be taken by itself.
    fn passed(&self) -> (Wtxid, Verdict) {
        let (entry, wtxid) = (&self.entry, self.entry.tx.wtxid());
        let accepted = Accepted {
            vsize: entry.vsize,
            fee: entry.fee,
            effective_rate: entry.fee_rate(),
            effective_includes: vec![wtxid],
            replaced: Vec::new(),
        };
        (wtxid, Verdict::Accepted(accepted))
    }
}

impl Pool {
    /// The verdict of a transaction that is here, perhaps with another witness.
    fn already_here(&self, tx: &Tx) -> Option<Verdict> {
        let entry = self.entry(&tx.txid())?;
        let same = entry.tx.wtxid() == tx.wtxid();
        Some(if same {
            Verdict::InMempool { vsize: entry.vsize, fee: entry.fee }
        } else {
            Verdict::OtherWitness(entry.tx.wtxid())
        })
    }

    /// What was taken, or was here, may have been pushed out since.
    fn drop_evicted(&self, package: &[Arc<Tx>], outcome: &mut PackageOutcome) {
        for tx in package {
            let Some(verdict) = outcome.verdicts.get_mut(&tx.wtxid()) else { continue };
            if !matches!(verdict, Verdict::Rejected(_)) && self.id_of(&tx.txid()).is_none() {
                *verdict = Verdict::Rejected(Rejected::new(Reason::Full { in_package: true }));
                outcome.error = Some(PackageReason::TransactionFailed);
            }
        }
    }
}
