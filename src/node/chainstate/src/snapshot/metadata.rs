//! What a snapshot file begins with: which format, which network, which block, and how many coins.

use std::io::Read;

use bitcoin::{BlockHash, hashes::Hash};
use consensus::ChainParams;

/// What a file begins with.
const MAGIC: [u8; 5] = *b"utxo\xff";
/// The version of its format.
const VERSION: u16 = 2;

/// The head of a snapshot file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metadata {
    /// The block that the coins are the result of.
    pub base: BlockHash,
    /// How many coins follow.
    pub coins: u64,
}

/// Why a file is not a snapshot for this node.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// The file ends too early, or cannot be read.
    #[error("AutoFile::read: {0}")]
    Read(std::io::Error),
    /// It is something else.
    #[error(
        "Invalid UTXO set snapshot magic bytes. Please check if this is indeed a snapshot file or if you are using an outdated snapshot format."
    )]
    Magic,
    /// It was written by a program that knows more, or less.
    #[error("Version of snapshot {0} does not match any of the supported versions.")]
    Version(u16),
    /// It is of another chain of this coin.
    #[error("The network of the snapshot ({found}) does not match the network of this node ({ours}).")]
    OtherNetwork {
        /// The file's network.
        found: &'static str,
        /// This node's.
        ours: &'static str,
    },
    /// It is of a network that nobody knows.
    #[error(
        "This snapshot has been created for an unrecognized network. This could be a custom signet, a new testnet or possibly caused by data corruption."
    )]
    UnknownNetwork,
}

impl Metadata {
    /// The bytes in front of the coins.
    pub(super) fn encode(&self, network: [u8; 4]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend(network);
        bytes.extend(self.base.to_byte_array());
        bytes.extend(self.coins.to_le_bytes());
        bytes
    }

    /// Reads the head of a file, and leaves `file` at the first coin.
    pub fn read(file: &mut dyn Read, params: &ChainParams) -> Result<Self, MetadataError> {
        fn next<const N: usize>(file: &mut dyn Read) -> Result<[u8; N], MetadataError> {
            let mut bytes = [0; N];
            file.read_exact(&mut bytes).map_err(MetadataError::Read)?;
            Ok(bytes)
        }
        if next(file)? != MAGIC {
            return Err(MetadataError::Magic);
        }
        let version = u16::from_le_bytes(next(file)?);
        if version != VERSION {
            return Err(MetadataError::Version(version));
        }
        let network: [u8; 4] = next(file)?;
        if network != params.magic() {
            let found = params.coin().chains.iter().find(|chain| chain.magic == network);
            return Err(found.map_or(MetadataError::UnknownNetwork, |found| MetadataError::OtherNetwork {
                found: found.kind.name(),
                ours: params.chain().kind.name(),
            }));
        }
        Ok(Self { base: BlockHash::from_byte_array(next(file)?), coins: u64::from_le_bytes(next(file)?) })
    }
}
