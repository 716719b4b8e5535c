//! The target of the next header: first every 2016 blocks, then by a filter over the last 144 times.
//!
//! The filter is a finite impulse response: each time between two headers is multiplied by a coefficient, the newest first,
//! and the sum tells whether blocks come too fast or too slowly. Every ninth block the target is moved by a part of that.

use std::ops::ControlFlow;

use bitcoin::BlockHash;
use bitcoin::hashes::Hash;
use coin::{Activation, FreicoinExtra};

use crate::pow::PowParams;
use crate::uint256::U256;
use crate::view::{HeaderView, tip};

/// A part of the old target, as a fraction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Fraction {
    numerator: u64,
    denominator: u64,
}

/// The compact target of the header after `prev`.
pub(super) fn next_bits(pow: &PowParams, data: &FreicoinExtra, prev: &dyn HeaderView) -> u32 {
    let last = tip(prev);
    let reset = data.difficulty_reset_after_block.map(BlockHash::from_byte_array);
    if let (true, Some(bits)) = (reset == Some(last.hash), data.difficulty_reset_bits) {
        return bits;
    }
    let filtered = is_filtered(data, last.height.saturating_add(1));
    let interval = if filtered { data.filtered_adjust_interval } else { data.original_adjust_interval };
    if pow.no_retargeting || !last.height.saturating_add(1).is_multiple_of(interval.max(1)) {
        return last.bits;
    }
    let part =
        if filtered { by_filter(pow, data, filtered_time(pow, data, prev)) } else { by_timespan(pow, data, prev) };
    scaled(pow, last.bits, part)
}

/// Whether the filter sets the target of a header at `height`.
fn is_filtered(data: &FreicoinExtra, height: u32) -> bool {
    match data.diff_adjust_threshold {
        // The comparison is with the height of the parent, plus one.
        Activation::At(threshold) => height >= threshold,
        _ => false,
    }
}

/// Whether a header at `height` may have `new` after a parent with `old`, whatever their times are.
pub(super) fn permitted(pow: &PowParams, data: &FreicoinExtra, height: u32, old: u32, new: u32) -> bool {
    let threshold = match data.diff_adjust_threshold {
        Activation::At(threshold) => threshold.saturating_sub(1),
        _ => u32::MAX,
    };
    if pow.no_retargeting || height >= threshold {
        return true;
    }
    if !height.is_multiple_of(data.original_adjust_interval.max(1)) {
        return old == new;
    }
    let timespan = original_timespan(pow, data);
    let limit = |numerator| {
        let scaled = scaled(pow, old, Fraction { numerator, denominator: timespan });
        U256::from_compact(scaled).value
    };
    (limit(timespan / 4)..=limit(timespan * 4)).contains(&U256::from_compact(new).value)
}

fn original_timespan(pow: &PowParams, data: &FreicoinExtra) -> u64 {
    u64::from(data.original_adjust_interval) * u64::from(pow.spacing.get())
}

/// How long the last period took, between a quarter and four times of what it should have.
fn by_timespan(pow: &PowParams, data: &FreicoinExtra, prev: &dyn HeaderView) -> Fraction {
    let last = tip(prev);
    let interval = data.original_adjust_interval;
    // The very first period has no header before it to be measured from.
    let back = if last.height.saturating_add(1) == interval { interval.saturating_sub(1) } else { interval };
    let first = prev.at(last.height.saturating_sub(back)).expect("a branch holds every height below its tip");
    let timespan = original_timespan(pow, data);
    let actual = u64::try_from(i64::from(last.time) - i64::from(first.time)).unwrap_or(0);
    Fraction { numerator: actual.clamp(timespan / 4, timespan * 4), denominator: timespan }
}

/// The sum of the last times between headers, each times its coefficient; what is missing counts as on time.
fn filtered_time(pow: &PowParams, data: &FreicoinExtra, prev: &dyn HeaderView) -> i64 {
    let mut times = Vec::with_capacity(data.filter_coefficients.len() + 1);
    prev.walk_back(prev.height(), &mut |header| {
        times.push(header.time);
        if times.len() > data.filter_coefficients.len() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let on_time = i32::try_from(pow.spacing.get()).unwrap_or(i32::MAX);
    let deltas = times.windows(2).map(|pair| pair[0].wrapping_sub(pair[1]).cast_signed());
    let deltas = deltas.chain(std::iter::repeat(on_time));
    // 144 products of numbers below 2^27 and 2^31 fit.
    data.filter_coefficients.iter().zip(deltas).fold(0i64, |sum, (c, delta)| sum.wrapping_add(c * i64::from(delta)))
}

/// What the filter makes of the target.
fn by_filter(pow: &PowParams, data: &FreicoinExtra, filtered: i64) -> Fraction {
    let ([gain, of], [more, less]) = (data.filter_gain, data.filter_limiter);
    let spacing = i64::from(pow.spacing.get());
    let (difficulty, unit) = if filtered < data.filter_low {
        (more, less)
    } else if filtered > data.filter_high {
        (less, more)
    } else {
        ((((gain + of) * spacing) << 31) - gain * filtered, (of * spacing) << 31)
    };
    // The fraction says how much harder it becomes, so the target is divided by it.
    let positive = |n: i64| u64::try_from(n).unwrap_or(0);
    Fraction { numerator: positive(unit), denominator: positive(difficulty) }
}

/// A target times a fraction, no easier than the limit.
fn scaled(pow: &PowParams, bits: u32, part: Fraction) -> u32 {
    let old = U256::from_compact(bits).value;
    old.mul_div_u64(part.numerator, part.denominator).map_or(pow.limit, |target| target.min(pow.limit)).to_compact()
}

#[cfg(test)]
mod tests;
