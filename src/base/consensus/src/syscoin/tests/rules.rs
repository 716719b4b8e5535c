//! What a chain is followed to, what blocks may pay, and what bodies may hold.

use bitcoin::block::Version;
use bitcoin::hashes::Hash;
use bitcoin::{Amount, BlockHash};
use coin::ChainKind;
use primitives::Block;

use super::super::{UNVERIFIED, auxpow::MERGED_MINING_MAGIC, version};
use crate::block::{BlockChecks, Scope};
use crate::reason::BlockReason;
use crate::testing::{COIN, branch, coinbase, mined, next_header, output, params, raw_header, rules, simple, tx};
use crate::{Rules, rules_for};

#[test]
fn a_chain_is_followed_as_far_as_it_is_verified() {
    let frontier = |kind| rules("syscoin", kind).frontier();
    assert_eq!(
        [ChainKind::Main, ChainKind::Test, ChainKind::Regtest].map(frontier),
        [Some(1_004_200), Some(545_000), None]
    );
    let accepted = rules_for(params("syscoin", ChainKind::Main).with_unverified()).unwrap();
    assert_eq!(accepted.frontier(), None);
    let what = accepted.unverified().unwrap();
    assert_eq!((what.option, what.from_height, what.rules), ("syscoinbase", 1_004_200, UNVERIFIED));
    assert!(rules("bitcoin", ChainKind::Main).frontier().is_none());
    assert_eq!(accepted.trusted_below(), Some(2_010_345));
    // Scripts below nexus are trusted on chains with checkpoints, and always run where there are none.
    let runs = |kind, height| rules("syscoin", kind).runs_scripts(height);
    assert!(!runs(ChainKind::Main, 2_010_344) && runs(ChainKind::Main, 2_010_345));
    assert!(runs(ChainKind::Regtest, 1));
}

#[test]
fn what_a_coinbase_may_pay() {
    let regtest = rules("syscoin", ChainKind::Regtest);
    assert_eq!((regtest.reward_limit(24, 5), regtest.reward_limit(26, 5)), (50 * COIN + 5, 50 * COIN + 5));
    // Superblocks come every 25 blocks at first, and before there are masternodes nobody can say what they pay.
    assert_eq!((regtest.reward_limit(25, 0), regtest.reward_limit(425, 0)), (i64::MAX, i64::MAX));
    assert_eq!(regtest.reward_limit(450, 7), ((50 * COIN) >> 3) + 7);
    let main = rules("syscoin", ChainKind::Main);
    assert_eq!(main.reward_limit(2_010_344, 0), i64::MAX);
    // 67.02877373 to share: three quarters are 50.27158029, doubled by age.
    assert_eq!(main.reward_limit(2_010_345, 11), 6_702_877_373 + 5_027_158_029 + 11);
    // 115 superblock cycles of 17520 blocks.
    assert_eq!(main.reward_limit(2_014_800, 0), 6_702_877_373 + 5_027_158_029 + 5_000_000 * COIN);
    assert!(main.enforces_bip30(&BlockHash::all_zeros(), &branch(&*main, 3)));
}

fn block_with(rules: &dyn Rules, version: i32, coinbase_version: i32) -> Block {
    let chain = branch(rules, 440);
    let mut cb = coinbase(441, vec![output(COIN, &[0x51])]);
    cb.version = bitcoin::transaction::Version(coinbase_version);
    let mut raw = next_header(&chain);
    raw.version = Version::from_consensus(version);
    mined(rules, raw, vec![cb, simple()])
}

#[test]
fn a_coinbase_has_no_strange_version() {
    let regtest = rules("syscoin", ChainKind::Regtest);
    let check = |block: &Block, height| {
        let chain = branch(&*regtest, height);
        regtest.check_block_extra(block, Some(&chain))
    };
    for (version, expected) in [
        (2, Ok(())),
        (-1, Ok(())),
        (85, Ok(())),
        (3, Err(BlockReason::CoinbaseVersion(3))),
        (142, Err(BlockReason::CoinbaseVersion(142))),
    ] {
        let block = block_with(&*regtest, 0x2000_0000, version);
        assert_eq!(check(&block, 440), expected, "{version}");
        assert_eq!(check(&block, 430), Ok(()), "{version} below nexus");
    }
    let mut block = block_with(&*regtest, 0x2000_0000, 2);
    let mut other = simple();
    other.version = bitcoin::transaction::Version(85);
    block.txs.push(tx(other).into());
    assert_eq!(check(&block, 430), Err(BlockReason::QuorumVersion));
}

