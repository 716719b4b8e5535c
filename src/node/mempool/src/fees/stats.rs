//! What one horizon remembers.

use std::ops::Range;

/// A range of buckets and what became of its transactions. Averages over blocks, the newer counting more.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct BucketRange {
    /// The rates above this, per thousand virtual bytes.
    pub start: f64,
    /// Up to this.
    pub end: f64,
    /// Confirmed within the target.
    pub within_target: f64,
    /// Confirmed at all.
    pub confirmed: f64,
    /// Still waiting for longer than the target.
    pub in_mempool: f64,
    /// Gone without a block.
    pub left_mempool: f64,
}

/// How an estimate came about.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct EstimateDetail {
    /// The lowest buckets that were good enough.
    pub pass: Option<BucketRange>,
    /// The highest below them that were not.
    pub fail: Option<BucketRange>,
    /// What is left of an average after a block.
    pub decay: f64,
    /// Blocks that are counted as one.
    pub scale: u32,
}

/// Averages by bucket, and by period where there are two levels.
#[derive(Clone, Debug)]
pub(super) struct Stats {
    pub(super) decay: f64,
    pub(super) scale: u32,
    /// The sum of the rates.
    pub(super) rates: Vec<f64>,
    /// How many transactions.
    pub(super) count: Vec<f64>,
    /// How many were confirmed within so many periods.
    pub(super) confirmed: Vec<Vec<f64>>,
    /// How many left without a block after so many periods.
    pub(super) failed: Vec<Vec<f64>>,
    /// How many of those that came at a height still wait, in a ring of heights.
    waiting: Vec<Vec<u32>>,
    /// How many wait for longer.
    waiting_long: Vec<u32>,
    /// The buckets in which anything was ever counted. In all others there are zeros, which need not fade.
    used: Range<usize>,
}

#[derive(Clone, Copy, Default)]
struct Sums {
    within: f64,
    total: f64,
    failed: f64,
    waiting: u32,
}

