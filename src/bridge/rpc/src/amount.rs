//! Amounts and other fixed-point numbers in requests: exact, without a float in between.

use crate::error::RpcError;
use crate::json::Json;

/// Fixed-point numbers are smaller than this in magnitude, whatever their decimals.
const LIMIT: i64 = 1_000_000_000_000_000_000;
const MAX_DIGITS: i64 = 18;

/// The amount that a number or a string denotes, in units of 10^-`decimals`. It must lie between 0 and `max`.
pub fn amount_from_value(value: &Json, decimals: u32, max: i64) -> Result<i64, RpcError> {
    let text = match value {
        Json::Num(number) => number.as_str(),
        Json::Str(text) => text,
        _ => return Err(RpcError::wrong_type("Amount is not a number or string")),
    };
    let amount = parse_fixed_point(text, decimals).ok_or_else(|| RpcError::wrong_type("Invalid amount"))?;
    if (0..=max).contains(&amount) { Ok(amount) } else { Err(RpcError::wrong_type("Amount out of range")) }
}

/// A decimal number in JSON's syntax times 10^`decimals`; none if that is no integer, or out of bounds.
pub fn parse_fixed_point(text: &str, decimals: u32) -> Option<i64> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (text, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (mantissa, ""),
    };
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || (whole.len() > 1 && whole.starts_with('0')) || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    // The value is `digits` times ten to the power of `power`, with no zero at either end of `digits`. The single
    // zero before a point is not a digit of the number, so it does not count as one that was cut off.
    let all = if whole == "0" { fraction.to_owned() } else { format!("{whole}{fraction}") };
    let digits = all.trim_end_matches('0');
    let length = |text: &str| i64::try_from(text.len()).ok();
    let power = exponent.checked_sub(length(fraction)?)? + (length(&all)? - length(digits)?) + i64::from(decimals);
    let digits = digits.trim_start_matches('0');
    if !(0..MAX_DIGITS).contains(&power) || length(digits)? > MAX_DIGITS {
        return None;
    }
    let digits: i64 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let magnitude = digits.checked_mul(10_i64.checked_pow(u32::try_from(power).ok()?)?)?;
    (magnitude < LIMIT).then_some(if negative { -magnitude } else { magnitude })
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let magnitude: i64 = digits.parse().ok().filter(|magnitude| *magnitude < LIMIT)?;
    Some(if text.starts_with('-') { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAX_MONEY: i64 = 2_100_000_000_000_000;

    #[test]
    fn known_values() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1", Some(100_000_000)),
            ("0.0", Some(0)),
            ("-0.1", Some(-10_000_000)),
            ("1.1", Some(110_000_000)),
            ("1.10000000000000000", Some(110_000_000)),
            ("1.1e1", Some(1_100_000_000)),
            ("1.1e-1", Some(11_000_000)),
            ("1000", Some(100_000_000_000)),
            ("0.00000001", Some(1)),
            ("0.0000000100000000", Some(1)),
            ("0.000000001", None),
            ("0.00000000000000000000000000000000000001e+30", Some(1)),
            ("10000000000000000000000000000000000000000000000000000000000000000e-64", Some(100_000_000)),
            (
                "0.0000000000000000000000000000000000000000000000000000000000000001000000000000000000000e64",
                Some(100_000_000),
            ),
            ("1e-8", Some(1)),
            ("1e-9", None),
            ("19e-9", None),
            ("0.19e-6", Some(19)),
            ("9999999999.99999999", Some(999_999_999_999_999_999)),
            ("-9999999999.99999999", Some(-999_999_999_999_999_999)),
            ("10000000000.00000000", None),
            ("1000000000.00000001", Some(100_000_000_000_000_001)),
            ("8000000000.00000001", Some(800_000_000_000_000_001)),
            ("1e+11", None),
            ("1e11", None),
            ("93e+9", None),
            ("0e-100", None),
            ("0e20", None),
            ("", None),
            ("-", None),
            (".19e-6", None),
            ("1.", None),
            ("1.e1", None),
            ("01", None),
            ("+1", None),
            (" 1", None),
            ("1 ", None),
            ("1e", None),
            ("1e+", None),
            ("1e--1", None),
            ("0x1", None),
            ("1e99999999999999999999", None),
            ("a1000", None),
            ("-a1000", None),
        ] {
            assert_eq!(parse_fixed_point(text, 8), expected, "{text:?}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let error = |value: Json| amount_from_value(&value, 8, MAX_MONEY).unwrap_err().message.into_owned();
        assert_eq!(error(Json::Bool(true)), "Amount is not a number or string");
        assert_eq!(error(Json::str("")), "Invalid amount");
        assert_eq!(error(Json::str("1e-9")), "Invalid amount");
        assert_eq!(error(Json::number("-0.00000001").unwrap()), "Amount out of range");
        assert_eq!(error(Json::number("21000000.00000001").unwrap()), "Amount out of range");
        assert_eq!(amount_from_value(&Json::number("21000000").unwrap(), 8, MAX_MONEY), Ok(MAX_MONEY));
        assert_eq!(amount_from_value(&Json::str("0.5"), 8, MAX_MONEY), Ok(50_000_000));
        assert_eq!(amount_from_value(&Json::str("1.234"), 3, MAX_MONEY), Ok(1234));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(amount in 0..LIMIT) {
            let json = Json::amount(amount);
            prop_assert_eq!(amount_from_value(&json, 8, LIMIT), Ok(amount));
        }

        #[test]
        fn any_text_is_answered(text in "[-+0-9.eE]{0,40}", decimals in 0_u32..20) {
            let _ = parse_fixed_point(&text, decimals);
        }
    }
}
