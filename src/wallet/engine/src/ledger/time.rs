//! When a transaction counts as having happened.

use super::Ledger;

/// The times around an event.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stamp {
    /// Now, in seconds since 1970.
    pub now: i64,
    /// The time of the block, and the latest time of the chain up to it, if there is a block.
    pub block: Option<(i64, i64)>,
    /// Whether the block is an old one that is read again.
    pub rescanning: bool,
}

/// How far into the future a time may lie.
const TOLERANCE: i64 = 300;

impl Ledger {
    /// A time that never contradicts the order of arrival: that of the block, but not before the last transaction that
    /// came, and not after now.
    pub(super) fn smart_time(&self, stamp: Stamp) -> u32 {
        let chosen = match stamp.block {
            None => stamp.now,
            Some((_, latest)) if stamp.rescanning => latest,
            Some((time, _)) => {
                let last = self.in_order().rev().map(|tx| i64::from(tx.time())).find(|at| *at <= stamp.now + TOLERANCE);
                let last = last.unwrap_or(0);
                last.max(time.min(stamp.now.max(last)))
            }
        };
        u32::try_from(chosen).unwrap_or(0)
    }
}
