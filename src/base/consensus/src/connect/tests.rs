//! Each rule that needs coins, broken once; flags and BIP30 over the life of each chain.

use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, ScriptBuf, Sequence, Transaction};
use coin::ChainKind;
use script::instruction::push_data;

use super::*;
use crate::deployment::{MemoryCache, NoCache, SignalOverride};
use crate::reason::TxReason;
use crate::rules_for;
use crate::scripts::ScriptCheck;
use crate::testing::*;
use crate::view::HeaderVec;

/// Connects a block with a coinbase that pays `reward` and these transactions, on a branch of 200 blocks, and applies it.
fn connect(rules: &dyn Rules, coins: &mut Coins, reward: i64, more: Vec<Transaction>) -> Result<i64, ConnectReason> {
    let chain = branch(rules, 200);
    let base = coinbase(201, vec![output(reward, &[0x51])]);
    let block = mined(rules, next_header(&chain), [vec![base], more].concat());
    let mut connecting = Connecting::start(rules, &block, &chain, coins, &NoCache)?;
    assert_eq!(connecting.height(), 201);
    for tx in &block.txs {
        let spent = connecting.spend(tx, coins)?;
        let spent = Arc::new(spent);
        for check in ScriptCheck::split(tx, &spent, connecting.flags(), rules.dialect(), one()) {
            check.run(None).map_err(|failure| ConnectReason::Script(Box::new(failure)))?;
        }
        for input in tx.inputs() {
            coins.0.remove(&input.previous_output);
        }
        for (vout, output) in (0..).zip(tx.outputs()) {
            let entry = TxOutEntry::new(output.clone(), 201, tx.is_coinbase(), None);
            coins.0.insert(OutPoint { txid: tx.txid(), vout }, entry);
        }
    }
    connecting.finish(&block.txs[0])
}

fn some_coins() -> Coins {
    let mut coins = Coins::default();
    coins.0.insert(outpoint(1), coin(2 * COIN, &[0x51], 50, false));
    coins.0.insert(outpoint(2), coin(2 * COIN, &[0x51], 50, true));
    coins.0.insert(outpoint(3), coin(2 * COIN, &[0x51], 150, true));
    coins.0.insert(outpoint(4), coin(2 * COIN, &[0x00], 50, false));
    coins
}

fn spend(number: u8, value: i64) -> Transaction {
    transaction(vec![input(outpoint(number))], vec![output(value, &[0x51])])
}

#[test]
fn a_block_collects_its_fees() {
    let rules = regtest();
    // After one halving of regtest's 150 blocks.
    assert_eq!(rules.subsidy(201), 25 * COIN);
    let more = || vec![spend(1, COIN), spend(2, 2 * COIN - 5)];
    assert_eq!(connect(&*rules, &mut some_coins(), 26 * COIN + 5, more()), Ok(COIN + 5));
    let (actual, limit) = (26 * COIN + 6, 26 * COIN + 5);
    assert_eq!(
        connect(&*rules, &mut some_coins(), actual, more()),
        Err(ConnectReason::CoinbaseAmount { actual, limit })
    );
}

#[test]
fn coins_are_spent_once_and_in_order() {
    let rules = regtest();
    let first = spend(1, COIN);
    let child = transaction(vec![input(OutPoint { txid: first.compute_txid(), vout: 0 })], vec![output(COIN, &[0x51])]);
    let missing = |inner: &Transaction| {
        Err(ConnectReason::Transaction { txid: inner.compute_txid(), reason: TxReason::MissingInputs })
    };
    let run = |more: Vec<Transaction>| connect(&*rules, &mut some_coins(), COIN, more);
    assert_eq!(run(vec![first.clone(), child.clone()]), Ok(COIN));
    assert_eq!(run(vec![child.clone(), first.clone()]), missing(&child));
    let again = spend(1, COIN - 1);
    assert_eq!(run(vec![first.clone(), again.clone()]), missing(&again));
}