impl Sums {
    fn range(&self, buckets: &[f64], far: usize, near: usize) -> BucketRange {
        BucketRange {
            start: far.checked_sub(1).map_or(0.0, |below| buckets[below]),
            end: buckets[near],
            within_target: self.within,
            confirmed: self.total,
            in_mempool: f64::from(self.waiting),
            left_mempool: self.failed,
        }
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn widen(used: &mut Range<usize>, bucket: usize) {
    *used = if used.start >= used.end { bucket..bucket + 1 } else { used.start.min(bucket)..used.end.max(bucket + 1) };
}

impl Stats {
    pub(super) fn new(buckets: usize, periods: usize, decay: f64, scale: u32) -> Self {
        let table = vec![vec![0.0; buckets]; periods];
        Self::of(decay, scale, vec![0.0; buckets], vec![0.0; buckets], table.clone(), table)
    }

    /// From what was saved; nothing waits.
    pub(super) fn of(
        decay: f64,
        scale: u32,
        rates: Vec<f64>,
        count: Vec<f64>,
        confirmed: Vec<Vec<f64>>,
        failed: Vec<Vec<f64>>,
    ) -> Self {
        let (buckets, blocks) = (rates.len(), confirmed.len() * index(scale));
        let (waiting, waiting_long) = (vec![vec![0; buckets]; blocks], vec![0; buckets]);
        let mut used = 0..0;
        for row in confirmed.iter().chain(&failed).chain([&rates, &count]) {
            for (bucket, value) in row.iter().enumerate() {
                if value.to_bits() != 0 {
                    widen(&mut used, bucket);
                }
            }
        }
        Self { decay, scale, rates, count, confirmed, failed, waiting, waiting_long, used }
    }

    pub(super) fn max_blocks(&self) -> u32 {
        u32::try_from(self.waiting.len()).unwrap_or(u32::MAX)
    }

    fn slot(&self, height: u32) -> usize {
        index(height) % self.waiting.len()
    }

    /// A transaction came.
    pub(super) fn wait(&mut self, height: u32, bucket: usize) {
        let slot = self.slot(height);
        self.waiting[slot][bucket] += 1;
    }

    /// A transaction left.
    pub(super) fn leave(&mut self, entered: u32, best: u32, bucket: usize, confirmed: bool) {
        let ago = if best == 0 { 0 } else { best.saturating_sub(entered) };
        let slot = self.slot(entered);
        let counter =
            if ago >= self.max_blocks() { &mut self.waiting_long[bucket] } else { &mut self.waiting[slot][bucket] };
        *counter = counter.saturating_sub(1);
        if !confirmed && ago >= self.scale {
            widen(&mut self.used, bucket);
            for failed in self.failed.iter_mut().take(index(ago / self.scale)) {
                failed[bucket] += 1.0;
            }
        }
    }

    /// A block came: what has waited for the whole ring is old now, and the past fades.
    pub(super) fn next_block(&mut self, height: u32) {
        let slot = self.slot(height);
        for (long, waiting) in self.waiting_long.iter_mut().zip(&mut self.waiting[slot]) {
            *long += std::mem::take(waiting);
        }
        // Row by row: tens of thousands of numbers fade with each block, and a plain loop over a row is fast.
        let tables = self.confirmed.iter_mut().chain(&mut self.failed);
        for row in tables.chain([&mut self.rates, &mut self.count]) {
            for value in row.get_mut(self.used.clone()).unwrap_or_default() {
                *value *= self.decay;
            }
        }
    }

    /// A transaction was confirmed after so many blocks.
    pub(super) fn record(&mut self, blocks: u32, bucket: usize, per_kvb: f64) {
        let periods = blocks.div_ceil(self.scale);
        widen(&mut self.used, bucket);
        for confirmed in self.confirmed.iter_mut().skip(index(periods.saturating_sub(1))) {
            confirmed[bucket] += 1.0;
        }
        self.count[bucket] += 1.0;
        self.rates[bucket] += per_kvb;
    }

    /// How many of a bucket have waited for `target` blocks or longer.
    fn waiting_for(&self, bucket: usize, target: u32, height: u32) -> u32 {
        let ring = (target..self.max_blocks()).map(|ago| self.waiting[self.slot(height.wrapping_sub(ago))][bucket]);
        ring.sum::<u32>() + self.waiting_long[bucket]
    }

    /// The rate at which the share `success` is confirmed within `target` blocks: from the highest bucket down, ranges
    /// with `enough` transactions per block are looked at until they fail for good.
    pub(super) fn estimate(
        &self,
        buckets: &[f64],
        target: u32,
        enough: f64,
        success: f64,
        height: u32,
    ) -> (Option<f64>, EstimateDetail) {
        let period = index(target.div_ceil(self.scale).saturating_sub(1));
        let (mut sums, mut part, mut near) = (Sums::default(), 0.0, None);
        let (mut pass, mut fail, mut best) = (None, None, None);
        for bucket in (0..buckets.len()).rev() {
            let first = *near.get_or_insert(bucket);
            sums.within += self.confirmed[period][bucket];
            sums.total += self.count[bucket];
            sums.failed += self.failed[period][bucket];
            sums.waiting += self.waiting_for(bucket, target, height);
            part += self.count[bucket];
            if part < enough / (1.0 - self.decay) {
                continue;
            }
            part = 0.0;
            let share = sums.within / (sums.total + sums.failed + f64::from(sums.waiting));
            if share < success {
                fail.get_or_insert_with(|| sums.range(buckets, bucket, first));
                continue;
            }
            pass = Some(sums.range(buckets, bucket, first));
            best = Some((bucket, first));
            (sums, near, fail) = (Sums::default(), None, None);
        }
        if let (None, Some(first)) = (fail, near) {
            // Too few to tell: that is no success.
            fail = Some(sums.range(buckets, 0, first));
        }
        let rate = best.and_then(|(far, first)| self.median(far, first));
        (rate, EstimateDetail { pass, fail, decay: self.decay, scale: self.scale })
    }

    /// The mean rate of the bucket in which the middle transaction of a range is.
    fn median(&self, far: usize, near: usize) -> Option<f64> {
        let mut half = self.count[far..=near].iter().sum::<f64>() / 2.0;
        if half == 0.0 {
            return None;
        }
        for bucket in far..=near {
            if self.count[bucket] >= half {
                return Some(self.rates[bucket] / self.count[bucket]);
            }
            half -= self.count[bucket];
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    const BUCKETS: usize = 5;

    proptest! {
        #[test]
        fn what_was_never_counted_need_not_fade(steps in vec((0..4_u8, 0..BUCKETS, 0..9_u32), 0..60), reload_at: u8) {
            let new = || Stats::new(BUCKETS, 3, 0.9, 2);
            let (mut sparing, mut thorough) = (new(), new());
            for (number, (what, bucket, ago)) in steps.into_iter().enumerate() {
                if number == usize::from(reload_at % 60) {
                    let Stats { rates, count, confirmed, failed, .. } = sparing;
                    sparing = Stats::of(0.9, 2, rates, count, confirmed, failed);
                }
                thorough.used = 0..BUCKETS;
                for stats in [&mut sparing, &mut thorough] {
                    match what {
                        0 => stats.record(ago, bucket, 1000.5),
                        1 => stats.leave(20 - ago, 20, bucket, false),
                        _ => stats.next_block(20),
                    }
                }
                prop_assert_eq!(&sparing.rates, &thorough.rates);
                prop_assert_eq!(&sparing.count, &thorough.count);
                prop_assert_eq!(&sparing.confirmed, &thorough.confirmed);
                prop_assert_eq!(&sparing.failed, &thorough.failed);
            }
        }
    }
}
