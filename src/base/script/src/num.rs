//! Numbers on the stack: little-endian, sign in the top bit of the last byte, as short as can be.
//!
//! Operands have at most four bytes (five for lock times), so they fit an `i64` with room: results may leave the range
//! of operands, and are then only good as bytes.

use crate::error::NumError;

/// The longest operand of an arithmetic opcode, in bytes.
pub const MAX_OPERAND: usize = 4;

/// The longest operand of the two lock time opcodes, in bytes.
pub const MAX_LOCK_TIME_OPERAND: usize = 5;

/// Reads a number of at most `max_size` bytes (at most 8), insisting on the shortest form if `minimal`.
pub fn read_num(bytes: &[u8], minimal: bool, max_size: usize) -> Result<i64, NumError> {
    if bytes.len() > max_size.min(8) {
        return Err(NumError::Overflow);
    }
    let Some((&last, rest)) = bytes.split_last() else {
        return Ok(0);
    };
    // The last byte may hold nothing but the sign only if the byte before needs its own top bit.
    if minimal && matches!(last, 0 | 0x80) && rest.last().is_none_or(|byte| byte & 0x80 == 0) {
        return Err(NumError::NonMinimal);
    }
    let mut magnitude = i64::from(last & 0x7f);
    for &byte in rest.iter().rev() {
        magnitude = (magnitude << 8) | i64::from(byte);
    }
    Ok(if last & 0x80 == 0 { magnitude } else { -magnitude })
}

/// A number in its shortest form: at most nine bytes, kept without allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumBytes {
    bytes: [u8; 9],
    len: usize,
}

impl NumBytes {
    /// Encodes a number.
    pub fn new(number: i64) -> Self {
        let mut bytes = [0; 9];
        let mut len = 0;
        let mut rest = number.unsigned_abs();
        while rest != 0 {
            [bytes[len], ..] = rest.to_le_bytes();
            rest >>= 8;
            len += 1;
        }
        let sign = if number < 0 { 0x80 } else { 0 };
        match len.checked_sub(1).map(|last| &mut bytes[last]) {
            None => {}
            Some(last) if *last & 0x80 == 0 => *last |= sign,
            Some(_) => {
                bytes[len] = sign;
                len += 1;
            }
        }
        Self { bytes, len }
    }

    /// The encoding.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Whether a stack element counts as true: any bit set, other than the sign of a zero.
pub fn cast_to_bool(bytes: &[u8]) -> bool {
    match bytes.split_last() {
        None => false,
        Some((last, rest)) => last & 0x7f != 0 || rest.iter().any(|byte| *byte != 0),
    }
}
