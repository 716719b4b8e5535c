//! Which target the next header must have.

use std::ops::ControlFlow;

use super::PowParams;
use crate::uint256::U256;
use crate::view::{HeaderFacts, HeaderView, tip};

/// The compact target that a header with this `time` must have after `prev`.
pub fn next_work_required(pow: &PowParams, prev: &dyn HeaderView, time: u32) -> u32 {
    let last = tip(prev);
    if !pow.opens_period(last.height.wrapping_add(1)) {
        if !pow.allow_min_difficulty {
            return last.bits;
        }
        let gap = u64::from(pow.spacing.get()) * u64::from(pow.min_difficulty_gap);
        if u64::from(time) > u64::from(last.time) + gap {
            return pow.limit_bits();
        }
        return last_real_bits(pow, prev, &last);
    }
    // One less than the period: the timespan is measured from the first header of the period to its last, not to the
    // first of the next one. It is off by one, and it is the rule.
    let first_height = last.height.saturating_sub(pow.interval.get() - 1);
    let first = prev.at(first_height).expect("a branch holds every height below its tip");
    next_target_after_period(pow, &last, &first)
}

/// The target of the last header that did not use the exception for late headers.
fn last_real_bits(pow: &PowParams, prev: &dyn HeaderView, last: &HeaderFacts) -> u32 {
    let limit = pow.limit_bits();
    let mut bits = last.bits;
    prev.walk_back(last.height, &mut |header| {
        bits = header.bits;
        if header.bits != limit || pow.opens_period(header.height) {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    bits
}

/// The compact target after a period that began with `first` and ended with `last`.
pub fn next_target_after_period(pow: &PowParams, last: &HeaderFacts, first: &HeaderFacts) -> u32 {
    if pow.no_retargeting {
        return last.bits;
    }
    let (shortest, longest) = timespan_limits(pow);
    let actual = i64::from(last.time) - i64::from(first.time);
    let actual = u64::try_from(actual).unwrap_or(0).clamp(shortest, longest);
    // Under BIP94 the first header of a period always carries the real target: it may not use the exception.
    let old = if pow.bip94 { first.bits } else { last.bits };
    scaled(pow, old, actual).to_compact()
}

/// Whether a header at `height` may have `new_bits` after a parent with `old_bits`, whatever their times are. This is all
/// that can be told about a header whose period is not known.
pub fn permitted_transition(pow: &PowParams, height: u32, old_bits: u32, new_bits: u32) -> bool {
    if pow.allow_min_difficulty {
        return true;
    }
    if !pow.opens_period(height) {
        return old_bits == new_bits;
    }
    let (shortest, longest) = timespan_limits(pow);
    let rounded = |timespan| U256::from_compact(scaled(pow, old_bits, timespan).to_compact()).value;
    (rounded(shortest)..=rounded(longest)).contains(&U256::from_compact(new_bits).value)
}

/// The shortest and the longest time that a period is taken to have lasted.
fn timespan_limits(pow: &PowParams) -> (u64, u64) {
    let timespan = u64::from(pow.timespan);
    (timespan / 4, timespan * 4)
}

/// `bits` times `actual` over the timespan, never easier than the limit.
fn scaled(pow: &PowParams, bits: u32, actual: u64) -> U256 {
    let product = U256::from_compact(bits).value.wrapping_mul_u64(actual);
    let (target, _) =
        product.div_rem(U256::from(pow.timespan)).expect("a timespan is at least one spacing, so not zero");
    target.min(pow.limit)
}
