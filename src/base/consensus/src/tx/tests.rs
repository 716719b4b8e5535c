//! Every rule of a transaction broken once, and the limits of each from both sides.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{OutPoint, ScriptBuf, Sequence, Witness};
use coin::ChainKind;
use proptest::prelude::*;
use script::Flags;

use super::*;
use crate::reason::{TxReason, TxResult};
use crate::testing::*;
use crate::view::HeaderView;

#[test]
fn each_rule_of_a_lone_transaction() {
    let rules = regtest();
    let max = rules.params().max_money();
    let check = |inner| rules.check_transaction(&tx(inner));
    let with_inputs = |inputs| transaction(inputs, vec![output(COIN, &[])]);
    let with_outputs = |values: &[i64]| {
        transaction(vec![input(outpoint(1))], values.iter().map(|value| output(*value, &[])).collect())
    };

    assert_eq!(check(simple()), Ok(()));
    assert_eq!(check(with_inputs(vec![])), Err(TxReason::NoInputs));
    assert_eq!(check(with_outputs(&[])), Err(TxReason::NoOutputs));
    assert_eq!(check(with_outputs(&[0, max])), Ok(()));
    assert_eq!(check(with_outputs(&[-1])), Err(TxReason::OutputNegative));
    assert_eq!(check(with_outputs(&[i64::MIN])), Err(TxReason::OutputNegative));
    assert_eq!(check(with_outputs(&[max + 1])), Err(TxReason::OutputTooLarge));
    assert_eq!(check(with_outputs(&[i64::MAX])), Err(TxReason::OutputTooLarge));
    assert_eq!(check(with_outputs(&[max, 1])), Err(TxReason::OutputTotalTooLarge));

    let some = |count: u8| (1..=count).map(|number| input(outpoint(number))).collect::<Vec<_>>();
    for count in [2, 12, 13, 100] {
        assert_eq!(check(with_inputs(some(count))), Ok(()));
        let mut inputs = some(count);
        inputs.push(input(outpoint(1)));
        assert_eq!(check(with_inputs(inputs)), Err(TxReason::DuplicateInputs), "{count}");
    }
    let mut inputs = some(2);
    inputs[1].previous_output = OutPoint::null();
    assert_eq!(check(with_inputs(inputs)), Err(TxReason::NullInput));

    for (size, result) in
        [(1, Err(TxReason::CoinbaseLength)), (2, Ok(())), (100, Ok(())), (101, Err(TxReason::CoinbaseLength))]
    {
        let mut inner = coinbase(1, vec![output(0, &[])]);
        inner.input[0].script_sig = ScriptBuf::from_bytes(vec![0x51; size]);
        assert_eq!(check(inner), result, "{size}");
    }
}

#[test]
fn a_transaction_must_fit_a_block_without_its_witness() {
    let rules = regtest();
    let sized = |size: usize| {
        let mut inner = simple();
        inner.input[0].script_sig = ScriptBuf::from_bytes(vec![0; 900_000]);
        let missing = size - inner.base_size();
        inner.input[0].script_sig = ScriptBuf::from_bytes(vec![0; 900_000 + missing]);
        inner.input[0].witness = Witness::from_slice(&[vec![0; 5000]]);
        assert_eq!(inner.base_size(), size);
        tx(inner)
    };
    assert_eq!(rules.check_transaction(&sized(1_000_000)), Ok(()));
    assert_eq!(rules.check_transaction(&sized(1_000_001)), Err(TxReason::Oversize));
    // A coin with larger blocks takes larger transactions.
    assert_eq!(rules_of("widecoin").check_transaction(&sized(1_000_001)), Ok(()));
}

fn rules_of(id: &str) -> std::sync::Arc<dyn crate::Rules> {
    rules(id, ChainKind::Main)
}

