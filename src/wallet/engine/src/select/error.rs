//! Why no coins were chosen.

use interfaces::IpcError;

/// Why no coins were chosen. The text is what the user is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// There is not enough.
    #[error("Insufficient funds")]
    Insufficient,
    /// There would be enough, but in too many coins.
    #[error(
        "The inputs size exceeds the maximum weight. Please try sending a smaller amount or manually consolidating your \
         wallet's UTXOs"
    )]
    TooHeavy,
    /// The outputs alone weigh too much.
    #[error("Maximum transaction weight is less than transaction weight without inputs")]
    OutputsTooHeavy,
    /// With change, the outputs alone weigh too much.
    #[error("Maximum transaction weight is too low, can not accommodate change output")]
    NoRoomForChange,
    /// The node cannot say what the ancestors lack.
    #[error(
        "Failed to calculate bump fees, because unconfirmed UTXOs depend on an enormous cluster of unconfirmed \
         transactions."
    )]
    UnknownBumpFees,
    /// The coins that were named are not enough, and no others are allowed.
    #[error(
        "The preselected coins total amount does not cover the transaction target. Please allow other inputs to be \
         automatically selected or include more coins manually"
    )]
    PresetTooSmall,
    /// The coins that were named and those that were added weigh too much together.
    #[error(
        "The combination of the pre-selected inputs and the wallet automatic inputs selection exceeds the transaction \
         maximum weight. Please try sending a smaller amount or manually consolidating your wallet's UTXOs"
    )]
    CombinationTooHeavy,
    /// All that is left hangs on long chains of unconfirmed transactions.
    #[error(
        "Unconfirmed UTXOs are available, but spending them creates a chain of transactions that will be rejected by the \
         mempool"
    )]
    LongChain,
    /// The node is gone.
    #[error(transparent)]
    Chain(#[from] IpcError),
}
