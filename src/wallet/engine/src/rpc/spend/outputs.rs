//! Inputs and outputs that somebody wrote down.

use std::collections::BTreeSet;

use ::rpc::{Code, Json, Object, RpcError, amount_from_value, values};
use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version;
use bitcoin::{OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use script::Opcode;
use script::instruction::push_data;

use crate::shared::Shared;
use crate::spend::{Recipient, SEQUENCE_NONFINAL, SEQUENCE_RBF, amount};

/// Transactions of these versions are relayed.
const VERSIONS: std::ops::RangeInclusive<u32> = 1..=3;
/// Amounts have as many decimals.
const DECIMALS: u32 = 8;
const SEQUENCE_FINAL: u32 = 0xffff_ffff;

/// The most that an amount can be.
pub(super) fn max_money(shared: &Shared) -> i64 {
    i64::try_from(shared.config.coin().consensus.max_money).unwrap_or(i64::MAX)
}

/// Outputs as an object, or as an array of objects with one key each: as an object, whose keys may repeat.
pub(super) fn normalize(given: &Json) -> Result<Object, RpcError> {
    let list = match given {
        Json::Null => {
            return Err(RpcError::invalid_parameter("Invalid parameter, output argument must be non-null"));
        }
        Json::Obj(object) => return Ok(object.clone()),
        list => list.as_arr()?,
    };
    let mut joined = Object::new();
    for pair in list {
        let Json::Obj(pair) = pair else {
            return Err(RpcError::invalid_parameter("Invalid parameter, key-value pair not an object as expected"));
        };
        if pair.len() != 1 {
            return Err(RpcError::invalid_parameter("Invalid parameter, key-value pair must contain exactly one key"));
        }
        for (key, value) in pair.iter() {
            joined.push(key.to_owned(), value.clone());
        }
    }
    Ok(joined)
}

/// Scripts and amounts of outputs.
pub(super) fn outputs(shared: &Shared, pairs: &Object) -> Result<Vec<TxOut>, RpcError> {
    let addresses = shared.addresses();
    let (mut seen, mut has_data) = (BTreeSet::new(), false);
    let mut outputs = Vec::with_capacity(pairs.len());
    for name in pairs.keys() {
        // A key that occurs twice is an error below, whatever its second value is.
        let value = pairs.get(name).unwrap_or(&Json::Null);
        if name == "data" {
            if std::mem::replace(&mut has_data, true) {
                return Err(RpcError::invalid_parameter("Invalid parameter, duplicate key: data"));
            }
            let mut script = vec![Opcode::RETURN.0];
            push_data(&mut script, &values::bytes_from_value(value, "Data")?);
            outputs.push(TxOut { value: amount(0), script_pubkey: ScriptBuf::from_bytes(script) });
            continue;
        }
        let destination = addresses.decode(name);
        let value = amount_from_value(value, DECIMALS, max_money(shared))?;
        let destination = destination.map_err(|_| {
            let text = format!("Invalid {} address: {name}", shared.config.coin().name);
            RpcError::new(Code::INVALID_ADDRESS_OR_KEY, text)
        })?;
        let script_pubkey = addresses.script(&destination);
        if !seen.insert(destination) {
            return Err(RpcError::invalid_parameter(format!("Invalid parameter, duplicated address: {name}")));
        }
        outputs.push(TxOut { value: amount(value), script_pubkey });
    }
    Ok(outputs)
}

/// Who is paid; those at the positions `payers` pay the fee.
pub(super) fn recipients(outputs: &[TxOut], payers: &BTreeSet<usize>) -> Vec<Recipient> {
    let recipient = |(index, output): (usize, &TxOut)| Recipient {
        script: output.script_pubkey.clone(),
        amount: consensus::value_of(output),
        subtract_fee: payers.contains(&index),
    };
    outputs.iter().enumerate().map(recipient).collect()
}

/// Which outputs pay the fee: named by their keys or by their positions.
pub(super) fn fee_payers(given: &Json, keys: &[&str]) -> Result<BTreeSet<usize>, RpcError> {
    const WHAT: &str = "Invalid parameter 'subtract fee from output'";
    let mut payers = BTreeSet::new();
    let list = if given.is_null() { &[] } else { given.as_arr()? };
    for item in list {
        let position = match item {
            Json::Str(name) => {
                let found = keys.iter().position(|key| key == name).and_then(|position| i32::try_from(position).ok());
                found.ok_or_else(|| {
                    RpcError::invalid_parameter(format!("{WHAT}, destination {name} not found in tx outputs"))
                })?
            }
            Json::Num(_) => item.as_int::<i32>()?,
            other => {
                let text = format!("{WHAT}, invalid value type: {}", other.type_name());
                return Err(RpcError::invalid_parameter(text));
            }
        };
        let complaint = |what: &str| RpcError::invalid_parameter(format!("{WHAT}, {what}: {position}"));
        let index = usize::try_from(position);
        if index.is_ok_and(|index| payers.contains(&index)) {
            return Err(complaint("duplicated position"));
        }
        let index = index.map_err(|_| complaint("negative position"))?;
        if index >= keys.len() {
            return Err(complaint("position too large"));
        }
        payers.insert(index);
    }
    Ok(payers)
}

/// A transaction with these inputs and outputs. `replaceable` decides sequence numbers that nobody wrote down.
pub(super) fn construct(
    shared: &Shared,
    inputs: &Json,
    outputs_given: &Json,
    lock_time: &Json,
    replaceable: bool,
    version: u32,
) -> Result<Transaction, RpcError> {
    let lock_time = if lock_time.is_null() { 0 } else { lock_time.as_int::<i64>()? };
    let lock_time = u32::try_from(lock_time)
        .map_err(|_| RpcError::invalid_parameter("Invalid parameter, locktime out of range"))?;
    if !VERSIONS.contains(&version) {
        let (low, high) = (VERSIONS.start(), VERSIONS.end());
        let text = format!("Invalid parameter, version out of range({low}~{high})");
        return Err(RpcError::invalid_parameter(text));
    }
    let sequence = match replaceable {
        true => SEQUENCE_RBF,
        false if lock_time != 0 => SEQUENCE_NONFINAL,
        false => SEQUENCE_FINAL,
    };
    let given = if inputs.is_null() { &[] } else { inputs.as_arr()? };
    let input: Result<Vec<TxIn>, RpcError> = given.iter().map(|input| read_input(input, sequence)).collect();
    let input = input?;
    let output = outputs(shared, &normalize(outputs_given)?)?;
    if replaceable && !input.is_empty() && !input.iter().any(|input| input.sequence.0 <= SEQUENCE_RBF) {
        return Err(RpcError::invalid_parameter(
            "Invalid parameter combination: Sequence number(s) contradict replaceable option",
        ));
    }
    let (version, lock_time) = (Version(version.cast_signed()), LockTime::from_consensus(lock_time));
    Ok(Transaction { version, lock_time, input, output })
}

/// An output that somebody names.
pub(super) fn read_outpoint(given: &Json) -> Result<OutPoint, RpcError> {
    let txid = Txid::from_byte_array(values::hash_from_value(given.get("txid"), "txid")?);
    let vout = given.get("vout");
    if !matches!(vout, Json::Num(_)) {
        return Err(RpcError::invalid_parameter("Invalid parameter, missing vout key"));
    }
    let vout = u32::try_from(vout.as_int::<i32>()?)
        .map_err(|_| RpcError::invalid_parameter("Invalid parameter, vout cannot be negative"))?;
    Ok(OutPoint { txid, vout })
}

fn read_input(given: &Json, usual_sequence: u32) -> Result<TxIn, RpcError> {
    given.as_obj()?;
    let previous_output = read_outpoint(given)?;
    let sequence = match given.get("sequence") {
        number @ Json::Num(_) => u32::try_from(number.as_int::<i64>()?)
            .map_err(|_| RpcError::invalid_parameter("Invalid parameter, sequence number is out of range"))?,
        _ => usual_sequence,
    };
    let (script_sig, witness) = (ScriptBuf::new(), Witness::new());
    Ok(TxIn { previous_output, script_sig, sequence: Sequence(sequence), witness })
}
