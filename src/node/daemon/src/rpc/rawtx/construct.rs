//! A transaction from inputs and outputs that somebody wrote down.

use std::collections::BTreeSet;

use ::rpc::{Arg, Code, Json, Object, Request, RpcError, amount_from_value, values};
use bitcoin::hashes::Hash;
use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, absolute::LockTime,
    transaction::Version,
};
use config::Config;
use primitives::{Addresses, Codec, Tx};
use script::{Opcode, instruction::push_data};

/// Transactions of these versions are relayed.
const VERSIONS: std::ops::RangeInclusive<u32> = 1..=3;
/// The highest sequence number that says that the transaction may be replaced (BIP125).
const REPLACEABLE: u32 = 0xffff_fffd;
/// The highest sequence number that leaves the lock time on.
const NOT_FINAL: u32 = 0xffff_fffe;
const FINAL: u32 = 0xffff_ffff;
/// Amounts have as many decimals.
const DECIMALS: u32 = 8;

/// The arguments of [`construct`].
pub(in crate::rpc) fn construct_args() -> Vec<Arg> {
    let input = [
        Arg::hex("txid", "The transaction id"),
        Arg::num("vout", "The output number"),
        Arg::num("sequence", "The sequence number")
            .hint("depends on the value of the 'replaceable' and 'locktime' arguments"),
    ];
    let address = Arg::amount(
        "address",
        "A key-value pair. The key (string) is the {coin} address, the value (float or string) is the amount in {ticker}",
    );
    let data = Arg::hex(
        "data",
        "A key-value pair. The key must be \"data\", the value is hex-encoded data that becomes a part of an OP_RETURN output",
    );
    vec![
        Arg::arr("inputs", "The inputs", [Arg::obj("", "", input).optional()]),
        Arg::arr(
            "outputs",
            "The outputs specified as key-value pairs.\n\
             Each key may only appear once, i.e. there can only be one 'data' output, and no address may be duplicated.\n\
             At least one output of either type must be specified.\n\
             For compatibility reasons, a dictionary, which holds the key-value pairs directly, is also\n                             \
             accepted as second parameter.",
            [Arg::obj_user_keys("", "", [address]).optional(), Arg::obj("", "", [data]).optional()],
        )
        .skip_type_check(),
        Arg::num("locktime", "Raw locktime. Non-0 value also locktime-activates inputs").default(0),
        Arg::bool(
            "replaceable",
            "Marks this transaction as BIP125-replaceable.\n\
             Allows this transaction to be replaced by a transaction with higher fees. If provided, it is an error if explicit sequence numbers are incompatible.",
        )
        .default(true),
        Arg::num("version", "Transaction version").default(2),
    ]
}

/// The transaction that the arguments of [`construct_args`] describe.
pub(in crate::rpc) fn construct(config: &Config, request: &Request) -> Result<Tx, RpcError> {
    // Said or not makes a difference: only who says it is told that the sequence numbers contradict it.
    let replaceable = match request.param(3) {
        Json::Null => None,
        said => Some(said.as_bool()?),
    };
    let version: u32 = request.int("version")?;
    let lock_time: i64 = request.int("locktime")?;
    let lock_time = u32::try_from(lock_time)
        .map_err(|_| RpcError::invalid_parameter("Invalid parameter, locktime out of range"))?;
    if !VERSIONS.contains(&version) {
        let (low, high) = (VERSIONS.start(), VERSIONS.end());
        let text = format!("Invalid parameter, version out of range({low}~{high})");
        return Err(RpcError::invalid_parameter(text));
    }
    let sequence = match replaceable {
        None | Some(true) => REPLACEABLE,
        Some(false) if lock_time != 0 => NOT_FINAL,
        Some(false) => FINAL,
    };
    let input = inputs(request.param(0), sequence)?;
    let (output, special) = outputs(config, request.param(1))?;
    if replaceable == Some(true) && !input.is_empty() && !input.iter().any(|i| i.sequence.0 <= REPLACEABLE) {
        return Err(RpcError::invalid_parameter(
            "Invalid parameter combination: Sequence number(s) contradict replaceable option",
        ));
    }
    let version = Version(special.unwrap_or(version.cast_signed()));
    let inner = Transaction { version, lock_time: LockTime::from_consensus(lock_time), input, output };
    Ok(Codec::for_coin(config.coin()).new_tx(inner, 0))
}

