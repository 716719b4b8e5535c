//! Replacing transactions.

use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{TxOut, Txid};
use primitives::Tx;

use super::fixture::{CENT, COIN, FakePurse, Fixture, at_rate, control, paid, pay, signed_vsize, theirs};
use crate::ledger::Changes;
use crate::select::FeeRate;
use crate::spend::{BumpError, BumpRequest, CoinControl, amount};

/// A wallet that has paid half a coin to somebody at 1000, change included.
fn paid_little() -> (Fixture, Arc<Tx>) {
    let mut wallet = Fixture::new();
    wallet.receive(COIN, 10);
    wallet.receive(COIN / 10, 10);
    let mut named = at_rate(1000);
    named.change_script = Some(FakePurse::change(90));
    let made = wallet.create(&[pay(1, COIN / 2)], &named).unwrap();
    let tx = Arc::new(made.tx);
    // The node knows what is spent, until it is.
    let coins = wallet.node.coins.clone();
    wallet.add(&tx, 0);
    wallet.node.coins = coins;
    (wallet, tx)
}

fn request(txid: Txid, control: CoinControl) -> BumpRequest {
    BumpRequest { txid, control, require_mine: true, outputs: Vec::new(), change_index: None }
}

#[test]
fn change_pays_the_difference() {
    let (mut wallet, old) = paid_little();
    let bumped = wallet.bump(request(old.txid(), at_rate(9000))).unwrap();
    assert_eq!(bumped.old_fee, FeeRate::per_kvb(1000).fee(signed_vsize(&old)));
    assert_eq!(bumped.new_fee, FeeRate::per_kvb(9000).fee(signed_vsize(&bumped.tx)));
    assert_eq!(bumped.tx.inputs()[0].previous_output, old.inputs()[0].previous_output);
    let to = |number| TxOut { value: amount(COIN / 2), script_pubkey: theirs(number) };
    assert!(bumped.tx.outputs().contains(&to(1)));
    assert!(bumped.tx.outputs().iter().any(|output| output.script_pubkey == FakePurse::change(90)));
    assert_eq!(wallet.input_value(&bumped.tx), paid(&bumped.tx) + bumped.new_fee);
}

#[test]
fn without_a_rate_it_pays_more_than_before() {
    let (mut wallet, old) = paid_little();
    wallet.node.estimate = 1000;
    let bumped = wallet.bump(request(old.txid(), control())).unwrap();
    let vsize = signed_vsize(&old);
    // The unsigned transaction in the ledger is smaller, so its rate is higher; one unit is for rounding.
    let old_rate = FeeRate::paid(bumped.old_fee, i64::try_from(old.vsize()).unwrap()).fee_per_kvb();
    assert_eq!(bumped.new_fee, FeeRate::per_kvb(old_rate + 1 + 5000).fee(vsize));
    wallet.node.estimate = 50_000;
    let bumped = wallet.bump(request(old.txid(), control())).unwrap();
    assert_eq!(bumped.new_fee, FeeRate::per_kvb(50_000).fee(vsize));
}

#[test]
fn new_outputs_and_the_change_of_choice() {
    let (mut wallet, old) = paid_little();
    let output = TxOut { value: amount(CENT), script_pubkey: theirs(4) };
    let mut changed = request(old.txid(), at_rate(9000));
    changed.outputs = vec![output.clone()];
    let bumped = wallet.bump(changed.clone()).unwrap();
    assert!(bumped.tx.outputs().contains(&output));
    assert!(bumped.tx.outputs().iter().all(|output| output.script_pubkey != theirs(1)));

    changed.change_index = Some(0);
    assert!(matches!(wallet.bump(changed.clone()), Err(BumpError::OutputsAndChange)));
    changed.outputs.clear();
    let payment = old.outputs().iter().position(|output| output.script_pubkey == theirs(1)).unwrap();
    changed.change_index = Some(u32::try_from(payment).unwrap());
    let bumped = wallet.bump(changed.clone()).unwrap();
    let reduced = bumped.tx.outputs().iter().find(|output| output.script_pubkey == theirs(1)).unwrap();
    assert!(consensus::value_of(reduced) < COIN / 2);
    changed.change_index = Some(2);
    assert_eq!(wallet.bump(changed).unwrap_err().to_string(), "Change position is out of range");
}

#[test]
fn a_transaction_to_oneself_pays_from_what_it_sends() {
    let mut wallet = Fixture::new();
    let coin = wallet.receive(COIN, 10);
    let own = TxOut { value: amount(COIN - 200), script_pubkey: FakePurse::change(90) };
    let tx = wallet.parent(2, vec![own], &[coin]);
    let coins = wallet.node.coins.clone();
    wallet.add(&tx, 0);
    wallet.node.coins = coins;
    let bumped = wallet.bump(request(tx.txid(), at_rate(9000))).unwrap();
    assert_eq!(bumped.tx.outputs().len(), 1);
    assert_eq!((bumped.old_fee, paid(&bumped.tx) + bumped.new_fee), (200, COIN));
}

