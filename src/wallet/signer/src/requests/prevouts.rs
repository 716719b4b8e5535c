//! Outputs that a client describes, because the chain does not have them yet.

use std::collections::BTreeMap;

use ::rpc::values::{bytes_from_value, check_object, hash_from_value};
use ::rpc::{Code, Json, RpcError, amount_from_value};
use bitcoin::hashes::{Hash, hash160, sha256};
use bitcoin::{Amount, OutPoint, ScriptBuf, TxOut, Txid};
use descriptors::Known;
use primitives::Destination;
use script::{Solution, asm, solve};

use super::World;
use crate::Coin;

/// What the inputs of a transaction spend.
pub type Prevouts = BTreeMap<OutPoint, Coin>;

/// Adds the outputs of a `prevtxs` argument to `coins`, and, if keys come with the request, their scripts to `known`. An
/// amount that is not told becomes the highest one.
pub fn read_prevouts(
    world: &dyn World,
    value: &Json,
    coins: &mut Prevouts,
    mut known: Option<&mut Known>,
) -> Result<(), RpcError> {
    if value.is_null() {
        return Ok(());
    }
    for given in value.as_arr()? {
        if !matches!(given, Json::Obj(_)) {
            return Err(bad("expected object with {\"txid'\",\"vout\",\"scriptPubKey\"}"));
        }
        let fields = [("txid", Some("string")), ("vout", Some("number")), ("scriptPubKey", Some("string"))];
        check_object(given, &fields, false, false)?;
        let txid = Txid::from_byte_array(hash_from_value(given.get("txid"), "txid")?);
        let vout: i32 = given.get("vout").as_int()?;
        let vout = u32::try_from(vout).map_err(|_| bad("vout cannot be negative"))?;
        let outpoint = OutPoint { txid, vout };
        let script = ScriptBuf::from_bytes(bytes_from_value(given.get("scriptPubKey"), "scriptPubKey")?);
        let there = coins.get(&outpoint);
        if let Some(coin) = there.filter(|coin| coin.out.script_pubkey != script) {
            let (theirs, ours) = (asm::to_asm(&coin.out.script_pubkey, false), asm::to_asm(&script, false));
            return Err(bad(format!("Previous output scriptPubKey mismatch:\n{theirs}\nvs:\n{ours}")));
        }
        let amount = match given.get("amount") {
            Json::Null => world.max_money(),
            amount => amount_from_value(amount, 8, world.max_money())?,
        };
        let reference_height = there.and_then(|coin| coin.reference_height);
        let value = Amount::from_sat(amount.cast_unsigned());
        let out = TxOut { value, script_pubkey: script.clone() };
        coins.insert(outpoint, Coin { out, reference_height });
        if let Some(known) = known.as_deref_mut() {
            read_scripts(given, &script, known)?;
        }
    }
    Ok(())
}

/// Reads the scripts behind hashes.
fn read_scripts(given: &Json, output: &ScriptBuf, known: &mut Known) -> Result<(), RpcError> {
    let is_script_hash = match solve(output) {
        Solution::ScriptHash(_) => true,
        Solution::WitnessV0ScriptHash(_) => false,
        _ => return Ok(()),
    };
    let fields = [("redeemScript", Some("string")), ("witnessScript", Some("string"))];
    check_object(given, &fields, true, false)?;
    let (redeem, witness) = (given.get("redeemScript"), given.get("witnessScript"));
    let bytes = match (redeem, witness) {
        (Json::Null, Json::Null) => {
            return Err(RpcError::invalid_parameter("Missing redeemScript/witnessScript"));
        }
        (_, Json::Null) => bytes_from_value(redeem, "redeemScript")?,
        _ => bytes_from_value(witness, "witnessScript")?,
    };
    let script = ScriptBuf::from_bytes(bytes);
    let program = Destination::WitnessV0ScriptHash(sha256::Hash::hash(script.as_bytes()).to_byte_array());
    // The script may be behind a witness program, which may be behind a script hash.
    let program = program.script_pubkey();
    known.add_script(script.clone());
    known.add_script(program.clone());
    if !redeem.is_null()
        && !witness.is_null()
        && redeem != witness
        && bytes_from_value(redeem, "redeemScript")? != program.as_bytes()
    {
        return Err(RpcError::invalid_parameter("redeemScript does not correspond to witnessScript"));
    }
    let behind_hash = |inner: &ScriptBuf| {
        Destination::ScriptHash(hash160::Hash::hash(inner.as_bytes()).to_byte_array()).script_pubkey()
    };
    let fits = if is_script_hash {
        *output == behind_hash(&script) || *output == behind_hash(&program)
    } else {
        *output == program
    };
    if fits {
        return Ok(());
    }
    Err(RpcError::invalid_parameter("redeemScript/witnessScript does not match scriptPubKey"))
}

fn bad(text: impl Into<std::borrow::Cow<'static, str>>) -> RpcError {
    RpcError::new(Code::DESERIALIZATION_ERROR, text)
}