#[test]
fn values_and_maturity() {
    let rules = regtest();
    let max = rules.params().max_money();
    let spend = |coins: &[(i64, u32, bool)], value: i64| {
        let inputs = (1..).take(coins.len()).map(|number| input(outpoint(number))).collect();
        let spent: Vec<_> = coins.iter().map(|(value, height, base)| coin(*value, &[0x51], *height, *base)).collect();
        rules.check_inputs(&tx(transaction(inputs, vec![output(value, &[])])), &spent, 200)
    };
    assert_eq!(spend(&[(5, 199, false), (6, 100, true)], 7), Ok(4));
    assert_eq!(spend(&[(5, 101, true)], 5), Err(TxReason::Immature { depth: 99 }));
    assert_eq!(spend(&[(5, 200, false)], 5), Ok(0));
    assert_eq!(spend(&[(5, 1, false)], 6), Err(TxReason::InBelowOut { value_in: 5, value_out: 6 }));
    assert_eq!(spend(&[(max, 1, false), (1, 1, false)], 6), Err(TxReason::InputValues));
    assert_eq!(spend(&[(-1, 1, false)], 6), Err(TxReason::InputValues));
    assert_eq!(spend(&[(i64::MAX, 1, false), (i64::MAX, 1, false)], 6), Err(TxReason::InputValues));
    assert_eq!(spend(&[(max, 1, false)], 0), Ok(max));
    // Fewer coins than inputs are missing coins.
    assert_eq!(rules.check_inputs(&tx(simple()), &[], 200), Err(TxReason::MissingInputs));
    for (id, maturity) in [("arcadia", 30), ("widecoin", 50), ("c1pzo", 50), ("bitcoin", 100)] {
        let spent = [coin(2 * COIN, &[], 1000, true)];
        let check = |height| rules_of(id).check_inputs(&tx(simple()), &spent, height);
        assert_eq!(check(1000 + maturity), Ok(COIN), "{id}");
        let depth = i64::from(maturity) - 1;
        assert_eq!(check(1000 + maturity - 1), Err(TxReason::Immature { depth }), "{id}");
    }
}

#[test]
fn coins_are_taken_in_the_order_of_inputs() {
    let mut coins = Coins::default();
    coins.0.insert(outpoint(1), coin(1, &[], 5, false));
    coins.0.insert(outpoint(2), coin(2, &[], 5, false));
    let spend = |numbers: &[u8]| {
        let inputs = numbers.iter().map(|number| input(outpoint(*number))).collect();
        let spent = spent_coins(&tx(transaction(inputs, vec![])), &coins)?;
        Ok(spent.iter().map(|coin| coin.out.value.to_sat()).collect::<Vec<_>>())
    };
    assert_eq!(spend(&[2, 1]), Ok(vec![2, 1]));
    assert_eq!(spend(&[2, 3]), Err(TxReason::MissingInputs));
    assert!(coins.has_any(&[outpoint(3), outpoint(1)]) && !coins.has_any(&[outpoint(3)]));
}

#[test]
fn reasons_say_what_the_daemon_says() {
    let reason = TxReason::Immature { depth: 3 };
    assert_eq!(reason.to_string(), "bad-txns-premature-spend-of-coinbase");
    assert_eq!(reason.debug_message(), "tried to spend coinbase at depth 3");
    assert_eq!(reason.result(), TxResult::PrematureSpend);
    let reason = TxReason::InBelowOut { value_in: COIN, value_out: 2 * COIN };
    assert_eq!(reason.full(), "bad-txns-in-belowout, value in (1.00) < value out (2.00)");
    assert_eq!(TxReason::NoInputs.full(), "bad-txns-vin-empty");
    assert_eq!(TxReason::MissingInputs.result(), TxResult::MissingInputs);
}

#[test]
fn lock_times() {
    let of = |lock: u32, sequence: u32| {
        let mut inner = simple();
        inner.lock_time = LockTime::from_consensus(lock);
        inner.input[0].sequence = Sequence(sequence);
        tx(inner)
    };
    let open = |lock, height, time| is_final(&of(lock, 0), height, time);
    assert!(open(0, 0, 0));
    assert!(open(9, 10, 0) && !open(10, 10, i64::MAX));
    assert!(open(499_999_999, 500_000_000, 0) && !open(499_999_999, 499_999_999, i64::MAX));
    assert!(open(500_000_000, 0, 500_000_001) && !open(500_000_000, u32::MAX, 500_000_000));
    assert!(is_final(&of(u32::MAX, u32::MAX), 0, 0), "no input observes it");
}

