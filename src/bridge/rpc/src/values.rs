//! What many methods read from their arguments, with the error texts that Bitcoin Core has for each.

use primitives::hex;

use crate::amount::amount_from_value;
use crate::error::RpcError;
use crate::json::Json;

/// How help pages call a time.
pub const UNIX_EPOCH_TIME: &str = "UNIX epoch time";

/// A member of an object: its key, and the name of its JSON type unless any will do.
pub type Field<'a> = (&'a str, Option<&'static str>);

/// Checks that `object` has `fields`, of their types. With `allow_null` they may be missing or `null`; with `strict`
/// there may be no others.
pub fn check_object(object: &Json, fields: &[Field<'_>], allow_null: bool, strict: bool) -> Result<(), RpcError> {
    let mut fields = fields.to_vec();
    // The first error in the order of the keys is the one that is told.
    fields.sort_unstable();
    for (key, expected) in &fields {
        let (value, got) = (object.get(key), object.get(key).type_name());
        if value.is_null() && !allow_null {
            return Err(RpcError::wrong_type(format!("Missing {key}")));
        }
        if let Some(expected) = expected
            && *expected != got
            && !(allow_null && value.is_null())
        {
            let text = format!("JSON value of type {got} for field {key} is not of expected type {expected}");
            return Err(RpcError::wrong_type(text));
        }
    }
    let unexpected = object.as_obj()?.keys().find(|key| !fields.iter().any(|(known, _)| known == key));
    match unexpected {
        Some(key) if strict => Err(RpcError::wrong_type(format!("Unexpected key {key}"))),
        _ => Ok(()),
    }
}

/// A hash in hexadecimal as it is displayed. The bytes come back in the order of the wire, which is the reverse.
pub fn hash_from_value(value: &Json, name: &str) -> Result<[u8; 32], RpcError> {
    let text = value.as_str()?;
    let bytes: Option<[u8; 32]> = hex::decode(text).and_then(|bytes| bytes.try_into().ok());
    match bytes {
        Some(mut bytes) => {
            bytes.reverse();
            Ok(bytes)
        }
        None if text.len() != 64 => {
            let length = text.len();
            Err(RpcError::invalid_parameter(format!("{name} must be of length 64 (not {length}, for '{text}')")))
        }
        None => Err(not_hex(name, text)),
    }
}

/// Bytes in hexadecimal.
pub fn bytes_from_value(value: &Json, name: &str) -> Result<Vec<u8>, RpcError> {
    let text = value.as_str().unwrap_or("");
    hex::decode(text).filter(|bytes| !bytes.is_empty()).ok_or_else(|| not_hex(name, text))
}

fn not_hex(name: &str, text: &str) -> RpcError {
    RpcError::invalid_parameter(format!("{name} must be hexadecimal string (not '{text}')"))
}

/// A fee rate in coins per thousand virtual bytes, in the smallest unit. `unit` is the coin's, for instance `BTC`.
pub fn fee_rate_from_value(value: &Json, max_money: i64, unit: &str) -> Result<i64, RpcError> {
    const COIN: i64 = 100_000_000;
    let rate = amount_from_value(value, 8, max_money)?;
    if rate >= COIN {
        let text = format!("Fee rates larger than or equal to 1{unit}/kvB are not accepted");
        return Err(RpcError::invalid_parameter(text));
    }
    Ok(rate)
}

/// A range of a descriptor: its end, or its first and last number.
pub fn range_from_value(value: &Json) -> Result<(i64, i64), RpcError> {
    let (low, high) = match value {
        Json::Num(_) => (0, value.as_int::<i64>()?),
        Json::Arr(ends) => match ends.as_slice() {
            [low @ Json::Num(_), high @ Json::Num(_)] => (low.as_int::<i64>()?, high.as_int::<i64>()?),
            _ => return Err(no_range()),
        },
        _ => return Err(no_range()),
    };
    let text = match (low, high) {
        _ if matches!(value, Json::Arr(_)) && low > high => {
            "Range specified as [begin,end] must not have begin after end"
        }
        (..0, _) => "Range should be greater or equal than 0",
        // The shift of a negative number keeps its sign, so a negative end counts as too high.
        (_, ..0 | 0x8000_0000..) => "End of range is too high",
        _ if high - low >= 1_000_000 => "Range is too large",
        range => return Ok(range),
    };
    Err(RpcError::invalid_parameter(text))
}

fn no_range() -> RpcError {
    RpcError::invalid_parameter("Range must be specified as end or as [begin,end]")
}

/// A number of blocks within which a transaction should confirm.
pub fn conf_target_from_value(value: &Json, max: u32) -> Result<u32, RpcError> {
    let target: i32 = value.as_int()?;
    match u32::try_from(target) {
        Ok(target) if (1..=max).contains(&target) => Ok(target),
        _ => Err(RpcError::invalid_parameter(format!("Invalid conf_target, must be between 1 and {max}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{arr, obj};

    fn text<T: std::fmt::Debug>(outcome: Result<T, RpcError>) -> String {
        outcome.unwrap_err().message.into_owned()
    }

    #[test]
    fn objects() {
        let fields = [("txid", Some("string")), ("n", Some("number")), ("x", None)];
        let whole = obj! { "txid" => "00", "n" => 1, "x" => true };
        assert_eq!(check_object(&whole, &fields, false, true), Ok(()));
        assert_eq!(text(check_object(&obj! { "txid" => "00" }, &fields, false, false)), "Missing n");
        assert_eq!(check_object(&obj! { "txid" => "00" }, &fields, true, false), Ok(()));
        assert_eq!(
            text(check_object(&obj! { "n" => "1" }, &fields, true, false)),
            "JSON value of type string for field n is not of expected type number"
        );
        assert_eq!(check_object(&obj! { "y" => 1 }, &fields, true, false), Ok(()));
        assert_eq!(text(check_object(&obj! { "y" => 1 }, &fields, true, true)), "Unexpected key y");
    }

    #[test]
    fn hexadecimal() {
        let hash = "00000000000000000000000000000000000000000000000000000000000000Ff";
        let mut expected = [0; 32];
        expected[0] = 0xff;
        assert_eq!(hash_from_value(&Json::from(hash), "blockhash"), Ok(expected));
        assert_eq!(
            text(hash_from_value(&Json::from("00"), "blockhash")),
            "blockhash must be of length 64 (not 2, for '00')"
        );
        let bad = hash.replace('F', "g");
        assert_eq!(
            text(hash_from_value(&Json::from(bad.as_str()), "blockhash")),
            format!("blockhash must be hexadecimal string (not '{bad}')")
        );
        assert_eq!(
            text(hash_from_value(&Json::from(1), "blockhash")),
            "JSON value of type number is not of expected type string"
        );
        assert_eq!(bytes_from_value(&Json::from("00fF"), "x"), Ok(vec![0, 255]));
        assert_eq!(text(bytes_from_value(&Json::from("0"), "x")), "x must be hexadecimal string (not '0')");
        assert_eq!(text(bytes_from_value(&Json::Null, "x")), "x must be hexadecimal string (not '')");
        assert_eq!(text(bytes_from_value(&Json::from("é"), "x")), "x must be hexadecimal string (not 'é')");
    }

    #[test]
    fn ranges() {
        assert_eq!(range_from_value(&Json::from(5)), Ok((0, 5)));
        assert_eq!(range_from_value(&arr![3, 5]), Ok((3, 5)));
        assert_eq!(range_from_value(&arr![2_147_483_000_i64, 2_147_483_647_i64]), Ok((2_147_483_000, 2_147_483_647)));
        for (value, expected) in [
            (arr![5, 3], "Range specified as [begin,end] must not have begin after end"),
            (arr![-1, 3], "Range should be greater or equal than 0"),
            (Json::from(-1), "End of range is too high"),
            (arr![0, 2_147_483_648_i64], "End of range is too high"),
            (Json::from(1_000_000), "Range is too large"),
            (arr![1], "Range must be specified as end or as [begin,end]"),
            (arr!["1", 2], "Range must be specified as end or as [begin,end]"),
            (Json::Null, "Range must be specified as end or as [begin,end]"),
        ] {
            assert_eq!(text(range_from_value(&value)), expected, "{value}");
        }
    }

    #[test]
    fn rates_and_targets() {
        let max = 2_100_000_000_000_000;
        assert_eq!(fee_rate_from_value(&Json::str("0.99999999"), max, "BTC"), Ok(99_999_999));
        assert_eq!(
            text(fee_rate_from_value(&Json::from(1), max, "BTC")),
            "Fee rates larger than or equal to 1BTC/kvB are not accepted"
        );
        assert_eq!(conf_target_from_value(&Json::from(6), 1008), Ok(6));
        for target in [-1, 0, 1009] {
            let error = text(conf_target_from_value(&Json::from(target), 1008));
            assert_eq!(error, "Invalid conf_target, must be between 1 and 1008");
        }
    }
}
