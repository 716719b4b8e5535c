//! Judging a block that nobody has mined yet, or that its miner only asks about: nothing of it is kept.

use std::sync::Arc;

use consensus::{BlockChecks, BlockReason, ConnectReason, HeaderContext, HeaderView, Scope};
use primitives::Block;

use crate::{Branch, Engine, Fatal, coins::Changes, shared::read};

/// Why a block could not be the next one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// It does not build on the tip, so its coins cannot be judged.
    #[error("inconclusive-not-best-prevblk")]
    NotOnTip,
    /// It breaks a rule.
    #[error(transparent)]
    Rule(#[from] ConnectReason),
}

impl From<BlockReason> for Unfit {
    fn from(reason: BlockReason) -> Self {
        Self::Rule(reason.into())
    }
}

impl Unfit {
    /// The longer text; empty if there is none.
    pub fn debug_message(&self) -> String {
        match self {
            Self::NotOnTip => String::new(),
            Self::Rule(reason) => reason.debug_message().into_owned(),
        }
    }

    /// Reject reason and debug message in one line.
    pub fn full(&self) -> String {
        match self {
            Self::NotOnTip => self.to_string(),
            Self::Rule(reason) => reason.full(),
        }
    }
}

impl Engine {
    /// Checks a block as if it were to be put on the tip, as far as `scope` says, and changes nothing.
    pub fn test_block(&self, block: &Arc<Block>, scope: Scope) -> Result<Result<(), Unfit>, Fatal> {
        let node = {
            let tree = read(&self.shared.tree);
            let Some(tip) = self.active_tip.filter(|tip| tree[*tip].hash == block.header.prev()) else {
                return Ok(Err(Unfit::NotOnTip));
            };
            let mut checks = BlockChecks::default();
            if let Err(reason) = self.rules.check_block(block, scope, &mut checks) {
                return Ok(Err(reason.into()));
            }
            let branch = Branch::new(&tree, tip);
            let prev: &dyn HeaderView = &branch;
            let context = HeaderContext { now: self.clock.unix_seconds(), checkpoint: self.last_checkpoint(&tree) };
            if let Err(reason) = self.rules.check_header_context(&block.header, prev, context) {
                return Ok(Err(BlockReason::from(reason).into()));
            }
            if let Err(reason) = self.rules.check_block_context(block, Some(prev), &mut checks) {
                return Ok(Err(reason.into()));
            }
            let merged = self.rules.merged_facts(&block.header);
            tree.draft(*block.header.raw(), block.hash(), Some(tip), merged)
        };
        let connected = self.connect_block(block, &node, &Changes::default())?;
        Ok(connected.map(|_| ()).map_err(Unfit::from))
    }
}
