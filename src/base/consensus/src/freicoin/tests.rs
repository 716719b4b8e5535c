//! Values at a height, ends of blocks, commitments, and what is refused.

use std::collections::HashMap;
use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};
use coin::ChainKind;
use primitives::CoinTail;
use proptest::prelude::*;

use super::*;
use crate::testing::{COIN, branch, input, next_header, outpoint, output, params, rules};
use crate::view::HeaderVec;
use crate::{Connecting, FinalTxReason, MemoryCache as Cache, NoCache};

fn regtest() -> Arc<dyn Rules> {
    rules("freicoin", ChainKind::Regtest)
}

fn coin_of(value: i64, reference: u32, height: u32, coinbase: bool) -> TxOutEntry {
    TxOutEntry::new(output(value, &[0x51]), height, coinbase, CoinTail::RefHeight(reference))
}

fn spend(values: &[i64], lock_height: u32) -> Tx {
    let inner = Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::ZERO,
        input: vec![input(outpoint(1))],
        output: values.iter().map(|value| output(*value, &[0x51])).collect(),
    };
    Tx::new(inner, Some(lock_height))
}

#[test]
fn inputs_are_worth_what_is_left_of_them() {
    let rules = regtest();
    let coin = coin_of(100 * COIN, 10, 10, false);
    // 9,999,990,463 of 10,000,000,000 are left after one block.
    assert_eq!(rules.check_inputs(&spend(&[0], 10), std::slice::from_ref(&coin), 200), Ok(100 * COIN));
    assert_eq!(rules.check_inputs(&spend(&[0], 11), std::slice::from_ref(&coin), 200), Ok(9_999_990_463));
    let too_much = spend(&[9_999_990_464], 11);
    assert_eq!(
        rules.check_inputs(&too_much, std::slice::from_ref(&coin), 200),
        Err(TxReason::InBelowOut { value_in: 9_999_990_463, value_out: 9_999_990_464 })
    );
    assert_eq!(
        rules.check_inputs(&spend(&[0], 9), std::slice::from_ref(&coin), 200).unwrap_err().full(),
        "bad-txns-non-monotonic-lock-height, tx.lock_height < coin.refheight (9 < 10)"
    );
    // Nothing may travel back once the clean-up is in force.
    let nothing = coin_of(0, 10, 10, false);
    let back = spend(&[0], 9);
    assert!(rules.check_inputs_in(&back, std::slice::from_ref(&nothing), 200, Era::default()).is_err());
    assert_eq!(rules.check_inputs_in(&back, std::slice::from_ref(&nothing), 200, Era::LOOSENED), Ok(0));
    // A fee decays until the block is made.
    let tx = spend(&[0], 11);
    assert_eq!(rules.fee_in_block(&tx, 100 * COIN, 11), 100 * COIN);
    assert_eq!(rules.fee_in_block(&tx, 100 * COIN, 12), 9_999_990_463);
}

#[test]
fn the_first_years_were_more_tolerant() {
    let rules = rules("freicoin", ChainKind::Main);
    let coin = coin_of(10, 10, 10, false);
    for (height, more) in [(158_424, 2), (158_425, 1), (229_375, 1), (229_376, 0)] {
        let tx = spend(&[10 + more], 10);
        let spent = std::slice::from_ref(&coin);
        assert_eq!(rules.check_inputs_in(&tx, spent, height, Era::default()), Ok(0), "{height}");
        let tx = spend(&[11 + more], 10);
        assert!(rules.check_inputs_in(&tx, spent, height, Era::default()).is_err(), "{height}");
    }
    assert_eq!(rules.fee_in_block(&spend(&[0], 229_375), 5, 229_375), 6);
    assert_eq!(rules.fee_in_block(&spend(&[0], 229_376), 5, 229_376), 5);
}

