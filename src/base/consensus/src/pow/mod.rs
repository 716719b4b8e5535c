//! Proof of work: what a hash must stay below, what the next target is, and what a block is worth as work.
//!
//! The retarget is Bitcoin's for every period length: after each `interval` headers the target is scaled by the time that
//! they took over the time that they should have taken, limited to a factor of four.

mod retarget;
mod work;

use std::num::NonZeroU32;

use bitcoin::BlockHash;
use bitcoin::hashes::Hash;

pub use retarget::{next_target_after_period, next_work_required, permitted_transition};
pub use work::{claimed_work, difficulty, equivalent_time, header_work, proof_of_bits};

use crate::uint256::U256;

/// The parameters of a chain's proof of work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PowParams {
    /// The easiest target there is.
    pub limit: U256,
    /// How long a retarget period should take, in seconds.
    pub timespan: u32,
    /// How long a block should take, in seconds.
    pub spacing: NonZeroU32,
    /// How many headers a retarget period has: the timespan over the spacing.
    pub interval: NonZeroU32,
    /// A header that comes late may use the easiest target.
    pub allow_min_difficulty: bool,
    /// How many spacings after its parent a header counts as late.
    pub min_difficulty_gap: u32,
    /// The target never changes.
    pub no_retargeting: bool,
    /// The rules of BIP94 hold.
    pub bip94: bool,
}

impl PowParams {
    /// The easiest target in compact form.
    pub fn limit_bits(&self) -> u32 {
        self.limit.to_compact()
    }

    /// Whether a header at `height` opens a retarget period.
    pub fn opens_period(&self, height: u32) -> bool {
        height.is_multiple_of(self.interval.get())
    }
}

/// The target that `bits` stands for, if it is one: positive, not zero, and not easier than `limit`.
pub fn target_of(bits: u32, limit: U256) -> Option<U256> {
    let compact = U256::from_compact(bits);
    let valid = !compact.negative && !compact.overflow && !compact.value.is_zero() && compact.value <= limit;
    valid.then_some(compact.value)
}

/// Whether `hash` is below the target that `bits` claims, and `bits` is a target of this chain.
pub fn is_proven(hash: &BlockHash, bits: u32, pow: &PowParams) -> bool {
    target_of(bits, pow.limit).is_some_and(|target| U256::from_le_bytes(hash.to_byte_array()) <= target)
}

#[cfg(test)]
mod tests;
