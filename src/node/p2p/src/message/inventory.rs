//! What is announced and asked for: a kind and a hash.

use std::fmt;

use bitcoin::hashes::{Hash, sha256d};
use bitcoin::{BlockHash, Txid, Wtxid};
use primitives::Reader;

use crate::error::MessageError;

/// What a hash is the hash of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InvKind {
    /// A transaction without witnesses.
    Tx,
    /// A block without witnesses.
    Block,
    /// A block as the peer's bloom filter sees it.
    FilteredBlock,
    /// A compact block.
    CmpctBlock,
    /// A transaction, by the id that covers its witnesses.
    Wtx,
    /// A transaction with witnesses, by its txid.
    WitnessTx,
    /// A block with witnesses.
    WitnessBlock,
    /// Anything else.
    Unknown(u32),
}

impl InvKind {
    /// The number on the wire.
    pub fn number(self) -> u32 {
        match self {
            Self::Tx => 1,
            Self::Block => 2,
            Self::FilteredBlock => 3,
            Self::CmpctBlock => 4,
            Self::Wtx => 5,
            Self::WitnessTx => 0x4000_0001,
            Self::WitnessBlock => 0x4000_0002,
            Self::Unknown(number) => number,
        }
    }

    /// The kind of that number.
    pub fn from_number(number: u32) -> Self {
        match number {
            1 => Self::Tx,
            2 => Self::Block,
            3 => Self::FilteredBlock,
            4 => Self::CmpctBlock,
            5 => Self::Wtx,
            0x4000_0001 => Self::WitnessTx,
            0x4000_0002 => Self::WitnessBlock,
            other => Self::Unknown(other),
        }
    }
}

/// A kind and a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Inv {
    /// What it is.
    pub kind: InvKind,
    /// Its hash.
    pub hash: [u8; 32],
}

impl Inv {
    /// A block, as it is announced.
    pub fn block(hash: BlockHash) -> Self {
        Self { kind: InvKind::Block, hash: hash.to_byte_array() }
    }

    /// A block with witnesses, as it is asked for.
    pub fn witness_block(hash: BlockHash) -> Self {
        Self { kind: InvKind::WitnessBlock, hash: hash.to_byte_array() }
    }

    /// A transaction by its txid, as it is announced.
    pub fn tx(txid: Txid) -> Self {
        Self { kind: InvKind::Tx, hash: txid.to_byte_array() }
    }

    /// A transaction by its wtxid.
    pub fn wtx(wtxid: Wtxid) -> Self {
        Self { kind: InvKind::Wtx, hash: wtxid.to_byte_array() }
    }

    /// Whether this is a transaction of any kind.
    pub fn is_tx(&self) -> bool {
        matches!(self.kind, InvKind::Tx | InvKind::Wtx | InvKind::WitnessTx)
    }

    /// Whether this is a block of any kind.
    pub fn is_block(&self) -> bool {
        matches!(self.kind, InvKind::Block | InvKind::FilteredBlock | InvKind::CmpctBlock | InvKind::WitnessBlock)
    }

    /// The hash as a block's.
    pub fn block_hash(&self) -> BlockHash {
        BlockHash::from_byte_array(self.hash)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.kind.number().to_le_bytes());
        out.extend_from_slice(&self.hash);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        Ok(Self { kind: InvKind::from_number(reader.u32()?), hash: reader.array()? })
    }
}

impl fmt::Display for Inv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.kind {
            InvKind::Tx => "tx",
            InvKind::Block => "block",
            InvKind::FilteredBlock => "merkleblock",
            InvKind::CmpctBlock => "cmpctblock",
            InvKind::Wtx => "wtx",
            InvKind::WitnessTx => "witness-tx",
            InvKind::WitnessBlock => "witness-block",
            InvKind::Unknown(number) => {
                return write!(f, "0x{number:08x} {}", sha256d::Hash::from_byte_array(self.hash));
            }
        };
        write!(f, "{name} {}", sha256d::Hash::from_byte_array(self.hash))
    }
}
