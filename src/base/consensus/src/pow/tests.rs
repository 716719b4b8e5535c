//! Retargets of real blocks, the limits of the rule, and every walk over a chain against a naive one.

use bitcoin::hashes::Hash;
use bitcoin::pow::{CompactTarget, Target};
use proptest::prelude::*;

use super::*;
use crate::view::{HeaderFacts, HeaderVec, HeaderView};

fn main_net() -> PowParams {
    PowParams {
        limit: U256::MAX >> 32,
        timespan: 1_209_600,
        spacing: NonZeroU32::new(600).unwrap(),
        interval: NonZeroU32::new(2016).unwrap(),
        allow_min_difficulty: false,
        min_difficulty_gap: 2,
        no_retargeting: false,
        bip94: false,
    }
}

/// A small period, so that chains of many periods are cheap.
fn small(allow_min_difficulty: bool, bip94: bool) -> PowParams {
    PowParams {
        timespan: 60,
        spacing: NonZeroU32::new(10).unwrap(),
        interval: NonZeroU32::new(6).unwrap(),
        allow_min_difficulty,
        bip94,
        ..main_net()
    }
}

fn header(height: u32, time: u32, bits: u32) -> HeaderFacts {
    HeaderFacts { height, hash: BlockHash::all_zeros(), version: 1, time, bits }
}

fn hash_of(value: U256) -> BlockHash {
    BlockHash::from_byte_array(value.to_le_bytes())
}

#[test]
fn retargets_of_the_main_chain() {
    // last height, time of the first and of the last header, old bits, new bits
    let table = [
        (32_255, 1_261_130_161, 1_262_152_739, 0x1d00_ffff, 0x1d00_d86a), // no limit applies
        (2_015, 1_231_006_505, 1_233_061_996, 0x1d00_ffff, 0x1d00_ffff),  // the easiest target
        (68_543, 1_279_008_237, 1_279_297_671, 0x1c05_a3f4, 0x1c01_68fd), // a quarter
        (46_367, 1_263_163_443, 1_269_211_443, 0x1c38_7f6f, 0x1d00_e1fd), // four times
    ];
    let pow = main_net();
    for (height, first, last, old, new) in table {
        let (first, last) = (header(height - 2015, first, old), header(height, last, old));
        assert_eq!(next_target_after_period(&pow, &last, &first), new, "{height}");
        assert!(permitted_transition(&pow, height + 1, old, new), "{height}");
        assert!(!permitted_transition(&pow, height + 2, old, new) || old == new, "{height}");
    }
    assert!(!permitted_transition(&pow, 68_544, 0x1c05_a3f4, 0x1c01_68fd - 1));
    assert!(!permitted_transition(&pow, 46_368, 0x1c38_7f6f, 0x1d00_e1fd + 1));
}

#[test]
fn a_target_is_positive_not_zero_and_not_too_easy() {
    let pow = main_net();
    let one = hash_of(U256::ONE);
    let limit = pow.limit_bits();
    assert!(is_proven(&one, limit, &pow));
    assert!(!is_proven(&one, limit | 0x0080_0000, &pow), "negative");
    assert!(!is_proven(&one, !0x0080_0000, &pow), "overflow");
    assert!(!is_proven(&one, (pow.limit << 1).to_compact(), &pow), "too easy");
    assert!(!is_proven(&hash_of(pow.limit << 1), limit, &pow), "hash above target");
    assert!(!is_proven(&hash_of(U256::ZERO), 0, &pow), "zero");
    let exact = U256::from_compact(limit).value;
    assert!(is_proven(&hash_of(exact), limit, &pow));
    assert!(!is_proven(&hash_of(exact.wrapping_add(U256::ONE)), limit, &pow));
}

#[test]
#[expect(clippy::float_cmp, reason = "the value is defined by its floating point operations")]
fn difficulty_as_it_is_quoted() {
    assert_eq!(difficulty(0x1d00_ffff), 1.0);
    assert_eq!(difficulty(0x1b04_04cb), 16_307.420_938_523_983);
    assert!((difficulty(0x207f_ffff) - 4.656_542_373_906_925e-10).abs() < 1e-24);
    assert_eq!(difficulty(0x1d00_0000), f64::INFINITY);
}

#[test]
fn work_of_a_chain_is_time() {
    let pow = PowParams { limit: U256::MAX >> 1, ..main_net() };
    let one = proof_of_bits(0x207f_ffff);
    let work = |height: u64| one.wrapping_mul_u64(height);
    assert_eq!(equivalent_time(work(70), work(20), proof_of_bits(0x207f_ffff), &pow), 30_000);
    assert_eq!(equivalent_time(work(20), work(70), proof_of_bits(0x207f_ffff), &pow), -30_000);
    assert_eq!(equivalent_time(U256::MAX >> 20, U256::ZERO, proof_of_bits(0x207f_ffff), &pow), i64::MAX);
    assert_eq!(claimed_work([0x207f_ffff; 7]), work(7));
    assert_eq!(proof_of_bits(0x1d00_ffff), U256::from(0x1_0001_0001_u64));
    assert_eq!(proof_of_bits(0), U256::ZERO);
    assert_eq!(proof_of_bits(0x0480_0001), U256::ZERO);
}

