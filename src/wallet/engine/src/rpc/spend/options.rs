//! What callers say about fees and coins.

use ::rpc::values::{check_object, conf_target_from_value};
use ::rpc::{Code, Json, Object, RpcError, amount_from_value};
use bitcoin::{PublicKey, ScriptBuf};
use descriptors::{AddressType, parse};
use primitives::hex;
use signer::KeyRing;

use super::outputs::{max_money, read_outpoint};
use crate::select::{FeeRate, MAX_STANDARD_TX_WEIGHT};
use crate::shared::Shared;
use crate::spend::{CoinControl, FeeMode};
use crate::wallet::{Wallet, road};

/// The lightest input: outpoint, sequence number, the length of an empty script and of an empty witness.
const MIN_INPUT_WEIGHT: i64 = 165;
/// A version 3 transaction weighs at most this.
pub(super) const TRUC_MAX_WEIGHT: i64 = 40_000;

/// The keys of an options object, and the types of their values.
const FUND_FIELDS: [::rpc::values::Field<'_>; 27] = [
    ("add_inputs", Some("bool")),
    ("include_unsafe", Some("bool")),
    ("add_to_wallet", Some("bool")),
    ("changeAddress", Some("string")),
    ("change_address", Some("string")),
    ("changePosition", Some("number")),
    ("change_position", Some("number")),
    ("change_type", Some("string")),
    ("includeWatching", Some("bool")),
    ("include_watching", Some("bool")),
    ("inputs", Some("array")),
    ("lockUnspents", Some("bool")),
    ("lock_unspents", Some("bool")),
    ("locktime", Some("number")),
    ("fee_rate", None),
    ("feeRate", None),
    ("psbt", Some("bool")),
    ("solving_data", Some("object")),
    ("subtractFeeFromOutputs", Some("array")),
    ("subtract_fee_from_outputs", Some("array")),
    ("replaceable", Some("bool")),
    ("conf_target", Some("number")),
    ("estimate_mode", Some("string")),
    ("minconf", Some("number")),
    ("maxconf", Some("number")),
    ("input_weights", Some("array")),
    ("max_tx_weight", Some("number")),
];

fn invalid(text: impl Into<std::borrow::Cow<'static, str>>) -> RpcError {
    RpcError::invalid_parameter(text)
}

/// Whether an options object has a key, with whatever value.
pub(super) fn has(options: &Json, key: &str) -> bool {
    options.as_obj().is_ok_and(|object| object.contains(key))
}

/// The value of the first of two names that an options object has.
fn either<'o>(options: &'o Json, names: [&str; 2]) -> Option<&'o Json> {
    names.into_iter().find(|name| has(options, name)).map(|name| options.get(name))
}

/// Joins arguments about fees with the options object, in which they may stand as well.
pub(super) fn join_fee_arguments(
    options: &Json,
    conf_target: &Json,
    estimate_mode: &Json,
    fee_rate: &Json,
) -> Result<Object, RpcError> {
    let mut joined = if options.is_null() { Object::new() } else { options.as_obj()?.clone() };
    if joined.contains("conf_target") || joined.contains("estimate_mode") {
        if !conf_target.is_null() || !estimate_mode.is_null() {
            return Err(invalid(
                "Pass conf_target and estimate_mode either as arguments or in the options object, but not both",
            ));
        }
    } else {
        joined.push("conf_target", conf_target.clone());
        joined.push("estimate_mode", estimate_mode.clone());
    }
    if joined.contains("fee_rate") {
        if !fee_rate.is_null() {
            return Err(invalid("Pass the fee_rate either as an argument, or in the options object, but not both"));
        }
    } else {
        joined.push("fee_rate", fee_rate.clone());
    }
    let get = |key: &str| joined.get(key).unwrap_or(&Json::Null);
    let mode = get("estimate_mode");
    if !get("conf_target").is_null() && (mode.is_null() || mode.as_str()? == "unset") {
        return Err(invalid("Specify estimate_mode"));
    }
    Ok(joined)
}

/// Options that had other names once.
pub(super) fn refuse_old_names(options: &Json) -> Result<(), RpcError> {
    for (old, text) in [
        ("feeRate", "Use fee_rate (sat/vB) instead of feeRate"),
        ("changeAddress", "Use change_address instead of changeAddress"),
        ("changePosition", "Use change_position instead of changePosition"),
        ("lockUnspents", "Use lock_unspents instead of lockUnspents"),
        ("subtractFeeFromOutputs", "Use subtract_fee_from_outputs instead of subtractFeeFromOutputs"),
    ] {
        if has(options, old) {
            return Err(invalid(text));
        }
    }
    Ok(())
}