#[test]
fn maturity_ends_with_the_size_expansion() {
    let rules = regtest();
    let coin = coin_of(COIN, 100, 100, true);
    let spent = std::slice::from_ref(&coin);
    let tx = spend(&[0], 100);
    assert_eq!(rules.check_inputs_in(&tx, spent, 199, Era::default()), Err(TxReason::Immature { depth: 99 }));
    assert!(rules.check_inputs_in(&tx, spent, 200, Era::default()).is_ok());
    assert!(rules.check_inputs_in(&tx, spent, 101, Era::EXPANDED).is_ok());
    assert!(rules.check_inputs_in(&tx, spent, 100, Era::EXPANDED).is_err());
}

#[test]
fn miners_must_know_two_of_the_upgrades() {
    let rules = regtest();
    let forced = rules.params().deployments().iter().filter(|upgrade| !upgrade.is_gbt_optional());
    assert_eq!(forced.map(|upgrade| upgrade.name).collect::<Vec<_>>(), ["finaltx", "auxpow"]);
}

#[test]
fn a_transaction_waits_for_its_lock_height() {
    let rules = regtest();
    assert!(!rules.is_final(&spend(&[0], 11), 10, 0));
    assert!(rules.is_final(&spend(&[0], 10), 10, 0));
}

#[test]
fn values_that_do_not_decay() {
    let rules = crate::rules_for(params("freicoin", ChainKind::Regtest).with_timeless_values()).unwrap();
    let coin = coin_of(100 * COIN, 10, 10, false);
    assert_eq!(rules.worth(100 * COIN, &coin, 1_000_000), 100 * COIN);
    assert_eq!(rules.fee_in_block(&spend(&[0], 10), 7, 1_000_000), 7);
}

/// The coins of a small chain.
#[derive(Default)]
pub(super) struct Coins {
    coins: HashMap<OutPoint, TxOutEntry>,
    last: Option<FinalTx>,
}

impl CoinView for Coins {
    fn coin(&self, outpoint: &OutPoint) -> Option<TxOutEntry> {
        self.coins.get(outpoint).cloned()
    }

    fn final_tx(&self) -> Option<FinalTx> {
        self.last
    }
}

/// A block on a branch, made as a miner makes it, with more transactions in its middle.
pub(super) fn make(rules: &dyn Rules, chain: &HeaderVec, coins: &Coins, more: Vec<Tx>, fees: i64) -> Block {
    let height = chain.height() + 1;
    let ends = rules.block_ends(chain, coins, &NoCache).unwrap();
    let fees = fees + ends.last.as_ref().map_or(0, |(_, fee)| *fee);
    let mut outputs = ends.first_outputs;
    outputs.push(output(rules.reward_limit(height, fees), &[0x51]));
    let coinbase = Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::from_consensus(ends.lock_time),
        input: vec![TxIn {
            previous_output: OutPoint::null(),
            script_sig: ScriptBuf::from_bytes([crate::height_script(height), vec![0]].concat()),
            sequence: Sequence(ends.sequence),
            witness: ends.witness.map_or_else(Witness::new, |item| Witness::from_slice(&[item])),
        }],
        output: outputs,
    };
    let txs = std::iter::once(Tx::new(coinbase, Some(height))).chain(more).chain(ends.last.map(|(tx, _)| tx));
    let header = Header::new(next_header(chain));
    let mut block = Block { header, txs: txs.map(Arc::new).collect(), tail: None };
    rules.commit_to_witnesses(&mut block);
    let raw = bitcoin::block::Header { merkle_root: block.merkle_root().0, ..*block.header.raw() };
    let proof = rules.own_proof(&Header::new(raw), chain);
    block.header = Header::with_aux(raw, proof);
    block
}

/// What a block pays to its miner, what it spent, and the transaction that the next has to continue.
type Ended = (i64, Vec<(OutPoint, TxOutEntry)>, Option<FinalTx>);

