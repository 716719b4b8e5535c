//! What blocks say of Bitcoin's chain, where they must say something.

use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, TxOut};
use coin::{Activation, ChainKind};
use primitives::{AuxPow, Block, Header, NamecoinAuxPow};

use super::super::checkpoint::*;
use crate::deployment::NoCache;
use crate::params::OwnStart;
use crate::reason::BlockReason;
use crate::testing::{Coins, branch, coinbase, output, params, raw_header, tx};
use crate::{HeaderView, Rules, commitment_output, rules_for};

const START: Activation = Activation::At(0);
/// A report about this height comes with the one below.
const NAMING: u32 = 12;
const REPORTING: u32 = 17;

fn in_force() -> Arc<dyn Rules> {
    rules_for(params("syscoin", ChainKind::Regtest).with_start(OwnStart::Checkpoints, 0)).unwrap()
}

/// A block whose coinbase has `data` behind a commitment to witnesses.
fn block_with(height: u32, data: &[u8]) -> Block {
    let raw = raw_header(BlockHash::all_zeros(), 1, 0x207f_ffff);
    let empty = crate::testing::block(raw, vec![tx(coinbase(height, vec![])).into()]);
    let mut behind = Vec::new();
    if !data.is_empty() {
        script::instruction::push_data(&mut behind, data);
    }
    let outputs: Vec<TxOut> = vec![output(1, &[0x51]), commitment_output(&empty, &behind)];
    crate::testing::block(raw, vec![tx(coinbase(height, outputs)).into()])
}

/// The same, mined with a parent that builds on `previous`.
fn merged(data: &[u8], previous: BlockHash) -> Block {
    let block = block_with(NAMING, data);
    let proof = NamecoinAuxPow {
        coinbase: tx(coinbase(1, vec![])).into(),
        coinbase_branch: vec![],
        chain_branch: vec![],
        chain_index: 0,
        parent: raw_header(previous, 1, 0x207f_ffff),
    };
    let header = Header::with_aux(*block.header.raw(), Some(Arc::new(AuxPow::Namecoin(Box::new(proof)))));
    Block { header, ..block }
}

fn name(previous: BlockHash) -> Vec<u8> {
    [NAME_TAG.as_slice(), previous.as_ref()].concat()
}

#[test]
fn one_block_of_ten_names_and_another_reports() {
    let naming: Vec<u32> = (0..40).filter(|height| is_naming(Activation::At(12), *height)).collect();
    assert_eq!(naming, [12, 22, 32]);
    let reports: Vec<_> = (0..40).filter_map(|height| Some((height, reported(Activation::At(12), height)?))).collect();
    assert_eq!(reports, [(17, 12), (27, 22), (37, 32)]);
    // No network has them: the height of its start is one that no block will have.
    for kind in [ChainKind::Main, ChainKind::Test, ChainKind::Regtest] {
        let start = params("syscoin", kind).chain().syscoin().unwrap().btcc_start_block;
        assert!(!(0..10).any(|rest| is_naming(start, 1_000_000_000 + rest)));
    }
}

