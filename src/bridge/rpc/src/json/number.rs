//! The text of a number. Short texts, which are nearly all, live in the value itself.

use std::fmt::{self, Write};

const INLINE: usize = 22;
const COIN: u64 = 100_000_000;

/// The text of a JSON number.
#[derive(Clone)]
pub struct Number(Repr);

#[derive(Clone)]
enum Repr {
    Inline { bytes: [u8; INLINE], len: u8 },
    Heap(Box<str>),
}

impl Number {
    /// Takes a text that the caller knows to be a JSON number.
    pub(super) fn from_text(text: &str) -> Self {
        let mut bytes = [0; INLINE];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(room), Ok(len)) => {
                room.copy_from_slice(text.as_bytes());
                Self(Repr::Inline { bytes, len })
            }
            _ => Self(Repr::Heap(text.into())),
        }
    }

    /// An integer.
    pub(super) fn integer(value: impl fmt::Display) -> Self {
        Self::display(format_args!("{value}"))
    }

    /// Eight decimals, always.
    pub(super) fn amount(value: i64) -> Self {
        let (sign, units) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
        Self::display(format_args!("{sign}{}.{:08}", units / COIN, units % COIN))
    }

    /// Sixteen significant digits, in the shortest of the two notations that C's `%.16g` chooses from.
    pub(super) fn real(value: f64) -> Option<Self> {
        const DIGITS: i32 = 16;
        if !value.is_finite() {
            return None;
        }
        let scientific = format!("{value:.15e}");
        let (mantissa, exponent) = scientific.split_once('e')?;
        let exponent: i32 = exponent.parse().ok()?;
        if (-4..DIGITS).contains(&exponent) {
            let decimals = usize::try_from(DIGITS - 1 - exponent).ok()?;
            return Some(Self::from_text(without_trailing_zeros(&format!("{value:.decimals$}"))));
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        let magnitude = exponent.unsigned_abs();
        Some(Self::display(format_args!("{}e{sign}{magnitude:02}", without_trailing_zeros(mantissa))))
    }

    fn display(text: fmt::Arguments<'_>) -> Self {
        let mut buffer = Inline { bytes: [0; INLINE], len: 0 };
        match buffer.write_fmt(text) {
            Ok(()) => Self(Repr::Inline { bytes: buffer.bytes, len: buffer.len }),
            Err(fmt::Error) => Self(Repr::Heap(text.to_string().into())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Inline { bytes, len } => {
                std::str::from_utf8(&bytes[..usize::from(*len)]).expect("copied from a whole text")
            }
            Repr::Heap(text) => text,
        }
    }
}

fn without_trailing_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

struct Inline {
    bytes: [u8; INLINE],
    len: u8,
}

impl Write for Inline {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let start = usize::from(self.len);
        let end = start + text.len();
        self.bytes.get_mut(start..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = u8::try_from(end).map_err(|_| fmt::Error)?;
        Ok(())
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for Number {}

impl fmt::Debug for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
