//! An unspent output and what has to be known to spend it, as the UTXO set holds it.

use bitcoin::TxOut;
use coin::TxFormat;

use crate::compress::{compress_amount, decompress_amount, put_output, read_output};
use crate::writer::put_varint;
use crate::{DecodeError, Reader};

/// An unspent output: an entry of the UTXO set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxOutEntry {
    /// The output.
    pub out: TxOut,
    /// The height of the block that created it.
    pub height: u32,
    /// Whether a coinbase created it.
    pub coinbase: bool,
    /// What some coins keep besides.
    pub tail: CoinTail,
}

/// What some coins keep with an unspent output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CoinTail {
    /// Nothing.
    #[default]
    None,
    /// Freicoin: the height that demurrage is counted from.
    RefHeight(u32),
    /// Syscoin: an asset, 0 for none, and how much of it.
    Asset {
        /// The asset.
        asset: u64,
        /// How much of it.
        amount: u64,
    },
}

impl From<Option<u32>> for CoinTail {
    /// From a transaction's lock height.
    fn from(lock_height: Option<u32>) -> Self {
        lock_height.map_or(Self::None, Self::RefHeight)
    }
}

impl TxOutEntry {
    /// From its parts. For Syscoin, whose outputs carry assets, take [`crate::Codec::new_coin`].
    pub fn new(out: TxOut, height: u32, coinbase: bool, tail: impl Into<CoinTail>) -> Self {
        Self { out, height, coinbase, tail: tail.into() }
    }

    /// Freicoin's reference height.
    pub fn refheight(&self) -> Option<u32> {
        match self.tail {
            CoinTail::RefHeight(height) => Some(height),
            CoinTail::None | CoinTail::Asset { .. } => None,
        }
    }

    /// Appends the entry as the UTXO set keeps it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.code());
        put_output(out, &self.out);
        put_tail(out, self.tail);
    }

    /// An entry that is all there is.
    pub fn decode(bytes: &[u8], format: TxFormat) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let entry = Self::read(&mut reader, format)?;
        reader.finish().map(|()| entry)
    }

    /// Reads an entry as the UTXO set keeps it.
    pub(crate) fn read(reader: &mut Reader<'_>, format: TxFormat) -> Result<Self, DecodeError> {
        let (height, coinbase) = read_code(reader)?;
        let out = read_output(reader)?;
        let tail = read_tail(reader, format)?;
        Ok(Self { out, height, coinbase, tail })
    }

    /// Appends the entry as undo records keep it: with a zero where old versions kept the transaction's version. Syscoin
    /// does without.
    pub(crate) fn encode_undo(&self, out: &mut Vec<u8>) {
        put_varint(out, self.code());
        let has_asset = matches!(self.tail, CoinTail::Asset { .. });
        if self.height > 0 && !has_asset {
            out.push(0);
        }
        put_output(out, &self.out);
        if self.height > 0 || has_asset {
            put_tail(out, self.tail);
        }
    }

    /// Reads an entry as undo records keep it.
    pub(crate) fn read_undo(reader: &mut Reader<'_>, format: TxFormat) -> Result<Self, DecodeError> {
        let (height, coinbase) = read_code(reader)?;
        if height > 0 && format != TxFormat::Syscoin {
            reader.varint_u32()?;
        }
        let out = read_output(reader)?;
        let tail = match format {
            TxFormat::FreicoinLockHeight if height == 0 => CoinTail::RefHeight(0),
            _ => read_tail(reader, format)?,
        };
        Ok(Self { out, height, coinbase, tail })
    }

    /// Height and coinbase flag in one number.
    fn code(&self) -> u64 {
        u64::from(self.height) << 1 | u64::from(self.coinbase)
    }
}

fn read_code(reader: &mut Reader<'_>) -> Result<(u32, bool), DecodeError> {
    let code = reader.varint_u32()?;
    Ok((code >> 1, code & 1 == 1))
}

fn put_tail(out: &mut Vec<u8>, tail: CoinTail) {
    match tail {
        CoinTail::None => {}
        CoinTail::RefHeight(height) => put_varint(out, u64::from(height)),
        CoinTail::Asset { asset, amount } => {
            put_varint(out, asset);
            if asset != 0 {
                put_varint(out, compress_amount(amount));
            }
        }
    }
}

fn read_tail(reader: &mut Reader<'_>, format: TxFormat) -> Result<CoinTail, DecodeError> {
    Ok(match format {
        TxFormat::Bitcoin => CoinTail::None,
        TxFormat::FreicoinLockHeight => CoinTail::RefHeight(reader.varint_u32()?),
        TxFormat::Syscoin => {
            let asset = reader.varint_u64()?;
            let amount = if asset == 0 { 0 } else { decompress_amount(reader.varint_u64()?) };
            CoinTail::Asset { asset, amount }
        }
    })
}
