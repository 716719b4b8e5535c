//! Locks that open with height or time: `nLockTime`, and the relative locks of BIP68.
//!
//! Both are kept as "the last height or time at which the lock is still closed", with -1 for no lock.

use primitives::Tx;

use crate::view::{HeaderView, next_height, tip_median_time};

/// Lock times below this are heights, others are seconds since 1970.
pub const LOCKTIME_THRESHOLD: u32 = 500_000_000;

/// An input with this sequence number switches the transaction's lock time off.
const SEQUENCE_FINAL: u32 = 0xffff_ffff;
/// With this bit a sequence number is not a relative lock.
const SEQUENCE_DISABLE: u32 = 1 << 31;
/// With this bit a relative lock is in units of 512 seconds, else in blocks.
const SEQUENCE_IS_TIME: u32 = 1 << 22;
/// The bits of the lock itself.
const SEQUENCE_MASK: u32 = 0x0000_ffff;
/// 2^9 = 512 seconds.
const SEQUENCE_GRANULARITY: u32 = 9;

/// Whether a transaction may be in a block at `height`, with `time` as the time to compare with.
pub fn is_final(tx: &Tx, height: u32, time: i64) -> bool {
    let lock = tx.inner().lock_time.to_consensus_u32();
    let now = if lock < LOCKTIME_THRESHOLD { i64::from(height) } else { time };
    // A lock that no input observes is not one.
    lock == 0 || i64::from(lock) < now || tx.inputs().iter().all(|input| input.sequence.0 == SEQUENCE_FINAL)
}

/// When the relative locks of a transaction open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SequenceLocks {
    /// The last height at which they are closed.
    pub height: i64,
    /// The last median time at which they are closed.
    pub time: i64,
    /// The highest block of the branch that this depends on: while it stays, the result stays. Inputs that are not in a
    /// block yet do not count.
    pub highest_input: u32,
}

impl SequenceLocks {
    /// No locks.
    pub const NONE: Self = Self { height: -1, time: -1, highest_input: 0 };

    /// The locks of `tx` in a block that follows `prev`, with the height of the coin that each input spends. A coin of
    /// the same block, or of the mempool, has the height after `prev`.
    pub fn of(tx: &Tx, heights: impl IntoIterator<Item = u32>, prev: &dyn HeaderView) -> Self {
        let mut locks = Self::NONE;
        // The version is signed in the library, unsigned in the rule. Transactions with a lock height have had these locks
        // from their first version on.
        if tx.lock_height().is_none() && tx.inner().version.0.cast_unsigned() < 2 {
            return locks;
        }
        let next = next_height(Some(prev));
        for (input, coin_height) in tx.inputs().iter().zip(heights) {
            let sequence = input.sequence.0;
            if sequence & SEQUENCE_DISABLE != 0 {
                continue;
            }
            let lock = sequence & SEQUENCE_MASK;
            if sequence & SEQUENCE_IS_TIME == 0 {
                locks.height = locks.height.max(i64::from(coin_height) + i64::from(lock) - 1);
            } else {
                // Measured from the earliest time that the coin's block could have had: the median time of its parent.
                let parent = coin_height.saturating_sub(1).min(prev.height());
                let since = prev.median_time_past(parent).expect("a branch holds every height below its tip");
                locks.time = locks.time.max(since + i64::from(lock << SEQUENCE_GRANULARITY) - 1);
            }
            if coin_height < next {
                locks.highest_input = locks.highest_input.max(coin_height);
            }
        }
        locks
    }

    /// Whether they are open in the block that follows `prev`.
    pub fn are_open_after(&self, prev: &dyn HeaderView) -> bool {
        self.height < i64::from(next_height(Some(prev))) && self.time < tip_median_time(prev)
    }
}
