//! Bech32 and bech32m (BIP173, BIP350), and where a text breaks their rules.

mod locate;

pub use locate::locate_errors;

/// The longest text. Up to here, up to four wrong characters are always noticed.
pub const MAX_LENGTH: usize = 90;

const CHARACTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const CHECKSUM: usize = 6;
const SEPARATOR: u8 = b'1';

/// Which of the two checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// BIP173.
    Bech32,
    /// BIP350.
    Bech32m,
}

impl Encoding {
    /// What the checksum must come to.
    fn constant(self) -> u32 {
        match self {
            Self::Bech32 => 1,
            Self::Bech32m => 0x2bc8_30a3,
        }
    }
}

/// Why a text is neither, and at which bytes, as far as that can be told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Bech32Error {
    /// It has more than 90 characters.
    #[error("Bech32 string too long")]
    TooLong(Vec<usize>),
    /// It has characters that cannot be typed, or both cases.
    #[error("Invalid character or mixed case")]
    Characters(Vec<usize>),
    /// It has no `1`.
    #[error("Missing separator")]
    MissingSeparator,
    /// Its last `1` is first, or has too little behind it.
    #[error("Invalid separator position")]
    SeparatorPosition(Vec<usize>),
    /// It has a character behind the separator that stands for nothing.
    #[error("Invalid Base 32 character")]
    Base32Character(Vec<usize>),
    /// It is closest to a bech32 text with these characters changed.
    #[error("Invalid Bech32 checksum")]
    Bech32Checksum(Vec<usize>),
    /// It is closest to a bech32m text with these characters changed.
    #[error("Invalid Bech32m checksum")]
    Bech32mChecksum(Vec<usize>),
    /// It is far from both.
    #[error("Invalid checksum")]
    Checksum,
}

impl Bech32Error {
    /// The bytes that are wrong, as far as they are known.
    pub fn locations(&self) -> &[usize] {
        match self {
            Self::TooLong(at)
            | Self::Characters(at)
            | Self::SeparatorPosition(at)
            | Self::Base32Character(at)
            | Self::Bech32Checksum(at)
            | Self::Bech32mChecksum(at) => at,
            Self::MissingSeparator | Self::Checksum => &[],
        }
    }
}

/// A text taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Which checksum it has.
    pub encoding: Encoding,
    /// The part before the separator, in lower case.
    pub hrp: String,
    /// The part behind it without the checksum, in groups of five bits.
    pub data: Vec<u8>,
}

/// The text of five-bit groups. `hrp` must be in lower case; groups above 31 lose their upper bits.
pub fn encode(encoding: Encoding, hrp: &str, data: &[u8]) -> String {
    let groups = data.iter().copied();
    let sum = remainder(expand(hrp.as_bytes()).chain(groups.clone()).chain([0; CHECKSUM])) ^ encoding.constant();
    let sum = (0..CHECKSUM).rev().map(|place| five_bits(sum >> (5 * place)));
    let mut text = String::with_capacity(hrp.len() + 1 + data.len() + CHECKSUM);
    text.push_str(hrp);
    text.push(char::from(SEPARATOR));
    text.extend(groups.chain(sum).map(|group| char::from(CHARACTERS[usize::from(group & 31)])));
    text
}

/// Takes a text apart. The error is the cheap one: [`locate_errors`] looks closer.
pub fn decode(text: &str) -> Option<Decoded> {
    let Parts { hrp, values } = parts(text).ok()?;
    let sum = remainder(expand(&hrp).chain(values.iter().copied()));
    let encoding = [Encoding::Bech32, Encoding::Bech32m].into_iter().find(|encoding| encoding.constant() == sum)?;
    let data = values[..values.len() - CHECKSUM].to_vec();
    Some(Decoded { encoding, hrp: String::from_utf8(hrp).ok()?, data })
}

/// A text before its checksum was looked at.
struct Parts {
    hrp: Vec<u8>,
    values: Vec<u8>,
}

