//! JSON-RPC requests, and what their answers say.

use interfaces::{Answer, Call, Json};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::amount::format_amount;
use crate::history::Row;
use crate::outcome::{Reply, RpcFailure, Trouble, flat};
use crate::receive::Requested;
use crate::send::{Fee, Payment};
use crate::status::minute;

/// How many transactions are listed.
const LISTED: u32 = 200;

/// A request with parameters that are JSON text.
pub(crate) fn request(method: &str, params: &str) -> Json {
    Json::new(format!(r#"{{"jsonrpc":"2.0","id":1,"method":{},"params":{params}}}"#, Value::from(method)))
}

/// The newest transactions of a wallet.
pub(crate) fn list_transactions() -> Json {
    request("listtransactions", &json!(["*", LISTED]).to_string())
}

/// All addresses that a wallet has given out.
pub(crate) fn list_addresses() -> Json {
    request("listreceivedbyaddress", "[0,true]")
}

/// A payment.
pub(crate) fn pay(payment: &Payment) -> Json {
    let mut params = Map::new();
    params.insert("address".to_owned(), payment.address.clone().into());
    // As text it stays exact on its way.
    params.insert("amount".to_owned(), format_amount(payment.amount).into());
    params.insert("subtractfeefromamount".to_owned(), payment.subtract_fee.into());
    match &payment.fee {
        Fee::Target(blocks) => params.insert("conf_target".to_owned(), (*blocks).into()),
        Fee::Rate(rate) => params.insert("fee_rate".to_owned(), rate.trim().into()),
    };
    request("sendtoaddress", &Value::from(params).to_string())
}

fn hex(digit: u8) -> char {
    char::from_digit(digit.into(), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}

/// Where a wallet's requests go.
pub(crate) fn wallet_uri(name: &str) -> String {
    let mut uri = String::from("/wallet/");
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => uri.push(char::from(byte)),
            _ => uri.extend(['%', hex(byte >> 4), hex(byte & 15)]),
        }
    }
    uri
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct ErrorBody {
    code: i64,
    message: String,
}

/// The result of a method as JSON text, or its error.
pub(crate) fn result(call: Call<Answer<Json>>) -> Result<String, RpcFailure> {
    let answer = flat(call)?;
    let not_understood = || RpcFailure::said("The node's answer cannot be understood.");
    let response: Response<'_> = serde_json::from_str(answer.as_str()).map_err(|_| not_understood())?;
    match response {
        Response { error: Some(error), .. } => Err(RpcFailure { code: error.code, message: error.message }),
        Response { result, .. } => Ok(result.map_or_else(|| "null".to_owned(), |result| result.get().to_owned())),
    }
}

fn read<'a, T: Deserialize<'a>>(result: &'a Result<String, RpcFailure>) -> Reply<T> {
    let text = result.as_ref().map_err(|failure| Trouble::Said(failure.message.clone()))?;
    serde_json::from_str(text).map_err(|_| Trouble::Said("The node's answer cannot be understood.".to_owned()))
}

#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(default)]
    address: String,
    #[serde(default)]
    label: String,
    category: String,
    #[serde(borrow)]
    amount: &'a RawValue,
    #[serde(default)]
    confirmations: i64,
    txid: String,
    time: i64,
}

/// Reads the answer to [`list_transactions`]: the newest first.
pub(crate) fn read_transactions(call: Call<Answer<Json>>) -> Reply<Vec<Row>> {
    let result = result(call);
    let row = |listed: Listed<'_>| Row {
        time: minute(listed.time),
        category: listed.category,
        address: listed.address,
        label: listed.label,
        amount: listed.amount.get().to_owned(),
        confirmations: listed.confirmations,
        txid: listed.txid,
    };
    Ok(read::<Vec<Listed<'_>>>(&result)?.into_iter().rev().map(row).collect())
}

#[derive(Deserialize)]
struct Received<'a> {
    address: String,
    #[serde(default)]
    label: String,
    #[serde(borrow)]
    amount: &'a RawValue,
}

/// Reads the answer to [`list_addresses`].
pub(crate) fn read_addresses(call: Call<Answer<Json>>) -> Reply<Vec<Requested>> {
    let result = result(call);
    let requested = |received: Received<'_>| Requested {
        address: received.address,
        label: received.label,
        amount: received.amount.get().to_owned(),
    };
    Ok(read::<Vec<Received<'_>>>(&result)?.into_iter().map(requested).collect())
}

