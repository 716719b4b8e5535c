//! Assets are conserved, with the exceptions that the rules name.

use bitcoin::transaction::Version;
use coin::{Activation, ChainKind, SyscoinExtra};
use primitives::assets::{self as lists, Allocation, AssetOutputs};
use primitives::{CoinTail, Tx, TxOutEntry};
use proptest::prelude::*;

use super::super::assets::*;
use crate::testing::{COIN, input, outpoint, output, params, transaction, tx};

const MAX: i64 = 999_999_999_999_999_999;
const SYSX: u64 = 123_456;

fn extra() -> &'static SyscoinExtra {
    params("syscoin", ChainKind::Regtest).chain().syscoin().unwrap()
}

fn main_extra() -> &'static SyscoinExtra {
    params("syscoin", ChainKind::Main).chain().syscoin().unwrap()
}

fn list(assets: &[(u64, &[(u32, u64)])]) -> Allocation {
    let assets = assets.iter().map(|(asset, outputs)| AssetOutputs { asset: *asset, outputs: outputs.to_vec() });
    Allocation { assets: assets.collect() }
}

fn carrier(list: &Allocation, rest: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    list.encode(&mut data);
    data.extend(rest);
    let mut script = vec![0x6a];
    script::instruction::push_data(&mut script, &data);
    script
}

/// A transaction with one input, these values in its first outputs, and its data in the last, which is worth `burnt`.
fn moving(version: u32, values: &[i64], burnt: i64, list: &Allocation) -> Tx {
    let mut outputs: Vec<_> = values.iter().map(|value| output(*value, &[0x51])).collect();
    outputs.push(output(burnt, &carrier(list, &[])));
    let mut inner = transaction(vec![input(outpoint(1))], outputs);
    inner.version = Version(version.cast_signed());
    tx(inner)
}

fn coin(asset: u64, amount: u64) -> TxOutEntry {
    let tail = CoinTail::Asset { asset, amount };
    TxOutEntry::new(output(COIN, &[0x51]), 1, false, tail)
}

fn run(tx: &Tx, spent: &[TxOutEntry], extra: &SyscoinExtra, height: u32) -> Result<(), AssetReason> {
    check(tx, spent, Context { extra, height, max: MAX, verified: true })
}

fn at_nexus(tx: &Tx, spent: &[TxOutEntry]) -> Result<(), AssetReason> {
    run(tx, spent, extra(), 432)
}

#[test]
fn nothing_before_nexus() {
    let send = moving(lists::SEND, &[1, 1], 0, &list(&[(7, &[(0, 5)])]));
    assert_eq!(run(&send, &[coin(7, 5)], extra(), 431), Err(AssetReason::NotActive));
    assert_eq!(at_nexus(&send, &[coin(7, 5)]), Ok(()));
    for version in [128, 0x7400] {
        let legacy = moving(version, &[1], 0, &list(&[]));
        assert_eq!(run(&legacy, &[], extra(), 431), Ok(()));
        assert_eq!(at_nexus(&legacy, &[]), Err(AssetReason::LegacyBurn));
        assert_eq!(value_out(&legacy), Some(0), "the first output is what is burnt");
    }
}

#[test]
fn what_goes_in_comes_out() {
    let send = |list: &Allocation, spent: &[TxOutEntry]| at_nexus(&moving(lists::SEND, &[1, 1, 1], 0, list), spent);
    let both = list(&[(7, &[(0, 5), (1, 1)]), (8, &[(2, 9)])]);
    assert_eq!(send(&both, &[coin(7, 6), coin(8, 9), coin(0, 0)]), Ok(()));
    assert_eq!(send(&both, &[coin(7, 6), coin(8, 8)]), Err(AssetReason::Mismatch));
    assert_eq!(send(&both, &[coin(7, 6)]), Err(AssetReason::Mismatch));
    assert_eq!(send(&both, &[coin(7, 6), coin(8, 9), coin(9, 1)]), Err(AssetReason::Mismatch), "none may be lost");
    let most = u64::try_from(MAX).unwrap();
    assert_eq!(send(&both, &[coin(7, most), coin(7, 1)]), Err(AssetReason::InputRange));
    let much = list(&[(7, &[(0, most), (1, 1)])]);
    assert_eq!(send(&much, &[coin(7, most)]), Err(AssetReason::OutputRange));
    // A plain transaction that spends an output with an asset drops it: the reference does not look.
    assert_eq!(at_nexus(&moving(2, &[1], 0, &list(&[])), &[coin(7, 5)]), Ok(()));
}

