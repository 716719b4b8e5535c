//! Feeding parts of a transaction to SHA-256, without a buffer in between.

use bitcoin::hashes::{Hash, HashEngine, sha256};
use bitcoin::{OutPoint, TxOut};

/// A SHA-256 computation under way.
#[derive(Clone, Default)]
pub(crate) struct Engine(sha256::HashEngine);

/// A 32-byte hash, in the order in which it is computed and signed.
pub type Digest = [u8; 32];

const BLOCK: usize = 64;

/// The bytes at the end of the last block that hold the length of the message.
const LENGTH: usize = 8;

/// The single hash of what was fed.
pub(crate) fn finish(mut engine: Engine) -> Digest {
    let fed = engine.0.n_bytes_hashed();
    // A bit, zeros and the length fill the last block, or one more. They are fed in one piece.
    let free = BLOCK - fed % BLOCK;
    let size = if free > LENGTH { free } else { free + BLOCK };
    let mut padding = [0; BLOCK + LENGTH];
    padding[0] = 0x80;
    let bits = u64::try_from(fed).expect("memory is not longer than 64 bits can count") << 3;
    padding[size - LENGTH..size].copy_from_slice(&bits.to_be_bytes());
    engine.0.input(&padding[..size]);
    engine.0.midstate().to_byte_array()
}

/// The double hash of what was fed.
pub(crate) fn finish_twice(engine: Engine) -> Digest {
    sha256_again(&finish(engine))
}

/// The single hash of a hash: one block, whose padding is known.
pub(crate) fn sha256_again(digest: &Digest) -> Digest {
    let mut block = [0; BLOCK];
    block[..32].copy_from_slice(digest);
    block[32] = 0x80;
    // 256 bits.
    block[62] = 1;
    let mut engine = Engine::default();
    engine.input(&block);
    engine.0.midstate().to_byte_array()
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
        self.headed(&[], bytes);
    }

    /// A short head, and then bytes with their length. Head and length are one piece where they can be.
    #[inline]
    pub(crate) fn headed<const N: usize>(&mut self, head: &[u8; N], bytes: &[u8]) {
        if let Ok(len @ 0..=0xfc) = u8::try_from(bytes.len()) {
            let mut piece = Piece::<BLOCK>::default();
            piece.put(head);
            piece.put(&[len]);
            self.input(piece.as_slice());
        } else {
            self.input(head);
            self.compact_size(bytes.len());
        }
        self.input(bytes);
    }

    pub(crate) fn outpoint(&mut self, outpoint: &OutPoint) {
        self.input(&outpoint_bytes(outpoint));
    }

    pub(crate) fn output(&mut self, output: &TxOut) {
        self.headed(&output.value.to_sat().to_le_bytes(), output.script_pubkey.as_bytes());
    }
}

/// An outpoint as messages have it.
pub(crate) fn outpoint_bytes(outpoint: &OutPoint) -> [u8; 36] {
    let mut bytes = [0; 36];
    bytes[..32].copy_from_slice(outpoint.txid.as_byte_array());
    bytes[32..].copy_from_slice(&outpoint.vout.to_le_bytes());
    bytes
}

/// Fields of known sizes, put together before they are fed: feeding each by itself costs more than hashing it.
pub(crate) struct Piece<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Default for Piece<N> {
    fn default() -> Self {
        Self { bytes: [0; N], len: 0 }
    }
}

impl<const N: usize> Piece<N> {
    /// Appends a field. The caller has made the piece large enough for all of its fields.
    #[inline]
    pub(crate) fn put<const M: usize>(&mut self, field: &[u8; M]) {
        self.bytes[self.len..self.len + M].copy_from_slice(field);
        self.len += M;
    }

    /// What was put in.
    #[inline]
    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What was fed cannot be seen any more.
        f.write_str("Engine")
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::consensus::Encodable as _;
    use bitcoin::hashes::sha256d;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_length_is_padded() {
        let bytes: Vec<u8> = (0..=255).collect();
        for len in 0..bytes.len() {
            for tag in [None, Some(sha256::Midstate::hash_tag(b"Bulkhead"))] {
                let (mut engine, mut theirs) = match &tag {
                    None => (Engine::default(), sha256::HashEngine::default()),
                    Some(tag) => (tagged(tag), sha256::HashEngine::from_midstate(*tag, 64)),
                };
                engine.input(&bytes[..len]);
                theirs.input(&bytes[..len]);
                assert_eq!(finish(engine.clone()), sha256::Hash::from_engine(theirs.clone()).to_byte_array(), "{len}");
                assert_eq!(finish_twice(engine), sha256d::Hash::from_engine(theirs).to_byte_array(), "{len}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_hash_is_hashed_again(digest: Digest) {
            prop_assert_eq!(sha256_again(&digest), sha256(&digest));
        }

        #[test]
        fn outputs_are_fed_as_they_are_written(value: u64, len in prop::sample::select(vec![0_usize, 34, 252, 253, 65_536])) {
            let output = TxOut {
                value: bitcoin::Amount::from_sat(value),
                script_pubkey: bitcoin::ScriptBuf::from_bytes(vec![7; len]),
            };
            let mut written = Vec::new();
            output.consensus_encode(&mut written).expect("memory takes anything");
            let mut engine = Engine::default();
            engine.output(&output);
            prop_assert_eq!(finish(engine), sha256(&written));
        }
    }
}
