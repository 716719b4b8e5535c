//! One transaction.

use std::{collections::BTreeSet, sync::Arc};

use primitives::Tx;

use super::{Accepted, Candidate, ChainView, Extra, Rejected, Setting, Stop};
use crate::{MempoolEvent, Pool, Reason, feerate::signed, mempool::Inner, plan::Plan, policy};

impl Inner {
    /// Checks a transaction and, unless it is only a test, takes it in. The caller is the only writer.
    pub(crate) fn accept_one(&self, chain: &ChainView<'_>, setting: &Setting, tx: &Arc<Tx>) -> Result<Accepted, Stop> {
        let (candidate, plan, replaced) = {
            let pool = self.read();
            let candidate = pool.check(chain, setting, &Extra::new(), tx)?;
            let plan =
                pool.check_change(setting, &candidate).map_err(|reason| Rejected::of(reason, &candidate.entry))?;
            let replaced: Vec<Arc<Tx>> =
                plan.leaving.iter().filter_map(|id| Some(Arc::clone(&pool.get(*id)?.tx))).collect();
            self.check_scripts(chain, &candidate)?;
            let most = setting.max_base_rate.map(|rate| rate.fee_for(signed(tx.vsize())));
            if most.is_some_and(|most| candidate.entry.fee > most) {
                return Err(Reason::MaxFeeRate.into());
            }
            (candidate, plan, replaced)
        };
        let entry = candidate.entry;
        let accepted = Accepted {
            vsize: entry.vsize,
            fee: entry.fee,
            effective_rate: entry.fee_rate(),
            effective_includes: vec![tx.wtxid()],
            replaced: if setting.test_only { Vec::new() } else { replaced },
        };
        if setting.test_only {
            return Ok(accepted);
        }
        let tells_fee = !setting.bypass_limits
            && !setting.in_package
            && candidate.parents.is_empty()
            && chain.is_current(setting.now);
        let mut pool = self.write();
        log_replaced(&pool, &plan, tx);
        let rejected = Rejected::of(Reason::Full { in_package: false }, &entry);
        pool.commit(plan, vec![entry]);
        if !setting.in_package && !setting.bypass_limits {
            pool.limit(setting.now);
            if pool.id_of(&tx.txid()).is_none() {
                return Err(rejected.into());
            }
        }
        pool.announce(tx, tells_fee);
        Ok(accepted)
    }
}

fn log_replaced(pool: &Pool, plan: &Plan, tx: &Tx) {
    for old in plan.leaving.iter().filter_map(|id| pool.get(*id)) {
        tracing::debug!(
            target: "mempool",
            "replacing mempool tx {} (wtxid={}, fees={}, vsize={}). New tx {} (wtxid={})",
            old.tx.txid(), old.tx.wtxid(), old.fee, old.vsize, tx.txid(), tx.wtxid()
        );
    }
}

impl Pool {
    /// Checks what a transaction would change in the pool.
    fn check_change(&self, setting: &Setting, candidate: &Candidate) -> Result<Plan, Reason> {
        let entry = &candidate.entry;
        let plan = if candidate.conflicts.is_empty() {
            self.plan(BTreeSet::new(), &[entry]).map_err(|_| Reason::ClusterTooLarge)?
        } else {
            let plan = self.check_replacement(candidate)?;
            self.check_disjoint(candidate)?;
            plan
        };
        if setting.max_fee_rate.is_some_and(|max| entry.fee_rate().cmp_rate(&max).is_gt()) {
            return Err(Reason::MaxFeeRate);
        }
        if !setting.bypass_limits && self.options.require_standard {
            let package = [Arc::clone(&entry.tx)];
            policy::check_ephemeral_spends(&package, self.options.dust_relay_fee, |txid| self.tx(txid))
                .map_err(|(_, reason)| reason)?;
        }
        Ok(plan)
    }

    /// Tells that a transaction came.
    pub(super) fn announce(&mut self, tx: &Arc<Tx>, tells_fee: bool) {
        let Some((fee, vsize, height)) = self.entry(&tx.txid()).map(|e| (e.fee, e.vsize, e.height)) else { return };
        let sequence = self.next_sequence();
        self.events.push(MempoolEvent::Added { tx: Arc::clone(tx), fee, vsize, height, tells_fee, sequence });
    }
}