#[test]
fn the_parent_builds_on_the_block_that_is_named() {
    let [named, other] = [1, 2].map(|n| BlockHash::from_byte_array([n; 32]));
    let check = |data: &[u8], previous| check_name(&merged(data, previous));
    assert_eq!(check(&name(named), named), Ok(()));
    assert_eq!(check(&name(named), other), Err(CheckpointReason::Mismatch));
    assert_eq!(check(&name(BlockHash::all_zeros()), BlockHash::all_zeros()), Err(CheckpointReason::Null));
    assert_eq!(check(&[], named), Err(CheckpointReason::Unnamed));
    assert_eq!(check(&[b"memo", &name(named)[..]].concat(), named), Ok(()), "other data may come before");
    assert_eq!(check(&[&name(named)[..], b"!"].concat(), named), Err(CheckpointReason::Unnamed));
    for at in 0..name(named).len() {
        let mut spoilt = name(named);
        spoilt[at] ^= 1;
        let reason = if at < NAME_TAG.len() { CheckpointReason::Unnamed } else { CheckpointReason::Mismatch };
        assert_eq!(check(&spoilt, named), Err(reason), "byte {at}");
    }
    // A block that is not mined with another has no parent.
    assert_eq!(check_name(&block_with(NAMING, &[])), Ok(()));

    // The rules ask for it where it is in force, and nowhere else.
    let branch = branch(&*in_force(), NAMING - 1);
    let refused = Err(BlockReason::Checkpoint(CheckpointReason::Unnamed));
    assert_eq!(in_force().check_block_extra(&merged(&[], named), Some(&branch)), refused);
    let usual = rules_for(params("syscoin", ChainKind::Regtest)).unwrap();
    assert_eq!(usual.check_block_extra(&merged(&[], named), Some(&branch)), Ok(()));
    assert_eq!(in_force().merged_mining(0, &branch).unwrap().name_tag, Some(NAME_TAG));
    assert_eq!(usual.merged_mining(0, &branch).unwrap().name_tag, None);
}

#[test]
fn a_report_says_nothing_or_is_refused() {
    let rules = in_force();
    let branch = branch(&*rules, REPORTING - 1);
    let check = |data: &[u8]| check_report(START, &block_with(REPORTING, data), &branch);
    assert_eq!(check(&empty_report()), Ok(()));
    assert_eq!(check(&[]), Err(CheckpointReason::NoData));
    assert_eq!(check(b"btcc"), Err(CheckpointReason::NoReport));
    assert_eq!(check(&[&empty_report()[..], b"!"].concat()), Err(CheckpointReason::NoReport));
    assert_eq!(check(&[b"memo", &empty_report()[..]].concat()), Ok(()));
    // A height that nobody has, signatures that nobody knows, and signers whose bits are none.
    let with = |at: usize, bytes: &[u8]| {
        let mut report = empty_report();
        report[at..at + bytes.len()].copy_from_slice(bytes);
        report
    };
    assert_eq!(check(&with(4, &11u32.to_le_bytes())), Err(CheckpointReason::Height));
    assert_eq!(check(&with(4, &NAMING.to_le_bytes())), Err(CheckpointReason::Hash));
    let named = branch.at(NAMING).unwrap().hash;
    let right = [&NAMING.to_le_bytes()[..], named.as_ref()].concat();
    assert_eq!(check(&with(4, &right)), Err(CheckpointReason::Signature));
    assert_eq!(check(&with(40, &[1])), Err(CheckpointReason::Signature));
    let signed = |list: &[u8]| [&empty_report()[..136], list].concat();
    assert_eq!(check(&signed(&[4, 0x0f])), Ok(()));
    assert_eq!(check(&signed(&[4, 0x1f])), Err(CheckpointReason::NoReport));
    assert_eq!(check(&signed(&[4])), Err(CheckpointReason::NoReport));
    assert_eq!(check(&signed(&[9, 0, 0])), Err(CheckpointReason::NoReport), "longer than any report");

    // New blocks bring one, and blocks at other heights need none.
    let ends = rules.block_ends(&branch, &Coins::default(), &NoCache).unwrap();
    assert_eq!(ends.data, empty_report());
    let mut earlier = branch.clone();
    earlier.rewind(REPORTING - 2);
    assert!(rules.block_ends(&earlier, &Coins::default(), &NoCache).unwrap().data.is_empty());
    assert_eq!(check_report(START, &block_with(REPORTING - 1, &[]), &earlier), Ok(()));
    let flags = script::Flags::default();
    let opened = |block: &Block| rules.open_block(block, &branch, flags, &Coins::default(), &NoCache);
    assert_eq!(opened(&block_with(REPORTING, &empty_report())), Ok(None));
    assert_eq!(opened(&block_with(REPORTING, &[])).unwrap_err().to_string(), "bad-btcc-output");
}
