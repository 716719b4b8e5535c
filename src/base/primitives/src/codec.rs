//! Reading transactions, headers and blocks in the format of a coin.
//!
//! Values know how to write themselves; reading needs to be told what to expect, which is all that a [`Codec`] is. The
//! bytes of the network and of the block files are the same.

mod header;
mod tx;

use std::sync::Arc;

use bitcoin::Transaction;
use coin::{Coin, HeaderFormat, TxFormat};

use crate::reader::MAX_SIZE;
use crate::{AuxPow, Block, BlockUndo, CoinTail, DecodeError, Header, Reader, Tails, Tx, TxOutEntry, WitnessMode};

/// The formats of a coin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Codec {
    header: HeaderFormat,
    tx: TxFormat,
    max_size: u64,
}

impl Codec {
    /// Bitcoin's formats, which most coins share.
    pub const BITCOIN: Self = Self { header: HeaderFormat::Bitcoin, tx: TxFormat::Bitcoin, max_size: MAX_SIZE };

    /// A coin's formats.
    pub fn for_coin(coin: &Coin) -> Self {
        let tx = coin.consensus.tx_format;
        // Freicoin raised the limit for its large blocks.
        let max_size = if tx == TxFormat::FreicoinLockHeight { 0x7fff_ffff } else { MAX_SIZE };
        Self { header: coin.consensus.header_format, tx, max_size }
    }

    /// What headers carry.
    pub fn header_format(&self) -> HeaderFormat {
        self.header
    }

    /// What transactions carry.
    pub fn tx_format(&self) -> TxFormat {
        self.tx
    }

    /// What a new transaction's lock height is: a number in Freicoin, absent elsewhere.
    pub fn new_tx(&self, inner: Transaction, lock_height: u32) -> Tx {
        Tx::new(inner, (self.tx == TxFormat::FreicoinLockHeight).then_some(lock_height))
    }

    /// Reads a transaction.
    pub fn read_tx(&self, reader: &mut Reader<'_>, mode: WitnessMode) -> Result<Tx, DecodeError> {
        reader.set_max_size(self.max_size);
        tx::read(self.tx, reader, mode)
    }

    /// Reads a header, and the proof of merged mining behind it.
    pub fn read_header(&self, reader: &mut Reader<'_>) -> Result<Header, DecodeError> {
        reader.set_max_size(self.max_size);
        header::read(self, reader)
    }

    /// Reads the proof of merged mining that stands behind a header; `None` for a coin without such proofs. What follows
    /// it is not looked at.
    pub fn read_auxpow(&self, bytes: &[u8]) -> Option<Result<AuxPow, DecodeError>> {
        let namecoin = self.header == HeaderFormat::AuxpowNamecoin;
        namecoin
            .then(|| header::namecoin(self.tx, &mut Reader::new(bytes)).map(|proof| AuxPow::Namecoin(Box::new(proof))))
    }

    /// Whether these 80 bytes are all there is of a header. `false` means that there may be more.
    pub fn is_bare(&self, header: &bitcoin::block::Header) -> bool {
        header::is_bare(self.header, header)
    }

    /// Reads a block.
    pub fn read_block(&self, reader: &mut Reader<'_>, mode: WitnessMode) -> Result<Block, DecodeError> {
        let header = self.read_header(reader)?;
        let count = reader.compact_size()?;
        let mut txs = Vec::with_capacity(reader.room_for(count, tx::SMALLEST));
        for _ in 0..count {
            txs.push(Arc::new(self.read_tx(reader, mode)?));
        }
        let has_tail = self.header == HeaderFormat::AuxpowNamecoin && header::has_nevm_data(header.version());
        let tail = if has_tail { Some(reader.bytes()?.to_vec()) } else { None };
        Ok(Block { header, txs, tail })
    }

    /// Reads an unspent output.
    pub fn read_coin(&self, reader: &mut Reader<'_>) -> Result<TxOutEntry, DecodeError> {
        reader.set_max_size(self.max_size);
        TxOutEntry::read(reader, self.tx)
    }

    /// Reads a block's undo record.
    pub fn read_undo(&self, reader: &mut Reader<'_>) -> Result<BlockUndo, DecodeError> {
        reader.set_max_size(self.max_size);
        BlockUndo::read(reader, self.tx)
    }

    /// A transaction that is all there is, with witnesses or, if `mode` says so, in the form that cannot have any.
    pub fn decode_tx(&self, bytes: &[u8], mode: WitnessMode) -> Result<Tx, DecodeError> {
        whole(bytes, |reader| self.read_tx(reader, mode))
    }

    /// A header that is all there is.
    pub fn decode_header(&self, bytes: &[u8]) -> Result<Header, DecodeError> {
        whole(bytes, |reader| self.read_header(reader))
    }

    /// A block that is all there is.
    pub fn decode_block(&self, bytes: &[u8]) -> Result<Block, DecodeError> {
        whole(bytes, |reader| self.read_block(reader, WitnessMode::Include))
    }

    /// An unspent output that is all there is.
    pub fn decode_coin(&self, bytes: &[u8]) -> Result<TxOutEntry, DecodeError> {
        whole(bytes, |reader| self.read_coin(reader))
    }

    /// An undo record that is all there is.
    pub fn decode_undo(&self, bytes: &[u8]) -> Result<BlockUndo, DecodeError> {
        whole(bytes, |reader| self.read_undo(reader))
    }

    /// Whether `tx` says that its outputs carry assets.
    pub fn carries_assets(&self, tx: &Tx) -> bool {
        self.tx == TxFormat::Syscoin && crate::assets::carries_assets(tx.version())
    }

    /// What the unspent outputs of `tx` keep besides, read once for all of them.
    pub fn tails(&self, tx: &Tx) -> Tails {
        match self.tx {
            TxFormat::Bitcoin => Tails::all(CoinTail::None),
            TxFormat::FreicoinLockHeight => Tails::all(CoinTail::RefHeight(tx.lock_height().unwrap_or(0))),
            TxFormat::Syscoin => Tails::assets(tx),
        }
    }

    /// The unspent output that `tx` creates at `vout` in a block of that height.
    pub fn new_coin(&self, tx: &Tx, vout: usize, height: u32) -> Option<TxOutEntry> {
        let output = tx.outputs().get(vout)?.clone();
        Some(TxOutEntry::new(output, height, tx.is_coinbase(), self.tails(tx).at(vout)))
    }

    /// Reads a transaction that somebody typed. A transaction without inputs looks like one with witnesses, so both forms
    /// that are asked for are tried; if both use all bytes, the one whose scripts make sense wins, else the one with
    /// witnesses.
    pub fn guess_tx(&self, bytes: &[u8], try_no_witness: bool, try_witness: bool) -> Option<Tx> {
        let read = |wanted: bool, mode| wanted.then(|| self.decode_tx(bytes, mode).ok()).flatten();
        let extended = read(try_witness, WitnessMode::Include);
        if extended.as_ref().is_some_and(tx::scripts_make_sense) {
            return extended;
        }
        let plain = read(try_no_witness, WitnessMode::Strip);
        if plain.as_ref().is_some_and(tx::scripts_make_sense) {
            return plain;
        }
        extended.or(plain)
    }
}

/// Reads a value that must use all the bytes.
fn whole<'a, T>(
    bytes: &'a [u8],
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut reader = Reader::new(bytes);
    let value = read(&mut reader)?;
    reader.finish().map(|()| value)
}

#[cfg(test)]
mod tests;
