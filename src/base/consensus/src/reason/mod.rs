//! Why something is invalid: the rule book.
//!
//! There is one enum per layer and one variant per rule. `Display` is the reject reason as the daemon prints it and as
//! peers, miners and tests compare it; `debug_message` is the longer text for logs; `result` is the class that decides
//! what happens to the block, the transaction and the peer that sent it.

mod block;
mod connect;
mod final_tx;
mod header;
mod tx;

pub use block::BlockReason;
pub use connect::{ConnectReason, ScriptFailure};
pub use final_tx::FinalTxReason;
pub use header::HeaderReason;
pub use tx::TxReason;

/// What an invalid block says about the block, its header and its sender.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum BlockResult {
    /// Invalid by the rules, for everybody and for ever.
    Consensus,
    /// Known to be invalid; the reason was not kept.
    CachedInvalid,
    /// The header is invalid: its proof of work or its time.
    InvalidHeader,
    /// The data is not what the header commits to; the same header with other data may be valid.
    Mutated,
    /// The parent is not known.
    MissingPrev,
    /// The parent, or one before it, is invalid.
    InvalidPrev,
    /// The time is too far in the future, or our clock is wrong. It may become valid.
    TimeFuture,
    /// The header is part of a chain that does not have enough work (yet) to be stored.
    HeaderLowWork,
}

impl BlockResult {
    /// Whether the header may be remembered as invalid for ever.
    pub fn is_permanent(self) -> bool {
        !matches!(self, Self::Mutated | Self::MissingPrev | Self::TimeFuture | Self::HeaderLowWork)
    }
}

/// What an invalid transaction says about the transaction and its sender.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TxResult {
    /// Invalid by the rules.
    Consensus,
    /// Its inputs failed local policy.
    InputsNotStandard,
    /// It failed local policy in another way.
    NotStandard,
    /// Some of its inputs are not known.
    MissingInputs,
    /// It spends a coinbase too early, or its lock is not yet open.
    PrematureSpend,
    /// It has a witness that should not be there, or a changed one.
    WitnessMutated,
    /// It lacks a witness.
    WitnessStripped,
    /// It is already in the mempool or in the chain.
    Conflict,
    /// It is over one of the mempool's limits.
    MempoolPolicy,
    /// This node has no mempool.
    NoMempool,
    /// It fails policy by itself and may pass in a package.
    Reconsiderable,
    /// It was not validated, because its package failed.
    Unknown,
}

/// A reject reason with its debug message, as the daemon logs them and as `submitblock` does not.
pub(crate) fn full_text(reason: &dyn std::fmt::Display, debug: &str) -> String {
    if debug.is_empty() { reason.to_string() } else { format!("{reason}, {debug}") }
}

#[cfg(test)]
mod tests;