/// Takes over what was said about the fee rate. With `override_minimum` a rate that is named is not compared with any
/// minimum.
pub(super) fn read_fee(
    wallet: &Wallet,
    control: &mut CoinControl,
    conf_target: &Json,
    estimate_mode: &Json,
    fee_rate: &Json,
    override_minimum: bool,
) -> Result<(), RpcError> {
    if !fee_rate.is_null() {
        if !conf_target.is_null() {
            return Err(invalid(
                "Cannot specify both conf_target and fee_rate. Please provide either a confirmation target in blocks for \
                 automatic fee estimation, or an explicit fee rate.",
            ));
        }
        if !estimate_mode.is_null() && estimate_mode.as_str()? != "unset" {
            return Err(invalid("Cannot specify both estimate_mode and fee_rate"));
        }
        // So much per virtual byte, in thousandths.
        let rate = amount_from_value(fee_rate, 3, max_money(wallet.shared()))?;
        control.fee_rate = Some(FeeRate::per_kvb(rate));
        control.override_fee_rate |= override_minimum;
        control.signal_rbf.get_or_insert(true);
        return Ok(());
    }
    if !estimate_mode.is_null() {
        control.fee_mode = FeeMode::from_name(estimate_mode.as_str()?).ok_or_else(|| invalid(FeeMode::REFUSAL))?;
    }
    if !conf_target.is_null() {
        let longest = wallet.shared().chain.max_fee_target().map_err(road)?;
        control.confirm_target = Some(conf_target_from_value(conf_target, longest)?);
    }
    Ok(())
}

/// Takes over an options object. Returns where change goes, and whether the inputs are to be locked.
pub(super) fn read_options(
    wallet: &Wallet,
    options: &Json,
    recipients: usize,
    control: &mut CoinControl,
    override_minimum: bool,
) -> Result<(Option<usize>, bool), RpcError> {
    if options.is_null() {
        return Ok((None, false));
    }
    let shared = wallet.shared();
    check_object(options, &FUND_FIELDS, true, true)?;
    if has(options, "add_inputs") {
        control.allow_other_inputs = options.get("add_inputs").as_bool()?;
    }
    let change_address = either(options, ["change_address", "changeAddress"]);
    if let Some(address) = change_address {
        let destination = shared.addresses().decode(address.as_str()?).map_err(|_| {
            let text = format!("Change address must be a valid {} address", shared.config.coin().id);
            RpcError::new(Code::INVALID_ADDRESS_OR_KEY, text)
        })?;
        control.change_script = Some(shared.addresses().script(&destination));
    }
    let mut change_position = None;
    if let Some(position) = either(options, ["change_position", "changePosition"]) {
        let position = usize::try_from(position.as_int::<i32>()?).ok().filter(|position| *position <= recipients);
        change_position = Some(position.ok_or_else(|| invalid("changePosition out of bounds"))?);
    }
    if has(options, "change_type") {
        if change_address.is_some() {
            return Err(invalid("Cannot specify both change address and address type options"));
        }
        let name = options.get("change_type").as_str()?;
        let kind = AddressType::from_name(name)
            .ok_or_else(|| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, format!("Unknown change type '{name}'")))?;
        control.change_type = Some(kind);
    }
    let lock_unspents = match either(options, ["lock_unspents", "lockUnspents"]) {
        Some(lock) => lock.as_bool()?,
        None => false,
    };
    if has(options, "include_unsafe") {
        control.include_unsafe = options.get("include_unsafe").as_bool()?;
    }
    read_old_fee_rate(shared, options, control)?;
    if has(options, "replaceable") {
        control.signal_rbf = Some(options.get("replaceable").as_bool()?);
    }
    read_depths(options, control, "Negative minconf")?;
    let [target, mode, rate] = ["conf_target", "estimate_mode", "fee_rate"].map(|key| options.get(key));
    read_fee(wallet, control, target, mode, rate, override_minimum)?;
    if has(options, "solving_data") {
        read_solving_data(shared, options.get("solving_data"), control)?;
    }
    if has(options, "input_weights") {
        for input in options.get("input_weights").as_arr()? {
            read_weight(input, control)?;
        }
    }
    if has(options, "max_tx_weight") {
        control.max_tx_weight = Some(i64::from(options.get("max_tx_weight").as_int::<i32>()?));
    }
    Ok((change_position, lock_unspents))
}

/// The fee rate in whole coins per thousand virtual bytes, under its old name.
fn read_old_fee_rate(shared: &Shared, options: &Json, control: &mut CoinControl) -> Result<(), RpcError> {
    if !has(options, "feeRate") {
        return Ok(());
    }
    if has(options, "fee_rate") {
        let unit = &shared.config.coin().ticker;
        return Err(invalid(format!("Cannot specify both fee_rate (sat/vB) and feeRate ({unit}/kvB)")));
    }
    if has(options, "conf_target") {
        return Err(invalid(
            "Cannot specify both conf_target and feeRate. Please provide either a confirmation target in blocks for \
             automatic fee estimation, or an explicit fee rate.",
        ));
    }
    if has(options, "estimate_mode") {
        return Err(invalid("Cannot specify both estimate_mode and feeRate"));
    }
    control.fee_rate = Some(FeeRate::per_kvb(amount_from_value(options.get("feeRate"), 8, max_money(shared))?));
    control.override_fee_rate = true;
    Ok(())
}

