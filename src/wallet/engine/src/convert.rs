//! Between the types of the interfaces and those of the engine.

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, OutPoint, Txid};
use interfaces::{Locator, RawTx};
use primitives::{Tx, WitnessMode};

/// An id for the other side.
pub(crate) fn to_txid(txid: &Txid) -> interfaces::Txid {
    interfaces::Txid(txid.to_byte_array())
}

/// A hash for the other side.
pub(crate) fn to_hash(hash: &BlockHash) -> interfaces::BlockHash {
    interfaces::BlockHash(hash.to_byte_array())
}

/// A hash from the other side.
pub(crate) fn from_hash(hash: &interfaces::BlockHash) -> BlockHash {
    BlockHash::from_byte_array(hash.0)
}

/// An output for the other side.
pub(crate) fn to_outpoint(outpoint: &OutPoint) -> interfaces::OutPoint {
    interfaces::OutPoint { txid: to_txid(&outpoint.txid), index: outpoint.vout }
}

/// A transaction for the other side.
pub(crate) fn to_raw(tx: &Tx) -> RawTx {
    RawTx::from(tx.to_bytes(WitnessMode::Include))
}

/// A locator for the other side.
pub(crate) fn to_locator(hashes: &[BlockHash]) -> Locator {
    Locator { hashes: hashes.iter().map(to_hash).collect() }
}

/// A locator from the other side.
pub(crate) fn from_locator(locator: &Locator) -> Vec<BlockHash> {
    locator.hashes.iter().map(from_hash).collect()
}
