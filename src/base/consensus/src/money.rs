//! Amounts, signed as they are on the wire.
//!
//! The library's own amount type is unsigned; the network's is not, and "negative" is one of the rules.

use bitcoin::TxOut;

/// The value of an output in the coin's smallest unit; negative if its top bit is set.
pub fn value_of(output: &TxOut) -> i64 {
    output.value.to_sat().cast_signed()
}

/// Whether an amount is between nothing and all there can be.
pub fn in_range(value: i64, max_money: i64) -> bool {
    (0..=max_money).contains(&value)
}

/// An amount as the daemon writes it in messages: at least two decimals, at most eight.
pub fn format_money(value: i64) -> String {
    let magnitude = value.unsigned_abs();
    let (whole, rest) = (magnitude / 100_000_000, magnitude % 100_000_000);
    let mut text = format!("{}{whole}.{rest:08}", if value < 0 { "-" } else { "" });
    for _ in 0..6 {
        if !text.ends_with('0') {
            break;
        }
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use bitcoin::{Amount, ScriptBuf};

    use super::*;

    #[test]
    fn written_with_two_to_eight_decimals() {
        for (value, text) in [
            (0, "0.00"),
            (1, "0.00000001"),
            (100_000_000, "1.00"),
            (150_000_000, "1.50"),
            (123_456_789, "1.23456789"),
            (123_456_000, "1.23456"),
            (10_000_000_000, "100.00"),
            (-1_000_000, "-0.01"),
            (i64::MIN, "-92233720368.54775808"),
            (i64::MAX, "92233720368.54775807"),
        ] {
            assert_eq!(format_money(value), text);
        }
    }

    #[test]
    fn the_top_bit_is_the_sign() {
        let output = |value| TxOut { value: Amount::from_sat(value), script_pubkey: ScriptBuf::new() };
        assert_eq!(value_of(&output(u64::MAX)), -1);
        assert_eq!(value_of(&output(1)), 1);
        assert!(in_range(0, 10) && in_range(10, 10) && !in_range(11, 10) && !in_range(-1, 10));
    }
}
