//! The kinds of fact in a file: hashes, heights, times, magic bytes, choices. Each checks its text while it is read.

use serde::{Deserialize, Deserializer, de::Error};

use crate::emit::Emit;

fn hex(text: &str) -> Result<Vec<u8>, String> {
    if !text.len().is_multiple_of(2) {
        return Err(format!("odd number of hex digits in \"{text}\""));
    }
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits.ok_or_else(|| format!("not hex: \"{text}\""))?;
    Ok(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn fixed<const N: usize>(text: &str) -> Result<[u8; N], String> {
    hex(text)?.try_into().map_err(|_| format!("\"{text}\" is not {N} bytes of hex"))
}

/// A fact that is written as a string.
macro_rules! from_text {
    ($(#[$meta:meta])* $name:ident($inner:ty), $read:expr) => {
        $(#[$meta])*
        #[derive(Clone)]
        pub(crate) struct $name(pub(crate) $inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let read: fn(&str) -> Result<$inner, String> = $read;
                read(&text).map($name).map_err(D::Error::custom)
            }
        }

        impl Emit for $name {
            fn emit(&self, out: &mut String) {
                self.0.emit(out);
            }
        }
    };
}

from_text!(
    /// 32 bytes, written most significant byte first as people see them, kept least significant first as nodes do.
    Hash32([u8; 32]),
    |text| fixed(text).map(|mut bytes: [u8; 32]| {
        bytes.reverse();
        bytes
    })
);
from_text!(
    /// Raw bytes in wire order.
    Bytes(Vec<u8>),
    hex
);
from_text!(
    /// Four bytes in wire order.
    Bytes4([u8; 4]),
    fixed
);
from_text!(
    /// Twenty bytes in wire order.
    Bytes20([u8; 20]),
    fixed
);
from_text!(
    /// Thirty-two bytes in wire order, such as a log topic.
    Bytes32([u8; 32]),
    fixed
);
from_text!(
    /// A target in compact form.
    Bits(u32),
    |text| fixed(text).map(u32::from_be_bytes)
);
from_text!(
    /// Raw bytes, or nothing if the string is empty.
    MaybeBytes(Option<Vec<u8>>),
    |text| hex(text).map(|bytes| (!bytes.is_empty()).then_some(bytes))
);
from_text!(
    /// A string, or nothing if it is empty.
    MaybeText(Option<String>),
    |text| Ok((!text.is_empty()).then(|| text.to_owned()))
);

/// The height from which a rule holds: -1 = there is no such rule, the largest integers = it never starts.
pub(crate) struct Activation(i64);

impl<'de> Deserialize<'de> for Activation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let height = i64::deserialize(deserializer)?;
        if height < -1 || (height > i64::from(i32::MAX) && height != i64::MAX) {
            return Err(D::Error::custom(format!("{height} is not a height")));
        }
        Ok(Self(height))
    }
}

impl Emit for Activation {
    fn emit(&self, out: &mut String) {
        match self.0 {
            -1 => out.push_str("Activation::Absent"),
            height if height >= i64::from(i32::MAX) => out.push_str("Activation::Never"),
            height => out.push_str(&format!("Activation::At({height})")),
        }
    }
}

/// The time from which a rule holds; the largest integer = it never starts.
pub(crate) struct MaybeTime(i64);

impl<'de> Deserialize<'de> for MaybeTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self)
    }
}

impl MaybeTime {
    /// Never.
    pub(crate) const NEVER: Self = Self(i64::MAX);
}

impl Emit for MaybeTime {
    fn emit(&self, out: &mut String) {
        Some(self.0).filter(|time| *time != i64::MAX).emit(out);
    }
}

/// When a version-bits deployment starts: -1 = always active, -2 = never active, else a median time.
pub(crate) struct Start(pub(crate) i64);

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let time = i64::deserialize(deserializer)?;
        if time < -2 { Err(D::Error::custom(format!("{time} is not a start time"))) } else { Ok(Self(time)) }
    }
}

impl Emit for Start {
    fn emit(&self, out: &mut String) {
        match self.0 {
            -1 => out.push_str("Start::AlwaysActive"),
            -2 => out.push_str("Start::NeverActive"),
            time => out.push_str(&format!("Start::At({time})")),
        }
    }
}

/// One of a closed list of words, which becomes a variant of the public enum of the same name.
macro_rules! choice {
    ($(#[$meta:meta])* $name:ident { $($text:literal => $variant:ident),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, serde::Deserialize)]
        pub(crate) enum $name { $(#[serde(rename = $text)] $variant,)* }

        impl Emit for $name {
            fn emit(&self, out: &mut String) {
                out.push_str(match self {
                    $(Self::$variant => concat!(stringify!($name), "::", stringify!($variant)),)*
                });
            }
        }
    };
}

choice!(
    /// The hash of a header.
    HashFunction { "sha256d" => Sha256d, }
);
choice!(
    /// What a header carries.
    HeaderFormat {
        "bitcoin" => Bitcoin,
        "auxpow-namecoin" => AuxpowNamecoin,
        "auxpow-freicoin" => AuxpowFreicoin,
    }
);
choice!(
    /// What a transaction carries.
    TxFormat {
        "bitcoin" => Bitcoin,
        "freicoin-lock-height" => FreicoinLockHeight,
        "syscoin" => Syscoin,
    }
);
choice!(
    /// The checksum of version 0 witness addresses.
    Bech32V0 { "bech32" => Bech32, "bech32m" => Bech32m, }
);
choice!(
    /// The retargeting rule.
    DifficultyAlgo { "bitcoin" => Bitcoin, "freicoin" => Freicoin, "syscoin" => Syscoin, }
);

/// Script flags as the C++ sources write them: names joined by a bar, or the name of nothing.
pub(crate) struct Flags(Vec<&'static str>);

impl<'de> Deserialize<'de> for Flags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut flags = Vec::new();
        for word in text.split('|').map(str::trim) {
            match word {
                "SCRIPT_VERIFY_NONE" => {}
                "SCRIPT_VERIFY_P2SH" => flags.push("ScriptFlag::P2sh"),
                "SCRIPT_VERIFY_WITNESS" => flags.push("ScriptFlag::Witness"),
                _ => return Err(D::Error::custom(format!("unknown script flag \"{word}\""))),
            }
        }
        Ok(Self(flags))
    }
}

impl Emit for Flags {
    fn emit(&self, out: &mut String) {
        out.push_str(&format!("&[{}]", self.0.join(", ")));
    }
}
