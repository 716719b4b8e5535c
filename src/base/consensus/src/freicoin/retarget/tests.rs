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

/// Sequences of times and what the reference made of them.
const SEQUENCES: &str = include_str!("sequences.txt");

/// The lines of one kind, split into fields.
fn lines(kind: &str) -> impl Iterator<Item = Vec<&'static str>> {
    SEQUENCES.lines().map(|line| line.split(' ').collect::<Vec<_>>()).filter(move |fields| fields[0] == kind)
}

#[test]
fn the_references_filter_on_uneven_times() {
    // The test network's filter begins at height 144.
    let params = params("freicoin", ChainKind::Test);
    let (pow, data) = (params.pow(), params.chain().freicoin().unwrap());
    let mut chain: Option<HeaderVec> = None;
    let mut changes = 0;
    for fields in lines("native") {
        let (time, bits) = (fields[2].parse().unwrap(), u32::from_str_radix(fields[3], 16).unwrap());
        let Some(chain) = &mut chain else {
            chain = Some(HeaderVec::new(BlockHash::all_zeros(), 4, time, bits));
            continue;
        };
        assert_eq!(next_bits(pow, data, chain), bits, "{fields:?}");
        changes += usize::from(tip(chain).bits != bits);
        chain.push(BlockHash::all_zeros(), 4, time, bits);
    }
    assert!(changes > 80, "{changes}");
}

#[test]
fn the_references_merged_filter_on_uneven_times() {
    let (pow, data) = main_net();
    let mut chain: Option<HeaderVec> = None;
    let native = 0x1c00_ffff;
    for fields in lines("aux") {
        let time: u32 = fields[2].parse().unwrap();
        let merged = MergedFacts {
            bits: u32::from_str_radix(fields[3], 16).unwrap(),
            filtered_time: fields[4].parse().unwrap(),
        };
        let merged = (merged.bits != 0).then_some(merged);
        assert_eq!(crate::header_work(native, merged).to_string(), fields[5]);
        let Some(chain) = &mut chain else {
            chain = Some(HeaderVec::new(BlockHash::all_zeros(), 4, time, native));
            continue;
        };
        if let Some(merged) = merged {
            assert_eq!(next_merged(&pow, data, chain, native), merged, "{fields:?}");
        }
        chain.push(BlockHash::all_zeros(), 4, time, native);
        chain.set_merged(merged);
    }
    let chain = chain.unwrap();
    let mut verdicts = [0, 0];
    for fields in lines("near") {
        let below = crate::view::Below::new(&chain, fields[1].parse().unwrap());
        let near = is_near(data, &below, u32::from_str_radix(fields[2], 16).unwrap());
        assert_eq!(near, fields[3] == "1", "{fields:?}");
        verdicts[usize::from(near)] += 1;
    }
    assert!(verdicts.iter().all(|count| *count >= 3), "{verdicts:?}");
}
