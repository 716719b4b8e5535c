//! One value of one setting, and how text becomes a number or a truth.
//!
//! `-name` gives an empty text, `-noname` gives `false`, `-name=x` gives the text `x`. Only `settings.json` brings
//! numbers, lists and objects. The conversions are the daemon's, with its oddities: `-foo=true` is false, because a
//! text that is not a number is zero.

use std::ffi::OsString;

use crate::json;
use crate::text::{C_BLANKS, os_bytes, shown, trim};

/// A setting's value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Value {
    /// Not set.
    #[default]
    Null,
    /// Negated (`false`), or negated twice (`true`).
    Bool(bool),
    /// A number from `settings.json`, in its own digits.
    Number(String),
    /// What stands behind the `=`, or nothing.
    Text(OsString),
    /// A list from `settings.json`.
    Array(Vec<Value>),
    /// An object from `settings.json`, in the file's order.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// A text value.
    pub fn text(text: impl Into<OsString>) -> Self {
        Self::Text(text.into())
    }

    /// Reads JSON: `null`, `false`, a number, a text, a list or an object. None for anything else.
    pub fn read(text: &str) -> Option<Self> {
        json::read(text).ok()
    }

    /// Nothing is set.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The option was negated.
    pub fn is_negated(&self) -> bool {
        matches!(self, Self::Bool(false))
    }

    /// The value as the daemon's string getter gives it: "0" when negated, "1" when negated twice.
    pub fn to_os_string(&self) -> Option<OsString> {
        match self {
            Self::Null => None,
            Self::Bool(truth) => Some(OsString::from(if *truth { "1" } else { "0" })),
            Self::Number(digits) => Some(OsString::from(digits)),
            Self::Text(text) => Some(text.clone()),
            Self::Array(_) | Self::Object(_) => Some(OsString::from(self.write())),
        }
    }

    /// As [`Value::to_os_string`], with U+FFFD for what is not Unicode.
    pub fn to_text(&self) -> Option<String> {
        self.to_os_string().map(|text| shown(&os_bytes(&text)))
    }

    /// The value as an integer; see [`SettingInt`].
    pub fn to_int<T: SettingInt>(&self) -> Option<T> {
        match self {
            Self::Null => None,
            Self::Bool(truth) => Some(T::parse(if *truth { b"1" } else { b"0" })),
            Self::Number(digits) => Some(T::parse(digits.as_bytes())),
            Self::Text(text) => Some(T::parse(&os_bytes(text))),
            Self::Array(_) | Self::Object(_) => Some(T::parse(b"")),
        }
    }

    /// The value as a truth: an empty text is true, any other is true when it is a number that is not zero.
    pub fn to_bool(&self) -> Option<bool> {
        match self {
            Self::Null => None,
            Self::Bool(truth) => Some(*truth),
            Self::Number(digits) => Some(interpret_bool(digits.as_bytes())),
            Self::Text(text) => Some(interpret_bool(&os_bytes(text))),
            Self::Array(_) | Self::Object(_) => Some(false),
        }
    }

    /// The value as compact JSON: the form that the log shows.
    pub fn write(&self) -> String {
        let mut out = String::new();
        json::write(self, None, &mut out);
        out
    }
}

/// What a truth option means by its text.
pub(crate) fn interpret_bool(text: &[u8]) -> bool {
    text.is_empty() || i32::parse(text) != 0
}

/// An integer type that a setting can be read as, in the way of C's `atoi`: blanks and one plus sign in front are
/// skipped, digits are read as long as there are any, no digits give zero, and what does not fit is the nearest that
/// does.
pub trait SettingInt: Sized {
    /// Reads the number at the start of `text`.
    fn parse(text: &[u8]) -> Self;
}

fn leading_integer(text: &[u8]) -> (bool, &[u8]) {
    let text = trim(text, C_BLANKS);
    let (plus, text) = match text.strip_prefix(b"+") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (minus, digits) = match text.strip_prefix(b"-") {
        Some(_) if plus => return (false, &[]),
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    (minus, &digits[..end])
}

macro_rules! setting_int {
    ($($int:ty),*) => {$(
        impl SettingInt for $int {
            fn parse(text: &[u8]) -> Self {
                let (minus, digits) = leading_integer(text);
                if minus && Self::MIN == 0 {
                    return 0;
                }
                let mut value: Self = 0;
                for byte in digits {
                    let digit = Self::try_from(byte - b'0').expect("a digit fits every integer type");
                    value = value.saturating_mul(10);
                    // Down for negative numbers, so that the least value is reached too.
                    value = if minus { value.saturating_sub(digit) } else { value.saturating_add(digit) };
                }
                value
            }
        }
    )*};
}
setting_int!(i8, u8, i16, u16, i32, u32, i64, u64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_like_atoi() {
        for (text, number) in [
            ("", 0),
            ("12", 12),
            (" \t-12abc", -12),
            ("+7", 7),
            ("+-7", 0),
            ("-+7", 0),
            ("--7", 0),
            ("abc", 0),
            ("0x10", 0),
            ("9223372036854775807", i64::MAX),
            ("9223372036854775808", i64::MAX),
            ("-9223372036854775808", i64::MIN),
            ("-9223372036854775809", i64::MIN),
            ("32482348723847471234", i64::MAX),
            ("1e9", 1),
            ("1.9", 1),
        ] {
            assert_eq!(i64::parse(text.as_bytes()), number, "{text:?}");
        }
        assert_eq!(i32::parse(b"4294967296"), i32::MAX);
        assert_eq!(u16::parse(b"70000"), u16::MAX);
        assert_eq!(u16::parse(b"-1"), 0);
        assert_eq!(u8::parse(b"256"), u8::MAX);
        assert_eq!(i8::parse(b"-129"), i8::MIN);
    }

    #[test]
    fn truth_is_the_daemons() {
        for (text, truth) in [("", true), ("1", true), ("0", false), ("true", false), ("-1", true), ("00", false)] {
            assert_eq!(Value::text(text).to_bool(), Some(truth), "{text:?}");
        }
        assert_eq!(Value::Bool(false).to_bool(), Some(false));
        assert_eq!(Value::Null.to_bool(), None);
        assert_eq!(Value::Number("5".into()).to_bool(), Some(true));
    }

    #[test]
    fn negation_reads_as_zero() {
        assert_eq!(Value::Bool(false).to_text().as_deref(), Some("0"));
        assert_eq!(Value::Bool(true).to_int::<i64>(), Some(1));
        assert_eq!(Value::Array(vec![Value::Number("6".into()), Value::Number("7".into())]).write(), "[6,7]");
    }

    proptest::proptest! {
        #[test]
        fn every_integer_round_trips(number: i64, other: u16) {
            proptest::prop_assert_eq!(i64::parse(number.to_string().as_bytes()), number);
            proptest::prop_assert_eq!(u16::parse(other.to_string().as_bytes()), other);
        }

        #[test]
        fn any_bytes_are_some_number(bytes: Vec<u8>) {
            let _ = i32::parse(&bytes);
            let _ = u64::parse(&bytes);
        }
    }
}