/// Splits a text, if all but its checksum is right.
fn parts(text: &str) -> Result<Parts, Bech32Error> {
    let text = text.as_bytes();
    if text.len() > MAX_LENGTH {
        return Err(Bech32Error::TooLong((MAX_LENGTH..text.len()).collect()));
    }
    let wrong = wrong_characters(text);
    if !wrong.is_empty() {
        return Err(Bech32Error::Characters(wrong));
    }
    let separator = text.iter().rposition(|byte| *byte == SEPARATOR).ok_or(Bech32Error::MissingSeparator)?;
    if separator == 0 || separator + CHECKSUM >= text.len() {
        return Err(Bech32Error::SeparatorPosition(vec![separator]));
    }
    let value = |at: usize| {
        let group = CHARACTERS.iter().position(|known| *known == text[at].to_ascii_lowercase());
        group.and_then(|group| u8::try_from(group).ok()).ok_or_else(|| Bech32Error::Base32Character(vec![at]))
    };
    let values = (separator + 1..text.len()).map(value).collect::<Result<_, _>>()?;
    Ok(Parts { hrp: text[..separator].to_ascii_lowercase(), values })
}

/// The bytes that cannot be typed, and those whose case differs from that of the first letter.
fn wrong_characters(text: &[u8]) -> Vec<usize> {
    let first_is_lower = text.iter().find(|byte| byte.is_ascii_alphabetic()).map(u8::is_ascii_lowercase);
    let is_wrong = |byte: &u8| match byte {
        b'a'..=b'z' => first_is_lower == Some(false),
        b'A'..=b'Z' => first_is_lower == Some(true),
        _ => !(33..=126).contains(byte),
    };
    text.iter().enumerate().filter(|(_, byte)| is_wrong(byte)).map(|(at, _)| at).collect()
}

/// The part before the separator, as the checksum sees it.
fn expand(hrp: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let high = hrp.iter().map(|byte| byte >> 5);
    let low = hrp.iter().map(|byte| byte & 31);
    high.chain([0]).chain(low)
}

/// The remainder of the values, as a polynomial over GF(32) with a leading 1, by the generator of the code. Its six
/// coefficients have five bits each.
fn remainder(values: impl Iterator<Item = u8>) -> u32 {
    /// What each of the highest coefficients leaves.
    const LEAVES: [u32; 32] = {
        let generator = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
        let mut leaves = [0; 32];
        let mut bit = 0;
        while bit < generator.len() {
            let mut top = 0;
            while top < leaves.len() {
                if top >> bit & 1 == 1 {
                    leaves[top] ^= generator[bit];
                }
                top += 1;
            }
            bit += 1;
        }
        leaves
    };
    values.fold(1, |sum: u32, value| {
        let top = usize::from((sum >> 25).to_le_bytes()[0] & 31);
        (sum & 0x1ff_ffff) << 5 ^ u32::from(value) ^ LEAVES[top]
    })
}

/// The lowest five bits.
fn five_bits(value: u32) -> u8 {
    value.to_le_bytes()[0] & 31
}

/// Bytes as five-bit groups; the last is filled up with zeros.
pub(crate) fn to_groups(bytes: &[u8]) -> impl Iterator<Item = u8> + '_ {
    (0..(bytes.len() * 8).div_ceil(5)).map(|group| {
        let bit = group * 5;
        let high = u32::from(bytes[bit / 8]) << 8;
        let low = bytes.get(bit / 8 + 1).copied().map_or(0, u32::from);
        five_bits((high | low) >> (11 - bit % 8))
    })
}

/// Five-bit groups as bytes, if what is left over is less than a group and all zeros.
pub(crate) fn from_groups(groups: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(groups.len() * 5 / 8);
    let mut pending = 0_u32;
    let mut bits = 0;
    for group in groups {
        pending = pending << 5 | u32::from(*group);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((pending >> bits).to_le_bytes()[0]);
            pending &= (1 << bits) - 1;
        }
    }
    (bits < 5 && pending == 0).then_some(bytes)
}
