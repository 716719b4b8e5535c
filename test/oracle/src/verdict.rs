//! What an engine says about a block.

use consensus::BlockResult;

/// What an engine says about a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The bytes are no block.
    Undecodable,
    /// It breaks a rule.
    Rejected {
        /// The class that decides what happens to the block and its sender.
        class: BlockResult,
        /// The reason and what the log says about it.
        text: String,
    },
    /// It is valid, and the new tip if it extends the old one.
    Accepted,
}

impl Verdict {
    /// The reject reason without numbers, and without the words behind it: what is counted.
    pub fn reason(&self) -> &str {
        match self {
            Self::Undecodable => "(undecodable)",
            Self::Accepted => "(accepted)",
            Self::Rejected { text, .. } => {
                text.split(", ").next().and_then(|text| text.split("(0x").next()).unwrap_or(text)
            }
        }
    }
}
