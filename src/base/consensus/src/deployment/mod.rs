//! Which rules are in force at which block.
//!
//! Old upgrades are *buried*: they start at a height. Newer ones are decided by miners, who signal with a bit of the
//! version field (BIP9). The state of a signalled upgrade is the same for all blocks of a period, so it is computed once
//! per period and kept in a [`VersionBitsCache`].

mod bip9;
mod cache;
mod options;
mod report;
mod warning;

use std::num::NonZeroU32;

pub use bip9::{ThresholdState, state_after, state_since};
pub use cache::{CacheSlot, MemoryCache, NoCache, VersionBitsCache};
pub use options::{ActivationOverride, BadOption, SignalOverride};
pub use report::{Bip9Info, Bip9Stats, GbtDeployment, GbtStatus};
pub use warning::{NUM_BITS, unknown_activations};

/// The top three bits of a version that signals.
pub const VERSION_TOP_MASK: u32 = 0xe000_0000;
/// What they are set to.
pub const VERSION_TOP_BITS: u32 = 0x2000_0000;

/// An upgrade that starts at a height. The order is the one in which the daemon reports them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Buried {
    /// BIP34: the coinbase begins with the height.
    HeightInCoinbase,
    /// BIP66: strict signature encoding.
    Dersig,
    /// BIP65: `OP_CHECKLOCKTIMEVERIFY`.
    Cltv,
    /// BIP68, BIP112 and BIP113: relative locks and the median time.
    Csv,
    /// BIP141, BIP143 and BIP147: segregated witness.
    Segwit,
}

impl Buried {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [Self::HeightInCoinbase, Self::Dersig, Self::Cltv, Self::Csv, Self::Segwit];

    /// The name in `getdeploymentinfo`.
    pub fn name(self) -> &'static str {
        match self {
            Self::HeightInCoinbase => "bip34",
            Self::Dersig => "bip66",
            Self::Cltv => "bip65",
            Self::Csv => "csv",
            Self::Segwit => "segwit",
        }
    }

    /// The upgrade that `-testactivationheight` calls `name`. Two names differ from those in reports.
    pub fn from_option(name: &str) -> Option<Self> {
        Some(match name {
            "bip34" => Self::HeightInCoinbase,
            "dersig" => Self::Dersig,
            "cltv" => Self::Cltv,
            "csv" => Self::Csv,
            "segwit" => Self::Segwit,
            _ => return None,
        })
    }
}

/// When signalling begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// There is no signalling: in force from the first block.
    Always,
    /// There is no signalling: never in force.
    Never,
    /// At this median time.
    At(i64),
}

impl Start {
    /// From the number that options and parameters use, where -1 is always and -2 is never.
    pub fn from_number(number: i64) -> Self {
        match number {
            -1 => Self::Always,
            -2 => Self::Never,
            time => Self::At(time),
        }
    }

    /// The number again.
    pub fn to_number(self) -> i64 {
        match self {
            Self::Always => -1,
            Self::Never => -2,
            Self::At(time) => time,
        }
    }
}

/// Which of two versions of BIP9 a deployment follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Machine {
    /// The original: once the timeout has passed the deployment fails, even in a period that reached the threshold and
    /// even before it has started. Coins that forked from Bitcoin Core before version 22 follow it.
    TimeoutFirst,
    /// The machine of BIP341's "speedy trial": a started deployment always gets one full period, and the threshold is
    /// looked at before the timeout.
    ThresholdFirst,
}

/// The parameters of one signalled upgrade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Deployment {
    /// The name in `getdeploymentinfo` and `-vbparams`. It is unique within a chain.
    pub name: &'static str,
    /// The bit of the version, 0 to 28.
    pub bit: u8,
    /// When signalling starts.
    pub start: Start,
    /// When it ends without success; `i64::MAX` for never.
    pub timeout: i64,
    /// Once locked in, do not activate below this height.
    pub min_activation_height: i64,
    /// How many blocks a period has.
    pub period: NonZeroU32,
    /// How many of them must signal.
    pub threshold: u32,
    /// Which version of the state machine.
    pub machine: Machine,
}

impl Deployment {
    /// The bit as a mask.
    pub fn mask(&self) -> u32 {
        1u32.wrapping_shl(self.bit.into())
    }

    /// Whether a block with this version signals.
    pub fn is_signalled_by(&self, version: i32) -> bool {
        signals(version, self.mask())
    }

    /// Whether a miner may ignore the rule and still make valid blocks from a template. That holds for every upgrade
    /// that only tightens the rules of transactions that are not standard; some of Freicoin's change what a block is.
    pub fn is_gbt_optional(&self) -> bool {
        !crate::freicoin::RULES_OF_BLOCKS.contains(&self.name)
    }

    /// Whether the upgrade can ever be in force.
    pub fn is_enabled(&self) -> bool {
        self.start != Start::Never
    }
}

/// Whether a version is one that signals, and has one of the bits of `mask`.
fn signals(version: i32, mask: u32) -> bool {
    let version = version.cast_unsigned();
    version & VERSION_TOP_MASK == VERSION_TOP_BITS && version & mask != 0
}

/// The version of the next block: the top bits, and the bit of every upgrade that is started or locked in.
pub fn block_version(
    deployments: &[Deployment],
    prev: Option<&dyn crate::view::HeaderView>,
    cache: &dyn VersionBitsCache,
) -> i32 {
    let signalled = deployments.iter().filter(|deployment| {
        matches!(state_after(deployment, prev, cache), ThresholdState::Started | ThresholdState::LockedIn)
    });
    signalled.fold(VERSION_TOP_BITS, |version, deployment| version | deployment.mask()).cast_signed()
}

#[cfg(test)]
mod tests;
