//! Whether the scripts of a block are run at all.
//!
//! The software comes with the hash of a block that its makers have verified. Its ancestors' scripts need not be run
//! again: everything else of them is checked, and their Merkle trees tie them to the assumed block. The conditions keep
//! this from becoming a way to talk a node into an invalid chain.

use bitcoin::BlockHash;

use crate::params::ChainParams;
use crate::pow::{equivalent_time, header_work};
use crate::uint256::U256;
use crate::view::{HeaderView, tip};

/// A block this close to the best header always has its scripts run.
const TWO_WEEKS: i64 = 14 * 24 * 60 * 60;

/// Why scripts are run. The texts are part of a log line.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum WhyVerify {
    /// Nothing is assumed.
    #[error("assumevalid=0 (always verify)")]
    Always,
    /// The assumed block has not been seen.
    #[error("assumevalid hash not in headers")]
    NotInHeaders,
    /// The block comes after the assumed one.
    #[error("block height above assumevalid height")]
    AboveAssumed,
    /// The block is on another branch than the assumed one.
    #[error("block not in assumevalid chain")]
    NotInAssumedChain,
    /// The block is on another branch than the best header.
    #[error("block not in best header chain")]
    NotInBestChain,
    /// The best header has less work than the chain is known to have.
    #[error("best header chainwork below minimumchainwork")]
    LowWork,
    /// The block is too new to be beyond doubt.
    #[error("block too recent relative to best header")]
    TooRecent,
}

/// What the decision depends on.
#[derive(Clone, Copy)]
pub struct AssumeValid<'a> {
    /// The height of the block.
    pub height: u32,
    /// Its hash.
    pub hash: BlockHash,
    /// The work of the chain up to it.
    pub work: U256,
    /// The branch that ends in the assumed block, if that is in the block tree.
    pub assumed: Option<&'a dyn HeaderView>,
    /// The branch with the most work that is known, headers only.
    pub best: &'a dyn HeaderView,
    /// The work of that branch.
    pub best_work: U256,
}

impl std::fmt::Debug for AssumeValid<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AssumeValid").field("height", &self.height).field("hash", &self.hash).finish_non_exhaustive()
    }
}

impl AssumeValid<'_> {
    /// Why the scripts of the block must be run; `None` if they are assumed to be valid.
    pub fn why_verify(&self, params: &ChainParams) -> Option<WhyVerify> {
        let is_on = |branch: &dyn HeaderView| branch.at(self.height).is_some_and(|header| header.hash == self.hash);
        if params.assume_valid().is_none() {
            return Some(WhyVerify::Always);
        }
        let Some(assumed) = self.assumed else { return Some(WhyVerify::NotInHeaders) };
        if !is_on(assumed) {
            let above = self.height > assumed.height();
            return Some(if above { WhyVerify::AboveAssumed } else { WhyVerify::NotInAssumedChain });
        }
        if !is_on(self.best) {
            return Some(WhyVerify::NotInBestChain);
        }
        if self.best_work < params.minimum_chain_work() {
            return Some(WhyVerify::LowWork);
        }
        let tip_work = header_work(tip(self.best).bits, self.best.merged(self.best.height()));
        let age = equivalent_time(self.best_work, self.work, tip_work, params.pow());
        (age <= TWO_WEEKS).then_some(WhyVerify::TooRecent)
    }
}

#[cfg(test)]
mod tests;
