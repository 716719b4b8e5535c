//! Amounts as people write them, exactly.

use interfaces::Amount;

/// The smallest units in one coin.
const COIN: u64 = 100_000_000;
/// Digits behind the point.
const DECIMALS: usize = 8;

/// Why a text is no amount that can be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Nothing was entered.
    #[error("Enter an amount.")]
    Empty,
    /// Something else than digits and one point.
    #[error("This is not an amount: write digits, with a point before decimals.")]
    NotANumber,
    /// Finer than the smallest unit.
    #[error("An amount has at most 8 decimals.")]
    TooFine,
    /// Nothing would be sent.
    #[error("The amount must be more than 0.")]
    Zero,
    /// More than can be counted.
    #[error("The amount is too large.")]
    TooLarge,
}

/// The amount with all its decimals: `-0.00000001`.
pub fn format_amount(amount: Amount) -> String {
    let sign = if amount < 0 { "-" } else { "" };
    let units = amount.unsigned_abs();
    format!("{sign}{}.{:08}", units / COIN, units % COIN)
}

/// Reads a positive amount.
pub fn parse_amount(text: &str) -> Result<Amount, AmountError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(AmountError::Empty);
    }
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || (whole.is_empty() && decimals.is_empty()) {
        return Err(AmountError::NotANumber);
    }
    if decimals.len() > DECIMALS {
        return Err(AmountError::TooFine);
    }
    let number = |part: &str| if part.is_empty() { Ok(0) } else { part.parse::<u64>() };
    let whole = number(whole).map_err(|_| AmountError::TooLarge)?;
    let decimals = number(&format!("{decimals:0<DECIMALS$}")).map_err(|_| AmountError::NotANumber)?;
    let units = whole.checked_mul(COIN).and_then(|units| units.checked_add(decimals));
    match units.and_then(|units| Amount::try_from(units).ok()) {
        Some(0) => Err(AmountError::Zero),
        Some(amount) => Ok(amount),
        None => Err(AmountError::TooLarge),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_exact() {
        for (amount, text) in [
            (0, "0.00000000"),
            (1, "0.00000001"),
            (-1, "-0.00000001"),
            (5_000_000_000, "50.00000000"),
            (i64::MAX, "92233720368.54775807"),
            (i64::MIN, "-92233720368.54775808"),
        ] {
            assert_eq!(format_amount(amount), text);
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, error) in [
            ("", AmountError::Empty),
            ("  ", AmountError::Empty),
            (".", AmountError::NotANumber),
            ("1,5", AmountError::NotANumber),
            ("-1", AmountError::NotANumber),
            ("1e3", AmountError::NotANumber),
            ("1.000000000", AmountError::TooFine),
            ("0.0", AmountError::Zero),
            ("92233720369", AmountError::TooLarge),
            ("99999999999999999999", AmountError::TooLarge),
        ] {
            assert_eq!(parse_amount(text), Err(error), "{text}");
        }
        assert_eq!(parse_amount(" .5 "), Ok(50_000_000));
        assert_eq!(parse_amount("1."), Ok(100_000_000));
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(amount in 1_i64..) {
            prop_assert_eq!(parse_amount(&format_amount(amount)), Ok(amount));
        }

        #[test]
        fn nothing_that_is_typed_is_a_panic(text in "\\PC{0,30}") {
            let _ = parse_amount(&text);
        }
    }
}
