//! Feeding parts of a transaction to SHA-256, without a buffer in between.

use bitcoin::hashes::{Hash, HashEngine, sha256, sha256d};
use bitcoin::{OutPoint, TxOut};

/// A SHA-256 computation under way.
#[derive(Clone, Default)]
pub(crate) struct Engine(sha256::HashEngine);

/// A 32-byte hash, in the order in which it is computed and signed.
pub type Digest = [u8; 32];

/// The single hash of what was fed.
pub(crate) fn finish(engine: Engine) -> Digest {
    sha256::Hash::from_engine(engine.0).to_byte_array()
}

/// The double hash of what was fed.
pub(crate) fn finish_twice(engine: Engine) -> Digest {
    sha256d::Hash::from_engine(engine.0).to_byte_array()
}

/// The single hash of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    sha256::Hash::hash(bytes).to_byte_array()
}

/// A computation that has swallowed the tag of BIP340 twice.
pub(crate) fn tagged(tag: &sha256::Midstate) -> Engine {
    Engine(sha256::HashEngine::from_midstate(*tag, 64))
}

impl Engine {
    #[inline]
    pub(crate) fn input(&mut self, bytes: &[u8]) {
        self.0.input(bytes);
    }

    pub(crate) fn compact_size(&mut self, value: usize) {
        let bytes = value.to_le_bytes();
        match value {
            0..=0xfc => self.input(&bytes[..1]),
            0xfd..=0xffff => {
                self.input(&[0xfd]);
                self.input(&bytes[..2]);
            }
            0x1_0000..=0xffff_ffff => {
                self.input(&[0xfe]);
                self.input(&bytes[..4]);
            }
            _ => {
                self.input(&[0xff]);
                self.input(&bytes);
            }
        }
    }

    pub(crate) fn with_len(&mut self, bytes: &[u8]) {
        self.compact_size(bytes.len());
        self.input(bytes);
    }

    pub(crate) fn outpoint(&mut self, outpoint: &OutPoint) {
        self.input(outpoint.txid.as_byte_array());
        self.input(&outpoint.vout.to_le_bytes());
    }

    pub(crate) fn output(&mut self, output: &TxOut) {
        self.input(&output.value.to_sat().to_le_bytes());
        self.with_len(output.script_pubkey.as_bytes());
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What was fed cannot be seen any more.
        f.write_str("Engine")
    }
}
