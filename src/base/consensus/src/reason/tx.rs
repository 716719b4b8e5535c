//! Rules of a single transaction: alone, and against the coins it spends.

use std::borrow::Cow;

use thiserror::Error;

use super::TxResult;
use crate::money::format_money;
use crate::syscoin::assets::AssetReason;

/// Why a transaction is invalid.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum TxReason {
    /// It has no inputs.
    #[error("bad-txns-vin-empty")]
    NoInputs,
    /// It has no outputs.
    #[error("bad-txns-vout-empty")]
    NoOutputs,
    /// Without its witness it would not fit a block.
    #[error("bad-txns-oversize")]
    Oversize,
    /// An output has a negative value.
    #[error("bad-txns-vout-negative")]
    OutputNegative,
    /// An output is worth more than all there can be.
    #[error("bad-txns-vout-toolarge")]
    OutputTooLarge,
    /// The outputs together are worth more than all there can be.
    #[error("bad-txns-txouttotal-toolarge")]
    OutputTotalTooLarge,
    /// Two inputs spend the same output.
    #[error("bad-txns-inputs-duplicate")]
    DuplicateInputs,
    /// The script of a coinbase is shorter than 2 or longer than 100 bytes.
    #[error("bad-cb-length")]
    CoinbaseLength,
    /// An input of an ordinary transaction spends nothing.
    #[error("bad-txns-prevout-null")]
    NullInput,
    /// An output that it spends does not exist or is spent.
    #[error("bad-txns-inputs-missingorspent")]
    MissingInputs,
    /// It spends a coinbase that is not yet mature.
    #[error("bad-txns-premature-spend-of-coinbase")]
    Immature {
        /// How many blocks deep the coinbase is.
        depth: i64,
    },
    /// It spends a coin of a later height than its own (Freicoin).
    #[error("bad-txns-non-monotonic-lock-height")]
    LockHeight {
        /// The transaction's lock height.
        lock_height: u32,
        /// The height that the coin's value was written for.
        reference: u32,
    },
    /// An input, or the sum of the inputs, is worth more than all there can be.
    #[error("bad-txns-inputvalues-outofrange")]
    InputValues,
    /// The outputs are worth more than the inputs.
    #[error("bad-txns-in-belowout")]
    InBelowOut {
        /// What the inputs are worth.
        value_in: i64,
        /// What the outputs are worth.
        value_out: i64,
    },
    /// The fee is out of range.
    #[error("bad-txns-fee-outofrange")]
    Fee,
    /// Its assets are wrong.
    #[error(transparent)]
    Asset(#[from] AssetReason),
}

impl TxReason {
    /// The class that decides what happens to the transaction and to its sender.
    pub fn result(&self) -> TxResult {
        match self {
            Self::MissingInputs => TxResult::MissingInputs,
            Self::Immature { .. } | Self::LockHeight { .. } => TxResult::PrematureSpend,
            _ => TxResult::Consensus,
        }
    }

    /// The longer text for logs; empty if there is none.
    pub fn debug_message(&self) -> Cow<'static, str> {
        match self {
            Self::MissingInputs => "CheckTxInputs: inputs missing/spent".into(),
            Self::Immature { depth } => format!("tried to spend coinbase at depth {depth}").into(),
            Self::LockHeight { lock_height, reference } => {
                format!("tx.lock_height < coin.refheight ({lock_height} < {reference})").into()
            }
            Self::InBelowOut { value_in, value_out } => {
                format!("value in ({}) < value out ({})", format_money(*value_in), format_money(*value_out)).into()
            }
            _ => "".into(),
        }
    }

    /// Reject reason and debug message in one line.
    pub fn full(&self) -> String {
        super::full_text(self, &self.debug_message())
    }
}
