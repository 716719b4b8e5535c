//! The fee estimator: how long transactions of each fee rate took to confirm, and what rate is therefore needed.
//!
//! Rates are sorted into buckets, each 5 % above the last. For three horizons, which forget at different speeds, the
//! estimator keeps how many transactions of a bucket were confirmed within so many blocks, and how many were not. An
//! estimate looks for the lowest buckets in which enough of them made it in time.
//!
//! It lives on what the pool tells: [`FeeEstimator::on_event`]. Nothing here waits or reads a clock.

mod file;
mod filter;
mod health;
mod stats;

use std::collections::HashMap;

use bitcoin::{Txid, hashes::Hash as _};

pub use file::BadEstimates;
pub use filter::FeeFilterRounder;
pub use health::{BadHealth, BlockWeights, Health, Unhealthy};
use stats::Stats;
pub use stats::{BucketRange, EstimateDetail};

use crate::{FeeRate, MempoolEvent};

const LOWEST: f64 = 100.0;
const HIGHEST: f64 = 1e7;
const SPACING: f64 = 1.05;
/// The bound of the last bucket, which takes all the rest.
const NO_BOUND: f64 = 1e99;
/// Saved estimates that are older than this many blocks do not count.
const OLDEST_HISTORY: u32 = 6 * 1008;
/// Shares of the transactions that must make it in half the time, in the time, and in twice the time.
const HALF_SUCCESS: f64 = 0.6;
const SUCCESS: f64 = 0.85;
const DOUBLE_SUCCESS: f64 = 0.95;
/// Transactions per block that are enough to tell something.
const ENOUGH: f64 = 0.1;
const ENOUGH_SHORT: f64 = 0.5;

/// How far back an estimate looks.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Horizon {
    /// Some hours; targets up to 12 blocks.
    Short,
    /// About a day; up to 48 blocks.
    Medium,
    /// About a week; up to 1008 blocks.
    Long,
}

impl Horizon {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Short, Self::Medium, Self::Long];

    /// The name in `estimaterawfee`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Medium => "medium",
            Self::Long => "long",
        }
    }
}

/// Which question gave the answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EstimateReason {
    /// Half the target.
    Half,
    /// The target.
    Full,
    /// Twice the target.
    Double,
    /// Twice the target, over a longer horizon.
    Conservative,
}

impl EstimateReason {
    /// As logs and wallets name it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Half => "Half Target 60% Threshold",
            Self::Full => "Target 85% Threshold",
            Self::Double => "Double Target 95% Threshold",
            Self::Conservative => "Conservative Double Target longer horizon",
        }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// The rate; `None` if there is not enough to go by.
    pub rate: Option<FeeRate>,
    /// The target that it is for, which may be another than asked.
    pub target: u32,
    /// Which question gave it.
    pub reason: Option<EstimateReason>,
    /// The buckets behind it.
    pub detail: Option<EstimateDetail>,
    /// The height that it is from.
    pub height: u32,
}

/// A transaction whose confirmation is waited for.
#[derive(Clone, Copy, Debug)]
struct Tracked {
    height: u32,
    bucket: u32,
    per_kvb: f64,
}

impl Tracked {
    fn bucket(&self) -> usize {
        usize::try_from(self.bucket).unwrap_or(usize::MAX)
    }
}

/// The beginning of a txid. Two that begin alike are taken for one, which costs a sample and no more.
type TxKey = u64;

fn key(txid: &Txid) -> TxKey {
    txid.as_byte_array().first_chunk().map_or(0, |start| TxKey::from_le_bytes(*start))
}

/// The estimator.
#[derive(Clone, Debug)]
pub struct FeeEstimator {
    /// The highest rate of each bucket.
    buckets: Vec<f64>,
    short: Stats,
    medium: Stats,
    long: Stats,
    best_height: u32,
    first_recorded: u32,
    history: (u32, u32),
    tracked: HashMap<TxKey, Tracked>,
}

