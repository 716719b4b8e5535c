//! `signrawtransactionwithkey`, and the answer that it shares with `signrawtransactionwithwallet`.

use std::collections::BTreeMap;

use ::rpc::{Code, Json, Object, Request, RpcError};
use primitives::{Tx, WitnessMode, hex};

use super::message::private_key;
use super::{Prevouts, World, read_prevouts, read_sighash};
use crate::{InputError, Provider, Signed, sign_transaction};

/// Answers `signrawtransactionwithkey`.
pub fn sign_raw_transaction_with_key(world: &dyn World, request: &Request) -> Result<Json, RpcError> {
    let tx = read_transaction(world, request.str("hexstring")?)?;
    let mut provider = Provider::new(*world.notation());
    for text in request.arg("privkeys").as_arr()? {
        let key = private_key(world, text.as_str()?)?;
        provider.known.add_key(key.public());
        provider.keys.insert(key);
    }
    let outpoints: Vec<_> = tx.inputs().iter().map(|input| input.previous_output).collect();
    let found = world.coins(&outpoints)?;
    let mut coins: Prevouts = BTreeMap::new();
    coins.extend(outpoints.into_iter().zip(found).filter_map(|(outpoint, coin)| Some((outpoint, coin?))));
    read_prevouts(world, request.arg("prevtxs"), &mut coins, Some(&mut provider.known))?;
    let hash_type = read_sighash(request)?.unwrap_or(0);
    let signed = sign_transaction(world.codec(), &tx, &coins, &provider, hash_type, world.max_money().unsigned_abs());
    signed_to_json(&signed, &coins)
}

/// Reads a transaction in hex, which must have inputs.
pub fn read_transaction(world: &dyn World, text: &str) -> Result<Tx, RpcError> {
    let bytes = hex::decode(text);
    bytes.and_then(|bytes| world.codec().guess_tx(&bytes, true, true)).ok_or_else(|| {
        let text = "TX decode failed. Make sure the tx has at least one input.";
        RpcError::new(Code::DESERIALIZATION_ERROR, text)
    })
}

/// The answer: the transaction, whether it is complete, and what is wrong with inputs.
pub fn signed_to_json(signed: &Signed, coins: &Prevouts) -> Result<Json, RpcError> {
    let mut errors = Vec::with_capacity(signed.errors.len());
    for (index, error) in &signed.errors {
        let Some(input) = signed.tx.inputs().get(*index) else { continue };
        if let (InputError::MissingAmount, Some(coin)) = (error, coins.get(&input.previous_output)) {
            let value = coin.out.value.to_sat();
            let (coins, rest) = (value / 100_000_000, value % 100_000_000);
            let script: String = hex::encode(coin.out.script_pubkey.as_bytes()).chars().take(30).collect();
            let text = format!("Missing amount for CTxOut(nValue={coins}.{rest:08}, scriptPubKey={script})");
            return Err(RpcError::wrong_type(text));
        }
        let error = Object::new()
            .with("txid", input.previous_output.txid.to_string())
            .with("vout", input.previous_output.vout)
            .with("witness", input.witness.iter().map(|element| Json::str(hex::encode(element))).collect::<Json>())
            .with("scriptSig", hex::encode(input.script_sig.as_bytes()))
            .with("sequence", input.sequence.0)
            .with("error", error.to_string());
        errors.push(Json::from(error));
    }
    let mut answer = Object::new()
        .with("hex", hex::encode(&signed.tx.to_bytes(WitnessMode::Include)))
        .with("complete", signed.is_complete());
    if !errors.is_empty() {
        answer.push("errors", Json::Arr(errors));
    }
    Ok(answer.into())
}
