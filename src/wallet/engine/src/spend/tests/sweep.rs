//! Sending everything.

use std::collections::BTreeSet;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version;
use bitcoin::{OutPoint, ScriptBuf, Transaction, TxIn, TxOut, Txid};
use primitives::Tx;

use super::fixture::{CENT, COIN, FakePurse, Fixture, at_rate, paid, signed_vsize, theirs};
use crate::select::FeeRate;
use crate::spend::{SEQUENCE_NONFINAL, SEQUENCE_RBF, SweepError, SweepRequest, amount};

/// Everything to these: fixed amounts first, then those who share the rest.
fn everything(fixed: &[(u8, i64)], shares: &[u8]) -> SweepRequest {
    let fixed = fixed.iter().map(|(number, value)| TxOut { value: amount(*value), script_pubkey: theirs(*number) });
    let rest = shares.iter().map(|number| TxOut { value: amount(0), script_pubkey: theirs(*number) });
    SweepRequest {
        tx: Transaction {
            version: Version(2),
            lock_time: LockTime::ZERO,
            input: Vec::new(),
            output: fixed.chain(rest).collect(),
        },
        shares: shares.iter().map(|number| theirs(*number)).collect(),
        only_inputs: false,
        send_max: false,
        replaceable: true,
        control: at_rate(10_000),
    }
}

fn sweep(wallet: &mut Fixture, request: &SweepRequest) -> Result<Tx, SweepError> {
    let address = |script: &ScriptBuf| format!("<{}>", script.as_bytes().last().unwrap());
    wallet.with(|spender| spender.sweep(request, &address))
}

#[track_caller]
fn refuses(wallet: &mut Fixture, request: &SweepRequest, text: &str) {
    assert_eq!(sweep(wallet, request).unwrap_err().to_string(), text);
}

fn spends(mut request: SweepRequest, outpoints: &[OutPoint]) -> SweepRequest {
    request.only_inputs = true;
    let input = |outpoint: &OutPoint| TxIn { previous_output: *outpoint, ..TxIn::default() };
    request.tx.input = outpoints.iter().map(input).collect();
    request
}

#[test]
fn all_coins_go_and_the_rest_is_shared() {
    let mut wallet = Fixture::new();
    for _ in 0..3 {
        wallet.receive(COIN, 10);
    }
    wallet.receive(COIN, 0);
    let tx = sweep(&mut wallet, &everything(&[(1, CENT)], &[2, 3])).unwrap();
    let fee = FeeRate::per_kvb(10_000).fee(signed_vsize(&tx));
    assert_eq!(tx.inputs().len(), 3, "what strangers have not had confirmed stays");
    assert_eq!(paid(&tx) + fee, 3 * COIN);
    let values: Vec<i64> = tx.outputs().iter().map(consensus::value_of).collect();
    let rest = 3 * COIN - fee - CENT;
    assert_eq!(values, [CENT, rest / 2 + rest % 2, rest / 2]);
    assert!(tx.inputs().iter().all(|input| input.sequence.0 == SEQUENCE_RBF));
    let last = SweepRequest { replaceable: false, ..everything(&[], &[2]) };
    assert_eq!(sweep(&mut wallet, &last).unwrap().inputs()[0].sequence.0, SEQUENCE_NONFINAL);
}

#[test]
fn coins_that_cost_more_than_they_are_worth_may_stay() {
    let mut wallet = Fixture::new();
    wallet.receive(COIN, 10);
    wallet.receive(600, 10);
    wallet.receive(680, 10);
    assert_eq!(sweep(&mut wallet, &everything(&[], &[1])).unwrap().inputs().len(), 3);
    let max = SweepRequest { send_max: true, ..everything(&[], &[1]) };
    assert_eq!(sweep(&mut wallet, &max).unwrap().inputs().len(), 2);
}

