//! The state machine of BIP9.
//!
//! `prev` is always the branch that the block in question would be put on: the state of a block depends on its parents
//! only. `None` is the branch before the genesis block.

use std::num::NonZeroU32;
use std::ops::ControlFlow;

use bitcoin::BlockHash;

use super::{CacheSlot, Deployment, Machine, Start, VersionBitsCache};
use crate::view::{HeaderFacts, HeaderView};

/// Where an upgrade stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ThresholdState {
    /// Signalling has not begun.
    Defined,
    /// Signals are counted.
    Started,
    /// Enough blocks of a period signalled; the rules come into force after one more period, or later.
    LockedIn,
    /// The rules are in force. This is final.
    Active,
    /// The timeout passed. This is final.
    Failed,
}

impl ThresholdState {
    /// The name in `getdeploymentinfo`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Defined => "defined",
            Self::Started => "started",
            Self::LockedIn => "locked_in",
            Self::Active => "active",
            Self::Failed => "failed",
        }
    }
}

/// What the machine needs to know of whatever it counts: an upgrade, or an unknown bit.
pub(super) struct Counter<'a> {
    pub(super) slot: CacheSlot,
    pub(super) start: i64,
    pub(super) timeout: i64,
    pub(super) min_activation_height: i64,
    pub(super) period: NonZeroU32,
    pub(super) threshold: u32,
    pub(super) machine: Machine,
    pub(super) signals: &'a dyn Fn(&HeaderFacts) -> bool,
}

/// The state of the block after `prev`.
pub fn state_after(
    deployment: &Deployment,
    prev: Option<&dyn HeaderView>,
    cache: &dyn VersionBitsCache,
) -> ThresholdState {
    with_counter(deployment, |counter| counter.state_after(prev, cache)).unwrap_or_else(|fixed| fixed)
}

/// The height of the first block that was in the same state as the block after `prev`; 0 for states without a beginning.
pub fn state_since(deployment: &Deployment, prev: Option<&dyn HeaderView>, cache: &dyn VersionBitsCache) -> u32 {
    with_counter(deployment, |counter| counter.state_since(prev, cache)).unwrap_or(0)
}

/// Runs the machine, unless the state is fixed by decree.
fn with_counter<T>(deployment: &Deployment, run: impl FnOnce(&Counter<'_>) -> T) -> Result<T, ThresholdState> {
    let start = match deployment.start {
        Start::Always => return Err(ThresholdState::Active),
        Start::Never => return Err(ThresholdState::Failed),
        Start::At(time) => time,
    };
    Ok(run(&Counter {
        slot: CacheSlot::Deployment(deployment.name),
        start,
        timeout: deployment.timeout,
        min_activation_height: deployment.min_activation_height,
        period: deployment.period,
        threshold: deployment.threshold,
        machine: deployment.machine,
        signals: &|header| deployment.is_signalled_by(header.version),
    }))
}

/// The last block of a period, with what the transition after it depends on.
struct PeriodEnd {
    height: u32,
    hash: BlockHash,
    median_time: i64,
}

impl Counter<'_> {
    /// The height of the last block of the last whole period up to `height`.
    fn period_end(&self, height: u32) -> Option<u32> {
        let whole = height.checked_add(1)? / self.period.get() * self.period.get();
        whole.checked_sub(1)
    }

    pub(super) fn state_after(&self, prev: Option<&dyn HeaderView>, cache: &dyn VersionBitsCache) -> ThresholdState {
        let Some(branch) = prev else { return ThresholdState::Defined };
        let Some(end) = self.period_end(branch.height()) else { return ThresholdState::Defined };
        self.state_at_end(branch, end, cache)
    }

    /// The state of the block after the period that ends at `height`.
    fn state_at_end(&self, branch: &dyn HeaderView, height: u32, cache: &dyn VersionBitsCache) -> ThresholdState {
        // Back to a period whose state is known: from the cache, or because it ended before the start time, and then all
        // earlier ones did too.
        let mut pending = Vec::new();
        let mut state = ThresholdState::Defined;
        let mut at = Some(height);
        while let Some(height) = at {
            let end = branch.at(height).zip(branch.median_time_past(height));
            let (header, median_time) = end.expect("a branch holds every height below its tip");
            if let Some(known) = cache.get(self.slot, header.hash) {
                state = known;
                break;
            }
            if median_time < self.start {
                cache.put(self.slot, header.hash, ThresholdState::Defined);
                break;
            }
            pending.push(PeriodEnd { height, hash: header.hash, median_time });
            at = height.checked_sub(self.period.get());
        }
        for end in pending.into_iter().rev() {
            state = self.next(state, branch, &end);
            cache.put(self.slot, end.hash, state);
        }
        state
    }

    /// One transition.
    fn next(&self, state: ThresholdState, branch: &dyn HeaderView, end: &PeriodEnd) -> ThresholdState {
        let timed_out = end.median_time >= self.timeout;
        match (state, self.machine) {
            (ThresholdState::Defined | ThresholdState::Started, Machine::TimeoutFirst) if timed_out => {
                ThresholdState::Failed
            }
            (ThresholdState::Defined, _) if end.median_time >= self.start => ThresholdState::Started,
            (ThresholdState::Started, _) if self.count(branch, end.height) >= self.threshold => {
                ThresholdState::LockedIn
            }
            (ThresholdState::Started, Machine::ThresholdFirst) if timed_out => ThresholdState::Failed,
            (ThresholdState::LockedIn, _) if i64::from(end.height) + 1 >= self.min_activation_height => {
                ThresholdState::Active
            }
            (state, _) => state,
        }
    }

    /// How many blocks of the period that ends at `height` signal.
    fn count(&self, branch: &dyn HeaderView, height: u32) -> u32 {
        let (mut seen, mut count) = (0, 0);
        branch.walk_back(height, &mut |header| {
            if seen == self.period.get() {
                return ControlFlow::Break(());
            }
            seen += 1;
            count += u32::from((self.signals)(header));
            ControlFlow::Continue(())
        });
        count
    }

    pub(super) fn state_since(&self, prev: Option<&dyn HeaderView>, cache: &dyn VersionBitsCache) -> u32 {
        let state = self.state_after(prev, cache);
        // The genesis block is in the first state by definition, so that one begins at 0.
        let (Some(branch), false) = (prev, state == ThresholdState::Defined) else { return 0 };
        let Some(mut end) = self.period_end(branch.height()) else { return 0 };
        while let Some(earlier) = end.checked_sub(self.period.get()) {
            if self.state_at_end(branch, earlier, cache) != state {
                break;
            }
            end = earlier;
        }
        end + 1
    }
}
