//! 256-bit unsigned integers: targets, chain work and the compact form ("nBits") of a target.
//!
//! Arithmetic wraps modulo 2^256, as the network's own does: a retarget multiplies before it divides, and a chain whose
//! limit is close to 2^256 must get the wrapped product that everybody else gets.

use std::fmt;

/// An unsigned 256-bit integer. Limbs are little-endian.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct U256([u64; 4]);

/// What a compact form decodes to. The flags are data, not errors: callers differ in what they make of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Compact {
    /// The magnitude, wrapped to 256 bits if it overflows.
    pub value: U256,
    /// The sign bit is set and the mantissa is not zero.
    pub negative: bool,
    /// The magnitude does not fit 256 bits.
    pub overflow: bool,
}

impl U256 {
    /// 0.
    pub const ZERO: Self = Self([0; 4]);
    /// 1.
    pub const ONE: Self = Self([1, 0, 0, 0]);
    /// 2^256 - 1.
    pub const MAX: Self = Self([u64::MAX; 4]);

    /// From 32 bytes, least significant first: the order in which a block hash is stored.
    pub fn from_le_bytes(bytes: [u8; 32]) -> Self {
        let mut limbs = [0; 4];
        for (limb, chunk) in limbs.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *limb = u64::from_le_bytes(*chunk);
        }
        Self(limbs)
    }

    /// From 32 bytes, most significant first: the order in which numbers and hashes are shown.
    pub fn from_be_bytes(mut bytes: [u8; 32]) -> Self {
        bytes.reverse();
        Self::from_le_bytes(bytes)
    }

    /// 32 bytes, least significant first.
    pub fn to_le_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for (chunk, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *chunk = limb.to_le_bytes();
        }
        bytes
    }

    /// 32 bytes, most significant first.
    pub fn to_be_bytes(self) -> [u8; 32] {
        let mut bytes = self.to_le_bytes();
        bytes.reverse();
        bytes
    }

    /// Whether this is 0.
    pub fn is_zero(self) -> bool {
        self.0 == [0; 4]
    }

    /// The number of bits up to and including the highest one that is set; 0 for 0.
    pub fn bits(self) -> u32 {
        let mut above = 256;
        for limb in self.0.iter().rev() {
            above -= 64;
            if *limb != 0 {
                return above + 64 - limb.leading_zeros();
            }
        }
        0
    }

    /// The low 64 bits.
    pub fn low_u64(self) -> u64 {
        self.0[0]
    }

    /// The value as a `u64`, if it fits.
    pub fn to_u64(self) -> Option<u64> {
        (self.0[1..] == [0; 3]).then_some(self.0[0])
    }

    /// Sum modulo 2^256.
    #[must_use]
    pub fn wrapping_add(self, other: Self) -> Self {
        self.overflowing_add(other).0
    }

    /// Sum, or `None` if it does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let (sum, carry) = self.overflowing_add(other);
        (!carry).then_some(sum)
    }

    fn overflowing_add(self, other: Self) -> (Self, bool) {
        let mut limbs = [0; 4];
        let mut carry = false;
        for (out, (a, b)) in limbs.iter_mut().zip(self.0.into_iter().zip(other.0)) {
            (*out, carry) = a.carrying_add(b, carry);
        }
        (Self(limbs), carry)
    }

    /// Difference modulo 2^256.
    #[must_use]
    pub fn wrapping_sub(self, other: Self) -> Self {
        let mut limbs = [0; 4];
        let mut borrow = false;
        for (out, (a, b)) in limbs.iter_mut().zip(self.0.into_iter().zip(other.0)) {
            (*out, borrow) = a.borrowing_sub(b, borrow);
        }
        Self(limbs)
    }

    /// Product modulo 2^256 with a small factor.
    #[must_use]
    pub fn wrapping_mul_u64(self, factor: u64) -> Self {
        let mut limbs = [0; 4];
        let mut carry = 0;
        for (out, limb) in limbs.iter_mut().zip(self.0) {
            (*out, carry) = limb.carrying_mul(factor, carry);
        }
        Self(limbs)
    }

    /// Product modulo 2^256.
    #[must_use]
    pub fn wrapping_mul(self, other: Self) -> Self {
        let mut limbs = [0u64; 4];
        for (i, a) in self.0.into_iter().enumerate() {
            let mut carry = 0;
            for (out, b) in limbs[i..].iter_mut().zip(other.0) {
                (*out, carry) = a.carrying_mul_add(b, *out, carry);
            }
        }
        Self(limbs)
    }

    /// This times `factor`, divided by `divisor` and rounded down; the product may be longer than 256 bits. `None` if the
    /// result is, or for a zero divisor.
    #[must_use]
    pub fn mul_div_u64(self, factor: u64, divisor: u64) -> Option<Self> {
        let mut product = [0; 5];
        let mut carry = 0;
        for (limb, from) in product.iter_mut().zip(self.0) {
            (*limb, carry) = from.carrying_mul(factor, carry);
        }
        product[4] = carry;
        let divisor = u128::from(divisor);
        let mut rest = 0u128;
        for limb in product.iter_mut().rev() {
            let part = rest << 64 | u128::from(*limb);
            // The rest is below the divisor, so this quotient fits a limb.
            *limb = u64::try_from(part.checked_div(divisor)?).ok()?;
            rest = part % divisor;
        }
        let [low @ .., high] = product;
        (high == 0).then_some(Self(low))
    }

    /// Quotient and remainder, or `None` for a zero divisor.
    #[must_use]
    pub fn div_rem(self, divisor: Self) -> Option<(Self, Self)> {
        let (mut rest, mut quotient) = (self, Self::ZERO);
        let (high, low) = (self.bits(), divisor.bits());
        if low == 0 {
            return None;
        }
        if low > high {
            return Some((Self::ZERO, self));
        }
        // Schoolbook, one bit at a time: the quotients of consensus are short (work of one block, a target over a
        // two-week timespan), and this is easy to be sure of.
        let mut shifted = divisor << (high - low);
        for bit in (0..=high - low).rev() {
            if rest >= shifted {
                rest = rest.wrapping_sub(shifted);
                quotient = quotient | (Self::ONE << bit);
            }
            shifted = shifted >> 1;
        }
        Some((quotient, rest))
    }

    /// The nearest double below 2^1024, summed from the low 32 bits upwards as the daemon does.
    pub fn to_f64(self) -> f64 {
        let mut value = 0.0;
        let mut factor = 1.0;
        for chunk in self.to_le_bytes().as_chunks::<4>().0 {
            value += factor * f64::from(u32::from_le_bytes(*chunk));
            factor *= 4_294_967_296.0;
        }
        value
    }

    /// Decodes the compact form: one byte of length, three bytes of signed mantissa, base 256.
    pub fn from_compact(bits: u32) -> Compact {
        let size = bits >> 24;
        let mantissa = bits & 0x007f_ffff;
        let (word, value) = if size <= 3 {
            let word = mantissa >> (8 * (3 - size));
            (word, Self::from(word))
        } else {
            (mantissa, Self::from(mantissa) << (8 * (size - 3)))
        };
        Compact {
            value,
            negative: word != 0 && bits & 0x0080_0000 != 0,
            overflow: word != 0 && (size > 34 || (word > 0xff && size > 33) || (word > 0xffff && size > 32)),
        }
    }

    /// The compact form, rounded down to its three bytes of mantissa. Never negative.
    pub fn to_compact(self) -> u32 {
        let mut size = self.bits().div_ceil(8);
        let low = if size <= 3 { self << (8 * (3 - size)) } else { self >> (8 * (size - 3)) }.low_u64();
        let mut mantissa = u32::try_from(low & 0xff_ffff).expect("masked to 24 bits");
        // The top bit of the mantissa is the sign: move to a longer number with a shorter mantissa.
        if mantissa & 0x0080_0000 != 0 {
            mantissa >>= 8;
            size += 1;
        }
        mantissa | size << 24
    }

    /// Parses up to 64 hexadecimal digits, most significant first, without a prefix.
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > 64 {
            return None;
        }
        text.chars().try_fold(Self::ZERO, |sum, digit| Some((sum << 4) | Self::from(digit.to_digit(16)?)))
    }
}