impl Default for FeeEstimator {
    fn default() -> Self {
        let mut buckets: Vec<f64> = std::iter::successors(Some(LOWEST), |bound| Some(bound * SPACING))
            .take_while(|bound| *bound <= HIGHEST)
            .collect();
        buckets.push(NO_BOUND);
        let count = buckets.len();
        Self {
            buckets,
            short: Stats::new(count, 12, 0.962, 1),
            medium: Stats::new(count, 24, 0.9952, 2),
            long: Stats::new(count, 42, 0.999_31, 24),
            best_height: 0,
            first_recorded: 0,
            history: (0, 0),
            tracked: HashMap::new(),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "rates are far below 2^53")]
fn float(rate: i64) -> f64 {
    rate as f64
}

#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and rates are averages of 64-bit numbers")]
fn rate_of(per_kvb: f64) -> Option<FeeRate> {
    Some(per_kvb.round() as i64).filter(|rate| *rate > 0).map(FeeRate::per_kvb)
}

impl FeeEstimator {
    /// Learns from what happened in the pool.
    pub fn on_event(&mut self, event: &MempoolEvent) {
        match event {
            MempoolEvent::Added { tx, fee, vsize, height, tells_fee, .. } => {
                if *tells_fee {
                    self.track(tx.txid(), *height, FeeRate::new(*fee, *vsize));
                }
            }
            MempoolEvent::Removed { tx, .. } => {
                self.remove(key(&tx.txid()), false);
            }
            MempoolEvent::Confirmed { txs, height, .. } => {
                let txids: Vec<Txid> = txs.iter().map(|tx| tx.txid()).collect();
                self.confirm(&txids, *height);
            }
        }
    }

    fn stats_mut(&mut self) -> [&mut Stats; 3] {
        [&mut self.short, &mut self.medium, &mut self.long]
    }

    fn stats(&self, horizon: Horizon) -> (&Stats, f64) {
        match horizon {
            Horizon::Short => (&self.short, ENOUGH_SHORT),
            Horizon::Medium => (&self.medium, ENOUGH),
            Horizon::Long => (&self.long, ENOUGH),
        }
    }

    fn track(&mut self, txid: Txid, height: u32, rate: FeeRate) {
        // Out of step with the chain nothing can be learned.
        if height != self.best_height || self.tracked.contains_key(&key(&txid)) {
            return;
        }
        let per_kvb = float(rate.fee_per_kvb());
        let bucket = self.buckets.partition_point(|bound| *bound < per_kvb).min(self.buckets.len() - 1);
        for stats in self.stats_mut() {
            stats.wait(height, bucket);
        }
        let bucket = u32::try_from(bucket).unwrap_or(u32::MAX);
        self.tracked.insert(key(&txid), Tracked { height, bucket, per_kvb });
    }

    fn remove(&mut self, tx: TxKey, confirmed: bool) -> Option<Tracked> {
        let tracked = self.tracked.remove(&tx)?;
        let best = self.best_height;
        for stats in self.stats_mut() {
            stats.leave(tracked.height, best, tracked.bucket(), confirmed);
        }
        Some(tracked)
    }

    fn confirm(&mut self, txids: &[Txid], height: u32) {
        if height <= self.best_height {
            return;
        }
        self.best_height = height;
        for stats in self.stats_mut() {
            stats.next_block(height);
        }
        let mut counted = false;
        for txid in txids {
            let Some(tracked) = self.remove(key(txid), true) else { continue };
            let blocks = height.saturating_sub(tracked.height);
            if blocks == 0 {
                continue;
            }
            for stats in self.stats_mut() {
                stats.record(blocks, tracked.bucket(), tracked.per_kvb);
            }
            counted = true;
        }
        if self.first_recorded == 0 && counted {
            self.first_recorded = height;
        }
    }

    /// At the end of the program: what still waits counts as not confirmed.
    pub fn give_up_waiting(&mut self) {
        let waiting: Vec<TxKey> = self.tracked.keys().copied().collect();
        for tx in waiting {
            self.remove(tx, false);
        }
    }

    fn span(&self) -> u32 {
        if self.first_recorded == 0 { 0 } else { self.best_height.saturating_sub(self.first_recorded) }
    }

    fn historical_span(&self) -> u32 {
        let (first, best) = self.history;
        if first == 0 || self.best_height.saturating_sub(best) > OLDEST_HISTORY {
            0
        } else {
            best.saturating_sub(first)
        }
    }

