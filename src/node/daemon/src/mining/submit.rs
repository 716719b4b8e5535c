//! Handing a block to the chain, and what is told of it.

use std::sync::Arc;

use chainstate::{Accepted, Arrival, Engine, Fatal, Refusal};
use primitives::Block;

/// What became of a block that was handed in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submission {
    /// What BIP22 calls the reason; empty if the block is on the chain now.
    pub reason: String,
    /// The longer text.
    pub debug: String,
    /// Whether the chain took the block at all, even if it did not become the tip.
    pub taken: bool,
}

impl Submission {
    /// Whether the block was new and is on the chain now.
    pub fn is_good(&self) -> bool {
        self.reason.is_empty()
    }

    fn taken(reason: &str) -> Self {
        Self { reason: reason.to_owned(), debug: String::new(), taken: true }
    }

    fn refused(reason: String, debug: String) -> Self {
        Self { reason, debug, taken: false }
    }

    /// Hands the block in.
    pub(super) fn of(engine: &mut Engine, block: &Arc<Block>) -> Result<Self, Fatal> {
        let taken = engine.accept_block(block, Arrival::SUBMITTED)?;
        // A block that was pruned, and is there again, is not connected once more.
        let before = taken.as_ref().is_ok_and(|taken| engine.reader().is_active(taken.id));
        let done = engine.activate()?;
        Ok(match taken {
            Err(refusal) => {
                let reason = match &refusal {
                    Refusal::Header(reason) => reason.to_string(),
                    Refusal::Block(reason) => reason.to_string(),
                };
                Self::refused(reason, refusal.debug_message())
            }
            Ok(Accepted { new: false, .. }) => Self::taken("duplicate"),
            Ok(Accepted { id, new: true }) => match done.refused.iter().find(|r| r.id == id) {
                Some(refused) => Self::refused(refused.reason.to_string(), refused.reason.debug_message().into_owned()),
                None if !before && engine.reader().is_active(id) => Self::taken(""),
                None => Self::taken("inconclusive"),
            },
        })
    }
}
