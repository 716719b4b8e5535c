//! Compact blocks as BIP152 puts them on the wire.

use std::sync::Arc;

use bitcoin::BlockHash;
use bitcoin::hashes::Hash;
use primitives::{Codec, Header, Reader, Tx, WitnessMode, put_compact_size, put_compact_u64};

use super::{put_list, read_hash};
use crate::error::MessageError;

/// A transaction that a compact block carries whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefilled {
    /// Its place in the block.
    pub index: u16,
    /// The transaction.
    pub tx: Arc<Tx>,
}

/// A block whose transactions the receiver is expected to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompactBlock {
    /// The header.
    pub header: Header,
    /// What the short ids are salted with, beside the header.
    pub nonce: u64,
    /// The short ids of all transactions that are not prefilled, of 48 bits each.
    pub short_ids: Vec<u64>,
    /// The transactions that are there, in the block's order.
    pub prefilled: Vec<Prefilled>,
}

impl CompactBlock {
    /// How many transactions the block has.
    pub fn tx_count(&self) -> usize {
        self.short_ids.len() + self.prefilled.len()
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        self.header.encode(out, WitnessMode::Include);
        out.extend_from_slice(&self.nonce.to_le_bytes());
        put_list(out, &self.short_ids, |out, id| out.extend_from_slice(&id.to_le_bytes()[..6]));
        put_compact_size(out, self.prefilled.len());
        let mut next = 0;
        for Prefilled { index, tx } in &self.prefilled {
            put_compact_u64(out, u64::from(index.saturating_sub(next)));
            tx.encode(out, WitnessMode::Include);
            next = index.saturating_add(1);
        }
    }

    pub(crate) fn decode(reader: &mut Reader<'_>, codec: &Codec) -> Result<Self, MessageError> {
        let header = codec.read_header(reader)?;
        let nonce = reader.u64()?;
        let count = reader.compact_size()?;
        let mut short_ids = Vec::with_capacity(reader.room_for(count, 6));
        for _ in 0..count {
            let mut id = [0; 8];
            id[..6].copy_from_slice(reader.take(6)?);
            short_ids.push(u64::from_le_bytes(id));
        }
        let count = reader.compact_size()?;
        let mut prefilled = Vec::with_capacity(reader.room_for(count, 11));
        let mut next = 0_u64;
        for _ in 0..count {
            let index = read_index(reader, &mut next)?;
            prefilled.push(Prefilled { index, tx: Arc::new(codec.read_tx(reader, WitnessMode::Include)?) });
        }
        let it = Self { header, nonce, short_ids, prefilled };
        if it.tx_count() > usize::from(u16::MAX) {
            return Err(MessageError::IndexOverflow);
        }
        Ok(it)
    }
}

/// Which transactions of a block are missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetBlockTxn {
    /// The block.
    pub block: BlockHash,
    /// Their places, ascending.
    pub indexes: Vec<u16>,
}

impl GetBlockTxn {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.block.as_byte_array());
        let mut next = 0;
        put_list(out, &self.indexes, |out, index| {
            put_compact_u64(out, u64::from(index.saturating_sub(next)));
            next = index.saturating_add(1);
        });
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let block = read_hash(reader)?;
        let count = reader.compact_size()?;
        let mut indexes = Vec::with_capacity(reader.room_for(count, 1).min(usize::from(u16::MAX)));
        let mut next = 0;
        for _ in 0..count {
            indexes.push(read_index(reader, &mut next)?);
        }
        Ok(Self { block, indexes })
    }
}

/// Transactions of a block that were missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockTxn {
    /// The block.
    pub block: BlockHash,
    /// The transactions, in the order in which they were asked for.
    pub txs: Vec<Arc<Tx>>,
}

impl BlockTxn {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.block.as_byte_array());
        put_list(out, &self.txs, |out, tx| tx.encode(out, WitnessMode::Include));
    }

    pub(crate) fn decode(reader: &mut Reader<'_>, codec: &Codec) -> Result<Self, MessageError> {
        let block = read_hash(reader)?;
        let count = reader.compact_size()?;
        let mut txs = Vec::with_capacity(reader.room_for(count, 10));
        for _ in 0..count {
            txs.push(Arc::new(codec.read_tx(reader, WitnessMode::Include)?));
        }
        Ok(Self { block, txs })
    }
}

/// Reads a place that is written as the distance from the one after the last.
fn read_index(reader: &mut Reader<'_>, next: &mut u64) -> Result<u16, MessageError> {
    let distance = reader.compact_u64()?;
    let index = next
        .checked_add(distance)
        .and_then(|index| u16::try_from(index).ok())
        .ok_or(MessageError::DifferentialOverflow)?;
    *next = u64::from(index) + 1;
    Ok(index)
}
