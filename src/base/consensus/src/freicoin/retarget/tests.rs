//! The old period, the filter at rest and at its limits, the one reset.

use bitcoin::hashes::Hash;
use coin::ChainKind;

use super::*;
use crate::testing::params;
use crate::view::HeaderVec;

fn main_net() -> (PowParams, &'static FreicoinExtra) {
    let params = params("freicoin", ChainKind::Main);
    (params.pow().clone(), params.chain().freicoin().unwrap())
}

/// A branch of `count` headers after the genesis block, with so many seconds between them.
fn branch(count: u32, bits: u32, gap: impl Fn(u32) -> u32) -> HeaderVec {
    let mut time = 1_356_123_600;
    let mut chain = HeaderVec::new(BlockHash::all_zeros(), 1, time, bits);
    for height in 1..=count {
        time += gap(height);
        chain.push(BlockHash::from_byte_array([u8::try_from(height % 251).unwrap(); 32]), 2, time, bits);
    }
    chain
}

#[test]
fn the_filter_sums_to_its_unit() {
    let (pow, data) = main_net();
    assert_eq!((data.filter_coefficients.len(), data.filter_coefficients.iter().sum::<i64>()), (144, 1 << 31));
    for spacing in [1, 600, 900] {
        let chain = branch(200, 0x1c00_ffff, |_| spacing);
        assert_eq!(filtered_time(&pow, data, &chain), i64::from(spacing) << 31);
    }
    // Below 144 headers the missing times count as on time.
    assert_eq!(filtered_time(&pow, data, &branch(10, 0x1c00_ffff, |_| 600)), 600 << 31);
}

#[test]
fn the_filter_turns_at_every_ninth_block_only() {
    let (pow, data) = main_net();
    let bits = 0x1b01_c13a;
    // 28,335 is the first height that the filter decides, as it is a multiple of nine after the threshold.
    for (height, gap) in [(28_341u32, 600), (28_342, 300), (28_350, 600)] {
        let chain = branch(height - 1, bits, |_| gap);
        assert_eq!(next_bits(&pow, data, &chain), bits, "{height}");
    }
    let chain = branch(28_350 - 1, bits, |_| 300);
    let faster = U256::from_compact(next_bits(&pow, data, &chain)).value;
    let old = U256::from_compact(bits).value;
    // Half the time: one minus 0.1025 times minus a half makes it 5.125 per cent harder.
    let expected = old.mul_div_u64(100_000, 105_125).unwrap();
    assert_eq!(faster.to_compact(), expected.to_compact());
    // At a tenth and at tenfold the limiter holds.
    for (gap, part) in [(60, (200, 211)), (6000, (211, 200))] {
        let chain = branch(28_350 - 1, bits, |_| gap);
        let limited = old.mul_div_u64(part.0, part.1).unwrap().to_compact();
        assert_eq!(next_bits(&pow, data, &chain), limited, "{gap}");
    }
}

#[test]
fn the_first_period_is_one_short() {
    let (pow, data) = main_net();
    let limit = pow.limit_bits();
    let halved = |blocks: u64| {
        let timespan = original_timespan(&pow, data);
        U256::from_compact(0x1c00_ffff).value.mul_div_u64(blocks * 300, timespan).unwrap().to_compact()
    };
    assert_eq!(next_bits(&pow, data, &branch(2015, 0x1c00_ffff, |_| 300)), halved(2015));
    assert_eq!(next_bits(&pow, data, &branch(4031, 0x1c00_ffff, |_| 300)), halved(2016));
    assert_eq!(next_bits(&pow, data, &branch(2014, 0x1c00_ffff, |_| 300)), 0x1c00_ffff);
    // Easier than the limit it never gets.
    assert_eq!(next_bits(&pow, data, &branch(2015, limit, |_| 6000)), limit);
    assert!(permitted(&pow, data, 2016, 0x1c00_ffff, halved(2015)));
    assert!(!permitted(&pow, data, 2017, 0x1c00_ffff, halved(2015)));
    assert!(permitted(&pow, data, 28_335, 0x1c00_ffff, 1));
}

#[test]
fn the_difficulty_was_reset_once() {
    let (pow, data) = main_net();
    let mut chain = branch(100, 0x1b00_1000, |_| 600);
    let hash = BlockHash::from_byte_array(data.difficulty_reset_after_block.unwrap());
    chain.push(hash, 2, 1_400_000_000, 0x1b00_1000);
    assert_eq!(next_bits(&pow, data, &chain), 0x1b01_c13a);
}

#[test]
fn regtest_never_changes() {
    let params = params("freicoin", ChainKind::Regtest);
    let data = params.chain().freicoin().unwrap();
    let chain = branch(4031, 0x207f_ffff, |_| 1);
    assert_eq!(next_bits(params.pow(), data, &chain), 0x207f_ffff);
    assert!(permitted(params.pow(), data, 5, 1, 2));
}
