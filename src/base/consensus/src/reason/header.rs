//! Rules of a header: alone, and against the headers before it.

use std::borrow::Cow;

use bitcoin::BlockHash;
use thiserror::Error;

use super::BlockResult;
use crate::freicoin::auxpow::MergedReason;
use crate::syscoin::auxpow::AuxPowReason;

/// Why a header is invalid.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum HeaderReason {
    /// Its hash is above its own target, or the target is out of range.
    #[error("high-hash")]
    HighHash,
    /// Its target is not the one that the chain demands.
    #[error("bad-diffbits")]
    BadDiffBits,
    /// Its time is not after the median time of the eleven headers before it.
    #[error("time-too-old")]
    TimeTooOld,
    /// It opens a retarget period and is more than ten minutes before its parent (BIP94).
    #[error("time-timewarp-attack")]
    Timewarp,
    /// Its time is more than two hours ahead of ours.
    #[error("time-too-new")]
    TimeTooNew,
    /// Its version is older than the rules in force.
    #[error("bad-version(0x{0:08x})")]
    BadVersion(i32),
    /// It forks off before a checkpoint that we have passed.
    #[error("bad-fork-prior-to-checkpoint")]
    ForkBeforeCheckpoint,
    /// It was found invalid before.
    #[error("duplicate-invalid")]
    CachedInvalid(BlockHash),
    /// Its parent is not known.
    #[error("prev-blk-not-found")]
    MissingPrev,
    /// Its parent is invalid.
    #[error("bad-prevblk")]
    InvalidPrev,
    /// The chain that it is part of has too little work to be stored.
    #[error("too-little-chainwork")]
    LowWork,
    /// Its proof of merged mining, in Freicoin's format, is missing, out of place or wrong.
    #[error(transparent)]
    Merged(#[from] MergedReason),
    /// Its proof of merged mining proves nothing.
    #[error("high-hash")]
    AuxPow(#[from] AuxPowReason),
    /// It has the first version, from before there was merged mining.
    #[error("late-legacy-block")]
    LegacyBlock,
    /// Its version does not announce NEVM data.
    #[error("nevm-version-expected")]
    NevmVersion,
    /// Its version without the bits of merged mining is older than the rules in force, or names another chain.
    #[error("bad-version(0x{base:08x})")]
    BadBaseVersion {
        /// The version without those bits.
        base: i32,
        /// The whole version.
        version: i32,
    },
    /// The block that its parent should name is not there.
    #[error("bad-auxpow-ref")]
    TagReference,
    /// Its parent names another block.
    #[error("bad-auxpow-tag")]
    TagMismatch,
    /// Its parent names a block more than once.
    #[error("multiple-syscoin-tags")]
    ManyTags,
    /// Its parent names no block.
    #[error("missing-syscoin-tag")]
    MissingTag,
}

impl HeaderReason {
    /// The class that decides what happens to the header and to its sender.
    pub fn result(&self) -> BlockResult {
        match self {
            Self::TimeTooNew => BlockResult::TimeFuture,
            Self::CachedInvalid(_) => BlockResult::CachedInvalid,
            Self::MissingPrev => BlockResult::MissingPrev,
            Self::InvalidPrev => BlockResult::InvalidPrev,
            Self::LowWork => BlockResult::HeaderLowWork,
            Self::TagReference | Self::TagMismatch | Self::ManyTags | Self::MissingTag => BlockResult::Consensus,
            _ => BlockResult::InvalidHeader,
        }
    }

    /// The longer text for logs; empty if there is none.
    pub fn debug_message(&self) -> Cow<'static, str> {
        match self {
            Self::HighHash => "proof of work failed".into(),
            Self::BadDiffBits => "incorrect proof of work".into(),
            Self::TimeTooOld => "block's timestamp is too early".into(),
            Self::Timewarp => "block's timestamp is too early on diff adjustment block".into(),
            Self::TimeTooNew => "block timestamp too far in the future".into(),
            Self::BadVersion(version) | Self::BadBaseVersion { version, .. } => {
                format!("rejected nVersion=0x{version:08x} block").into()
            }
            Self::CachedInvalid(hash) => format!("block {hash} was previously marked invalid").into(),
            Self::Merged(reason) => reason.debug_message().into(),
            Self::AuxPow(reason) => format!("proof of work failed: {reason}").into(),
            Self::TagReference => "Referenced mod-10 block missing".into(),
            Self::TagMismatch => "SYSCOIN AuxPoW tag mismatch (hash or height)".into(),
            Self::ManyTags => "Multiple SYSCOIN AuxPoW tags detected".into(),
            Self::MissingTag => "No SYSCOIN AuxPoW tag detected".into(),
            Self::LegacyBlock
            | Self::NevmVersion
            | Self::ForkBeforeCheckpoint
            | Self::MissingPrev
            | Self::InvalidPrev
            | Self::LowWork => "".into(),
        }
    }

    /// Reject reason and debug message in one line.
    pub fn full(&self) -> String {
        super::full_text(self, &self.debug_message())
    }
}