#[track_caller]
fn refuses(wallet: &mut Fixture, request: BumpRequest, text: &str) {
    assert_eq!(wallet.bump(request).unwrap_err().to_string(), text);
}

#[test]
fn a_replacement_spends_no_other_unconfirmed_coin() {
    let (mut wallet, old) = paid_little();
    // What is confirmed is not enough. The change of what is replaced would do, and goes with it.
    let outputs = vec![TxOut { value: amount(COIN + COIN / 5), script_pubkey: theirs(1) }];
    let request = BumpRequest { outputs, ..request(old.txid(), at_rate(9000)) };
    refuses(&mut wallet, request, "Unable to create transaction. Insufficient funds");
}

#[test]
fn rates_that_do_not_replace() {
    let (mut wallet, old) = paid_little();
    let txid = old.txid();
    let text = "Insufficient total fee 0.00000228, must be at least 0.00000229 (oldFee 0.00000208 + incrementalFee \
                0.00000021)";
    refuses(&mut wallet, request(txid, at_rate(1093)), text);
    wallet.node.mempool_min = 2000;
    let text = "New fee rate (0.00001) is lower than the minimum fee rate (0.00002) to get into the mempool -- ";
    refuses(&mut wallet, request(txid, at_rate(1000)), text);
    wallet.settings.min_fee_rate = FeeRate::per_kvb(8000);
    let text = "Insufficient total fee (cannot be less than required fee 0.00001664)";
    refuses(&mut wallet, request(txid, at_rate(5000)), text);
    let text = "Specified or calculated fee 0.208 is too high (cannot be higher than -maxtxfee 0.10)";
    refuses(&mut wallet, request(txid, at_rate(100_000_000)), text);
    wallet.node.combined = None;
    assert!(matches!(wallet.bump(request(txid, at_rate(9000))), Err(BumpError::UnknownBumpFees)));
}

#[test]
fn transactions_that_cannot_be_replaced() {
    let unknown = Txid::from_byte_array([9; 32]);
    let (mut wallet, old) = paid_little();
    let txid = old.txid();
    refuses(&mut wallet, request(unknown, control()), "Invalid or non-wallet transaction id");
    wallet.node.descendants = true;
    refuses(&mut wallet, request(txid, control()), "Transaction has descendants in the mempool");
    wallet.node.descendants = false;
    let spent = crate::convert::to_outpoint(&old.inputs()[0].previous_output);
    let coin = wallet.node.coins.remove(&spent).unwrap();
    let text = format!("{}:0 is already spent", old.inputs()[0].previous_output.txid);
    refuses(&mut wallet, request(txid, control()), &text);
    wallet.node.coins.insert(spent, coin);

    let replaced_by = Some(unknown);
    wallet.ledger.edit(&txid, &mut Changes::default(), |details| details.notes.replaced_by = replaced_by);
    let text = format!("Cannot bump transaction {txid} which was already bumped by transaction {unknown}");
    refuses(&mut wallet, request(txid, control()), &text);

    let coins = wallet.node.coins.clone();
    wallet.add(&old, 1);
    wallet.node.coins = coins;
    let text = "Transaction has been mined, or is conflicted with a mined transaction";
    refuses(&mut wallet, request(txid, control()), text);
}

#[test]
fn inputs_of_others_are_for_those_who_say_so() {
    let mut wallet = Fixture::new();
    let own = wallet.receive(COIN, 10);
    let foreign = bitcoin::OutPoint::new(Txid::from_byte_array([0xcd; 32]), 1);
    wallet.know(foreign, &TxOut { value: amount(COIN), script_pubkey: theirs(5) });
    let outputs = vec![TxOut { value: amount(2 * COIN - 500), script_pubkey: theirs(1) }];
    let tx = wallet.parent(2, outputs, &[own, foreign]);
    let coins = wallet.node.coins.clone();
    wallet.add(&tx, 0);
    wallet.node.coins = coins;
    wallet.receive(COIN, 10);
    let text = "Transaction contains inputs that don't belong to this wallet";
    refuses(&mut wallet, request(tx.txid(), at_rate(9000)), text);
    let mut shared = request(tx.txid(), at_rate(9000));
    shared.require_mine = false;
    let bumped = wallet.bump(shared).unwrap();
    assert_eq!(bumped.old_fee, 500);
    assert_eq!(bumped.tx.inputs().len(), 3);
    assert_eq!(bumped.tx.inputs()[1].previous_output, foreign);
}

#[test]
fn nothing_that_is_spent_again_is_replaced() {
    let (mut wallet, old) = paid_little();
    let change = old.outputs().iter().position(|output| output.script_pubkey == FakePurse::change(90)).unwrap();
    let outpoint = bitcoin::OutPoint::new(old.txid(), u32::try_from(change).unwrap());
    let child = wallet.parent(2, vec![TxOut { value: amount(CENT), script_pubkey: theirs(1) }], &[outpoint]);
    let coins = wallet.node.coins.clone();
    wallet.add(&child, 0);
    wallet.node.coins = coins;
    refuses(&mut wallet, request(old.txid(), control()), "Transaction has descendants in the wallet");
}
