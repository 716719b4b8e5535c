//! Messages of BIP37 (bloom filters) and BIP157 (block filters).

use bitcoin::BlockHash;
use bitcoin::hashes::Hash;
use primitives::{Codec, Header, Reader, WitnessMode, put_bytes};

use super::{put_list, read_hash};
use crate::error::MessageError;

/// A bloom filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterLoad {
    /// Its bits.
    pub data: Vec<u8>,
    /// How many hash functions it has.
    pub hash_functions: u32,
    /// What they are salted with.
    pub tweak: u32,
    /// How it grows by matches.
    pub flags: u8,
}

impl FilterLoad {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_bytes(out, &self.data);
        out.extend_from_slice(&self.hash_functions.to_le_bytes());
        out.extend_from_slice(&self.tweak.to_le_bytes());
        out.push(self.flags);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            data: reader.bytes()?.to_vec(),
            hash_functions: reader.u32()?,
            tweak: reader.u32()?,
            flags: reader.u8()?,
        })
    }
}

/// A block header and a part of its tree of transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerkleBlock {
    /// The header.
    pub header: Header,
    /// How many transactions the block has.
    pub total: u32,
    /// The hashes that are needed, depth first.
    pub hashes: Vec<[u8; 32]>,
    /// Which nodes of the tree are descended into, one bit each.
    pub flags: Vec<u8>,
}

impl MerkleBlock {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        self.header.encode(out, WitnessMode::Include);
        out.extend_from_slice(&self.total.to_le_bytes());
        put_list(out, &self.hashes, |out, hash| out.extend_from_slice(hash));
        put_bytes(out, &self.flags);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>, codec: &Codec) -> Result<Self, MessageError> {
        Ok(Self {
            header: codec.read_header(reader)?,
            total: reader.u32()?,
            hashes: read_hashes(reader)?,
            flags: reader.bytes()?.to_vec(),
        })
    }
}

/// Which block filters are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterRange {
    /// The kind of filter.
    pub kind: u8,
    /// The height of the first block.
    pub start: u32,
    /// The last block.
    pub stop: BlockHash,
}

impl FilterRange {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind);
        out.extend_from_slice(&self.start.to_le_bytes());
        out.extend_from_slice(self.stop.as_byte_array());
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        Ok(Self { kind: reader.u8()?, start: reader.u32()?, stop: read_hash(reader)? })
    }
}

/// A block filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CFilter {
    /// The kind of filter.
    pub kind: u8,
    /// The block.
    pub block: BlockHash,
    /// The filter.
    pub filter: Vec<u8>,
}

impl CFilter {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind);
        out.extend_from_slice(self.block.as_byte_array());
        put_bytes(out, &self.filter);
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        Ok(Self { kind: reader.u8()?, block: read_hash(reader)?, filter: reader.bytes()?.to_vec() })
    }
}

/// Hashes of consecutive block filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CFHeaders {
    /// The kind of filter.
    pub kind: u8,
    /// The last block.
    pub stop: BlockHash,
    /// The filter header before the first.
    pub prev: [u8; 32],
    /// The filters' hashes.
    pub hashes: Vec<[u8; 32]>,
}

impl CFHeaders {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind);
        out.extend_from_slice(self.stop.as_byte_array());
        out.extend_from_slice(&self.prev);
        put_list(out, &self.hashes, |out, hash| out.extend_from_slice(hash));
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        Ok(Self { kind: reader.u8()?, stop: read_hash(reader)?, prev: reader.array()?, hashes: read_hashes(reader)? })
    }
}

/// Every thousandth filter header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterCheckpoint {
    /// The kind of filter.
    pub kind: u8,
    /// The last block.
    pub stop: BlockHash,
    /// The filter headers.
    pub headers: Vec<[u8; 32]>,
}

impl FilterCheckpoint {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind);
        out.extend_from_slice(self.stop.as_byte_array());
        put_list(out, &self.headers, |out, hash| out.extend_from_slice(hash));
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        Ok(Self { kind: reader.u8()?, stop: read_hash(reader)?, headers: read_hashes(reader)? })
    }
}

fn read_hashes(reader: &mut Reader<'_>) -> Result<Vec<[u8; 32]>, MessageError> {
    let count = reader.compact_size()?;
    let mut hashes = Vec::with_capacity(reader.room_for(count, 32));
    for _ in 0..count {
        hashes.push(reader.array()?);
    }
    Ok(hashes)
}
