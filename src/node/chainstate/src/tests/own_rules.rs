//! Coins with rules of their own: what outputs carry besides, and chains that are followed only so far.

use std::collections::BTreeMap;
use std::sync::Arc;

use bitcoin::{Amount, OutPoint, ScriptBuf, Transaction, TxOut, transaction::Version};
use consensus::{ActivationOverride, Buried, ChainParams, OwnStart, Rules, rules_for};
use primitives::assets::{self, Allocation, AssetOutputs};
use primitives::{Block, Tx, TxOutEntry};

use super::lab::{Lab, anyone, locked, solved, split};

/// The asset that stands for the coin.
const SYSX: u64 = 123_456;

fn params(id: &str) -> ChainParams {
    let coin = coin::by_id(id).unwrap();
    ChainParams::new(coin, coin.chain(coin::ChainKind::Regtest).unwrap())
}

/// Every coin with all that is known of it.
fn entries(lab: &mut Lab) -> BTreeMap<OutPoint, TxOutEntry> {
    lab.engine().flush_for_cursor().unwrap();
    let mut entries = BTreeMap::new();
    let reader = lab.engine().reader();
    let mut note = |out, coin: &TxOutEntry| {
        entries.insert(out, coin.clone());
        true
    };
    reader.for_each_coin(|| {}, |out, coin| note(out, &coin)).unwrap();
    entries
}

/// Spends `from` into coins of these values, with a list of assets in the last output, which is worth `burnt`.
fn moving(version: u32, from: OutPoint, values: &[u64], burnt: u64, list: &[(u64, u32, u64)]) -> Tx {
    let entry =
        |(asset, place, amount): &(u64, u32, u64)| AssetOutputs { asset: *asset, outputs: vec![(*place, *amount)] };
    let list = Allocation { assets: list.iter().map(entry).collect() };
    let mut data = Vec::new();
    list.encode(&mut data);
    let mut script = vec![0x6a, u8::try_from(data.len()).unwrap()];
    script.extend(data);
    let coin = |value, script_pubkey| TxOut { value: Amount::from_sat(value), script_pubkey };
    let mut output: Vec<_> = values.iter().map(|value| coin(*value, anyone())).collect();
    output.push(coin(burnt, ScriptBuf::from_bytes(script)));
    let inner = split(from, 0).into_inner();
    Tx::new(Transaction { version: Version(version.cast_signed()), output, ..inner }, None)
}

fn coinbase_of(block: &Block) -> OutPoint {
    OutPoint { txid: block.txs[0].txid(), vout: 0 }
}

#[test]
fn a_reorganisation_returns_the_assets() {
    let rules = rules_for(params("syscoin").with_start(OwnStart::Masternodes, 0)).unwrap();
    let mut lab = Lab::with_rules(rules);
    let blocks = lab.mine(102);
    let whole = 5_000_000_000;
    // Coins become an asset, and part of that goes on.
    let made = moving(assets::COIN_TO_ASSET, coinbase_of(&blocks[0]), &[600], whole - 1000, &[(SYSX, 0, whole - 1000)]);
    let first = lab.block(blocks[101].hash(), vec![made.clone()], 1, 0);
    assert!(lab.submit(&first).1.refused.is_empty());
    let before = entries(&mut lab);
    let carrier = OutPoint { txid: made.txid(), vout: 0 };
    let tail = primitives::CoinTail::Asset { asset: SYSX, amount: whole - 1000 };
    assert_eq!(before[&carrier].tail, tail);

    let sent = moving(assets::SEND, carrier, &[300, 300], 0, &[(SYSX, 0, whole - 1001), (SYSX, 1, 1)]);
    let second = lab.block(first.hash(), vec![sent.clone()], 1, 0);
    assert!(lab.submit(&second).1.refused.is_empty());
    let after = entries(&mut lab);
    assert!(!after.contains_key(&carrier));
    let one = OutPoint { txid: sent.txid(), vout: 1 };
    assert_eq!(after[&one].tail, primitives::CoinTail::Asset { asset: SYSX, amount: 1 });

    // Another branch without the second: what it spent is there again, asset and all, also on the disk.
    let other = lab.block(first.hash(), Vec::new(), 2, 0);
    lab.submit(&other).0.unwrap();
    let longer = lab.block(other.hash(), Vec::new(), 3, 0);
    lab.submit(&longer).0.unwrap();
    assert_eq!(lab.tip(), longer.hash());
    lab.restart();
    let mut returned = entries(&mut lab);
    returned.retain(|out, _| *out != coinbase_of(&other) && *out != coinbase_of(&longer));
    assert_eq!(returned, before);

    // And nobody makes something of nothing.
    let forged = moving(assets::SEND, carrier, &[600], 0, &[(SYSX, 0, whole)]);
    let bad = lab.block(longer.hash(), vec![forged], 4, 0);
    let refused = lab.submit(&bad).1.refused;
    assert_eq!(refused[0].reason.to_string(), "bad-txns-asset-io-mismatch");
    assert_eq!(lab.tip(), longer.hash());
}