impl From<u32> for U256 {
    fn from(value: u32) -> Self {
        Self::from(u64::from(value))
    }
}

impl From<u64> for U256 {
    fn from(value: u64) -> Self {
        Self([value, 0, 0, 0])
    }
}

impl PartialOrd for U256 {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for U256 {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.iter().rev().cmp(other.0.iter().rev())
    }
}

impl std::ops::Not for U256 {
    type Output = Self;
    fn not(self) -> Self {
        Self(self.0.map(|limb| !limb))
    }
}

impl std::ops::BitOr for U256 {
    type Output = Self;
    fn bitor(mut self, other: Self) -> Self {
        for (limb, bits) in self.0.iter_mut().zip(other.0) {
            *limb |= bits;
        }
        self
    }
}

/// How many whole limbs and how many bits a shift moves; `None` if nothing is left.
fn split(shift: u32) -> Option<(usize, u32)> {
    let limbs = usize::try_from(shift / 64).ok().filter(|limbs| *limbs < 4)?;
    Some((limbs, shift % 64))
}

impl std::ops::Shl<u32> for U256 {
    type Output = Self;
    fn shl(self, shift: u32) -> Self {
        let mut out = [0; 4];
        let Some((limbs, bits)) = split(shift) else { return Self::ZERO };
        let mut carried = 0;
        for (limb, from) in out[limbs..].iter_mut().zip(self.0) {
            *limb = from << bits | carried;
            carried = from.unbounded_shr(64 - bits);
        }
        Self(out)
    }
}

impl std::ops::Shr<u32> for U256 {
    type Output = Self;
    fn shr(self, shift: u32) -> Self {
        let mut out = [0; 4];
        let Some((limbs, bits)) = split(shift) else { return Self::ZERO };
        let mut carried = 0;
        for (limb, from) in out[..4 - limbs].iter_mut().zip(&self.0[limbs..]).rev() {
            *limb = from >> bits | carried;
            carried = from.unbounded_shl(64 - bits);
        }
        Self(out)
    }
}

/// 64 hexadecimal digits, as chain work and targets are shown.
impl fmt::Display for U256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().rev().try_for_each(|limb| write!(f, "{limb:016x}"))
    }
}

impl fmt::Debug for U256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
