//! Why bytes are not what they should be. The texts are the daemon's.

/// The rule that a serialization breaks.
///
/// The daemon's own text goes on with `: iostream error`, which is the C++ library's; whoever prints it adds that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end before the value does.
    #[error("DataStream::read(): end of data")]
    EndOfData,
    /// A compact size has a shorter form.
    #[error("non-canonical ReadCompactSize()")]
    NonCanonicalSize,
    /// A compact size is above what any message may hold.
    #[error("ReadCompactSize(): size too large")]
    SizeTooLarge,
    /// A variable-length integer does not fit its type.
    #[error("ReadVarInt(): size too large")]
    VarIntTooLarge,
    /// A transaction says that it has witnesses, and all of them are empty.
    #[error("Superfluous witness record")]
    SuperfluousWitness,
    /// A transaction has a flag that nobody knows.
    #[error("Unknown transaction optional data")]
    UnknownTxData,
    /// The extended header of Freicoin starts with another byte than 0xff.
    #[error("Invalid extended block header dummy value")]
    HeaderDummy,
    /// The extended header of Freicoin has a flag that nobody knows.
    #[error("Unknown block header optional data")]
    UnknownHeaderData,
    /// The extended undo record of Freicoin has a flag that nobody knows.
    #[error("Unknown flag in block undo deserialization")]
    UnknownUndoFlag,
    /// A compressed script names a public key that is not on the curve.
    #[error("invalid compressed public key")]
    BadPublicKey,
    /// A transaction of Syscoin should list assets, and does not.
    #[error("Unknown asset data")]
    UnknownAssetData,
    /// An asset is listed without outputs.
    #[error("asset empty outputs")]
    EmptyAsset,
    /// An asset is given to an output that does not exist.
    #[error("asset vout out of range")]
    AssetOutput,
    /// An output gets more of an asset than there can be.
    #[error("asset vout value out of range")]
    AssetAmount,
    /// Bytes are left over where a value should have used all of them.
    #[error("unexpected data after the end")]
    TrailingData,
}
