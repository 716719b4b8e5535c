//! Rules that others seem to know and we do not: bits that many blocks signal and no upgrade of ours uses.

use std::num::NonZeroU32;

use super::bip9::Counter;
use super::{CacheSlot, Machine, ThresholdState, VersionBitsCache, block_version, signals};
use crate::params::ChainParams;
use crate::view::{Below, HeaderFacts, HeaderView};

/// How many bits are looked at (BIP323 leaves the others to miners).
pub const NUM_BITS: u8 = 5;

/// The bits that were signalled by more blocks than chance allows, each with whether its rules should be in force by now
/// (or else after one more period).
pub fn unknown_activations(
    params: &ChainParams,
    branch: &dyn HeaderView,
    cache: &dyn VersionBitsCache,
) -> Vec<(u8, bool)> {
    let (period, threshold) = if params.is_test_chain() {
        let period = params.pow().interval;
        (period, u32::try_from(u64::from(period.get()) * 3 / 4).expect("three quarters of a u32"))
    } else {
        (NonZeroU32::new(2016).expect("not zero"), 1815)
    };
    let mut found = Vec::new();
    for bit in 0..NUM_BITS {
        let mask = 1u32 << bit;
        let unexpected = |header: &HeaderFacts| {
            if header.height < params.min_bip9_warning_height() || !signals(header.version, mask) {
                return false;
            }
            let below = header.height.checked_sub(1).map(|parent| Below::new(branch, parent));
            let parents = below.as_ref().map(|below| -> &dyn HeaderView { below });
            block_version(params.deployments(), parents, cache).cast_unsigned() & mask == 0
        };
        let counter = Counter {
            slot: CacheSlot::UnknownBit(bit),
            start: 0,
            timeout: i64::MAX,
            min_activation_height: 0,
            period,
            threshold,
            machine: Machine::ThresholdFirst,
            signals: &unexpected,
        };
        match counter.state_after(Some(branch), cache) {
            ThresholdState::Active => found.push((bit, true)),
            ThresholdState::LockedIn => found.push((bit, false)),
            _ => {}
        }
    }
    found
}
