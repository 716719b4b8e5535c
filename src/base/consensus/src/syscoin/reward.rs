//! What a coinbase may pay.
//!
//! Below nexus the reference does not look, and trusts its checkpoints. From there on a coinbase may pay the subsidy and
//! the fees, more on account of a masternode, and more again in a superblock that masternodes voted for. Who is paid and
//! whether there was a vote is not known here; the most that any vote and any masternode could bring is.

use coin::SyscoinExtra;

/// The most that a superblock may pay.
const SUPERBLOCK_BUDGET_MAX: i64 = 500_000_000_000_000;
/// How many more blocks lay between superblocks before the NEVM, times two.
const PRE_NEVM_FACTOR: (u32, u32) = (5, 2);

/// Whether a block at `height` may be a superblock.
pub(super) fn is_superblock(extra: &SyscoinExtra, height: u32) -> bool {
    let cycle = if extra.nevm_start_block.is_active_at(height) {
        extra.superblock_cycle
    } else {
        extra.superblock_cycle / PRE_NEVM_FACTOR.1 * PRE_NEVM_FACTOR.0
    };
    extra.superblock_start_block.is_active_at(height) && cycle > 0 && height.is_multiple_of(cycle)
}

/// The most that masternodes can add to the subsidy of a block: what lifts the three quarters that are theirs to their
/// least share, and the highest bonus for age.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "the reference computes in doubles, and the cast saturates"
)]
pub(super) fn masternode_bonus(extra: &SyscoinExtra, subsidy: i64) -> i64 {
    let share = (subsidy as f64 * 0.75) as i64;
    let least = i64::try_from(extra.min_mn_subsidy).unwrap_or(i64::MAX);
    let lifted = share.max(least);
    let bonus = (lifted as f64 * extra.seniority_level_2.max(extra.seniority_level_1)) as i64;
    (lifted - share).saturating_add(bonus)
}

/// The most that a block at `height` may pay, with this subsidy and these fees; `verified` is a chain without
/// masternodes.
pub(super) fn limit(extra: &SyscoinExtra, verified: bool, height: u32, subsidy: i64, fees: i64) -> i64 {
    let plain = subsidy.saturating_add(fees);
    let superblock = is_superblock(extra, height);
    if verified {
        // Before there are masternodes nobody could know of a vote, so the reference lets every such height pass.
        let unlimited = superblock && !extra.dip3_height.is_active_at(height);
        return if unlimited { i64::MAX } else { plain };
    }
    if !extra.nexus_start_block.is_active_at(height) {
        return i64::MAX;
    }
    let most = plain.saturating_add(masternode_bonus(extra, subsidy));
    if superblock { most.saturating_add(SUPERBLOCK_BUDGET_MAX) } else { most }
}