#[test]
fn coins_become_an_asset_and_back() {
    let to_asset = |burnt: i64, outputs: &[(u32, u64)], spent: &[TxOutEntry]| {
        at_nexus(&moving(lists::COIN_TO_ASSET, &[1, 1], burnt, &list(&[(SYSX, outputs)])), spent)
    };
    assert_eq!(to_asset(5, &[(0, 5)], &[coin(0, 0)]), Ok(()));
    assert_eq!(to_asset(5, &[(0, 5), (1, 3)], &[coin(SYSX, 3)]), Ok(()), "with change");
    assert_eq!(to_asset(5, &[(0, 6)], &[coin(0, 0)]), Err(AssetReason::BurnMismatch));
    assert_eq!(to_asset(0, &[(0, 5)], &[coin(0, 0)]), Err(AssetReason::BurnAmount));
    let other = moving(lists::COIN_TO_ASSET, &[1, 1], 5, &list(&[(7, &[(0, 5)])]));
    assert_eq!(at_nexus(&other, &[]), Err(AssetReason::BurnOutput));

    let to_coin = |value: i64, asset: u64, amount: u64, spent: &[TxOutEntry]| {
        let tx = moving(lists::BURN_TO_COIN, &[value, 1], 0, &list(&[(asset, &[(2, amount)])]));
        assert_eq!(value_out(&tx), Some(1));
        at_nexus(&tx, spent)
    };
    assert_eq!(to_coin(5, SYSX, 5, &[coin(SYSX, 5)]), Ok(()));
    assert_eq!(to_coin(6, SYSX, 5, &[coin(SYSX, 5)]), Err(AssetReason::AssetBurnMismatch));
    assert_eq!(to_coin(5, 7, 5, &[coin(7, 5)]), Err(AssetReason::WrongAsset));
    assert_eq!(to_coin(5, SYSX, 5, &[coin(SYSX, 6)]), Err(AssetReason::Mismatch));
    assert_eq!(to_coin(0, SYSX, 0, &[]), Err(AssetReason::AssetBurnAmount));
    // The data in the first place leaves none for the coins.
    let first = moving(lists::BURN_TO_COIN, &[], 5, &list(&[(SYSX, &[(0, 5)])]));
    assert_eq!(at_nexus(&first, &[coin(SYSX, 5)]), Err(AssetReason::BurnIndex));
}

/// A burn to the other machine from a height on at which its form matters.
fn burning(list: &Allocation, address: &[u8], outputs: usize) -> Tx {
    let mut rest = Vec::new();
    primitives::put_bytes(&mut rest, address);
    let mut outs: Vec<_> = (1..outputs).map(|_| output(1, &[0x51])).collect();
    outs.push(output(0, &carrier(list, &rest)));
    let mut inner = transaction(vec![input(outpoint(1))], outs);
    inner.version = Version(lists::BURN_TO_NEVM.cast_signed());
    tx(inner)
}

#[test]
fn a_burn_to_the_other_machine_has_one_form() {
    let receipts = main_extra().cl_receipt_start_block.height().unwrap();
    let spent = [coin(7, 5)];
    let strict = |tx: &Tx| run(tx, &spent, main_extra(), receipts);
    let loose = |tx: &Tx| run(tx, &spent, main_extra(), receipts - 1);
    let good = list(&[(7, &[(2, 5)])]);
    assert_eq!(strict(&burning(&good, &[1; 20], 3)), Ok(()));
    assert_eq!(strict(&burning(&good, &[1; 19], 3)), Err(AssetReason::Destination));
    assert_eq!(strict(&burning(&good, &[0; 20], 3)), Err(AssetReason::NullDestination));
    assert_eq!(loose(&burning(&good, &[1; 19], 3)), Ok(()));
    let many = list(&[(7, &[(9, 5)])]);
    assert_eq!(strict(&burning(&many, &[1; 20], 10)), Err(AssetReason::BurnOutputs));
    assert_eq!(loose(&burning(&many, &[1; 20], 10)), Ok(()));
    let two = list(&[(7, &[(2, 5)]), (8, &[(0, 0)])]);
    assert_eq!(strict(&burning(&two, &[1; 20], 3)), Err(AssetReason::SingleAsset));
    let twice = list(&[(7, &[(2, 5), (2, 5)])]);
    assert_eq!(strict(&burning(&twice, &[1; 20], 3)), Err(AssetReason::DuplicateOutput));
    // Nothing but the push may be in the script.
    let mut inner = burning(&good, &[1; 20], 3).into_inner();
    let mut script = inner.output[2].script_pubkey.clone().into_bytes();
    script.push(5);
    inner.output[2].script_pubkey = bitcoin::ScriptBuf::from_bytes(script);
    assert_eq!(strict(&tx(inner.clone())), Err(AssetReason::Script));
    assert_eq!(loose(&tx(inner)), Ok(()));
    let inputs = (0..100).map(|n| input(outpoint(n))).collect();
    let mut inner = burning(&good, &[1; 20], 3).into_inner();
    inner.input = inputs;
    assert_eq!(strict(&tx(inner)), Err(AssetReason::BurnInputs));
}

