//! Keeping the pool small: what is old expires, what is over the size is evicted worst chunk first, and the lowest rate
//! that is let in rises with each eviction and falls again with time.

use std::{
    collections::BTreeSet,
    sync::{MutexGuard, PoisonError},
};

use crate::{FeeRate, Pool, RemovalReason};

/// In so many seconds the lowest rate falls to a half.
const HALF_LIFE: f64 = 12.0 * 60.0 * 60.0;
/// It is not computed again within so many seconds.
const PAUSE: i64 = 10;

/// The lowest rate that is let in, as it was last time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rolling {
    per_kvb: f64,
    since: i64,
    /// It only falls once a block has come: until then the block that would make room is still missing.
    block_since_rise: bool,
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and rates are far below its limit")]
fn rounded(rate: f64) -> FeeRate {
    FeeRate::per_kvb(rate.round() as i64)
}

#[expect(clippy::cast_precision_loss, reason = "rates and times are far below 2^53")]
fn float(number: i64) -> f64 {
    number as f64
}

impl Pool {
    fn rolling(&self) -> MutexGuard<'_, Rolling> {
        // Every change leaves it whole.
        self.rolling.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lowest rate that is let in now; zero while the pool is not full.
    pub fn min_fee(&self, now: i64) -> FeeRate {
        let mut rolling = self.rolling();
        if !rolling.block_since_rise || rolling.per_kvb == 0.0 {
            return rounded(rolling.per_kvb);
        }
        let increment = self.options.incremental_relay_fee;
        if now > rolling.since + PAUSE {
            let usage = self.memory_usage();
            let half_life = if usage < self.options.max_bytes / 4 {
                HALF_LIFE / 4.0
            } else if usage < self.options.max_bytes / 2 {
                HALF_LIFE / 2.0
            } else {
                HALF_LIFE
            };
            rolling.per_kvb /= (float(now - rolling.since) / half_life).exp2();
            rolling.since = now;
            if rolling.per_kvb < float(increment.fee_per_kvb()) / 2.0 {
                rolling.per_kvb = 0.0;
                return FeeRate::per_kvb(0);
            }
        }
        let rate = rounded(rolling.per_kvb);
        if rate.cmp_rate(&increment).is_lt() { increment } else { rate }
    }

    /// A block has come: from now on the lowest rate falls.
    pub(crate) fn note_block(&self, now: i64) {
        let mut rolling = self.rolling();
        rolling.since = now;
        rolling.block_since_rise = true;
    }

    fn raise_min_fee(&self, per_kvb: i64) {
        let mut rolling = self.rolling();
        if float(per_kvb) > rolling.per_kvb {
            rolling.per_kvb = float(per_kvb);
            rolling.block_since_rise = false;
        }
    }

    /// Removes what came before `time`, with what depends on it.
    pub(crate) fn expire(&mut self, time: i64) -> usize {
        let old: Vec<_> = self.by_time.iter().take_while(|(came, _)| *came < time).map(|(_, id)| *id).collect();
        if old.is_empty() {
            return 0;
        }
        let count = self.remove_with_descendants(old, RemovalReason::Expiry);
        self.relinearize();
        count
    }

    /// Evicts the worst chunks until the pool takes no more than its options allow.
    pub(crate) fn trim(&mut self) {
        let increment = self.options.incremental_relay_fee.fee_per_kvb();
        let (mut removed, mut highest) = (0, 0);
        while !self.is_empty() && self.memory_usage() > self.options.max_bytes {
            let Some(worst) = self.clusters.worst() else { break };
            // Nobody gets in at the rate of what was just pushed out.
            let per_kvb = worst.place.rate.by_vsize().fee_per_kvb().saturating_add(increment);
            let ids: BTreeSet<_> = worst.txs.iter().copied().collect();
            self.raise_min_fee(per_kvb);
            highest = highest.max(per_kvb);
            removed += self.remove_with_descendants(ids, RemovalReason::SizeLimit);
            self.relinearize();
        }
        if highest > 0 {
            tracing::debug!(target: "mempool", "Removed {removed} txn, rolling minimum fee bumped to {highest} per kvB");
        }
    }

    /// Expires and trims.
    pub(crate) fn limit(&mut self, now: i64) {
        let expired = self.expire(now.saturating_sub(self.options.expiry));
        if expired != 0 {
            tracing::debug!(target: "mempool", "Expired {expired} transactions from the memory pool");
        }
        self.trim();
    }
}
