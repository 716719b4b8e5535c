//! A transaction in all its parts, as `decoderawtransaction` shows it.

use ::rpc::{Json, Object};
use bitcoin::Script;
use descriptors::{Known, Notation, infer};
use primitives::{Addresses, Destination, Tx, hex};
use script::asm::to_asm;
use script::{TxoutType, solve};

/// A transaction; outputs that are change say so.
pub(super) fn tx(tx: &Tx, addresses: &Addresses, notation: &Notation, is_change: &dyn Fn(&Script) -> bool) -> Object {
    let outputs = tx.outputs().iter().enumerate().map(|(n, output)| {
        let mut object = Object::new()
            .with("value", Json::amount(consensus::value_of(output)))
            .with("n", n)
            .with("scriptPubKey", script_pubkey(&output.script_pubkey, addresses, notation));
        if is_change(&output.script_pubkey) {
            object.push("ischange", true);
        }
        object
    });
    let mut object = Object::new()
        .with("txid", tx.txid().to_string())
        .with("hash", tx.wtxid().to_string())
        .with("version", tx.version())
        .with("size", tx.total_size())
        .with("vsize", tx.vsize())
        .with("weight", tx.weight())
        .with("locktime", tx.lock_time());
    if let Some(height) = tx.lock_height() {
        object.push("lockheight", height);
    }
    object
        .with("vin", (0..tx.inputs().len()).map(|n| input(tx, n)).collect::<Json>())
        .with("vout", outputs.collect::<Json>())
}

fn input(tx: &Tx, n: usize) -> Object {
    let input = &tx.inputs()[n];
    let mut object = Object::new();
    if tx.is_coinbase() {
        object.push("coinbase", hex::encode(input.script_sig.as_bytes()));
    } else {
        object.push("txid", input.previous_output.txid.to_string());
        object.push("vout", input.previous_output.vout);
        let script = Object::new()
            .with("asm", to_asm(&input.script_sig, true))
            .with("hex", hex::encode(input.script_sig.as_bytes()));
        object.push("scriptSig", script);
    }
    if !input.witness.is_empty() {
        object.push("txinwitness", input.witness.iter().map(hex::encode).collect::<Json>());
    }
    object.with("sequence", input.sequence.0)
}

fn script_pubkey(script: &Script, addresses: &Addresses, notation: &Notation) -> Object {
    let kind = solve(script).kind();
    let mut object = Object::new()
        .with("asm", to_asm(script, false))
        .with("desc", infer(script, &Known::default(), notation).to_string())
        .with("hex", hex::encode(script.as_bytes()));
    let destination = addresses.destination(script);
    if kind != TxoutType::Pubkey
        && !matches!(destination, Destination::None(_))
        && let Some(address) = addresses.encode(&destination)
    {
        object.push("address", address);
    }
    object.with("type", kind.name())
}
