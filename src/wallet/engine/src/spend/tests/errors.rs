//! What users are told.

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, TxOut, Txid};
use interfaces::Failure;

use super::fixture::{CENT, COIN, FakePurse, Fixture, at_rate, control, pay, pay_net, theirs};
use crate::spend::{CoinControl, Recipient, amount};

#[track_caller]
fn refuses(wallet: &mut Fixture, recipients: &[Recipient], control: &CoinControl, text: &str) {
    assert_eq!(wallet.create(recipients, control).unwrap_err().to_string(), text);
}

#[test]
fn amounts() {
    let mut wallet = Fixture::new();
    wallet.receive(COIN, 10);
    refuses(&mut wallet, &[], &control(), "Transaction must have at least one recipient");
    refuses(&mut wallet, &[pay(1, -1)], &control(), "Transaction amounts must not be negative");
    refuses(&mut wallet, &[pay(1, 293)], &control(), "Transaction amount too small");
    refuses(&mut wallet, &[pay(1, 2 * COIN)], &control(), "Insufficient funds");
    let text = "The total exceeds your balance when the 0.0000021 transaction fee is included.";
    refuses(&mut wallet, &[pay(1, COIN)], &control(), text);
    refuses(&mut wallet, &[pay(1, COIN), pay(2, COIN)], &control(), "Insufficient funds");
    let nothing = Recipient { script: vec![0x6a].into(), amount: 0, subtract_fee: false };
    let free = CoinControl { override_fee_rate: true, ..at_rate(0) };
    let text = "Transaction requires one destination of non-zero value, a non-zero feerate, or a pre-selected input";
    refuses(&mut wallet, &[nothing], &free, text);
}

#[test]
fn fees_that_recipients_pay() {
    let mut wallet = Fixture::new();
    wallet.receive(COIN, 10);
    let text = "The transaction amount is too small to pay the fee";
    refuses(&mut wallet, &[pay_net(1, 500)], &control(), text);
    let text = "The transaction amount is too small to send after the fee has been deducted";
    refuses(&mut wallet, &[pay_net(1, 900)], &control(), text);
}

#[test]
fn fee_rates() {
    let mut wallet = Fixture::new();
    wallet.receive(COIN, 10);
    let text = "Fee rate (0.999 sat/vB) is lower than the minimum fee rate setting (1.000 sat/vB).\n\
                Consider modifying -mintxfee (1.000 sat/vB) or -minrelaytxfee (0.100 sat/vB).";
    refuses(&mut wallet, &[pay(1, CENT)], &at_rate(999), text);
    assert!(wallet.create(&[pay(1, CENT)], &CoinControl { override_fee_rate: true, ..at_rate(999) }).is_ok());
    let text = "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)";
    refuses(&mut wallet, &[pay(1, CENT)], &at_rate(100_000_000), text);
    wallet.node.estimate = 0;
    let text = "Fee estimation failed. Fallbackfee is disabled. Wait a few blocks or enable -fallbackfee.";
    refuses(&mut wallet, &[pay(1, CENT)], &control(), text);
}

#[test]
fn weights_and_positions() {
    let mut wallet = Fixture::new();
    for _ in 0..3 {
        wallet.receive(COIN, 10);
    }
    for weight in [259, 400_001] {
        let limit = CoinControl { max_tx_weight: Some(weight), ..control() };
        refuses(&mut wallet, &[pay(1, CENT)], &limit, "Maximum transaction weight must be between 260 and 400000");
    }
    let tight = CoinControl { max_tx_weight: Some(4 * (42 + 31 + 2 * 68)), ..control() };
    let text = "The inputs size exceeds the maximum weight. Please try sending a smaller amount or manually \
                consolidating your wallet's UTXOs";
    refuses(&mut wallet, &[pay(1, 25 * COIN / 10)], &tight, text);
    let beyond = wallet.with(|spender| spender.create(&[pay(1, CENT)], Some(2), &control()));
    assert_eq!(beyond.unwrap_err().to_string(), "Transaction change output index out of range");
    wallet.node.limits = Err(Failure::new("too many unconfirmed ancestors"));
    refuses(&mut wallet, &[pay(1, CENT)], &control(), "too many unconfirmed ancestors");
}

#[test]
fn change_without_an_address() {
    let mut wallet = Fixture::new();
    wallet.receive(COIN, 10);
    wallet.purse.kinds.clear();
    let text = "Transaction needs a change address, but we can't generate it. Error: No bech32 addresses available.";
    refuses(&mut wallet, &[pay(1, CENT)], &control(), text);
    assert!(wallet.create(&[pay_net(1, COIN)], &control()).is_ok(), "no change, no address");
}

#[test]
fn named_inputs() {
    let mut wallet = Fixture::new();
    wallet.receive(COIN, 10);
    let unknown = OutPoint::new(Txid::from_byte_array([0xab; 32]), 3);
    let mut named = control();
    named.select(unknown);
    refuses(&mut wallet, &[pay(1, CENT)], &named, "Not found pre-selected input COutPoint(ababababab, 3)");
    named.select(unknown).external = Some(TxOut { value: amount(COIN), script_pubkey: theirs(3) });
    refuses(&mut wallet, &[pay(1, CENT)], &named, "Not solvable pre-selected input COutPoint(ababababab, 3)");
    named.set_weight(unknown, 272);
    assert!(wallet.create(&[pay(1, CENT)], &named).is_ok());
    named.allow_other_inputs = false;
    let text = "The preselected coins total amount does not cover the transaction target. Please allow other inputs to \
                be automatically selected or include more coins manually";
    refuses(&mut wallet, &[pay(1, 15 * COIN / 10)], &named, text);
}

#[test]
fn versions_of_named_inputs() {
    let mut wallet = Fixture::new();
    let truc = wallet.parent(3, vec![TxOut { value: amount(COIN), script_pubkey: FakePurse::change(70) }], &[]);
    wallet.add(&truc, 0);
    let plain = wallet.receive(COIN, 0);
    let named = |outpoint, version| {
        let mut control = CoinControl { version, ..control() };
        control.select(outpoint);
        control
    };
    let truc = OutPoint::new(truc.txid(), 0);
    let text = "Can't spend unconfirmed version 3 pre-selected input with a version 2 tx";
    refuses(&mut wallet, &[pay(1, CENT)], &named(truc, 2), text);
    let text = "Can't spend unconfirmed version 2 pre-selected input with a version 3 tx";
    refuses(&mut wallet, &[pay(1, CENT)], &named(plain, 3), text);
    assert!(wallet.create(&[pay(1, CENT)], &named(truc, 3)).is_ok());
}

#[test]
fn unknown_bump_fees() {
    let mut wallet = Fixture::new();
    let parent = wallet.receive(COIN, 10);
    let own = TxOut { value: amount(COIN - 200), script_pubkey: FakePurse::change(77) };
    let tx = wallet.parent(2, vec![own], &[parent]);
    wallet.add(&tx, 0);
    wallet.node.combined = None;
    let text = "Failed to calculate bump fees, because unconfirmed UTXOs depend on an enormous cluster of unconfirmed \
                transactions.";
    refuses(&mut wallet, &[pay(1, CENT)], &control(), text);
}
