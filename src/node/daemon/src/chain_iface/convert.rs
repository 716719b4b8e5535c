//! Between the node's types and those that cross between processes.

use bitcoin::hashes::Hash;
use chainstate::{NodeId, Tree};
use interfaces::BlockRef;

/// A height as it crosses.
pub(crate) fn height_of(height: u32) -> i32 {
    i32::try_from(height).unwrap_or(i32::MAX)
}

/// A block hash as it crosses.
pub(crate) fn from_hash(hash: bitcoin::BlockHash) -> interfaces::BlockHash {
    interfaces::BlockHash::from_bytes(hash.to_byte_array())
}

/// A block hash that came across.
pub(crate) fn to_hash(hash: interfaces::BlockHash) -> bitcoin::BlockHash {
    bitcoin::BlockHash::from_byte_array(*hash.as_bytes())
}

/// A transaction id that came across.
pub(super) fn to_txid(txid: interfaces::Txid) -> bitcoin::Txid {
    bitcoin::Txid::from_byte_array(*txid.as_bytes())
}

/// An output that came across.
pub(super) fn to_outpoint(out: &interfaces::OutPoint) -> bitcoin::OutPoint {
    bitcoin::OutPoint { txid: to_txid(out.txid), vout: out.index }
}

/// A block of the tree as it crosses.
pub(crate) fn block_ref(tree: &Tree, id: NodeId) -> BlockRef {
    BlockRef { hash: from_hash(tree[id].hash), height: height_of(tree[id].height) }
}
