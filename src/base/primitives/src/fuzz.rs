//! What the fuzz targets call: each feeds any bytes to one reader and checks what must hold of whatever it accepts.
//!
//! # Panics
//! The functions panic if a property is broken. That is their purpose.

use bitcoin::Script;
use bitcoin::hashes::{Hash, sha256d};
use coin::TxFormat;

use crate::{Addresses, Codec, Destination, Reader, WitnessMode, bech32, decode_extended, decode_secret};

/// One codec for each format.
fn codecs() -> impl Iterator<Item = Codec> {
    ["bitcoin", "freicoin", "syscoin"].into_iter().filter_map(coin::by_id).map(Codec::for_coin)
}

/// Transactions: what is read is written the same, and its ids are hashes of that.
pub fn tx(bytes: &[u8]) {
    for codec in codecs() {
        for mode in [WitnessMode::Include, WitnessMode::Strip] {
            let Ok(tx) = codec.decode_tx(bytes, mode) else { continue };
            let written = tx.to_bytes(mode);
            // Freicoin's marker may stand before flags that say nothing, and such a marker is not written.
            assert!(written == bytes || (codec.tx_format() == TxFormat::FreicoinLockHeight && !tx.has_witness()));
            assert_eq!(tx.wtxid().to_byte_array(), sha256d::Hash::hash(&written).to_byte_array());
            let stripped = tx.to_bytes(WitnessMode::Strip);
            assert_eq!(tx.txid().to_byte_array(), sha256d::Hash::hash(&stripped).to_byte_array());
            assert_eq!((written.len(), stripped.len()), (tx.total_size(), tx.stripped_size()));
        }
        let _ = codec.guess_tx(bytes, true, true);
    }
    let theirs: Result<bitcoin::Transaction, _> = bitcoin::consensus::deserialize(bytes);
    if let (Ok(ours), Ok(theirs)) = (Codec::BITCOIN.decode_tx(bytes, WitnessMode::Include), theirs) {
        assert_eq!((ours.txid(), ours.inner()), (theirs.compute_txid(), &theirs));
    }
}

/// Blocks: what is read can be written and read again.
pub fn block(bytes: &[u8]) {
    for codec in codecs() {
        if let Ok(block) = codec.decode_block(bytes) {
            let written = block.to_bytes(WitnessMode::Include);
            assert_eq!(codec.decode_block(&written).as_ref(), Ok(&block));
            let _ = (block.merkle_root(), block.witness_merkle_root(), block.weight());
        }
    }
}

/// Headers and the proofs behind them.
pub fn header(bytes: &[u8]) {
    for codec in codecs() {
        let mut reader = Reader::new(bytes);
        if let Ok(header) = codec.read_header(&mut reader) {
            let mut written = Vec::new();
            header.encode(&mut written, WitnessMode::Include);
            assert_eq!(codec.decode_header(&written), Ok(header));
        }
    }
}

/// Addresses and keys, and scripts as destinations.
pub fn address(bytes: &[u8]) {
    for coin in coin::all() {
        for chain in coin.chains {
            let addresses = Addresses::new(coin, chain);
            let destination = addresses.destination(Script::from_bytes(bytes));
            assert_eq!(addresses.script(&destination).as_bytes(), bytes);
            let Ok(text) = std::str::from_utf8(bytes) else { continue };
            let _ = (decode_secret(text, chain.base58_secret), decode_extended(text, chain.ext_public));
            let _ = bech32::locate_errors(text);
            match addresses.decode(text) {
                Ok(Destination::None(_) | Destination::PubKey(_)) => unreachable!("these have no address"),
                Ok(destination) => {
                    let written = addresses.encode(&destination).expect("what was read as an address has one");
                    assert_eq!(addresses.decode(&written), Ok(destination));
                }
                Err(error) => assert!(error.locations().iter().all(|at| *at < text.len())),
            }
        }
    }
}

/// Unspent outputs and undo records.
pub fn coin(bytes: &[u8]) {
    for codec in codecs() {
        if let Ok(entry) = codec.decode_coin(bytes) {
            let mut written = Vec::new();
            entry.encode(&mut written);
            assert_eq!(codec.decode_coin(&written).map(|again| again.out.script_pubkey), Ok(entry.out.script_pubkey));
        }
        let _ = codec.decode_undo(bytes);
    }
}

#[cfg(test)]
mod tests;
