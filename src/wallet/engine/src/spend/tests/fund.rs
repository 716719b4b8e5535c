//! Starting from a transaction that has inputs.

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, ScriptBuf, TxOut, Txid};

use super::fixture::{CENT, COIN, Fixture, control, paid, pay, theirs};
use crate::spend::{CoinControl, SpendError, amount};

#[test]
fn what_is_there_stays_and_the_rest_is_added() {
    let mut wallet = Fixture::new();
    let own = wallet.receive(CENT, 10);
    wallet.receive(COIN, 10);
    let external = OutPoint::new(Txid::from_byte_array([0xcd; 32]), 1);
    wallet.know(external, &TxOut { value: amount(CENT), script_pubkey: theirs(5) });
    let mut inputs = wallet.parent(3, vec![], &[own, external]).inner().clone();
    inputs.lock_time = bitcoin::absolute::LockTime::from_consensus(55);
    inputs.input[0].sequence = bitcoin::Sequence(11);
    inputs.input[1].script_sig = ScriptBuf::from_bytes(vec![1, 2]);
    let inputs = wallet.codec.new_tx(inputs, 0);

    let mut solving = control();
    solving.solving.add_script(theirs(5));
    let made = wallet.with(|spender| spender.fund(&inputs, &[pay(1, COIN / 2)], None, solving)).unwrap();
    let tx = &made.tx;
    assert_eq!((tx.version(), tx.lock_time(), tx.inputs().len()), (3, 55, 3));
    assert_eq!((tx.inputs()[0].previous_output, tx.inputs()[0].sequence.0), (own, 11));
    assert_eq!(tx.inputs()[1].previous_output, external);
    assert_eq!(tx.inputs()[1].script_sig.as_bytes(), [1, 2]);
    assert_eq!(wallet.input_value(tx), paid(tx) + made.fee);
}

#[test]
fn an_input_that_nobody_knows_is_refused() {
    let mut wallet = Fixture::new();
    let unknown = OutPoint::new(Txid::from_byte_array([0xcd; 32]), 1);
    let inputs = wallet.parent(2, vec![], &[unknown]);
    let refused = wallet.with(|spender| spender.fund(&inputs, &[pay(1, CENT)], None, control())).unwrap_err();
    assert_eq!(refused, SpendError::UnknownExternalInput);
    assert_eq!(refused.to_string(), "Unable to find UTXO for external input");
}

#[test]
fn a_weight_that_is_named_counts() {
    let mut wallet = Fixture::new();
    let external = OutPoint::new(Txid::from_byte_array([0xcd; 32]), 1);
    wallet.know(external, &TxOut { value: amount(COIN), script_pubkey: theirs(5) });
    let inputs = wallet.parent(2, vec![], &[external]);
    let fee = |wallet: &mut Fixture, weight| {
        let mut named = CoinControl { allow_other_inputs: false, ..control() };
        named.set_weight(external, weight);
        wallet.with(|spender| spender.fund(&inputs, &[pay(1, CENT)], None, named)).unwrap().fee
    };
    let light = fee(&mut wallet, 400);
    assert_eq!(fee(&mut wallet, 4400) - light, 5000);
}
