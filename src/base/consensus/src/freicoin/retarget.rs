//! The target of the next header: first every 2016 blocks, then by a filter over the last 144 times.
//!
//! The filter is a finite impulse response: each time between two headers is multiplied by a coefficient, the newest first,
//! and the sum tells whether blocks come too fast or too slowly. Every ninth block the target is moved by a part of that.
//!
//! Merged work has a target of its own, which moves with every block. Its filter is recursive: what it made of the last
//! four times and of the block before the last is the state that each block's proof holds.

use std::ops::ControlFlow;

use bitcoin::BlockHash;
use bitcoin::hashes::Hash;
use coin::{Activation, FreicoinExtra};

use crate::pow::PowParams;
use crate::uint256::U256;
use crate::view::{HeaderView, MergedFacts, tip};

/// The state of the recursive filter has 56 bits in a header.
const FILTERED_TIME: std::ops::RangeInclusive<i64> = -(1 << 55)..=(1 << 55) - 1;
/// How many headers back the loosened rule looks.
const RECENT: u32 = 11;

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
    scaled(pow.limit, last.bits, part)
}

/// What the proof of the header after `prev` has to say, if that header has these bits.
pub(super) fn next_merged(pow: &PowParams, data: &FreicoinExtra, prev: &dyn HeaderView, bits: u32) -> MergedFacts {
    let filtered_time = filtered_time_merged(data, prev);
    let bits = match prev.merged(prev.height()) {
        // The first one asks for half of the work of the header itself.
        None => (U256::from_compact(bits).value << 1).to_compact(),
        Some(last) if pow.no_retargeting => last.bits,
        Some(last) => {
            let limit = U256::from_le_bytes(data.aux_pow_limit);
            scaled(limit, last.bits, by_filter_merged(data, filtered_time))
        }
    };
    MergedFacts { bits, filtered_time }
}

/// Whether the merged work of the header after `prev` may have the target `bits` where only sudden jumps are refused: it
/// is between half of the hardest and twice the easiest of the last headers.
pub(super) fn is_near(data: &FreicoinExtra, prev: &dyn HeaderView, bits: u32) -> bool {
    let easiest = U256::from_le_bytes(data.aux_pow_limit);
    let (mut low, mut high) = (easiest, U256::ONE);
    let heights = (prev.height().saturating_sub(RECENT - 1)..=prev.height()).rev();
    let mut recent = heights.map_while(|height| prev.merged(height)).peekable();
    if recent.peek().is_none() {
        return bits == easiest.to_compact();
    }
    for merged in recent {
        let target = U256::from_compact(merged.bits).value;
        (low, high) = (low.min(target >> 1), high.max(target << 1));
    }
    (low..=high).contains(&U256::from_compact(bits).value)
}

/// How long a merged-mined block takes, as a recursive filter sees it: seconds, with 32 bits behind the point.
fn filtered_time_merged(data: &FreicoinExtra, prev: &dyn HeaderView) -> i64 {
    let spacing = i64::from(data.aux_pow_target_spacing);
    let mut times = Vec::with_capacity(4);
    prev.walk_back(prev.height(), &mut |header| {
        times.push(i64::from(header.time));
        if times.len() > 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let gaps = times.windows(2).map(|pair| pair[0] - pair[1]).chain(std::iter::repeat(spacing));
    let before = match prev.height().checked_sub(1) {
        Some(height) => prev.merged(height).map_or(0, |merged| merged.filtered_time),
        None => spacing << 32,
    };
    let [factors @ .., feedback] = data.aux_filter_b0_b1_b2_a2;
    // Times of a hundred years do not fit any more. They come round, as they do in the reference.
    let seen = factors.iter().zip(gaps).fold(0i64, |sum, (factor, gap)| sum.wrapping_add(factor.wrapping_mul(gap)));
    let (whole, part) = (before >> 32, before & i64::from(u32::MAX));
    let filtered = seen.wrapping_sub(whole.wrapping_mul(feedback)).wrapping_sub((part * feedback) >> 32);
    filtered.clamp(*FILTERED_TIME.start(), *FILTERED_TIME.end())
}

/// What the recursive filter makes of the target of the merged work.
fn by_filter_merged(data: &FreicoinExtra, filtered: i64) -> Fraction {
    let spacing = i64::from(data.aux_pow_target_spacing);
    let limits = (data.aux_filter_low, data.aux_filter_high);
    proportional(data.aux_gain, data.aux_limiter, limits, spacing << 32, filtered)
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
        let scaled = scaled(pow.limit, old, Fraction { numerator, denominator: timespan });
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
    let spacing = i64::from(pow.spacing.get());
    proportional(data.filter_gain, data.filter_limiter, (data.filter_low, data.filter_high), spacing << 31, filtered)
}

/// The target moves by a part of how far the filtered time is from what it should be, within limits.
fn proportional(
    [gain, of]: [i64; 2],
    [more, less]: [i64; 2],
    (low, high): (i64, i64),
    expected: i64,
    filtered: i64,
) -> Fraction {
    let (difficulty, unit) = if filtered < low {
        (more, less)
    } else if filtered > high {
        (less, more)
    } else {
        ((gain + of) * expected - gain * filtered, of * expected)
    };
    // The fraction says how much harder it becomes, so the target is divided by it.
    let positive = |n: i64| u64::try_from(n).unwrap_or(0);
    Fraction { numerator: positive(unit), denominator: positive(difficulty) }
}

/// A target times a fraction, no easier than the limit.
fn scaled(limit: U256, bits: u32, part: Fraction) -> u32 {
    let old = U256::from_compact(bits).value;
    old.mul_div_u64(part.numerator, part.denominator).map_or(limit, |target| target.min(limit)).to_compact()
}

#[cfg(test)]
mod tests;