fn inputs(given: &Json, usual_sequence: u32) -> Result<Vec<TxIn>, RpcError> {
    if given.is_null() {
        return Ok(Vec::new());
    }
    given.as_arr()?.iter().map(|input| read_input(input, usual_sequence)).collect()
}

fn read_input(given: &Json, usual_sequence: u32) -> Result<TxIn, RpcError> {
    given.as_obj()?;
    let txid = Txid::from_byte_array(values::hash_from_value(given.get("txid"), "txid")?);
    let vout = given.get("vout");
    if !matches!(vout, Json::Num(_)) {
        return Err(RpcError::invalid_parameter("Invalid parameter, missing vout key"));
    }
    let vout = u32::try_from(vout.as_int::<i32>()?)
        .map_err(|_| RpcError::invalid_parameter("Invalid parameter, vout cannot be negative"))?;
    let sequence = match given.get("sequence") {
        number @ Json::Num(_) => u32::try_from(number.as_int::<i64>()?)
            .map_err(|_| RpcError::invalid_parameter("Invalid parameter, sequence number is out of range"))?,
        _ => usual_sequence,
    };
    Ok(TxIn {
        previous_output: OutPoint { txid, vout },
        script_sig: ScriptBuf::new(),
        sequence: Sequence(sequence),
        witness: Witness::new(),
    })
}

/// Outputs as one object, or as an array of objects with one key each. On coins whose transactions carry assets, the data
/// may say what they are worth and which version the transaction has.
fn outputs(config: &Config, given: &Json) -> Result<(Vec<TxOut>, Option<i32>), RpcError> {
    let pairs = match given {
        Json::Null => {
            return Err(RpcError::invalid_parameter("Invalid parameter, output argument must be non-null"));
        }
        Json::Obj(object) => object.clone(),
        list => join(list.as_arr()?)?,
    };
    let addresses = Addresses::new(config.coin(), config.chain());
    let max_money = i64::try_from(config.coin().consensus.max_money).unwrap_or(i64::MAX);
    let (mut seen, mut has_data) = (BTreeSet::new(), false);
    let special = config.coin().consensus.tx_format.carries_assets();
    let mut version = None;
    let mut outputs = Vec::with_capacity(pairs.len());
    for name in pairs.keys() {
        // A key that occurs twice is an error below, whatever its second value is.
        let value = pairs.get(name).unwrap_or(&Json::Null);
        if name == "data" {
            if std::mem::replace(&mut has_data, true) {
                return Err(RpcError::invalid_parameter("Invalid parameter, duplicate key: data"));
            }
            let script_pubkey = data_script(&values::bytes_from_value(value, "Data")?);
            let burnt = pairs.get("data_amount").filter(|_| special);
            let burnt = burnt.map_or(Ok(0), |amount| amount_from_value(amount, DECIMALS, max_money))?;
            version = pairs.get("data_version").filter(|_| special).map(Json::as_int::<i32>).transpose()?;
            outputs.push(TxOut { value: Amount::from_sat(burnt.unsigned_abs()), script_pubkey });
            continue;
        }
        if special && matches!(name, "data_amount" | "data_version") {
            continue;
        }
        let destination = addresses.decode(name);
        let amount = amount_from_value(value, DECIMALS, max_money)?;
        let destination = destination.map_err(|_| {
            let text = format!("Invalid {} address: {name}", config.coin().name);
            RpcError::new(Code::INVALID_ADDRESS_OR_KEY, text)
        })?;
        let script_pubkey = addresses.script(&destination);
        if !seen.insert(destination) {
            return Err(RpcError::invalid_parameter(format!("Invalid parameter, duplicated address: {name}")));
        }
        outputs.push(TxOut { value: Amount::from_sat(amount.unsigned_abs()), script_pubkey });
    }
    Ok((outputs, version))
}

fn join(list: &[Json]) -> Result<Object, RpcError> {
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

fn data_script(data: &[u8]) -> ScriptBuf {
    let mut script = vec![Opcode::RETURN.0];
    push_data(&mut script, data);
    ScriptBuf::from_bytes(script)
}