#[test]
fn late_headers_may_be_easy() {
    let pow = small(true, false);
    let easy = pow.limit_bits();
    let mut chain = HeaderVec::new(BlockHash::all_zeros(), 1, 1000, 0x1c01_0000);
    // 20 seconds after the parent is on time, one more is late.
    assert_eq!(next_work_required(&pow, &chain, 1020), 0x1c01_0000);
    assert_eq!(next_work_required(&pow, &chain, 1021), easy);
    chain.push(BlockHash::all_zeros(), 1, 1021, easy);
    chain.push(BlockHash::all_zeros(), 1, 1050, easy);
    assert_eq!(next_work_required(&pow, &chain, 1060), 0x1c01_0000);
    assert_eq!(next_work_required(&small(false, false), &chain, 9999), easy);
    // The last header of the period is easy: what follows starts from the easy target, except under BIP94.
    for time in [1060, 1070, 1090] {
        chain.push(BlockHash::all_zeros(), 1, time, easy);
    }
    assert_eq!(next_work_required(&pow, &chain, 2000), easy);
    let kept = next_work_required(&small(true, true), &chain, 2000);
    assert_eq!(
        kept,
        U256::from_compact(0x1c01_0000).value.wrapping_mul_u64(90).div_rem(60u32.into()).unwrap().0.to_compact()
    );
    assert_eq!(next_work_required(&PowParams { no_retargeting: true, ..small(true, true) }, &chain, 2000), easy);
}

/// Compact targets of these sizes, none of them negative or zero.
fn compact(sizes: std::ops::RangeInclusive<u32>) -> impl Strategy<Value = u32> {
    (sizes, 2u32..=0x7f_ffff).prop_map(|(size, mantissa)| size << 24 | mantissa)
}

proptest! {
    #[test]
    fn work_and_difficulty_are_those_of_rust_bitcoin(bits in compact(3..=32)) {
        let theirs = Target::from_compact(CompactTarget::from_consensus(bits));
        prop_assert_eq!(proof_of_bits(bits).to_be_bytes(), theirs.to_work().to_be_bytes());
        let (ours, theirs) = (difficulty(bits), theirs.difficulty_float());
        prop_assert!((ours / theirs - 1.0).abs() < 1e-6, "{} {}", ours, theirs);
    }

    #[test]
    fn a_retarget_is_that_of_rust_bitcoin(bits in compact(0x17..=0x1c), took in 0u32..6_000_000) {
        let pow = main_net();
        let ours = next_target_after_period(&pow, &header(4031, 1_000_000 + took, bits), &header(2016, 1_000_000, bits));
        let last = CompactTarget::from_consensus(bits);
        let theirs = CompactTarget::from_next_work_required(last, took.into(), &bitcoin::params::MAINNET);
        prop_assert_eq!(ours, theirs.to_consensus());
    }

    #[test]
    fn a_retarget_stays_within_its_bounds(
        bits in compact(0x1a..=0x1c), first in 1_000_000_000u32..2_000_000_000, took in -10_000_000i64..10_000_000,
    ) {
        let pow = main_net();
        let last = u32::try_from(i64::from(first) + took).unwrap();
        let new = next_target_after_period(&pow, &header(4031, last, bits), &header(2016, first, bits));
        prop_assert!(permitted_transition(&pow, 4032, bits, new));
        let (old_target, new_target) = (U256::from_compact(bits).value, U256::from_compact(new).value);
        prop_assert!(new_target <= old_target.wrapping_mul_u64(4) && new_target <= pow.limit);
        let least = U256::from_compact((old_target >> 2).to_compact()).value;
        prop_assert!(new_target >= least);
        if took.unsigned_abs() < 1_209_600 { prop_assert!(new_target <= old_target); }
    }

    #[test]
    fn a_chain_is_what_a_naive_walk_makes_it(
        gaps in proptest::collection::vec(0u32..60, 1..60), allow: bool, bip94: bool,
    ) {
        let pow = small(allow, bip94);
        let easy = pow.limit_bits();
        let mut chain = HeaderVec::new(BlockHash::all_zeros(), 1, 1_000_000, 0x1c7f_ffff);
        for gap in gaps {
            let last = chain.at(chain.height()).unwrap();
            let (time, height) = (last.time + gap, last.height + 1);
            let all: Vec<_> = (0..height).map(|h| chain.at(h).unwrap()).collect();
            let expected = if height % 6 == 0 {
                let first = all[all.len() - 6];
                let took = (last.time - first.time).clamp(15, 240);
                let from = if bip94 { first.bits } else { last.bits };
                let target = U256::from_compact(from).value.wrapping_mul_u64(took.into());
                target.div_rem(60u32.into()).unwrap().0.min(pow.limit).to_compact()
            } else if allow && gap > 20 {
                easy
            } else if allow {
                let period_start = usize::try_from(height / 6 * 6).unwrap();
                all[period_start..].iter().rev().find(|h| h.bits != easy).unwrap_or(&all[period_start]).bits
            } else {
                last.bits
            };
            prop_assert_eq!(next_work_required(&pow, &chain, time), expected);
            chain.push(BlockHash::all_zeros(), 1, time, expected);
        }
    }
}
