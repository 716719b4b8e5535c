//! What is wrong with bytes from a peer.

use primitives::DecodeError;

/// Why a payload is not the message that its name promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The bytes are not what the format says.
    #[error("{0}: iostream error")]
    Decode(#[from] DecodeError),
    /// A string is longer than its limit.
    #[error("String length limit exceeded: iostream error")]
    StringTooLong,
    /// A list of bytes is longer than its limit.
    #[error("Vector length limit exceeded: iostream error")]
    VectorTooLong,
    /// A list has more items than its message may have. The peer misbehaves.
    #[error("{message} message size = {count}")]
    TooMany {
        /// The message's name.
        message: &'static str,
        /// How many items it announces.
        count: u64,
    },
    /// A transaction's place in a compact block is beyond 16 bits.
    #[error("indexes overflowed 16 bits: iostream error")]
    IndexOverflow,
    /// A differential index list runs over.
    #[error("differential value overflow: iostream error")]
    DifferentialOverflow,
    /// An address of a known network has another length.
    #[error("BIP155 {network} address with length {len} (should be {expected}): iostream error")]
    AddressLength {
        /// The network's name.
        network: &'static str,
        /// The length found.
        len: usize,
        /// The length it must have.
        expected: usize,
    },
    /// An address of any network may have 512 bytes.
    #[error("Address too long: {0} > 512: iostream error")]
    AddressTooLong(usize),
    /// The version of the peer negotiation message has no such field.
    #[error("invalid feature payload")]
    BadFeature,
}

/// Why a transport gives a connection up. The texts are the daemon's, without the peer that they end with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// A v1 header starts with another network's magic.
    #[error("Header error: Wrong MessageStart {0} received")]
    WrongMagic(String),
    /// A v1 header announces more than any message may have.
    #[error("Header error: Size too large ({message}, {size} bytes)")]
    TooLarge {
        /// The message's name.
        message: String,
        /// The announced size.
        size: u32,
    },
    /// A v1 peer of another network knocks where v2 is spoken.
    #[error("V2 transport error: V1 peer with wrong MessageStart {0}")]
    V1WrongMagic(String),
    /// No garbage terminator came in time.
    #[error("V2 transport error: missing garbage terminator")]
    NoGarbageTerminator,
    /// A packet announces more than any message may have.
    #[error("V2 transport error: packet too large ({0} bytes)")]
    PacketTooLarge(usize),
    /// A packet is not authentic.
    #[error("V2 transport error: packet decryption failure ({0} bytes)")]
    Decryption(usize),
    /// The keys of both sides have no shared secret.
    #[error("V2 transport error: key exchange failed")]
    KeyExchange,
}

/// Why one message is dropped while its connection goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The first bytes of the payload's hash are others than the header says.
    #[error("Header error: Wrong checksum ({message}, {size} bytes), expected {expected} was {was}")]
    Checksum {
        /// The message's name.
        message: String,
        /// The payload's size.
        size: usize,
        /// What the payload hashes to.
        expected: String,
        /// What the header says.
        was: String,
    },
    /// The name has other characters than names have.
    #[error("Header error: Invalid message type ({message}, {size} bytes)")]
    MessageType {
        /// The name, as far as it can be shown.
        message: String,
        /// The payload's size.
        size: usize,
    },
    /// A v2 packet does not start with a name.
    #[error("V2 transport error: invalid message type ({0} bytes contents)")]
    V2MessageType(usize),
}