    /// The longest target that a horizon follows.
    pub fn highest_target(&self, horizon: Horizon) -> u32 {
        self.stats(horizon).0.max_blocks()
    }

    fn ask(&self, horizon: Horizon, target: u32, success: f64) -> (Option<f64>, EstimateDetail) {
        let (stats, enough) = self.stats(horizon);
        stats.estimate(&self.buckets, target, enough, success, self.best_height)
    }

    /// `estimaterawfee`: one question to one horizon. `None` for targets that it does not follow.
    pub fn estimate_raw(
        &self,
        target: u32,
        success: f64,
        horizon: Horizon,
    ) -> Option<(Option<FeeRate>, EstimateDetail)> {
        if target == 0 || target > self.highest_target(horizon) || success > 1.0 {
            return None;
        }
        let (rate, detail) = self.ask(horizon, target, success);
        Some((rate.and_then(rate_of), detail))
    }

    /// The shortest horizon that follows the target; shorter ones may lower the answer.
    fn combined(&self, target: u32, success: f64, shorter_too: bool) -> Option<(f64, EstimateDetail)> {
        let own = Horizon::ALL.into_iter().find(|horizon| target <= self.highest_target(*horizon))?;
        let mut best = answer(self.ask(own, target, success));
        for horizon in [Horizon::Medium, Horizon::Short].into_iter().filter(|_| shorter_too) {
            let highest = self.highest_target(horizon);
            if target > highest
                && let Some(other) = answer(self.ask(horizon, highest, success))
                && other.0 > 0.0
                && best.as_ref().is_none_or(|best| other.0 < best.0)
            {
                best = Some(other);
            }
        }
        best
    }

    /// The longer horizons must agree.
    fn conservative(&self, double: u32) -> Option<(f64, EstimateDetail)> {
        let mut best = None;
        for (limit, horizon) in [(Horizon::Short, Horizon::Medium), (Horizon::Medium, Horizon::Long)] {
            if double <= self.highest_target(limit) {
                best = higher(best, answer(self.ask(horizon, double, DOUBLE_SUCCESS)));
            }
        }
        best
    }

    /// `estimatesmartfee`: the rate that confirms within `target` blocks, or within the nearest target that can be told.
    pub fn estimate_smart(&self, target: u32, conservative: bool) -> Estimate {
        let nothing = |target| Estimate { rate: None, target, reason: None, detail: None, height: self.best_height };
        if target == 0 || target > self.highest_target(Horizon::Long) {
            return nothing(target);
        }
        // Nobody can promise the next block.
        let usable = self.highest_target(Horizon::Long).min(self.span().max(self.historical_span()) / 2);
        let target = target.max(2).min(usable);
        if target <= 1 {
            return nothing(target);
        }
        let mut reason = EstimateReason::Half;
        let mut best = self.combined(target / 2, HALF_SUCCESS, true);
        let mut offer = |best: &mut Option<(f64, EstimateDetail)>, other: Option<(f64, EstimateDetail)>, why| {
            if let Some(other) = other
                && best.as_ref().is_none_or(|best| other.0 > best.0)
            {
                *best = Some(other);
                reason = why;
            }
        };
        offer(&mut best, self.combined(target, SUCCESS, true), EstimateReason::Full);
        offer(&mut best, self.combined(2 * target, DOUBLE_SUCCESS, !conservative), EstimateReason::Double);
        if conservative || best.is_none() {
            offer(&mut best, self.conservative(2 * target), EstimateReason::Conservative);
        }
        let Some((rate, detail)) = best else { return nothing(target) };
        let rate = rate_of(rate);
        Estimate { rate, target, reason: Some(reason), detail: Some(detail), height: self.best_height }
    }
}

fn answer((rate, detail): (Option<f64>, EstimateDetail)) -> Option<(f64, EstimateDetail)> {
    Some((rate?, detail))
}

fn higher(a: Option<(f64, EstimateDetail)>, b: Option<(f64, EstimateDetail)>) -> Option<(f64, EstimateDetail)> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.0 > a.0 { b } else { a }),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests;
