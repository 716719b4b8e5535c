//! Versions, targets and tags.

use std::sync::Arc;

use bitcoin::block::Version;
use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, CompactTarget, OutPoint};
use coin::ChainKind;
use primitives::{AuxPow, Header, NamecoinAuxPow};

use super::super::{tag, version};
use crate::block::HeaderContext;
use crate::reason::HeaderReason;
use crate::testing::{input, output, params, raw_header, rules, transaction, tx};
use crate::view::{HeaderFacts, HeaderView};
use crate::{HeaderVec, Rules, U256};

/// A branch of any height, whose headers come a minute apart and have all the same target.
struct Even {
    height: u32,
    spacing: u32,
    bits: u32,
}

impl HeaderView for Even {
    fn height(&self) -> u32 {
        self.height
    }

    fn at(&self, height: u32) -> Option<HeaderFacts> {
        let mut hash = [7; 32];
        hash[..4].copy_from_slice(&height.to_le_bytes());
        let time = 1_000_000 + height * self.spacing;
        let hash = BlockHash::from_byte_array(hash);
        (height <= self.height).then_some(HeaderFacts { height, hash, version: 4, time, bits: self.bits })
    }
}

#[test]
fn what_a_version_says() {
    let merged = version::with_chain_id(0x2000_0004, 16) | version::AUXPOW;
    assert_eq!(merged, 0x2010_0104);
    assert_eq!((version::chain_id(merged), version::base_version(merged)), (16, 0x2000_0004));
    assert_eq!(version::chain_id(merged & !version::AUXPOW), 0, "only merged headers have an id");
    let old = 4096 << 16 | version::AUXPOW | 4;
    assert_eq!((version::chain_id(old), version::old_chain_id(old)), (0, 4096));
    assert_eq!((version::old_base_version(old), version::base_version(old)), (4, old & !version::AUXPOW));
    assert!(version::is_valid_base(0x7000_ffff) && !version::is_valid_base(0x0001_0000));
    assert!(version::is_valid_base(-1), "negative, so below everything");
}

fn context_of(rules: &dyn Rules, prev: &dyn HeaderView, version: i32) -> Result<(), HeaderReason> {
    context_with(rules, prev, version, None)
}

fn context_with(
    rules: &dyn Rules,
    prev: &dyn HeaderView,
    version: i32,
    aux: Option<Arc<AuxPow>>,
) -> Result<(), HeaderReason> {
    let tip = prev.at(prev.height()).unwrap();
    let mut raw = raw_header(tip.hash, tip.time + 60, tip.bits);
    raw.version = Version::from_consensus(version);
    let header = Header::with_aux(raw, None);
    raw.bits = CompactTarget::from_consensus(rules.next_work_required(prev, &header));
    let context = HeaderContext { now: i64::from(raw.time), checkpoint: None };
    rules.check_header_context(&Header::with_aux(raw, aux), prev, context)
}

#[test]
fn versions_by_height() {
    let main = rules("syscoin", ChainKind::Main);
    let at = |height: u32| Even { height: height - 1, spacing: 60, bits: 0x1c00_ffff };
    let bad = |base, version| Err(HeaderReason::BadBaseVersion { base, version });
    assert_eq!(context_of(&*main, &at(5), 1), Err(HeaderReason::LegacyBlock));
    assert_eq!(context_of(&*main, &at(5), 3), bad(3, 3));
    assert_eq!(context_of(&*main, &at(5), 4), Ok(()));
    // Before masternodes the old chain id is taken off, and nothing more is asked.
    let old = 4096 << 16 | version::AUXPOW;
    assert_eq!(context_of(&*main, &at(5), old | 4), Ok(()));
    assert_eq!(context_of(&*main, &at(5), old | 3), bad(3, old | 3));
    // After that the new one, and the base must not reach into it.
    assert_eq!(context_of(&*main, &at(1_004_200), version::with_chain_id(4, 16) | version::AUXPOW), Ok(()));
    assert_eq!(context_of(&*main, &at(1_004_200), 0x2000_0000), Ok(()));
    assert_eq!(context_of(&*main, &at(1_004_200), 0x1_0004), bad(0x1_0004, 0x1_0004));
    let other = 8 << 16 | version::AUXPOW | 4;
    assert_eq!(context_of(&*main, &at(1_004_200), other), bad(0x8_0004, other));
    // From the NEVM on its bit must be set.
    assert_eq!(context_of(&*main, &at(1_317_500), 0x2000_0000), Err(HeaderReason::NevmVersion));
    assert_eq!(context_of(&*main, &at(1_317_500), 0x2000_0000 | version::NEVM), Ok(()));
    let regtest = rules("syscoin", ChainKind::Regtest);
    let easy = Even { height: 5000, spacing: 150, bits: 0x207f_ffff };
    assert_eq!(context_of(&*regtest, &easy, 0x2000_0000), Ok(()));
    assert_eq!(context_of(&*regtest, &easy, 1), Err(HeaderReason::LegacyBlock));
    let reason = bad(3, old | 3).unwrap_err();
    assert_eq!(reason.full(), "bad-version(0x00000003), rejected nVersion=0x10000103 block");
}