#[test]
fn named_inputs_and_no_others() {
    let mut wallet = Fixture::new();
    let coins: Vec<OutPoint> = (0..3).map(|_| wallet.receive(COIN, 10)).collect();
    let tx = sweep(&mut wallet, &spends(everything(&[], &[1]), &coins[..2])).unwrap();
    let spent: BTreeSet<OutPoint> = tx.inputs().iter().map(|input| input.previous_output).collect();
    assert_eq!(spent, coins[..2].iter().copied().collect());

    let foreign = OutPoint::new(Txid::from_byte_array([7; 32]), 1);
    let text = format!("Input not found. UTXO ({}:1) is not part of wallet.", foreign.txid);
    refuses(&mut wallet, &spends(everything(&[], &[1]), &[foreign]), &text);
    let child = wallet.parent(2, vec![TxOut { value: amount(CENT), script_pubkey: theirs(1) }], &[coins[0]]);
    wallet.add(&child, 0);
    let text = format!("Input not available. UTXO ({}:0) was already spent.", coins[0].txid);
    refuses(&mut wallet, &spends(everything(&[], &[1]), &coins[..1]), &text);
}

#[test]
fn what_cannot_be_sent() {
    let mut wallet = Fixture::new();
    let text = "Total value of UTXO pool too low to pay for transaction. Try using lower feerate or excluding uneconomic \
                UTXOs with 'send_max' option.";
    refuses(&mut wallet, &everything(&[], &[1]), text);
    let text = "Total value of UTXO pool too low to pay for transaction, try using lower feerate.";
    refuses(&mut wallet, &SweepRequest { send_max: true, ..everything(&[], &[1]) }, text);
    wallet.receive(CENT, 10);
    let text = "Assigned more value to outputs than available funds.";
    refuses(&mut wallet, &everything(&[(1, 2 * CENT)], &[2]), text);
    let text = "Insufficient funds for fees after creating specified outputs.";
    refuses(&mut wallet, &everything(&[(1, CENT - 100)], &[2]), text);
    let fee = FeeRate::per_kvb(10_000).fee(110 + 31);
    let text = "Dynamically assigned remainder results in dust output.";
    refuses(&mut wallet, &everything(&[(1, CENT - fee - 293)], &[2]), text);
    refuses(&mut wallet, &everything(&[(7, 293)], &[2]), "Specified output amount to <7> is below dust threshold.");
    let expensive = SweepRequest { control: at_rate(100_000_000), ..everything(&[], &[1]) };
    let text = "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)";
    refuses(&mut wallet, &expensive, text);
    let mut light = everything(&[], &[1]);
    light.control.max_tx_weight = Some(300);
    refuses(&mut wallet, &light, "Transaction too large.");
}

#[test]
fn version_3_and_its_parents() {
    let mut wallet = Fixture::new();
    let parent = wallet.parent(3, vec![TxOut { value: amount(COIN), script_pubkey: FakePurse::change(70) }], &[]);
    wallet.add(&parent, 0);
    let coin = OutPoint::new(parent.txid(), 0);
    let text = "Can't spend unconfirmed version 3 pre-selected input with a version 2 tx";
    refuses(&mut wallet, &spends(everything(&[], &[1]), &[coin]), text);
    let mut own_kind = spends(everything(&[], &[1]), &[coin]);
    own_kind.control.version = 3;
    own_kind.tx.version = Version(3);
    assert_eq!(sweep(&mut wallet, &own_kind).unwrap().version(), 3);
}

#[test]
fn ancestors_are_paid_for() {
    let mut wallet = Fixture::new();
    wallet.receive(COIN, 10);
    wallet.node.combined = Some(700);
    let tx = sweep(&mut wallet, &everything(&[], &[1])).unwrap();
    assert_eq!(paid(&tx), COIN - 700 - FeeRate::per_kvb(10_000).fee(signed_vsize(&tx)));
    wallet.node.combined = Some(-1000);
    assert!(paid(&sweep(&mut wallet, &everything(&[], &[1])).unwrap()) < COIN, "no node can make money");
}
