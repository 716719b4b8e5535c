//! Fee rates as exact fractions, and the diagrams that they draw.
//!
//! A rate is a fee and a size, never their quotient: comparing two rates is one multiplication each way, and adding the
//! rates of two transactions gives the rate of both together.

use std::{
    cmp::Ordering,
    ops::{Add, AddAssign, Sub},
};

/// A fee and the size that pays it. Without a size it is the rate of nothing, which is zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FeeRate {
    /// In the coin's smallest unit.
    pub fee: i64,
    /// In virtual bytes or in weight units, as the place says.
    pub size: i64,
}

/// A length or a weight as a signed number, in which fees are counted too.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl FeeRate {
    /// A fee for a size. A size that is not positive makes the empty rate.
    pub const fn new(fee: i64, size: i64) -> Self {
        if size > 0 { Self { fee, size } } else { Self { fee: 0, size: 0 } }
    }

    /// So much for a thousand virtual bytes, as options name rates.
    pub const fn per_kvb(fee: i64) -> Self {
        Self { fee, size: 1000 }
    }

    /// What a thousand virtual bytes cost, rounded down.
    pub fn fee_per_kvb(self) -> i64 {
        if self.size == 0 { 0 } else { clamp((i128::from(self.fee) * 1000).div_euclid(i128::from(self.size))) }
    }

    /// What `size` costs at this rate, rounded up.
    pub fn fee_for(self, size: i64) -> i64 {
        if self.size == 0 {
            return 0;
        }
        let fee = -(-(i128::from(self.fee) * i128::from(size))).div_euclid(i128::from(self.size));
        // A negative rate must not round to nothing.
        if fee == 0 && size != 0 && self.fee < 0 { -1 } else { clamp(fee) }
    }

    /// Compares what one unit of size pays. Rates with other sizes may be equal here that are not `==`.
    pub fn cmp_rate(&self, other: &Self) -> Ordering {
        (i128::from(self.fee) * i128::from(other.size)).cmp(&(i128::from(other.fee) * i128::from(self.size)))
    }

    /// The same rate by virtual bytes, of one by weight.
    #[must_use]
    pub fn by_vsize(self) -> Self {
        Self { fee: self.fee, size: (self.size + 3) / 4 }
    }

    /// As the daemon writes it, with the currency's code.
    pub fn text(self, ticker: &str) -> String {
        let rate = self.fee_per_kvb();
        format!("{}.{:08} {ticker}/kvB", rate / 100_000_000, (rate % 100_000_000).abs())
    }
}

fn clamp(wide: i128) -> i64 {
    i64::try_from(wide).unwrap_or(if wide < 0 { i64::MIN } else { i64::MAX })
}

impl Add for FeeRate {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { fee: self.fee.saturating_add(other.fee), size: self.size.saturating_add(other.size) }
    }
}

impl AddAssign for FeeRate {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for FeeRate {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self { fee: self.fee.saturating_sub(other.fee), size: self.size.saturating_sub(other.size) }
    }
}

/// Compares two diagrams, each the chunks of some transactions from the best rate to the worst: how much fee is had in
/// how little space. `None` if each is better somewhere.
pub fn compare_diagrams(a: &[FeeRate], b: &[FeeRate]) -> Option<Ordering> {
    let (mut a, mut b) = (corners(a), corners(b));
    // Behind its end a diagram goes on horizontally, and one that falls at its end must not hide that.
    let end = a.iter().chain(&b).map(|corner| corner.size).max().unwrap_or(0);
    for diagram in [&mut a, &mut b] {
        let last = diagram.last().copied().unwrap_or_default();
        if last.size < end {
            diagram.push(FeeRate { fee: last.fee, size: end });
        }
    }
    // Where one ends by falling, the other may be above it although none of its own corners is.
    let above = |points: &[FeeRate], other: &[FeeRate]| {
        let is = |point: &FeeRate, of: &[FeeRate], side| compare_at(*point, of) == Some(side);
        points.iter().any(|p| is(p, other, Ordering::Greater)) || other.iter().any(|p| is(p, points, Ordering::Less))
    };
    match (above(&a, &b), above(&b, &a)) {
        (false, false) => Some(Ordering::Equal),
        (true, false) => Some(Ordering::Greater),
        (false, true) => Some(Ordering::Less),
        (true, true) => None,
    }
}

/// The corners of a diagram: sums of its chunks, from the origin on.
fn corners(chunks: &[FeeRate]) -> Vec<FeeRate> {
    let mut at = FeeRate::default();
    let mut points = vec![at];
    points.extend(chunks.iter().map(|chunk| {
        at += *chunk;
        at
    }));
    points
}

/// Where a point lies, compared with a diagram of at least its size: above it, below it, on it.
fn compare_at(point: FeeRate, corners: &[FeeRate]) -> Option<Ordering> {
    let next = corners.partition_point(|corner| corner.size < point.size);
    match (next.checked_sub(1).map(|n| corners[n]), corners.get(next)) {
        (_, Some(right)) if right.size == point.size => Some(point.fee.cmp(&right.fee)),
        (Some(left), Some(right)) => Some((point - left).cmp_rate(&(*right - left))),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