/// Bitcoin's rules, of which nothing is verified from a height on.
#[derive(Debug)]
struct Partly(ChainParams, u32);

impl Rules for Partly {
    fn params(&self) -> &ChainParams {
        &self.0
    }

    fn frontier(&self) -> Option<u32> {
        Some(self.1)
    }
}

#[test]
fn a_chain_is_followed_to_its_frontier() {
    let mut free = Lab::new();
    let blocks = free.mine(5);
    let mut lab = Lab::with_rules(Arc::new(Partly(params("bitcoin"), 4)));
    for block in &blocks[..3] {
        assert!(!lab.submit(block).1.frontier);
    }
    for block in &blocks[3..] {
        let (taken, activation) = lab.submit(block);
        assert!(taken.unwrap().new && activation.frontier && activation.refused.is_empty());
    }
    assert_eq!((lab.height(), lab.tip()), (3, blocks[2].hash()));
    lab.restart();
    assert_eq!(lab.height(), 3);
}

/// Bitcoin's rules, of which the scripts are taken on trust.
#[derive(Debug)]
struct Trusting(ChainParams);

impl Rules for Trusting {
    fn params(&self) -> &ChainParams {
        &self.0
    }

    fn runs_scripts(&self, _: u32) -> bool {
        false
    }
}

#[test]
fn scripts_that_are_taken_on_trust_are_not_run() {
    let mut lab = Lab::with_rules(Arc::new(Trusting(params("bitcoin"))));
    let blocks = lab.mine(101);
    let locked = locked(coinbase_of(&blocks[0]), 5_000_000_000);
    let first = lab.block(blocks[100].hash(), vec![locked.clone()], 1, 0);
    assert!(lab.submit(&first).1.refused.is_empty());
    let thief = split(OutPoint { txid: locked.txid(), vout: 0 }, 5_000_000_000);
    let second = lab.block(first.hash(), vec![thief], 2, 0);
    assert!(lab.submit(&second).1.refused.is_empty(), "a block that comes alone");
    lab.stop();
    lab.open(false, true).unwrap();
    assert_eq!(lab.tip(), second.hash(), "and one of many");
}

#[test]
fn an_output_that_is_unspent_is_not_made_again() {
    // Coinbases need not say their height here, so that two can be the same.
    let late = ActivationOverride { deployment: Buried::HeightInCoinbase, height: 1000 };
    let mut lab = Lab::with_rules(rules_for(params("bitcoin").with_activation(late)).unwrap());
    let blocks = lab.mine(2);
    for place in ["in memory", "on the disk"] {
        let tip = lab.tip();
        let other = lab.block(tip, Vec::new(), 9, 0);
        let rules = rules_for(lab.engine().reader().params().clone()).unwrap();
        let again = solved(*other.header.raw(), blocks[0].txs.clone(), |header| rules.is_proven(header));
        let refused = lab.submit(&Arc::new(again)).1.refused;
        assert_eq!(refused[0].reason.to_string(), "bad-txns-BIP30", "{place}");
        assert_eq!(lab.tip(), tip);
        lab.restart();
        lab.mine(1);
    }
}
