//! What is told about deployments: `getdeploymentinfo` and block templates.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::{Deployment, ThresholdState, VersionBitsCache, state_after, state_since};
use crate::view::{Below, HeaderView};

/// How signalling goes in the current period.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bip9Stats {
    /// How many blocks the period has.
    pub period: u32,
    /// How many must signal; 0 once that is settled.
    pub threshold: u32,
    /// How many there have been.
    pub elapsed: u32,
    /// How many of them signal.
    pub count: u32,
    /// Whether the threshold can still be reached.
    pub possible: bool,
}

/// All about a signalled upgrade at a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bip9Info {
    /// The first height of the current state.
    pub since: u32,
    /// The state of the block.
    pub current: ThresholdState,
    /// The state of the block after it.
    pub next: ThresholdState,
    /// The count, while there is one.
    pub stats: Option<Bip9Stats>,
    /// For each block of the period so far, oldest first, whether it signals.
    pub signalling: Vec<bool>,
    /// From which height the rules are in force, if that is known.
    pub active_since: Option<u32>,
}

/// A signalled upgrade as a miner sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GbtDeployment {
    /// The bit of the version.
    pub bit: u8,
    /// The same as a mask.
    pub mask: u32,
    /// Whether a miner may ignore the rule.
    pub gbt_optional_rule: bool,
}

/// The signalled upgrades of a block template, by name.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct GbtStatus {
    /// Signals are counted.
    pub signalling: BTreeMap<&'static str, GbtDeployment>,
    /// Locked in.
    pub locked_in: BTreeMap<&'static str, GbtDeployment>,
    /// In force.
    pub active: BTreeMap<&'static str, GbtDeployment>,
}

impl Bip9Info {
    /// All about `deployment` at the tip of `branch`.
    pub fn at(deployment: &Deployment, branch: &dyn HeaderView, cache: &dyn VersionBitsCache) -> Self {
        let height = branch.height();
        let below = height.checked_sub(1).map(|parent| Below::new(branch, parent));
        let parents = below.as_ref().map(|below| -> &dyn HeaderView { below });
        let current = state_after(deployment, parents, cache);
        let next = state_after(deployment, Some(branch), cache);
        let since = state_since(deployment, parents, cache);

        let (mut stats, mut signalling) = (None, Vec::new());
        if matches!(current, ThresholdState::Started | ThresholdState::LockedIn) {
            let (mut now, blocks) = count_period(deployment, branch);
            if current == ThresholdState::LockedIn {
                now.threshold = 0;
                now.possible = false;
            }
            (stats, signalling) = (Some(now), blocks);
        }
        let active_since = match (current, next) {
            (ThresholdState::Active, _) => Some(since),
            (_, ThresholdState::Active) => Some(height.saturating_add(1)),
            _ => None,
        };
        Self { since, current, next, stats, signalling, active_since }
    }
}

/// The count of the period that the tip of `branch` is in, and which of its blocks signal.
fn count_period(deployment: &Deployment, branch: &dyn HeaderView) -> (Bip9Stats, Vec<bool>) {
    let period = deployment.period.get();
    let elapsed = 1 + branch.height() % period;
    let mut signalling = Vec::new();
    let mut left = elapsed;
    branch.walk_back(branch.height(), &mut |header| {
        signalling.push(deployment.is_signalled_by(header.version));
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    signalling.reverse();
    let count = u32::try_from(signalling.iter().filter(|signals| **signals).count()).expect("at most one period");
    let threshold = deployment.threshold;
    let possible = period.saturating_sub(threshold) >= elapsed - count;
    (Bip9Stats { period, threshold, elapsed, count, possible }, signalling)
}

impl GbtStatus {
    /// The upgrades of a block that would follow `branch`.
    pub fn after(deployments: &[Deployment], branch: &dyn HeaderView, cache: &dyn VersionBitsCache) -> Self {
        let mut status = Self::default();
        for deployment in deployments {
            let list = match state_after(deployment, Some(branch), cache) {
                ThresholdState::Defined | ThresholdState::Failed => continue,
                ThresholdState::Started => &mut status.signalling,
                ThresholdState::LockedIn => &mut status.locked_in,
                ThresholdState::Active => &mut status.active,
            };
            let info = GbtDeployment {
                bit: deployment.bit,
                mask: deployment.mask(),
                gbt_optional_rule: deployment.is_gbt_optional(),
            };
            list.insert(deployment.name, info);
        }
        status
    }
}
