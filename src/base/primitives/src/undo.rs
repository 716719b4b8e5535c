//! What a block destroys, kept so that the block can be taken back.

use bitcoin::Txid;
use bitcoin::hashes::Hash;
use coin::TxFormat;

use crate::writer::{put_compact_size, put_varint, wide};
use crate::{DecodeError, Reader, TxOutEntry};

/// The outputs that a block spent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockUndo {
    /// One for each transaction but the coinbase.
    pub txs: Vec<TxUndo>,
    /// Freicoin's last transaction of the block before, once that rule is active.
    pub final_tx: Option<FinalTx>,
}

/// The outputs that a transaction spent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TxUndo {
    /// One for each input.
    pub spent: Vec<TxOutEntry>,
}

/// The last transaction of a Freicoin block, whose outputs the next block must spend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FinalTx {
    /// Its id.
    pub txid: Txid,
    /// How many outputs it has. Never 0.
    pub outputs: u32,
}

/// The fewest bytes of a transaction's and an input's record.
const SMALLEST_TX: usize = 1;
const SMALLEST_INPUT: usize = 3;

impl BlockUndo {
    /// From the spent outputs alone.
    pub fn new(txs: Vec<TxUndo>) -> Self {
        Self { txs, final_tx: None }
    }

    /// Appends the record.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let extended = self.final_tx.is_some();
        if extended {
            out.extend_from_slice(&[0xff, 1]);
        }
        let put_count = |out: &mut Vec<u8>, count: usize| {
            if extended { put_varint(out, wide(count)) } else { put_compact_size(out, count) }
        };
        put_count(out, self.txs.len());
        for tx in &self.txs {
            put_count(out, tx.spent.len());
            for entry in &tx.spent {
                entry.encode_undo(out);
            }
        }
        if let Some(FinalTx { txid, outputs }) = self.final_tx {
            put_varint(out, u64::from(outputs));
            out.extend_from_slice(txid.as_byte_array());
        }
    }

    /// The record as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }

    /// A record that is all there is.
    pub fn decode(bytes: &[u8], format: TxFormat) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let undo = Self::read(&mut reader, format)?;
        reader.finish().map(|()| undo)
    }

    /// Reads a record. 0xff in front would count more transactions than there can be, so it marks Freicoin's extended
    /// form.
    pub(crate) fn read(reader: &mut Reader<'_>, format: TxFormat) -> Result<Self, DecodeError> {
        let extended = format == TxFormat::FreicoinLockHeight && reader.peek()? == 0xff;
        if !extended {
            return read_txs(reader, format, Reader::compact_size).map(Self::new);
        }
        reader.u8()?;
        let flags = reader.u8()?;
        if flags & !1 != 0 {
            return Err(DecodeError::UnknownUndoFlag);
        }
        let txs = read_txs(reader, format, |reader| {
            usize::try_from(reader.varint_u64()?).map_err(|_| DecodeError::EndOfData)
        })?;
        let outputs = if flags & 1 == 1 { reader.varint_u32()? } else { 0 };
        let final_tx = match outputs {
            0 => None,
            outputs => Some(FinalTx { txid: Txid::from_byte_array(reader.array()?), outputs }),
        };
        Ok(Self { txs, final_tx })
    }
}

fn read_txs<'a>(
    reader: &mut Reader<'a>,
    format: TxFormat,
    count: impl Fn(&mut Reader<'a>) -> Result<usize, DecodeError>,
) -> Result<Vec<TxUndo>, DecodeError> {
    let promised = count(reader)?;
    let mut txs = Vec::with_capacity(reader.room_for(promised, SMALLEST_TX).min(1 << 16));
    for _ in 0..promised {
        let promised = count(reader)?;
        let mut spent = Vec::with_capacity(reader.room_for(promised, SMALLEST_INPUT));
        for _ in 0..promised {
            spent.push(TxOutEntry::read_undo(reader, format)?);
        }
        txs.push(TxUndo { spent });
    }
    Ok(txs)
}
