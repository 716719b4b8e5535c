//! Compact blocks: a block by short ids of its transactions.

use bitcoin::hashes::{Hash, HashEngine, sha256, siphash24};
use primitives::{Block, Header, Tx, WitnessMode};

use crate::message::{CompactBlock, Prefilled};

/// What the short ids of a block are salted with.
#[derive(Debug, Clone, Copy)]
pub struct ShortIds(u64, u64);

impl ShortIds {
    /// For a block and a number that its sender chose.
    pub fn new(header: &Header, nonce: u64) -> Self {
        let mut bytes = Vec::new();
        header.encode(&mut bytes, WitnessMode::Include);
        let mut engine = sha256::Hash::engine();
        engine.input(&bytes);
        engine.input(&nonce.to_le_bytes());
        let digest = sha256::Hash::from_engine(engine).to_byte_array();
        let (first, rest) = digest.split_first_chunk::<8>().expect("a digest has 32 bytes");
        let second = rest.first_chunk::<8>().expect("24 bytes are left");
        Self(u64::from_le_bytes(*first), u64::from_le_bytes(*second))
    }

    /// The short id of a transaction: 48 bits.
    pub fn of(&self, tx: &Tx) -> u64 {
        siphash24::Hash::hash_to_u64_with_keys(self.0, self.1, tx.wtxid().as_byte_array()) & 0xffff_ffff_ffff
    }
}

/// A block as a compact block, with its coinbase prefilled.
pub fn shorten(block: &Block, nonce: u64) -> CompactBlock {
    let salt = ShortIds::new(&block.header, nonce);
    CompactBlock {
        header: block.header.clone(),
        nonce,
        short_ids: block.txs.iter().skip(1).map(|tx| salt.of(tx)).collect(),
        prefilled: block.txs.first().map(|tx| Prefilled { index: 0, tx: tx.clone() }).into_iter().collect(),
    }
}
