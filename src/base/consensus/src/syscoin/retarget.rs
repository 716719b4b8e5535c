//! The next target: a period of six hours, which has more blocks before the NEVM and fewer after.

use std::num::NonZeroU32;

use coin::SyscoinExtra;

use crate::pow::PowParams;
use crate::uint256::U256;
use crate::view::{HeaderFacts, HeaderView, tip};

/// How many headers the period of a header has whose parent is at that height.
pub(super) fn interval(pow: &PowParams, extra: &SyscoinExtra, parent: u32) -> NonZeroU32 {
    let spacing = if extra.nevm_start_block.is_active_at(parent) {
        pow.spacing.get()
    } else {
        extra.pre_nevm_target_spacing.max(1)
    };
    NonZeroU32::new(pow.timespan / spacing).unwrap_or(NonZeroU32::MIN)
}

/// The compact target that a header with this `time` must have after `prev`.
pub(super) fn next_work_required(pow: &PowParams, extra: &SyscoinExtra, prev: &dyn HeaderView, time: u32) -> u32 {
    let last = tip(prev);
    let interval = interval(pow, extra, last.height);
    let here = PowParams { interval, ..pow.clone() };
    if !here.opens_period(last.height.wrapping_add(1)) {
        // The same for every period length.
        return crate::pow::next_work_required(&here, prev, time);
    }
    let first_height = last.height.saturating_sub(interval.get() - 1);
    let first = prev.at(first_height).expect("a branch holds every height below its tip");
    after_period(pow, extra, &last, first.time)
}

/// The compact target after a period that began at `first` and ended with `last`.
fn after_period(pow: &PowParams, extra: &SyscoinExtra, last: &HeaderFacts, first: u32) -> u32 {
    if pow.no_retargeting {
        return last.bits;
    }
    let timespan = u64::from(pow.timespan);
    let (shortest, longest) = if extra.bridge_start_block.is_active_at(last.height) {
        let [shortest, longest] = extra.retarget_clamp_from_bridge;
        (u64::from(shortest), u64::from(longest))
    } else {
        (timespan / 4, timespan * 4)
    };
    let actual = u64::try_from(i64::from(last.time) - i64::from(first)).unwrap_or(0);
    let actual = actual.clamp(shortest, longest.max(shortest));
    let product = U256::from_compact(last.bits).value.wrapping_mul_u64(actual);
    let scaled = product.div_rem(U256::from(pow.timespan)).map_or(pow.limit, |(target, _)| target);
    scaled.min(pow.limit).to_compact()
}

/// Whether a header at `height` may follow one with `old_bits`.
pub(super) fn permitted_transition(
    pow: &PowParams,
    extra: &SyscoinExtra,
    height: u32,
    old_bits: u32,
    new_bits: u32,
) -> bool {
    let interval = interval(pow, extra, height.saturating_sub(1));
    crate::pow::permitted_transition(&PowParams { interval, ..pow.clone() }, height, old_bits, new_bits)
}
