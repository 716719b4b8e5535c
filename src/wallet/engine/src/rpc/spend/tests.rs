//! Arguments, and what is said of wrong ones.

use std::collections::BTreeSet;

use ::rpc::{Json, Object, RpcError, json};

use super::options::{join_fee_arguments, move_weights, refuse_old_names};
use super::outputs::{fee_payers, normalize, read_outpoint};

fn value(text: &str) -> Json {
    json::parse(text.as_bytes()).unwrap()
}

#[track_caller]
fn says<T: std::fmt::Debug>(result: Result<T, RpcError>, text: &str) {
    assert_eq!(result.unwrap_err().message, text);
}

#[test]
fn outputs_are_objects_or_lists_of_pairs() {
    let keys = |text: &str| normalize(&value(text)).map(|object| object.keys().map(str::to_owned).collect::<Vec<_>>());
    assert_eq!(keys(r#"{"a": 1, "b": 2}"#).unwrap(), ["a", "b"]);
    assert_eq!(keys(r#"[{"a": 1}, {"a": 2}]"#).unwrap(), ["a", "a"]);
    says(keys("null"), "Invalid parameter, output argument must be non-null");
    says(keys("[1]"), "Invalid parameter, key-value pair not an object as expected");
    says(keys(r#"[{"a": 1, "b": 2}]"#), "Invalid parameter, key-value pair must contain exactly one key");
    says(keys("1"), "JSON value of type number is not of expected type array");
}

#[test]
fn fee_payers_have_names_or_positions() {
    let payers = |text: &str| fee_payers(&value(text), &["a", "b", "c"]);
    assert_eq!(payers("null").unwrap(), BTreeSet::new());
    assert_eq!(payers(r#"["c", 0]"#).unwrap(), BTreeSet::from([0, 2]));
    let what = |rest: &str| format!("Invalid parameter 'subtract fee from output', {rest}");
    says(payers(r#"["d"]"#), &what("destination d not found in tx outputs"));
    says(payers(r#"["a", 0]"#), &what("duplicated position: 0"));
    says(payers("[-1]"), &what("negative position: -1"));
    says(payers("[3]"), &what("position too large: 3"));
    says(payers("[true]"), &what("invalid value type: bool"));
}

#[test]
fn fees_stand_in_one_place() {
    let join = |options: &str, [target, mode, rate]: [&str; 3]| {
        join_fee_arguments(&value(options), &value(target), &value(mode), &value(rate))
    };
    let joined = join(r#"{"psbt": true}"#, ["6", "\"economical\"", "null"]).unwrap();
    assert_eq!(joined.get("conf_target"), Some(&Json::from(6)));
    assert!(joined.contains("fee_rate") && joined.contains("psbt"));
    assert!(join("null", ["null"; 3]).is_ok());
    let text = "Pass conf_target and estimate_mode either as arguments or in the options object, but not both";
    says(join(r#"{"conf_target": 1}"#, ["6", "null", "null"]), text);
    let text = "Pass the fee_rate either as an argument, or in the options object, but not both";
    says(join(r#"{"fee_rate": 1}"#, ["null", "null", "1"]), text);
    says(join("{}", ["6", "null", "null"]), "Specify estimate_mode");
    says(join("{}", ["6", "\"unset\"", "null"]), "Specify estimate_mode");
}

#[test]
fn old_names_are_refused_with_the_new_ones() {
    assert!(refuse_old_names(&value(r#"{"fee_rate": 1}"#)).is_ok());
    says(refuse_old_names(&value(r#"{"feeRate": 1}"#)), "Use fee_rate (sat/vB) instead of feeRate");
    says(refuse_old_names(&value(r#"{"lockUnspents": 1}"#)), "Use lock_unspents instead of lockUnspents");
}

#[test]
fn weights_move_from_inputs_to_options() {
    let inputs = value(r#"[{"vout": 0, "weight": 200}, {"vout": 1}]"#);
    let mut options = Object::new();
    move_weights(&inputs, &mut options).unwrap();
    assert_eq!(options.get("input_weights").unwrap().len(), 1);
    let text = "Input weights should be specified in inputs rather than in options.";
    says(move_weights(&inputs, &mut options), text);
}

#[test]
fn outpoints() {
    let read = |text: &str| read_outpoint(&value(text));
    let txid = "00".repeat(32);
    assert_eq!(read(&format!(r#"{{"txid": "{txid}", "vout": 7}}"#)).unwrap().vout, 7);
    says(read(&format!(r#"{{"txid": "{txid}"}}"#)), "Invalid parameter, missing vout key");
    says(read(&format!(r#"{{"txid": "{txid}", "vout": -1}}"#)), "Invalid parameter, vout cannot be negative");
    says(read(r#"{"txid": "00", "vout": 0}"#), "txid must be of length 64 (not 2, for '00')");
}
