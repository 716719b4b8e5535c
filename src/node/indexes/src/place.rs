//! Where a transaction lies in the block files, and how to read it from there.

use bitcoin::{
    BlockHash,
    hashes::{Hash, sha256d},
};
use chainstate::{Node, Reader as Chain};
use primitives::{Block, HEADER_SIZE, Reader, Tx, WitnessMode, compact_len, put_varint};
use store::{FlatPos, StoreError};

use crate::IndexError;

/// A transaction that was found, and the block that it is in. The block may have left the active chain since.
#[derive(Debug, Clone)]
pub struct FoundTx {
    /// The block's hash.
    pub block: BlockHash,
    /// The transaction.
    pub tx: Tx,
}

/// Where a transaction lies: the block, and the part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    block: FlatPos,
    offset: u32,
    size: u32,
}

impl Place {
    /// The places of a block's transactions.
    pub(crate) fn of(node: &Node, block: &Block) -> Result<Vec<Self>, IndexError> {
        let pos = node.block_pos().ok_or(IndexError::NoBlock(node.hash))?;
        let mut header = Vec::with_capacity(HEADER_SIZE);
        block.header.encode(&mut header, WitnessMode::Include);
        let mut offset = header.len() + compact_len(block.txs.len());
        let place = |tx: &std::sync::Arc<Tx>| {
            let size = tx.total_size();
            let narrow = |n: usize| u32::try_from(n).expect("a block is smaller than its file");
            let place = Self { block: pos, offset: narrow(offset), size: narrow(size) };
            offset += size;
            place
        };
        Ok(block.txs.iter().map(place).collect())
    }

    pub(crate) fn encode(self, out: &mut Vec<u8>) {
        for number in [self.block.file, self.block.offset, self.offset, self.size] {
            put_varint(out, u64::from(number));
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let mut next = || reader.varint_u32().ok();
        let (file, offset) = (next()?, next()?);
        let place = Self { block: FlatPos { file, offset }, offset: next()?, size: next()? };
        reader.finish().ok()?;
        Some(place)
    }

    /// Reads the transaction and the hash of its block.
    pub(crate) fn read(self, chain: &Chain) -> Result<FoundTx, StoreError> {
        let header = chain.stored_part(self.block, 0, HASHED)?;
        let bytes = chain.stored_part(self.block, self.offset, self.size)?;
        let tx = chain.codec().decode_tx(&bytes, WitnessMode::Include).map_err(|e| StoreError::Decode {
            pos: self.block,
            what: "transaction",
            reason: e.to_string(),
        })?;
        Ok(FoundTx { block: BlockHash::from_raw_hash(sha256d::Hash::hash(&header)), tx })
    }
}

/// The bytes that a block's hash is made of, whatever a coin puts behind them.
const HASHED: u32 = 80;
const _: () = assert!(HEADER_SIZE == 80);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn places_round_trip(file: u32, at: u32, offset: u32, size: u32) {
            let place = Place { block: FlatPos { file, offset: at }, offset, size };
            let mut bytes = Vec::new();
            place.encode(&mut bytes);
            prop_assert_eq!(Place::decode(&bytes), Some(place));
            prop_assert_eq!(Place::decode(&bytes[..bytes.len() - 1]), None);
        }

        #[test]
        fn foreign_bytes_are_no_place_or_one(bytes: Vec<u8>) {
            let _ = Place::decode(&bytes);
        }
    }
}
