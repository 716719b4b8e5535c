//! Why no transaction was made.

use interfaces::IpcError;

use crate::select::SelectError;

/// Why no transaction was made. The text is what the user is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpendError {
    /// Nobody is paid.
    #[error("Transaction must have at least one recipient")]
    NoRecipients,
    /// Somebody is to be paid less than nothing.
    #[error("Transaction amounts must not be negative")]
    NegativeAmount,
    /// An output that no node would relay.
    #[error("Transaction amount too small")]
    Dust,
    /// The limit for the weight is out of bounds.
    #[error("Maximum transaction weight must be between {0} and {1}")]
    WeightLimit(i64, i64),
    /// The user's fee rate is below a minimum.
    #[error("Fee rate ({user}) is lower than the minimum fee rate setting ({minimum}).{hint}")]
    FeeRateTooLow {
        /// What the user said.
        user: String,
        /// What it must be.
        minimum: String,
        /// Which options decide that, if options do.
        hint: String,
    },
    /// There is no estimate, and nothing to take instead.
    #[error("Fee estimation failed. Fallbackfee is disabled. Wait a few blocks or enable -fallbackfee.")]
    NoFeeRate,
    /// It would not spend anything.
    #[error("Transaction requires one destination of non-zero value, a non-zero feerate, or a pre-selected input")]
    NothingToSpend,
    /// A version 3 input of another transaction.
    #[error("Can't spend unconfirmed version 3 pre-selected input with a version {0} tx")]
    TrucInput(u32),
    /// Another input of a version 3 transaction.
    #[error("Can't spend unconfirmed version {0} pre-selected input with a version 3 tx")]
    NonTrucInput(u32),
    /// A named input that nobody knows.
    #[error("Not found pre-selected input {0}")]
    UnknownInput(String),
    /// A named input of unknown size.
    #[error("Not solvable pre-selected input {0}")]
    UnsolvableInput(String),
    /// A named input that is neither the wallet's nor unspent.
    #[error("Unable to find UTXO for external input")]
    UnknownExternalInput,
    /// The balance would do, but not with the fee.
    #[error("The total exceeds your balance when the {0} transaction fee is included.")]
    FeeExceedsBalance(String),
    /// No coins.
    #[error(transparent)]
    Select(SelectError),
    /// The position of the change is not one.
    #[error("Transaction change output index out of range")]
    ChangePosition,
    /// There is no address for the change.
    #[error("Transaction needs a change address, but we can't generate it. {0}")]
    NoChangeAddress(String),
    /// The size of some input is unknown.
    #[error("Missing solving data for estimating transaction size")]
    UnknownSize,
    /// The recipients cannot pay the fee.
    #[error("The transaction amount is too small to pay the fee")]
    AmountBelowFee,
    /// Nor can they pay it and have something left.
    #[error("The transaction amount is too small to send after the fee has been deducted")]
    DustAfterFee,
    /// It weighs too much.
    #[error("Transaction too large")]
    TooLarge,
    /// It costs more than the user allows.
    #[error("Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)")]
    MaxFeeExceeded,
    /// The mempool would refuse its ancestors.
    #[error("{0}")]
    ChainLimits(String),
    /// Inputs and outputs do not add up.
    #[error("Internal bug detected: {0}")]
    Internal(&'static str),
    /// The wallet could not note which address it gave out.
    #[error("{0}")]
    Wallet(String),
    /// The node is gone.
    #[error(transparent)]
    Chain(#[from] IpcError),
}

impl From<SelectError> for SpendError {
    fn from(error: SelectError) -> Self {
        match error {
            SelectError::Chain(error) => Self::Chain(error),
            error => Self::Select(error),
        }
    }
}