/// The coinbase of a parent with these outputs, as a proof that nothing else is asked of.
fn parent(outputs: &[Vec<u8>]) -> Arc<AuxPow> {
    let outputs = outputs.iter().map(|script| output(0, script)).collect();
    let coinbase = Arc::new(tx(transaction(vec![input(OutPoint::null())], outputs)));
    Arc::new(AuxPow::Namecoin(Box::new(NamecoinAuxPow {
        coinbase,
        coinbase_branch: vec![],
        chain_branch: vec![],
        chain_index: 0,
        parent: raw_header(BlockHash::all_zeros(), 1, 1),
    })))
}

#[test]
fn a_parent_names_a_recent_block() {
    assert_eq!([0, 3, 14, 15, 25, 34, 35].map(tag::height_after), [0, 0, 0, 10, 20, 20, 30]);
    let regtest = rules("syscoin", ChainKind::Regtest);
    let chain = Even { height: 440, spacing: 150, bits: 0x207f_ffff };
    let merged = version::with_chain_id(0x2000_0000, 16) | version::AUXPOW;
    let check = |chain: &Even, outputs: &[Vec<u8>]| context_with(&*regtest, chain, merged, Some(parent(outputs)));
    let right = tag::output(&chain).unwrap();
    let named = chain.at(430).unwrap();
    assert_eq!(right[..5], [0x6a, 39, b's', b'y', b's']);
    assert_eq!(right[5..37], named.hash.to_byte_array());
    assert_eq!(right[37..], 430u32.to_le_bytes());
    assert_eq!(check(&chain, &[vec![0x51], right.clone()]), Ok(()));
    assert_eq!(check(&chain, &[]), Err(HeaderReason::MissingTag));
    assert_eq!(check(&chain, &[right.clone(), right.clone()]), Err(HeaderReason::ManyTags));
    let mut other = right.clone();
    *other.last_mut().unwrap() ^= 1;
    assert_eq!(check(&chain, &[other]), Err(HeaderReason::TagMismatch));
    // Something may stand between, and an output that can be spent is no place for a tag.
    let mut apart = right.clone();
    apart.splice(5..5, [1, 2, 3]);
    assert_eq!(check(&chain, &[apart]), Ok(()));
    let spendable = [[0x51].as_slice(), &right].concat();
    assert_eq!(check(&chain, &[spendable]), Err(HeaderReason::MissingTag));
    // Below nexus nobody looks.
    assert_eq!(check(&Even { height: 430, ..chain }, &[]), Ok(()));
    let wanted = regtest.merged_mining(0x2000_0000, &Even { height: 440, spacing: 150, bits: 1 }).unwrap();
    assert_eq!((wanted.version, wanted.chain_id, wanted.parent_output), (merged, 16, right));
}

#[test]
fn targets_follow_the_parents_height() {
    let main = rules("syscoin", ChainKind::Main);
    let next = |height: u32, spacing: u32| {
        let chain = Even { height, spacing, bits: 0x1c00_ffff };
        let raw = raw_header(BlockHash::all_zeros(), chain.at(height).unwrap().time, 0);
        main.next_work_required(&chain, &crate::testing::header(raw))
    };
    let scaled = |time: u64| {
        let product = U256::from_compact(0x1c00_ffff).value.wrapping_mul_u64(time);
        product.div_rem(21_600u32.into()).unwrap().0.to_compact()
    };
    // Every 360 blocks at first; the time is that of 359.
    assert_eq!(next(719, 60), scaled(359 * 60));
    assert_eq!(next(718, 60), 0x1c00_ffff);
    assert_eq!((next(719, 1), next(719, 4000)), (scaled(5400), scaled(86_400)));
    // Closer bounds from the bridge on: 967 * 360 = 348120 opens a period.
    assert_eq!((next(348_119, 1), next(348_119, 4000)), (scaled(17_280), scaled(27_000)));
    // Every 144 blocks once the parent is past the NEVM's start: 9150 * 144 = 1317600.
    assert_eq!(next(1_317_599, 150), scaled(143 * 150));
    assert_eq!(next(1_317_600, 150), 0x1c00_ffff);
    assert!(main.permitted_transition(1_317_600, 0x1c00_ffff, scaled(27_000)));
    assert!(!main.permitted_transition(1_317_601, 0x1c00_ffff, scaled(27_000)));
    assert!(main.permitted_transition(720, 0x1c00_ffff, scaled(86_400)));
    assert!(!main.permitted_transition(720, 0x1c00_ffff, scaled(90_000)));
}

#[test]
fn a_late_header_of_the_test_network_may_be_easy() {
    let test = rules("syscoin", ChainKind::Test);
    let limit = params("syscoin", ChainKind::Test).pow().limit_bits();
    let mut chain = HeaderVec::new(BlockHash::all_zeros(), 4, 1000, 0x1c00_ffff);
    chain.push(BlockHash::all_zeros(), 4, 1100, 0x1c00_ffff);
    let next =
        |time| test.next_work_required(&chain, &crate::testing::header(raw_header(BlockHash::all_zeros(), time, 0)));
    assert_eq!((next(1100 + 1200), next(1100 + 1201)), (0x1c00_ffff, limit));
}