#[test]
fn each_rule_of_a_connected_block() {
    let rules = regtest();
    let run = |inner: &Transaction| connect(&*rules, &mut some_coins(), COIN, vec![inner.clone()]);
    let invalid = |inner: &Transaction, reason| Err(ConnectReason::Transaction { txid: inner.compute_txid(), reason });
    let young = spend(3, COIN);
    assert_eq!(run(&young), invalid(&young, TxReason::Immature { depth: 51 }));
    let greedy = spend(1, 3 * COIN);
    let below = TxReason::InBelowOut { value_in: 2 * COIN, value_out: 3 * COIN };
    assert_eq!(run(&greedy), invalid(&greedy, below));
    let mut locked = spend(1, COIN);
    locked.input[0].sequence = Sequence(151);
    assert_eq!(run(&locked), Ok(COIN));
    locked.input[0].sequence = Sequence(152);
    assert_eq!(run(&locked), Err(ConnectReason::SequenceLock(locked.compute_txid())));
    let Err(ConnectReason::Script(failure)) = run(&spend(4, COIN)) else { panic!("the script is false") };
    assert_eq!(failure.error, script::ScriptError::EvalFalse);

    // A redeem script with many multisigs: not counted by a lone block, but here.
    let mut costly = spend(1, COIN);
    let redeem = vec![0xae; 500];
    let mut script_sig = Vec::new();
    push_data(&mut script_sig, &redeem);
    costly.input[0].script_sig = ScriptBuf::from_bytes(script_sig);
    let mut coins = some_coins();
    let p2sh = ScriptBuf::from_bytes(redeem).to_p2sh();
    for number in 10..13 {
        coins.0.insert(outpoint(number), coin(2 * COIN, p2sh.as_bytes(), 50, false));
    }
    let chain = branch(&*rules, 200);
    let block = mined(&*rules, next_header(&chain), vec![coinbase(201, vec![output(1, &[])])]);
    let mut connecting = Connecting::start(&*rules, &block, &chain, &coins, &NoCache).unwrap();
    for (number, result) in [(10, Ok(())), (11, Ok(())), (12, Err(ConnectReason::SigOps))] {
        costly.input[0].previous_output = outpoint(number);
        let tx = tx(costly.clone());
        // Five hundred multisigs of twenty keys cost 40,000 of 80,000.
        assert_eq!(connecting.transaction(&tx, &spent_coins(&tx, &coins).unwrap()), result, "{number}");
    }
}

#[test]
fn unspent_transactions_are_not_repeated() {
    let rules = regtest();
    let base = coinbase(201, vec![output(COIN, &[0x51])]);
    let mut coins = some_coins();
    coins.0.insert(OutPoint { txid: base.compute_txid(), vout: 0 }, coin(1, &[], 1, true));
    assert_eq!(connect(&*rules, &mut coins, COIN, vec![]), Err(ConnectReason::Bip30));
}

/// A branch with one block whose hash is given.
fn branch_with(height: u32, hash: BlockHash, tip: u32) -> HeaderVec {
    let other = BlockHash::from_byte_array([9; 32]);
    let mut chain = HeaderVec::new(other, 1, 0, 0);
    for at in 1..=tip {
        chain.push(if at == height { hash } else { other }, 1, at, 0);
    }
    chain
}

#[test]
fn bip30_is_skipped_where_nothing_can_be_repeated() {
    let main = rules("bitcoin", ChainKind::Main);
    let any = BlockHash::from_byte_array([7; 32]);
    let (start, anchor) = main.params().bip34_anchor();
    let start = start.height().unwrap();
    assert_eq!(start, 227_931);
    assert!(main.enforces_bip30(&any, &branch_with(start, anchor, start - 1)));
    assert!(!main.enforces_bip30(&any, &branch_with(start, anchor, start)));
    assert!(main.enforces_bip30(&any, &branch_with(start, any, start)));
    let long = branch_with(start, anchor, BIP34_IMPLIES_BIP30_LIMIT - 1);
    assert!(main.enforces_bip30(&any, &long));
    assert!(!main.enforces_bip30(&any, &crate::view::Below::new(&long, BIP34_IMPLIES_BIP30_LIMIT - 2)));

    for ((height, text), (before, victim)) in BIP30_REPEATS.into_iter().zip(BIP30_UNSPENDABLE) {
        let hash: BlockHash = text.parse().unwrap();
        let chain = branch_with(1, any, height - 1);
        assert!(!main.enforces_bip30(&hash, &chain) && main.enforces_bip30(&any, &chain));
        assert!(is_bip30_repeat(&hash, height) && !is_bip30_repeat(&hash, height + 1));
        let victim: BlockHash = victim.parse().unwrap();
        assert!(is_bip30_unspendable(&victim, before) && !is_bip30_unspendable(&hash, before));
    }
    // Without a known block there is no proof: Arcadia and regtest always look.
    for rules in [rules("arcadia", ChainKind::Main), regtest()] {
        assert!(rules.enforces_bip30(&any, &branch(&*rules, 2000)));
    }
}