/// How many confirmations coins have, at least and at most.
pub(super) fn read_depths(options: &Json, control: &mut CoinControl, negative: &str) -> Result<(), RpcError> {
    if has(options, "minconf") {
        control.min_depth = options.get("minconf").as_int::<i32>()?;
        if control.min_depth < 0 {
            return Err(invalid(negative.replace("{}", &control.min_depth.to_string())));
        }
    }
    if has(options, "maxconf") {
        control.max_depth = options.get("maxconf").as_int::<i32>()?;
        let (least, most) = (control.min_depth, control.max_depth);
        if most < least {
            return Err(invalid(format!("maxconf can't be lower than minconf: {most} < {least}")));
        }
    }
    Ok(())
}

/// What is known of inputs that are not the wallet's.
fn read_solving_data(shared: &Shared, data: &Json, control: &mut CoinControl) -> Result<(), RpcError> {
    data.as_obj()?;
    let list = |key: &str| -> Result<Vec<Json>, RpcError> {
        Ok(if has(data, key) { data.get(key).as_arr()?.to_vec() } else { Vec::new() })
    };
    for item in list("pubkeys")? {
        let key = read_public_key(item.as_str()?)?;
        control.solving.add_key(key);
        // The key may be wanted in a witness, inside the hash of a script.
        if let Ok(hash) = key.wpubkey_hash() {
            control.solving.add_script(ScriptBuf::new_p2wpkh(&hash));
        }
    }
    for item in list("scripts")? {
        let text = item.as_str()?;
        let bytes = hex::decode(text)
            .filter(|bytes| !bytes.is_empty())
            .ok_or_else(|| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, format!("'{text}' is not hex")))?;
        control.solving.add_script(ScriptBuf::from_bytes(bytes));
    }
    for item in list("descriptors")? {
        let text = item.as_str()?;
        let mut ring = KeyRing::new(shared.notation);
        let parsed = parse(text, true, &shared.notation, &mut ring)
            .map_err(|error| invalid(format!("Unable to parse descriptor '{text}': {error}")))?;
        for descriptor in &parsed.descriptors {
            if let Some(expansion) = descriptor.expand(0, &ring) {
                control.solving.merge(expansion.known);
            }
        }
    }
    Ok(())
}

fn read_public_key(text: &str) -> Result<PublicKey, RpcError> {
    let refuse = |what: &str| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, format!("Pubkey \"{text}\" {what}"));
    let bytes = hex::decode(text).ok_or_else(|| refuse("must be a hex string"))?;
    if bytes.len() != 33 && bytes.len() != 65 {
        return Err(refuse("must have a length of either 33 or 65 bytes"));
    }
    PublicKey::from_slice(&bytes).map_err(|_| refuse("must be cryptographically valid."))
}

/// What an input weighs.
fn read_weight(input: &Json, control: &mut CoinControl) -> Result<(), RpcError> {
    let outpoint = read_outpoint(input)?;
    let weight = input.get("weight");
    if !matches!(weight, Json::Num(_)) {
        return Err(invalid("Invalid parameter, missing weight key"));
    }
    let weight: i64 = weight.as_int()?;
    if weight < MIN_INPUT_WEIGHT {
        return Err(invalid(
            "Invalid parameter, weight cannot be less than 165 (41 bytes (size of outpoint + sequence + empty scriptSig) \
             * 4 (witness scaling factor)) + 1 (empty witness)",
        ));
    }
    if weight > MAX_STANDARD_TX_WEIGHT {
        return Err(invalid(format!(
            "Invalid parameter, weight cannot be greater than the maximum standard tx weight of {MAX_STANDARD_TX_WEIGHT}"
        )));
    }
    control.set_weight(outpoint, weight);
    Ok(())
}

/// Moves the weights that stand with inputs to where weights are read.
pub(super) fn move_weights(inputs: &Json, options: &mut Object) -> Result<(), RpcError> {
    if options.contains("input_weights") {
        return Err(invalid("Input weights should be specified in inputs rather than in options."));
    }
    if inputs.is_empty() {
        return Ok(());
    }
    let weighted = inputs.as_arr()?.iter().filter(|input| has(input, "weight")).cloned().collect::<Vec<_>>();
    options.push("input_weights", Json::Arr(weighted));
    Ok(())
}
