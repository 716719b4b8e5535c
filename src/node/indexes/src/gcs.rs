//! BIP158's basic filter: a set of scripts as a Golomb-coded list of hashes.

use std::collections::HashSet;

use bitcoin::{
    BlockHash,
    bip158::{GcsFilterReader, GcsFilterWriter},
    hashes::{Hash, sha256d},
};
use primitives::{Block, BlockUndo};

/// The false positive rate is one in this many.
const M: u64 = 784_931;
/// Bits of a remainder.
const P: u8 = 19;
/// What makes an output unspendable, and its script not worth looking for.
const OP_RETURN: u8 = 0x6a;

/// The basic filter of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockFilter {
    /// The block, whose hash keys the filter.
    pub block: BlockHash,
    /// The filter as it goes over the wire.
    pub bytes: Vec<u8>,
}

impl BlockFilter {
    /// The filter of a block and the outputs that it spent.
    pub fn basic(hash: BlockHash, block: &Block, undo: Option<&BlockUndo>) -> Self {
        let made = block.txs.iter().flat_map(|tx| tx.outputs()).map(|output| output.script_pubkey.as_bytes());
        let made = made.filter(|script| script.first() != Some(&OP_RETURN));
        let spent = undo.into_iter().flat_map(|undo| &undo.txs).flat_map(|tx| &tx.spent);
        let spent = spent.map(|entry| entry.out.script_pubkey.as_bytes());
        let scripts: HashSet<&[u8]> = made.chain(spent).filter(|script| !script.is_empty()).collect();
        let (k0, k1) = keys(&hash);
        let mut bytes = Vec::new();
        let mut writer = GcsFilterWriter::new(&mut bytes, k0, k1, M, P);
        for script in scripts {
            writer.add_element(script);
        }
        writer.finish().expect("a vector takes what is written");
        Self { block: hash, bytes }
    }

    /// Whether one of the scripts is in the set, or looks like it. A filter that does not parse matches everything.
    pub fn matches_any<'a>(&self, scripts: impl ExactSizeIterator<Item = &'a [u8]>) -> bool {
        if scripts.len() == 0 {
            return false;
        }
        let (k0, k1) = keys(&self.block);
        GcsFilterReader::new(k0, k1, M, P).match_any(&mut self.bytes.as_slice(), scripts).unwrap_or(true)
    }

    /// The filter's hash.
    pub fn hash(&self) -> [u8; 32] {
        sha256d::Hash::hash(&self.bytes).to_byte_array()
    }
}

/// The header of a filter: it commits to all filters before it.
pub fn filter_header(filter_hash: &[u8; 32], previous: &[u8; 32]) -> [u8; 32] {
    let mut both = [0; 64];
    both[..32].copy_from_slice(filter_hash);
    both[32..].copy_from_slice(previous);
    sha256d::Hash::hash(&both).to_byte_array()
}

fn keys(hash: &BlockHash) -> (u64, u64) {
    let bytes = hash.as_byte_array();
    let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]));
    (number(0), number(8))
}
