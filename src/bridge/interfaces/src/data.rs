//! Plain data that several interfaces use. Bytes are in wire order; text is what the daemon prints.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// An amount in the coin's smallest unit.
pub type Amount = i64;

/// How many bytes of a blob are printed in logs.
const SHOWN_BYTES: usize = 16;

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: impl Iterator<Item = u8>) -> fmt::Result {
    for byte in bytes {
        write!(f, "{byte:02x}")?;
    }
    Ok(())
}

macro_rules! hash {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub [u8; 32]);

        impl $name {
            /// From bytes in wire order.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The bytes in wire order.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, self.0.iter().rev().copied())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

hash! {
    /// The hash of a block header.
    BlockHash
}
hash! {
    /// The hash of a transaction without its witness.
    Txid
}
hash! {
    /// The hash of a transaction with its witness.
    Wtxid
}

hash! {
    /// A node of a merkle tree.
    MerkleHash
}

macro_rules! blob {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Arc<[u8]>);

        impl $name {
            /// Copies the bytes.
            pub fn new(bytes: &[u8]) -> Self {
                Self(bytes.into())
            }

            /// The serialized form.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(&[])
            }
        }

        impl From<Vec<u8>> for $name {
            fn from(bytes: Vec<u8>) -> Self {
                Self(bytes.into())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, self.0.iter().take(SHOWN_BYTES).copied())?;
                if self.0.len() > SHOWN_BYTES { write!(f, "... ({} bytes)", self.0.len()) } else { Ok(()) }
            }
        }
    };
}

blob! {
    /// A serialized transaction, with its witness. Cheap to clone.
    RawTx
}
blob! {
    /// A serialized block, with witnesses. Cheap to clone.
    RawBlock
}
blob! {
    /// A serialized block header, with whatever tail the coin gives it.
    RawHeader
}
blob! {
    /// A script.
    Script
}
blob! {
    /// Bytes that have no better name.
    Bytes
}

/// A block of the active chain, by hash and height.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BlockRef {
    /// Its hash.
    pub hash: BlockHash,
    /// Its height.
    pub height: i32,
}

/// An output of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct OutPoint {
    /// The transaction.
    pub txid: Txid,
    /// The index of its output.
    pub index: u32,
}

/// How long a caller is willing to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Wait {
    /// At most this long.
    AtMost(Duration),
    /// Until it happens, or the call is interrupted.
    #[default]
    Forever,
}

impl Wait {
    /// At most this many milliseconds.
    pub const fn millis(millis: u64) -> Self {
        Self::AtMost(Duration::from_millis(millis))
    }

    /// The bound, if there is one.
    pub fn bound(self) -> Option<Duration> {
        match self {
            Self::AtMost(duration) => Some(duration),
            Self::Forever => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BlockHash, RawTx};

    #[test]
    fn hashes_print_as_the_daemon_prints_them() {
        let mut bytes = [0; 32];
        bytes[0] = 0xab;
        assert_eq!(BlockHash::from_bytes(bytes).to_string(), format!("{}ab", "00".repeat(31)));
    }

    #[test]
    fn blobs_print_their_head_and_length() {
        assert_eq!(format!("{:?}", RawTx::new(&[1, 2])), "0102");
        assert_eq!(format!("{:?}", RawTx::new(&[7; 100])), format!("{}... (100 bytes)", "07".repeat(16)));
    }
}