/// Puts a block on the coins, and tells what it pays to its miner. The undo record comes back too.
fn connect(rules: &dyn Rules, chain: &HeaderVec, coins: &mut Coins, block: &Block) -> Result<Ended, ConnectReason> {
    rules.check_block_context(block, Some(chain), &mut BlockChecks::default())?;
    let height = chain.height() + 1;
    let before = coins.last;
    let mut connecting = Connecting::start(rules, block, chain, &*coins, &Cache::default())?;
    let after = connecting.final_tx();
    let mut undo = Vec::new();
    let mut made = HashMap::new();
    for tx in &block.txs {
        let spent = if tx.is_coinbase() {
            Vec::new()
        } else {
            let both = Coins { coins: coins.coins.clone().into_iter().chain(made.clone()).collect(), last: before };
            crate::spent_coins(tx, &both).unwrap()
        };
        connecting.transaction(tx, &spent)?;
        undo.extend(tx.inputs().iter().map(|input| input.previous_output).zip(spent));
        for (vout, out) in (0u32..).zip(tx.outputs()) {
            let tail = CoinTail::RefHeight(tx.lock_height().unwrap());
            let entry = TxOutEntry::new(out.clone(), height, tx.is_coinbase(), tail);
            made.insert(OutPoint { txid: tx.txid(), vout }, entry);
        }
    }
    let fees = connecting.finish(&block.txs[0])?;
    for (spent, _) in &undo {
        coins.coins.remove(spent);
        made.remove(spent);
    }
    coins.coins.extend(made);
    coins.last = after;
    Ok((fees, undo, before))
}

fn grow(rules: &dyn Rules, chain: &mut HeaderVec, coins: &mut Coins, blocks: u32) {
    for _ in 0..blocks {
        let block = make(rules, chain, coins, Vec::new(), 0);
        connect(rules, chain, coins, &block).unwrap();
        let raw = block.header.raw();
        chain.push(block.hash(), raw.version.to_consensus(), raw.time, raw.bits.to_consensus());
    }
}

/// Damage to a transaction that continues the one of the block before, and why it is refused.
type Case = (fn(&mut Transaction), FinalTxReason);

#[test]
fn blocks_continue_the_last_transaction() {
    let rules = regtest();
    let mut chain = branch(&*rules, 0);
    let mut coins = Coins::default();
    // Somebody else's coinbase does not leave anything to anybody.
    let mut bad = make(&*rules, &chain, &coins, Vec::new(), 0);
    let mut inner = bad.txs[0].inner().clone();
    inner.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0x00]);
    bad.txs[0] = Arc::new(Tx::new(inner, Some(1)));
    let refused = connect(&*rules, &chain, &mut coins, &bad).unwrap_err();
    assert_eq!(refused.to_string(), "bad-cb-missing-initial-block-final-output");

    grow(&*rules, &mut chain, &mut coins, 1);
    let first = coins.last.unwrap();
    grow(&*rules, &mut chain, &mut coins, 99);
    assert_eq!((chain.height(), coins.last), (100, Some(first)), "until it is mature nothing changes");
    let good = make(&*rules, &chain, &coins, Vec::new(), 0);
    assert_eq!(good.txs.len(), 2);
    let cases: [Case; 4] = [
        (|tx| tx.input[0].previous_output.vout = 1, FinalTxReason::ForeignInput),
        (|tx| tx.output.push(output(0, &[0x51])), FinalTxReason::ManyOutputs),
        (|tx| tx.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0x00]), FinalTxReason::NotFree),
        (|tx| tx.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0x51, 0x51]), FinalTxReason::NotFree),
    ];
    for (change, reason) in cases {
        let mut block = good.clone();
        let mut inner = block.txs[1].inner().clone();
        change(&mut inner);
        block.txs[1] = Arc::new(Tx::new(inner, Some(101)));
        // Without a commitment there may be no witness either.
        let mut coinbase = block.txs[0].inner().clone();
        coinbase.input[0].witness = Witness::new();
        if witness::commits(&block) {
            rules.commit_to_witnesses(&mut block);
        } else {
            block.txs[0] = Arc::new(Tx::new(coinbase, Some(101)));
        }
        // The coinbase of block 1 is old, its second output too: it does not become mature here.
        let coin = OutPoint { txid: first.txid, vout: 1 };
        assert!(coins.coins.contains_key(&coin));
        let result = connect(&*rules, &chain, &mut Coins { coins: coins.coins.clone(), last: coins.last }, &block);
        match reason {
            // It may spend the other output of the very coinbase that it continues.
            FinalTxReason::ForeignInput => assert!(result.is_ok(), "{result:?}"),
            reason => assert_eq!(result.unwrap_err(), ConnectReason::FinalTx(reason)),
        }
    }
    let mut alone = good.clone();
    alone.txs.truncate(1);
    let mut inner = alone.txs[0].inner().clone();
    inner.input[0].witness = Witness::new();
    alone.txs[0] = Arc::new(Tx::new(inner, Some(101)));
    assert_eq!(
        connect(&*rules, &chain, &mut coins, &alone).unwrap_err(),
        ConnectReason::FinalTx(FinalTxReason::Missing)
    );
    grow(&*rules, &mut chain, &mut coins, 3);
    let last = coins.last.unwrap();
    assert!(last != first && last.outputs == 1 && !coins.coins.contains_key(&OutPoint { txid: first.txid, vout: 0 }));
    // From now on all of it must be continued.
    let mut block = make(&*rules, &chain, &coins, Vec::new(), 0);
    let mut inner = block.txs[1].inner().clone();
    inner.input[0].previous_output = outpoint(77);
    block.txs[1] = Arc::new(Tx::new(inner, Some(104)));
    rules.commit_to_witnesses(&mut block);
    assert_eq!(
        connect(&*rules, &chain, &mut coins, &block).unwrap_err(),
        ConnectReason::FinalTx(FinalTxReason::NotContinued)
    );
    coins.last = None;
    assert_eq!(connect(&*rules, &chain, &mut coins, &block).unwrap_err(), ConnectReason::FinalTx(FinalTxReason::Lost));
}