#[test]
fn nevm_data_come_with_their_bit() {
    let (main, regtest) = (rules("syscoin", ChainKind::Main), rules("syscoin", ChainKind::Regtest));
    let mut block = block_with(&*regtest, 0x2000_0000 | version::NEVM, 2);
    assert_eq!(main.check_body_extra(&block), Err(BlockReason::NevmData));
    assert_eq!(regtest.check_body_extra(&block), Ok(()));
    block.tail = Some(vec![0; 32 << 20]);
    assert_eq!(main.check_body_extra(&block), Ok(()));
    block.tail = Some(vec![0; (32 << 20) + 1]);
    assert_eq!(main.check_body_extra(&block), Err(BlockReason::NevmSize));
}

#[test]
fn blocks_before_the_nevm_have_no_limit() {
    let main = rules("syscoin", ChainKind::Main);
    let mut cb = coinbase(5, vec![]);
    cb.output = (0..120_000).map(|_| output(1, &[0x51])).collect();
    let block = |time| {
        let mut raw = raw_header(BlockHash::all_zeros(), time, 0x207f_ffff);
        let txs: Vec<_> = [cb.clone()].into_iter().map(|inner| tx(inner).into()).collect();
        raw.merkle_root = crate::testing::block(raw, txs.clone()).merkle_root().0;
        crate::testing::block(raw, txs)
    };
    let check =
        |time| main.check_block(&block(time), Scope { pow: false, merkle_root: true }, &mut BlockChecks::default());
    assert_eq!(check(1_638_791_667), Err(BlockReason::Length));
    // The transaction alone is still too large: 120000 outputs of ten bytes.
    assert!(matches!(check(1_638_791_666), Err(BlockReason::Transaction { .. })));
    assert!(!main.limits_block_weight(1_317_499) && main.limits_block_weight(1_317_500));
}

#[test]
fn a_block_that_could_be_its_own_chains_parent() {
    let main = rules_for(params("syscoin", ChainKind::Main)).unwrap();
    let direct = |height: u32, version: i32| {
        let mut cb = coinbase(height, vec![output(1, &[0x51])]);
        let mut script = cb.input[0].script_sig.clone().into_bytes();
        script.extend(MERGED_MINING_MAGIC);
        cb.input[0].script_sig = bitcoin::ScriptBuf::from_bytes(script);
        let raw = raw_header(BlockHash::all_zeros(), 1, 1);
        let raw = bitcoin::block::Header { version: Version::from_consensus(version), ..raw };
        let block = crate::testing::block(raw, vec![tx(cb).into()]);
        let prev = Flat(height - 1);
        main.check_block_context(&block, Some(&prev), &mut BlockChecks::default())
    };
    assert_eq!(direct(2_292_816, 0x2000_0000), Err(BlockReason::DirectAuxPowParent));
    assert_eq!(direct(2_292_816, 0x2000_0000 | version::AUXPOW), Ok(()));
    assert_eq!(direct(2_292_815, 0x2000_0000), Ok(()));
}

/// A branch of which only the height matters.
struct Flat(u32);

impl crate::HeaderView for Flat {
    fn height(&self) -> u32 {
        self.0
    }

    fn at(&self, height: u32) -> Option<crate::HeaderFacts> {
        let hash = BlockHash::all_zeros();
        (height <= self.0).then_some(crate::HeaderFacts { height, hash, version: 4, time: 1, bits: 1 })
    }
}

#[test]
fn amounts_up_to_all_there_can_be() {
    let regtest = rules("syscoin", ChainKind::Regtest);
    let all = 999_999_999_999_999_999i64;
    assert_eq!(regtest.params().max_money(), all);
    let mut inner = simple();
    inner.output = vec![output(all, &[0x51])];
    assert_eq!(regtest.check_transaction(&tx(inner.clone())), Ok(()));
    inner.output.push(output(1, &[0x51]));
    assert_eq!(regtest.check_transaction(&tx(inner.clone())), Err(crate::TxReason::OutputTotalTooLarge));
    inner.output[1].value = Amount::from_sat(u64::try_from(all).unwrap() + 1);
    assert_eq!(regtest.check_transaction(&tx(inner)), Err(crate::TxReason::OutputTooLarge));
}
