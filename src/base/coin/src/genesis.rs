//! Genesis blocks: their fields, and their coinbase transaction and hashes as bytes to check the fields against.

/// A chain's first block.
#[derive(Debug, PartialEq)]
pub struct Genesis {
    /// The header's time.
    pub time: u32,
    /// The header's nonce.
    pub nonce: u32,
    /// The header's compact target.
    pub bits: u32,
    /// The header's version.
    pub version: i32,
    /// What all outputs of the coinbase pay together.
    pub reward: u64,
    /// The text in the coinbase's script.
    pub timestamp_text: &'static str,
    /// The coinbase's version.
    pub tx_version: i32,
    /// The coinbase's input script.
    pub script_sig: &'static [u8],
    /// The coinbase's outputs.
    pub outputs: &'static [GenesisOutput],
    /// The coinbase's lock time.
    pub tx_lock_time: u32,
    /// The coinbase's lock height, in coins whose transactions have one.
    pub tx_lock_height: Option<u32>,
    /// The serialized coinbase.
    pub coinbase_tx: &'static [u8],
    /// The header's Merkle root, which is the coinbase's id.
    pub merkle_root: [u8; 32],
    /// The header's hash.
    pub hash: [u8; 32],
    /// The Merkle root that the reference source asserts, where it is not the real one.
    pub source_asserted_merkle_root: Option<[u8; 32]>,
    /// The nonce in the reference source, where the block is a recovered one.
    pub source_nonce: Option<u32>,
    /// The Merkle root that the reference source computes, where the block is a recovered one.
    pub source_literal_merkle_root: Option<[u8; 32]>,
    /// The hash that the reference source computes, where the block is a recovered one.
    pub source_literal_hash: Option<[u8; 32]>,
}

impl Genesis {
    /// What the reference source computes and asserts instead, where this block had to be recovered from a source that
    /// refuses its own genesis.
    pub fn recovered(&self) -> Option<Recovered> {
        Some(Recovered {
            asserted_merkle_root: self.source_asserted_merkle_root?,
            nonce: self.source_nonce?,
            literal_merkle_root: self.source_literal_merkle_root?,
            literal_hash: self.source_literal_hash?,
        })
    }
}

/// What a source that refuses its own genesis says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recovered {
    /// The Merkle root that it asserts.
    pub asserted_merkle_root: [u8; 32],
    /// The nonce that it uses.
    pub nonce: u32,
    /// The Merkle root that it computes.
    pub literal_merkle_root: [u8; 32],
    /// The hash that it computes.
    pub literal_hash: [u8; 32],
}

/// An output of a genesis coinbase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GenesisOutput {
    /// The amount.
    pub value: u64,
    /// The output script.
    pub script: &'static [u8],
}