#[test]
fn a_coinbase_says_its_height() {
    let rules = regtest();
    let mut chain = branch(&*rules, 0);
    let mut coins = Coins::default();
    grow(&*rules, &mut chain, &mut coins, 5);
    let good = make(&*rules, &chain, &coins, Vec::new(), 0);
    for height in [5, 7] {
        let mut block = good.clone();
        block.txs[0] = Arc::new(Tx::new(block.txs[0].inner().clone(), Some(height)));
        let refused = connect(&*rules, &chain, &mut coins, &block).unwrap_err().to_string();
        // A height in the future is not final yet.
        assert_eq!(refused, if height == 7 { "bad-txns-nonfinal" } else { "bad-cb-lock-height" });
    }
}

#[test]
fn witnesses_are_committed_to_at_the_end() {
    let rules = regtest();
    let mut chain = branch(&*rules, 0);
    let mut coins = Coins::default();
    grow(&*rules, &mut chain, &mut coins, 101);
    let check = |block: &Block| rules.check_block_context(block, Some(&chain), &mut BlockChecks::default());
    let mut middle = spend(&[0], 102).into_inner();
    middle.input[0].witness = Witness::from_slice(&[[1u8; 5]]);
    let good = make(&*rules, &chain, &coins, vec![Tx::new(middle.clone(), Some(102))], 0);
    assert_eq!(check(&good), Ok(()));
    let change = |at: usize, change: &dyn Fn(&mut Transaction)| {
        let mut block = good.clone();
        let mut inner = block.txs[at].inner().clone();
        change(&mut inner);
        block.txs[at] = Arc::new(Tx::new(inner, Some(102)));
        check(&block)
    };
    assert_eq!(
        change(1, &|tx| tx.input[0].witness = Witness::from_slice(&[[2u8; 5]])),
        Err(BlockReason::WitnessMerkleMatch)
    );
    // The script and the sequence of the coinbase may change, its outputs may not.
    assert_eq!(change(0, &|tx| tx.input[0].script_sig.push_slice([7; 8])), Ok(()));
    assert_eq!(change(0, &|tx| tx.output[0].value = Amount::from_sat(1)), Err(BlockReason::WitnessMerkleMatch));
    assert_eq!(change(0, &|tx| tx.input[0].witness = Witness::new()), Err(BlockReason::WitnessNonceSize));
    let item = |size| Witness::from_slice(&[vec![0u8; size]]);
    assert_eq!(change(0, &|tx| tx.input[0].witness = item(31)), Err(BlockReason::WitnessNonceSize));
    assert_eq!(change(0, &|tx| tx.input[0].witness = item(32)), Err(BlockReason::WitnessBranchSize));
    let path = |path: u8| {
        change(2, &move |tx| {
            let mut script = tx.output[0].script_pubkey.to_bytes();
            script[1] = path;
            tx.output[0].script_pubkey = ScriptBuf::from_bytes(script);
        })
    };
    assert_eq!(path(0), Err(BlockReason::WitnessPath));
    assert_eq!(path(2), Err(BlockReason::WitnessBranchSize));
    assert_eq!(
        change(2, &|tx| tx.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0x51])),
        Err(BlockReason::UnexpectedWitness)
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// At every height: what there is, at that height, never grows by more than the subsidy; and undoing a block gives
    /// back exactly the coins that were there.
    #[test]
    fn money_is_conserved_with_decay(
        plan in prop::collection::vec((any::<prop::sample::Index>(), 0u32..40, 1u32..100, 1usize..4), 1..25)
    ) {
        let rules = regtest();
        let mut chain = branch(&*rules, 0);
        let mut coins = Coins::default();
        grow(&*rules, &mut chain, &mut coins, 101);
        let supply = |coins: &Coins, height: u32| -> i64 {
            coins.coins.values().map(|coin| rules.worth(value_of(&coin.out), coin, height)).sum()
        };
        for (which, age, part, pieces) in plan {
            let height = chain.height() + 1;
            let mut ready: Vec<_> = coins.coins.iter().filter(|(out, coin)| {
                (!coin.coinbase || coin.height + 100 <= height) && Some(out.txid) != coins.last.map(|last| last.txid)
            }).collect();
            ready.sort_by_key(|(out, _)| **out);
            let mut more = Vec::new();
            let mut fees = 0;
            if !ready.is_empty() {
                let (out, coin) = ready[which.index(ready.len())];
                let lock_height = coin.refheight().unwrap().max(height.saturating_sub(age));
                let value = rules.worth(value_of(&coin.out), coin, lock_height);
                let pay = value / 100 * i64::from(part) / i64::try_from(pieces).unwrap();
                let inner = Transaction {
                    version: bitcoin::transaction::Version::TWO,
                    lock_time: bitcoin::absolute::LockTime::ZERO,
                    input: vec![input(*out)],
                    output: vec![TxOut { value: Amount::from_sat(pay.cast_unsigned()), script_pubkey: ScriptBuf::from_bytes(vec![0x51]) }; pieces],
                };
                let tx = Tx::new(inner, Some(lock_height));
                let fee = rules.check_inputs(&tx, std::slice::from_ref(coin), height).unwrap();
                fees = rules.fee_in_block(&tx, fee, height);
                more.push(tx);
            }
            let before = (coins.coins.clone(), coins.last, supply(&coins, height));
            let block = make(&*rules, &chain, &coins, more, fees);
            let (_, undo, last) = connect(&*rules, &chain, &mut coins, &block).unwrap();
            let allowed = before.2 + rules.subsidy(height) + i64::try_from(coins.coins.len()).unwrap();
            prop_assert!(supply(&coins, height) <= allowed, "{} {}", supply(&coins, height), allowed);

            let mut undone = coins.coins.clone();
            for tx in &block.txs {
                for vout in (0u32..).take(tx.outputs().len()) {
                    undone.remove(&OutPoint { txid: tx.txid(), vout });
                }
            }
            let made: std::collections::HashSet<_> = block.txs.iter().map(|tx| tx.txid()).collect();
            undone.extend(undo.into_iter().filter(|(out, _)| !made.contains(&out.txid)));
            prop_assert_eq!(&undone, &before.0);
            prop_assert_eq!(last, before.1);
            let raw = block.header.raw();
            chain.push(block.hash(), raw.version.to_consensus(), raw.time, raw.bits.to_consensus());
        }
        prop_assert_eq!(chain.at(0).map(|facts| facts.hash), Some(BlockHash::from_byte_array(rules.params().chain().genesis.hash)));
    }
}
