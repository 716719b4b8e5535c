//! What to pay: by what blocks have taken so far, by what waits now, or by the lower of the two.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bitcoin::BlockHash;
use chainstate::Reader;

use crate::{
    BlockWeights, FeeEstimator, FeeRate, Health, Mempool, MempoolEvent, TemplateOptions, fees::EstimateReason,
};

/// What waits now tells nothing about blocks later than this.
const POOL_TARGET: u32 = 2;
/// An answer from the pool is good for so many seconds, while the tip stays.
const CACHE_LIFE: i64 = 7;
/// The weight of a full block.
const BLOCK_WEIGHT: i64 = 4_000_000;

/// Who estimates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Estimator {
    /// The lower of the two.
    Lower,
    /// By what blocks have taken.
    Blocks,
    /// By what waits.
    Pool,
}

impl Estimator {
    /// The name in `estimatesmartfee`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lower => "none",
            Self::Blocks => "block_policy",
            Self::Pool => "mempool_policy",
        }
    }

    /// The estimator of that name; any other name stands for the lower of the two.
    pub fn of_name(name: &str) -> Self {
        [Self::Blocks, Self::Pool].into_iter().find(|e| e.name() == name).unwrap_or(Self::Lower)
    }
}

/// An answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateEstimate {
    /// The rate.
    pub rate: FeeRate,
    /// The blocks within which it should do.
    pub target: u32,
    /// Whose answer it is.
    pub by: Estimator,
    /// Which question gave it, if blocks did.
    pub reason: Option<EstimateReason>,
}

/// There is no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{reason}")]
pub struct NoEstimate {
    /// The target that was tried.
    pub target: u32,
    /// Why.
    pub reason: String,
}

#[derive(Clone, Copy, Debug)]
struct Cached {
    tip: BlockHash,
    time: i64,
    /// The rates at half and at three quarters of a block.
    rates: [FeeRate; 2],
}

/// What has been learned.
#[derive(Clone, Debug, Default)]
pub struct Experience {
    /// By what blocks have taken.
    pub estimator: FeeEstimator,
    /// How well the pool knows what they take.
    pub health: Health,
    cached: Option<Cached>,
}

impl Experience {
    /// Learns from what happened in the pool.
    pub(crate) fn learn(&mut self, event: &MempoolEvent) {
        self.estimator.on_event(event);
        if let MempoolEvent::Confirmed { txs, height, hash, weight } = event {
            let known = txs.iter().fold(0u64, |sum, tx| sum.saturating_add(tx.weight()));
            self.health.note(BlockWeights { height: (*height).into(), known, all: *weight }, *hash);
            self.cached = None;
        }
    }
}

/// The rates at half and at three quarters of a block that is filled with these chunks; `None` where it is not so full.
fn percentiles(mut chunks: Vec<FeeRate>) -> [Option<FeeRate>; 2] {
    // Rounding sizes up may have changed the order a little.
    chunks.sort_by(|a, b| b.cmp_rate(a));
    let at = |share: i64| {
        let mut weight = 0i64;
        chunks.iter().copied().find(|chunk| {
            weight = weight.saturating_add(chunk.size.saturating_mul(4));
            weight >= share
        })
    };
    [at(BLOCK_WEIGHT / 2), at(BLOCK_WEIGHT / 4 * 3)]
}

impl Mempool {
    /// What has been learned. The lock is for looks and short changes: events wait for it.
    pub fn experience(&self) -> MutexGuard<'_, Experience> {
        lock(&self.inner.experience)
    }

    /// Estimates the rate at which a transaction confirms within `target` blocks.
    pub fn estimate(
        &self,
        chain: &Reader,
        by: Estimator,
        target: u32,
        conservative: bool,
    ) -> Result<RateEstimate, NoEstimate> {
        let estimate = match by {
            Estimator::Blocks => self.estimate_by_blocks(target, conservative),
            Estimator::Pool => self.estimate_by_pool(chain, conservative),
            Estimator::Lower => self.estimate_by_blocks(target, conservative).and_then(|blocks| {
                let pool = self.estimate_by_pool(chain, conservative)?;
                Ok(if pool.rate.cmp_rate(&blocks.rate).is_lt() { pool } else { blocks })
            }),
        };
        match &estimate {
            Ok(RateEstimate { rate, target, by, .. }) => tracing::debug!(
                target: "estimatefee",
                "Fee rate estimated using {}: target={target} feerate={} per kvB.", by.name(), rate.fee_per_kvb()
            ),
            Err(none) => tracing::debug!(target: "estimatefee", "{none}"),
        }
        estimate
    }

    fn estimate_by_blocks(&self, target: u32, conservative: bool) -> Result<RateEstimate, NoEstimate> {
        let found = self.experience().estimator.estimate_smart(target, conservative);
        let target = found.target;
        let none = || NoEstimate { target, reason: "Insufficient data or no feerate found".to_owned() };
        let rate = found.rate.ok_or_else(none)?;
        Ok(RateEstimate { rate, target, by: Estimator::Blocks, reason: found.reason })
    }

    fn estimate_by_pool(&self, chain: &Reader, conservative: bool) -> Result<RateEstimate, NoEstimate> {
        let name = Estimator::Pool.name();
        let none =
            |reason: &dyn std::fmt::Display| NoEstimate { target: POOL_TARGET, reason: format!("{name}: {reason}") };
        if !self.read().load_tried() {
            return Err(none(&"Mempool not loaded yet, no fee rate estimate available"));
        }
        let tip = chain.tip().map(|tip| tip.hash);
        let now = self.inner.now();
        let cached = {
            let experience = self.experience();
            experience.health.check().map_err(|unhealthy| none(&unhealthy))?;
            experience.cached
        };
        let usable = |cached: &Cached| Some(cached.tip) == tip && cached.time.saturating_add(CACHE_LIFE) >= now;
        let rates = if let Some(cached) = cached.filter(usable) {
            cached.rates
        } else {
            let next = self.template(chain, &TemplateOptions::default());
            let next = next.ok_or_else(|| none(&"Failed to create block template for fee rate estimation"))?;
            let relay = self.read().options().min_relay_fee;
            let floor = self.min_fee();
            let floor = if floor.cmp_rate(&relay).is_gt() { floor } else { relay };
            let rates = percentiles(next.template.chunk_rates).map(|rate| rate.unwrap_or(floor));
            self.experience().cached = Some(Cached { tip: next.prev, time: now, rates });
            rates
        };
        let [half, most] = rates;
        let rate = if conservative { half } else { most };
        Ok(RateEstimate { rate, target: POOL_TARGET, by: Estimator::Pool, reason: None })
    }
}

fn lock(experience: &Mutex<Experience>) -> MutexGuard<'_, Experience> {
    // Half a lesson only makes estimates worse.
    experience.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_a_full_block() {
        let chunk = |rate: i64| FeeRate::new(rate * 250_000, 250_000);
        assert_eq!(percentiles(Vec::new()), [None, None]);
        assert_eq!(percentiles(vec![chunk(4)]), [None, None]);
        assert_eq!(percentiles(vec![chunk(4), chunk(9)]), [Some(chunk(4)), None]);
        let all = vec![chunk(1), chunk(7), chunk(4), chunk(9)];
        assert_eq!(percentiles(all), [Some(chunk(7)), Some(chunk(4))]);
    }

    #[test]
    fn names_lead_back() {
        for estimator in [Estimator::Lower, Estimator::Blocks, Estimator::Pool] {
            assert_eq!(Estimator::of_name(estimator.name()), estimator);
        }
        assert_eq!(Estimator::of_name("anything"), Estimator::Lower);
    }
}
