//! Reading wire bytes from a slice. Nothing is allocated here: lengths are checked against what is left first.

use crate::DecodeError;

/// What a compact size may be at most in Bitcoin, whatever it counts.
pub const MAX_SIZE: u64 = 0x0200_0000;

/// A cursor over bytes.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    whole: &'a [u8],
    at: usize,
    max_size: u64,
}

impl<'a> Reader<'a> {
    /// At the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { whole: bytes, at: 0, max_size: MAX_SIZE }
    }

    /// Sets what a compact size may be at most.
    pub fn set_max_size(&mut self, max_size: u64) {
        self.max_size = max_size;
    }

    /// How many bytes have been read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.whole.len() - self.at
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.remaining() == 0
    }

    /// The bytes between two positions that were read before.
    pub(crate) fn between(&self, from: usize, to: usize) -> &'a [u8] {
        &self.whole[from..to]
    }

    /// Fails if anything is left.
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.is_empty() { Ok(()) } else { Err(DecodeError::TrailingData) }
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let bytes = self.whole[self.at..].get(..len).ok_or(DecodeError::EndOfData)?;
        self.at += len;
        Ok(bytes)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let bytes = self.whole[self.at..].first_chunk::<N>().ok_or(DecodeError::EndOfData)?;
        self.at += N;
        Ok(*bytes)
    }

    /// A byte.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// The next byte, without moving on.
    pub fn peek(&self) -> Result<u8, DecodeError> {
        self.whole.get(self.at).copied().ok_or(DecodeError::EndOfData)
    }

    /// Two bytes, least significant first.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes, least significant first.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    /// Four bytes, least significant first, signed.
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        self.array().map(i32::from_le_bytes)
    }

    /// Eight bytes, least significant first.
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Eight bytes, least significant first, signed.
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_le_bytes)
    }

    /// A compact integer of any size. Only its shortest form is accepted.
    pub fn compact_u64(&mut self) -> Result<u64, DecodeError> {
        let (value, least) = match self.u8()? {
            253 => (u64::from(self.u16()?), 253),
            254 => (u64::from(self.u32()?), 0x1_0000),
            255 => (self.u64()?, 0x1_0000_0000),
            small => return Ok(u64::from(small)),
        };
        if value < least { Err(DecodeError::NonCanonicalSize) } else { Ok(value) }
    }

    /// A compact size: a compact integer that may count something.
    pub fn compact_size(&mut self) -> Result<usize, DecodeError> {
        let size = self.compact_u64()?;
        if size > self.max_size {
            return Err(DecodeError::SizeTooLarge);
        }
        usize::try_from(size).map_err(|_| DecodeError::SizeTooLarge)
    }

    /// A compact size and as many bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.compact_size()?;
        self.take(len)
    }

    /// How many items to make room for, when `count` are promised and each takes at least `least` bytes: never more
    /// than what is left could hold.
    pub fn room_for(&self, count: usize, least: usize) -> usize {
        count.min(self.remaining() / least)
    }

    /// A variable-length integer in base 128, most significant group first, up to 32 bits.
    pub fn varint_u32(&mut self) -> Result<u32, DecodeError> {
        self.varint(u64::from(u32::MAX))
            .map(|value| u32::try_from(value).expect("bounded by the largest value that was passed"))
    }

    /// A variable-length integer in base 128, most significant group first, up to 64 bits.
    pub fn varint_u64(&mut self) -> Result<u64, DecodeError> {
        self.varint(u64::MAX)
    }

    fn varint(&mut self, largest: u64) -> Result<u64, DecodeError> {
        let mut value: u64 = 0;
        loop {
            let byte = self.u8()?;
            if value > largest >> 7 {
                return Err(DecodeError::VarIntTooLarge);
            }
            value = value << 7 | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
            if value == largest {
                return Err(DecodeError::VarIntTooLarge);
            }
            value += 1;
        }
    }
}

#[cfg(test)]
mod tests;