#[test]
fn flags_of_blocks() {
    let any = BlockHash::from_byte_array([7; 32]);
    let flags = |rules: &dyn Rules, hash: &BlockHash, height: u32| {
        // Flags depend on the height only, so a branch of unknown blocks of that height will do.
        struct Tall(u32);
        impl HeaderView for Tall {
            fn height(&self) -> u32 {
                self.0
            }
            fn at(&self, height: u32) -> Option<crate::HeaderFacts> {
                let hash = BlockHash::all_zeros();
                (height <= self.0).then_some(crate::HeaderFacts { height, hash, version: 4, time: 1, bits: 0 })
            }
        }
        let below = height.checked_sub(1).map(Tall);
        rules.script_flags(hash, below.as_ref().map(|tall| -> &dyn HeaderView { tall }), &NoCache)
    };
    let always = Flags::P2SH | Flags::WITNESS | Flags::TAPROOT;
    let main = rules("bitcoin", ChainKind::Main);
    for (height, expected) in [
        (0, always),
        (363_724, always),
        (363_725, always | Flags::DERSIG),
        (388_381, always | Flags::DERSIG | Flags::CHECKLOCKTIMEVERIFY),
        (419_328, always | Flags::DERSIG | Flags::CHECKLOCKTIMEVERIFY | Flags::CHECKSEQUENCEVERIFY),
        (481_824, always | Flags::DERSIG | Flags::CHECKLOCKTIMEVERIFY | Flags::CHECKSEQUENCEVERIFY | Flags::NULLDUMMY),
    ] {
        assert_eq!(flags(&*main, &any, height), expected, "{height}");
    }
    let bip16 = "00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22".parse().unwrap();
    assert_eq!(flags(&*main, &bip16, 170_060), Flags::NONE);
    let taproot = "0000000000000000000f14c35b2d841e986ab5441de8c585d5ffe55ea1e395ad".parse().unwrap();
    assert_eq!(flags(&*main, &taproot, 692_261), flags(&*main, &any, 692_261).without(Flags::TAPROOT));

    let widecoin = rules("widecoin", ChainKind::Main);
    let exception = "0000000000a0cd53ce693673c9cd2ea429f18578a9d6b1c48a67045afb017338".parse().unwrap();
    let buried = Flags::DERSIG | Flags::CHECKLOCKTIMEVERIFY | Flags::CHECKSEQUENCEVERIFY | Flags::NULLDUMMY;
    assert_eq!(flags(&*widecoin, &exception, 10_000), buried);
    assert_eq!(flags(&*widecoin, &any, 10_000), buried | always);
    // Signalled Taproot that nobody has signalled.
    for id in ["arcadia", "c1pzo"] {
        assert!(!flags(&*rules(id, ChainKind::Main), &any, 4000).has(Flags::TAPROOT), "{id}");
        assert!(flags(&*rules(id, ChainKind::Regtest), &any, 4000).has(Flags::TAPROOT), "{id}");
    }
}

#[test]
fn signalled_taproot_comes_into_force() {
    let change: SignalOverride = "taproot:-1:0".parse().unwrap();
    let params = params("arcadia", ChainKind::Main).with_signal(&change).unwrap();
    let rules = rules_for(params).unwrap();
    let chain = branch(&*rules, 3);
    let cache = MemoryCache::default();
    let flags = rules.script_flags(&BlockHash::all_zeros(), Some(&chain), &cache);
    assert!(flags.has(Flags::TAPROOT) && flags.is_coherent());
}
