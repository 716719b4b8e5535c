//! What targets are worth: as work, as time, and as the "difficulty" that people quote.

use super::PowParams;
use crate::uint256::U256;
use crate::view::MergedFacts;

/// The expected number of hashes until one is below the target, or zero for bits that are no target.
///
/// That is 2^256 / (target + 1). 2^256 does not fit, but it is (2^256 - target - 1) / (target + 1) + 1, and the dividend
/// is the complement of the target.
pub fn proof_of_bits(bits: u32) -> U256 {
    let compact = U256::from_compact(bits);
    if compact.negative || compact.overflow || compact.value.is_zero() {
        return U256::ZERO;
    }
    let divisor = compact.value.wrapping_add(U256::ONE);
    // A target is a mantissa of 23 bits shifted left, so target + 1 never wraps to zero.
    let (quotient, _) = (!compact.value).div_rem(divisor).expect("a compact target is below 2^256 - 1");
    quotient.wrapping_add(U256::ONE)
}

/// The work of a header with these bits and, if it was mined together with others, of the proof behind it. If that sum
/// does not fit, the proof does not count.
pub fn header_work(bits: u32, merged: Option<MergedFacts>) -> U256 {
    let own = proof_of_bits(bits);
    merged.and_then(|merged| own.checked_add(proof_of_bits(merged.bits))).unwrap_or(own)
}

/// The work that a row of headers claims to have.
pub fn claimed_work(bits: impl IntoIterator<Item = u32>) -> U256 {
    bits.into_iter().fold(U256::ZERO, |sum, bits| sum.wrapping_add(proof_of_bits(bits)))
}

/// How many seconds the hash rate behind a tip with `tip_work` needs for the work between two points of the chain.
/// Negative if `to` has less work than `from`; the largest number if it does not fit.
pub fn equivalent_time(to: U256, from: U256, tip_work: U256, pow: &PowParams) -> i64 {
    let (difference, sign) = if to > from { (to.wrapping_sub(from), 1) } else { (from.wrapping_sub(to), -1) };
    let time = difference.wrapping_mul_u64(pow.spacing.get().into()).div_rem(tip_work);
    let time = time.and_then(|(time, _)| i64::try_from(time.to_u64()?).ok()).unwrap_or(i64::MAX);
    sign * time
}

/// How many times harder than 0x1d00ffff a target is, in the daemon's own order of floating point operations. Infinite
/// for bits without a mantissa.
pub fn difficulty(bits: u32) -> f64 {
    let mut shift = bits >> 24;
    let mut difficulty = f64::from(0x0000_ffff_u32) / f64::from(bits & 0x00ff_ffff);
    while shift < 29 {
        difficulty *= 256.0;
        shift += 1;
    }
    while shift > 29 {
        difficulty /= 256.0;
        shift -= 1;
    }
    difficulty
}
