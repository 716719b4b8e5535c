//! Rules of a block's last transaction (Freicoin).

use thiserror::Error;

/// Why a block does not end as it must.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum FinalTxReason {
    /// The rule begins here and the coinbase has no outputs.
    #[error("bad-cb-missing-outputs")]
    CoinbaseOutputs,
    /// The rule begins here and the first output of the coinbase cannot be spent by anybody.
    #[error("bad-cb-missing-initial-block-final-output")]
    CoinbaseNotFree,
    /// There is nothing behind the coinbase.
    #[error("missing-block-final-tx")]
    Missing,
    /// It spends what is none of its business.
    #[error("block-final-spend-invalid")]
    ForeignInput,
    /// It does not spend all that the last one left.
    #[error("block-final-missing-prior-input")]
    NotContinued,
    /// It has more outputs than inputs.
    #[error("block-final-excess-output")]
    ManyOutputs,
    /// One of its outputs cannot be spent by anybody.
    #[error("block-final-nontrivial-ouput")]
    NotFree,
    /// The coins do not hold what the block before left. The database is damaged.
    #[error("block-final-lost")]
    Lost,
}

impl FinalTxReason {
    /// The longer text for logs.
    pub fn debug_message(self) -> &'static str {
        match self {
            Self::CoinbaseOutputs => "block-final activation coinbase has no outputs",
            Self::CoinbaseNotFree => "block-final activation coinbase missing trivial output",
            Self::Missing => "missing block-final transaction",
            Self::ForeignInput => "block-final transaction makes invalid spend",
            Self::NotContinued => "missing txin of prior block-final transaction",
            Self::ManyOutputs => "too many outputs for block-final transaction",
            Self::NotFree => "block-final txout not trivially spendable",
            Self::Lost => "prior block-final tx not found; corruption likely! Try restarting with `-reindex=1`.",
        }
    }
}
