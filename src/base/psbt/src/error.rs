//! Why bytes are no PSBT. The texts are the daemon's.

use primitives::DecodeError;

/// The rule that a PSBT breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PsbtError {
    /// The text is no base64.
    #[error("invalid base64")]
    Base64,
    /// Something follows the last map.
    #[error("extra data after PSBT")]
    Trailing,
    /// It does not start with `psbt` and 0xff.
    #[error("Invalid PSBT magic bytes: iostream error")]
    Magic,
    /// A value cannot be read.
    #[error("{0}: iostream error")]
    Decode(DecodeError),
    /// The bytes end inside a record.
    #[error("SpanReader::read(): end of data: iostream error")]
    End,
    /// A value has another length than it says.
    #[error("Size of value was not the stated size: iostream error")]
    ValueSize,
    /// A key occurs twice in a map.
    #[error("Duplicate Key, {map} key \"{key}\" already provided: iostream error")]
    Duplicate {
        /// Which map.
        map: &'static str,
        /// The key in hex.
        key: String,
    },
    /// A key has another length than its type asks for.
    #[error("Size of key was not {expected} for the type {name}: iostream error")]
    KeySize {
        /// The type.
        name: &'static str,
        /// Its length.
        expected: usize,
    },
    /// A key that holds a public key has another length than such keys have.
    #[error("Size of key was not the expected size for the type {0}: iostream error")]
    PubkeySize(&'static str),
    /// A map does not end.
    #[error("Separator is missing at the end of {0} map: iostream error")]
    Separator(&'static str),
    /// A record of version 2 stands in a PSBT of version 0.
    #[error("{0} is not allowed in PSBTv0: iostream error")]
    NotInV0(&'static str),
    /// A record of version 0 stands in a PSBT of version 2.
    #[error("{0} is not allowed in PSBTv2: iostream error")]
    NotInV2(&'static str),
    /// A record is missing in a PSBT of version 2.
    #[error("{0} is required in PSBTv2: iostream error")]
    Required(&'static str),
    /// A record holds something that makes no sense.
    #[error("{0}: iostream error")]
    Invalid(&'static str),
}

impl From<DecodeError> for PsbtError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::EndOfData => Self::End,
            other => Self::Decode(other),
        }
    }
}