/// Reads the answer to [`pay`]: the transaction.
pub(crate) fn read_txid(call: Call<Answer<Json>>) -> Result<String, RpcFailure> {
    let result = result(call)?;
    serde_json::from_str(&result).map_err(|_| RpcFailure::said("The node's answer cannot be understood."))
}

/// A result as the console prints it: text without its quotation marks, everything else on indented lines. Numbers and
/// the order of members stay as they are.
pub(crate) fn printed(json: &str) -> String {
    if let Ok(text) = serde_json::from_str::<String>(json) {
        return text;
    }
    let (mut out, mut depth, mut letters) = (String::with_capacity(json.len() * 2), 0_usize, json.chars().peekable());
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                out.push(letter);
                while let Some(inner) = letters.next() {
                    out.push(inner);
                    match inner {
                        '\\' => out.extend(letters.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                out.push(letter);
                while letters.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = letters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ if letter.is_ascii_whitespace() => {}
            _ => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(text: &str) -> Json {
        Json::new(text)
    }

    #[test]
    fn a_payment_is_exact() {
        let payment = Payment { address: "a\"b".into(), amount: 1, subtract_fee: true, fee: Fee::Rate("2.5".into()) };
        let sent: Value = serde_json::from_str(pay(&payment).as_str()).unwrap();
        let params =
            json!({"address": "a\"b", "amount": "0.00000001", "subtractfeefromamount": true, "fee_rate": "2.5"});
        assert_eq!((&sent["method"], &sent["params"]), (&Value::from("sendtoaddress"), &params));
        let sent = pay(&Payment { fee: Fee::Target(6), ..payment });
        assert!(sent.as_str().contains(r#""conf_target":6"#), "{}", sent.as_str());
    }

    #[test]
    fn transactions_keep_their_amounts() {
        let list = r#"{"result":[
            {"address":"x","category":"receive","amount":1.10000000,"confirmations":2,"txid":"aa","time":1},
            {"category":"send","label":"l","amount":-0.00000001,"confirmations":-1,"txid":"bb","time":2}],"error":null}"#;
        let rows = read_transactions(Ok(Ok(answer(list)))).unwrap();
        assert_eq!((rows[1].amount.as_str(), rows[1].kind()), ("1.10000000", "Received"));
        assert_eq!((rows[0].amount.as_str(), rows[0].state().as_str()), ("-0.00000001", "Conflicted"));
        assert_eq!(rows[0].time, "1970-01-01 00:00");
    }

    #[test]
    fn an_error_keeps_its_number() {
        let failure =
            read_txid(Ok(Ok(answer(r#"{"result":null,"error":{"code":-6,"message":"Insufficient funds"},"id":1}"#))));
        assert_eq!(failure, Err(RpcFailure { code: -6, message: "Insufficient funds".into() }));
        assert!(read_txid(Ok(Ok(answer("what")))).is_err());
        assert_eq!(result(Ok(Ok(answer(r#"{"jsonrpc":"2.0","result":null,"id":1}"#)))), Ok("null".into()));
    }

    #[test]
    fn names_of_wallets_are_safe_in_addresses() {
        assert_eq!(wallet_uri("my wallet/ä"), "/wallet/my%20wallet%2F%C3%A4");
    }

    #[test]
    fn answers_are_printed_for_people() {
        assert_eq!(printed(r#""text\n""#), "text\n");
        assert_eq!(printed("7"), "7");
        assert_eq!(
            printed(r#"{"b":1.10000000,"a":[],"c":[1,"x:,{"]}"#),
            "{\n  \"b\": 1.10000000,\n  \"a\": [],\n  \"c\": [\n    1,\n    \"x:,{\"\n  ]\n}"
        );
    }

    proptest! {
        #[test]
        fn printing_changes_nothing(text in prop::collection::vec("\\PC{0,6}", 0..4), number in any::<i64>()) {
            let value = json!({ "a": text, "n": number, "e": {} });
            let shown = printed(&value.to_string());
            prop_assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), value);
        }
    }
}
