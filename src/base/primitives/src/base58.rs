//! Base58, with and without a checksum of four bytes.

use bitcoin::hashes::{Hash, sha256d};

const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const CHECKSUM: usize = 4;

/// The bytes as base58. Each zero byte in front becomes a `1`.
pub fn encode(bytes: &[u8]) -> String {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    // The digits, lowest first. 138 / 100 is a little more than log 256 / log 58.
    let mut digits: Vec<u8> = Vec::with_capacity(bytes.len() * 138 / 100 + 1);
    for byte in &bytes[zeros..] {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += u32::from(*digit) << 8;
            *digit = low(carry % 58);
            carry /= 58;
        }
        while carry > 0 {
            digits.push(low(carry % 58));
            carry /= 58;
        }
    }
    let ones = std::iter::repeat_n(0, zeros);
    ones.chain(digits.into_iter().rev()).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// The bytes of a base58 text, if they are no more than `max`. White space around it is ignored.
pub fn decode(text: &str, max: usize) -> Option<Vec<u8>> {
    let text = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']).as_bytes();
    let zeros = text.iter().take_while(|byte| **byte == b'1').count();
    if zeros > max {
        return None;
    }
    // The bytes, lowest first. They never move while they grow, so that a caller can wipe all of them.
    let mut bytes: Vec<u8> = Vec::with_capacity(max.min(text.len()));
    for character in &text[zeros..] {
        let mut carry = digit(*character)?;
        for byte in &mut bytes {
            carry += u32::from(*byte) * 58;
            *byte = low(carry & 0xff);
            carry >>= 8;
        }
        if carry > 0 {
            if bytes.len() + zeros == max {
                return None;
            }
            bytes.push(low(carry));
        }
    }
    bytes.resize(bytes.len() + zeros, 0);
    bytes.reverse();
    Some(bytes)
}

/// The bytes and their checksum as base58.
pub fn encode_check(bytes: &[u8]) -> String {
    encode(&[bytes, &checksum(bytes)].concat())
}

/// The bytes of a base58 text that ends with their checksum, if they are no more than `max`.
pub fn decode_check(text: &str, max: usize) -> Option<Vec<u8>> {
    let mut bytes = decode(text, max.saturating_add(CHECKSUM))?;
    let (body, sum) = bytes.split_last_chunk::<CHECKSUM>()?;
    if checksum(body) != *sum {
        return None;
    }
    bytes.truncate(bytes.len() - CHECKSUM);
    Some(bytes)
}

fn checksum(bytes: &[u8]) -> [u8; CHECKSUM] {
    let [a, b, c, d, ..] = sha256d::Hash::hash(bytes).to_byte_array();
    [a, b, c, d]
}

fn digit(character: u8) -> Option<u32> {
    DIGITS.iter().position(|digit| *digit == character).and_then(|at| u32::try_from(at).ok())
}

fn low(value: u32) -> u8 {
    value.to_le_bytes()[0]
}