#[test]
fn lists_name_each_thing_once() {
    let receipts = main_extra().cl_receipt_start_block.height().unwrap();
    let strict = |list: &Allocation, spent: &[TxOutEntry]| {
        run(&moving(lists::SEND, &[1, 1, 1], 0, list), spent, main_extra(), receipts)
    };
    assert_eq!(strict(&list(&[(7, &[(0, 5)])]), &[coin(7, 5)]), Ok(()));
    assert_eq!(strict(&list(&[(7, &[(0, 5)]), (0, &[(1, 5)])]), &[coin(7, 5)]), Err(AssetReason::NullAsset));
    let repeated = list(&[(7, &[(0, 5)]), (7, &[(1, 5)])]);
    assert_eq!(strict(&repeated, &[coin(7, 10)]), Err(AssetReason::DuplicateAsset));
    let shared = list(&[(7, &[(0, 5)]), (8, &[(0, 5)])]);
    assert_eq!(strict(&shared, &[coin(8, 5)]), Err(AssetReason::DuplicateOutput));
    // Before, the last line of an output counted.
    assert_eq!(at_nexus(&moving(lists::SEND, &[1, 1, 1], 0, &shared), &[coin(8, 5)]), Ok(()));
}

#[test]
fn what_cannot_be_verified_is_refused_or_taken_as_it_is() {
    let mut proof = vec![0; 64 + 2];
    primitives::put_bytes(&mut proof, &[1]);
    primitives::put_bytes(&mut proof, &[]);
    proof.extend([0, 0]);
    primitives::put_bytes(&mut proof, &[1]);
    proof.extend([0; 64]);
    let mint = |assets: &Allocation| {
        let mut inner = moving(lists::MINT, &[1, 1], 0, assets).into_inner();
        inner.output[2].script_pubkey = bitcoin::ScriptBuf::from_bytes(carrier(assets, &proof));
        tx(inner)
    };
    let minting = mint(&list(&[(7, &[(0, 5)])]));
    assert_eq!(at_nexus(&minting, &[coin(0, 0)]), Err(AssetReason::MintRoot));
    let unverified = |tx: &Tx, spent: &[TxOutEntry], height| {
        check(tx, spent, Context { extra: main_extra(), height, max: MAX, verified: false })
    };
    let receipts = main_extra().cl_receipt_start_block.height().unwrap();
    assert_eq!(unverified(&minting, &[coin(0, 0)], receipts), Ok(()));
    assert_eq!(unverified(&minting, &[coin(8, 1)], receipts), Err(AssetReason::MintInputs));
    assert_eq!(unverified(&minting, &[coin(7, 1)], receipts - 1), Ok(()));
    assert_eq!(unverified(&minting, &[coin(8, 1)], receipts - 1), Err(AssetReason::Mismatch));
    assert_eq!(unverified(&minting, &[coin(7, 9)], receipts - 1), Err(AssetReason::MintOutput));
    let empty = moving(lists::MINT, &[1, 1], 0, &list(&[(7, &[(0, 5)])]));
    assert_eq!(at_nexus(&empty, &[]), Err(AssetReason::MintUnreadable));

    let special = |version| moving(version, &[1], 0, &list(&[]));
    assert_eq!(run(&special(80), &[], extra(), 431), Ok(()));
    assert_eq!(at_nexus(&special(80), &[]), Err(AssetReason::Masternode));
    assert_eq!(at_nexus(&special(137), &[]), Err(AssetReason::NevmData));
    assert_eq!(unverified(&special(80), &[], receipts), Ok(()));
    assert_eq!(unverified(&special(137), &[], receipts), Ok(()));
    assert_eq!(extra().cl_receipt_start_block, Activation::Never);
}

proptest! {
    #[test]
    fn no_list_makes_something_of_nothing(
        out in proptest::collection::vec((1u64..4, 0u32..3, 0u64..4), 1..6),
        ins in proptest::collection::vec((0u64..4, 0u64..4), 1..5),
    ) {
        let entries: Vec<_> = out.iter().map(|(asset, place, amount)| (*asset, [(*place, *amount)])).collect();
        let listed: Vec<_> = entries.iter().map(|(asset, outputs)| (*asset, outputs.as_slice())).collect();
        let spent: Vec<_> = ins.iter().map(|(asset, amount)| coin(*asset, *amount)).collect();
        let result = at_nexus(&moving(lists::SEND, &[1, 1, 1], 0, &list(&listed)), &spent);
        // The naive way: what the last line of each output says.
        let mut carried = [(0u64, 0u64); 4];
        for (asset, place, amount) in &out {
            carried[usize::try_from(*place).unwrap()] = (*asset, *amount);
        }
        let total = |all: &[(u64, u64)], asset: u64| all.iter().filter(|c| c.0 == asset).map(|c| c.1).sum::<u64>();
        let named = |all: &[(u64, u64)], asset: u64| all.iter().any(|c| c.0 == asset);
        let same = (1..4).all(|asset| {
            total(&carried, asset) == total(&ins, asset) && named(&carried, asset) == named(&ins, asset)
        });
        prop_assert_eq!(result.is_ok(), same, "{:?}", result);
    }
}