#[test]
fn relative_locks() {
    let rules = regtest();
    let chain = branch(&*rules, 99);
    let genesis = rules.params().chain().genesis.time;
    let of = |version: i32, sequence: u32, height: u32| {
        let mut inner = simple();
        inner.version = Version(version);
        inner.input[0].sequence = Sequence(sequence);
        SequenceLocks::of(&tx(inner), [height], &chain)
    };
    assert_eq!(of(1, 10, 50), SequenceLocks::NONE);
    assert_eq!(of(2, (1 << 31) + 10, 50), SequenceLocks::NONE);
    assert_eq!(of(2, 10, 50), SequenceLocks { height: 59, time: -1, highest_input: 50 });
    assert_eq!(of(-1, 10, 50).height, 59, "versions are unsigned");
    assert_eq!(of(2, 0x0020_000a, 50).height, 59, "other bits mean nothing");
    // A coin of the block itself.
    assert_eq!(of(2, 0, 100), SequenceLocks { height: 99, time: -1, highest_input: 0 });
    assert!(of(2, 0, 100).are_open_after(&chain) && !of(2, 1, 100).are_open_after(&chain));
    assert!(of(2, 50, 50).are_open_after(&chain) && !of(2, 51, 50).are_open_after(&chain));
    // The median time of the block before the coin's: of the headers 39 to 49 that is 44.
    let time = i64::from(genesis) + 44 * 600 + 3 * 512 - 1;
    assert_eq!(of(2, (1 << 22) + 3, 50), SequenceLocks { height: -1, time, highest_input: 50 });
    assert_eq!(chain.median_time_past(99), Some(i64::from(genesis) + 94 * 600));
    // 50 blocks of 600 seconds hold 58 units of 512, and a part of one.
    assert!(of(2, (1 << 22) + 58, 50).are_open_after(&chain) && !of(2, (1 << 22) + 59, 50).are_open_after(&chain));
    assert_eq!(of(2, 1 << 22, 0).time, i64::from(genesis) - 1);
}

#[test]
fn signature_operations() {
    let params = params("bitcoin", ChainKind::Main);
    let spend = |script_sig: &[u8], witness: &[Vec<u8>], script: &[u8], flags| {
        let mut inner = transaction(vec![input(outpoint(1))], vec![output(1, &[0xac, 0xae])]);
        inner.input[0].script_sig = ScriptBuf::from_bytes(script_sig.to_vec());
        inner.input[0].witness = Witness::from_slice(witness);
        assert_eq!(legacy_sigops(&tx(inner.clone())), 21);
        sigop_cost(&params, &tx(inner), &[coin(1, script, 1, false)], flags) - 84
    };
    let all = Flags::P2SH | Flags::WITNESS;
    let p2wpkh = [&[0x00, 0x14][..], &[7; 20]].concat();
    let p2wsh = [&[0x00, 0x20][..], &[7; 32]].concat();
    let p2sh = [&[0xa9, 0x14][..], &[7; 20], &[0x87]].concat();
    // 2 of 3.
    let multisig = vec![0x52, 0x53, 0xae];
    assert_eq!(spend(&[], &[], &p2wpkh, all), 1);
    assert_eq!(spend(&[], &[], &p2wpkh, Flags::P2SH), 0);
    assert_eq!(spend(&[], &[vec![], multisig.clone()], &p2wsh, all), 3);
    assert_eq!(spend(&[3, 0x52, 0x53, 0xae], &[], &p2sh, all), 12);
    assert_eq!(spend(&[3, 0x52, 0x53, 0xae], &[], &p2sh, Flags::NONE), 0);
    let nested = [&[22][..], &p2wpkh].concat();
    assert_eq!(spend(&nested, &[], &p2sh, all), 1);
    let base = tx(coinbase(1, vec![output(1, &[0xac])]));
    assert_eq!(sigop_cost(&params, &base, &[], all), 4);
}

proptest! {
    #[test]
    fn amounts_are_judged_like_big_numbers(values in proptest::collection::vec(any::<i64>(), 1..5), scale in 0u32..40) {
        let values: Vec<i64> = values.into_iter().map(|value| value >> scale).collect();
        let rules = regtest();
        let max = i128::from(rules.params().max_money());
        let inner = transaction(
            vec![input(outpoint(1))],
            values.iter().map(|value| output(*value, &[])).collect(),
        );
        let mut expected = Ok(());
        let mut sum = 0i128;
        for value in &values {
            sum += i128::from(*value);
            expected = match i128::from(*value) {
                value if value < 0 => Err(TxReason::OutputNegative),
                value if value > max => Err(TxReason::OutputTooLarge),
                _ if sum > max => Err(TxReason::OutputTotalTooLarge),
                _ => continue,
            };
            break;
        }
        prop_assert_eq!(rules.check_transaction(&tx(inner)), expected);
    }
}
