//! A block header whose hash was computed once, and the proof of a merged-mined one.

use std::sync::Arc;

use bitcoin::block::Header as RawHeader;
use bitcoin::hashes::{Hash, sha256d};
use bitcoin::{BlockHash, TxMerkleNode};

use crate::{AuxPow, WitnessMode};

/// The size of a header without a proof.
pub const HEADER_SIZE: usize = 80;

/// On Freicoin's wire, this bit of the compact target says that a proof follows. It is no part of the target or hash.
pub(crate) const FREICOIN_EXTENDED: u32 = 1 << 23;

/// A block header. It never changes, so its hash is part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    raw: RawHeader,
    hash: BlockHash,
    aux: Option<Arc<AuxPow>>,
}

impl Header {
    /// From its fields.
    pub fn new(raw: RawHeader) -> Self {
        Self::with_aux(raw, None)
    }

    /// From its fields and the proof that it was mined along with a block of another chain.
    pub fn with_aux(raw: RawHeader, aux: Option<Arc<AuxPow>>) -> Self {
        let hash = BlockHash::from_raw_hash(sha256d::Hash::hash(&header_bytes(&raw)));
        Self { raw, hash, aux }
    }

    /// From its fields and their 80 bytes.
    pub(crate) fn from_bytes(raw: RawHeader, bytes: &[u8; HEADER_SIZE], aux: Option<Arc<AuxPow>>) -> Self {
        Self { raw, hash: BlockHash::from_raw_hash(sha256d::Hash::hash(bytes)), aux }
    }

    /// The fields.
    pub fn raw(&self) -> &RawHeader {
        &self.raw
    }

    /// The hash of the 80 bytes.
    pub fn hash(&self) -> BlockHash {
        self.hash
    }

    /// The proof of merged mining, if there is one.
    pub fn aux(&self) -> Option<&Arc<AuxPow>> {
        self.aux.as_ref()
    }

    /// The version.
    pub fn version(&self) -> i32 {
        self.raw.version.to_consensus()
    }

    /// The hash of the block before.
    pub fn prev(&self) -> BlockHash {
        self.raw.prev_blockhash
    }

    /// The root of the transactions' ids.
    pub fn merkle_root(&self) -> TxMerkleNode {
        self.raw.merkle_root
    }

    /// The time, in seconds since 1970.
    pub fn time(&self) -> u32 {
        self.raw.time
    }

    /// The compact target.
    pub fn bits(&self) -> u32 {
        self.raw.bits.to_consensus()
    }

    /// The nonce.
    pub fn nonce(&self) -> u32 {
        self.raw.nonce
    }

    /// The 80 bytes that the hash is taken of.
    pub fn bytes(&self) -> [u8; HEADER_SIZE] {
        header_bytes(&self.raw)
    }

    /// Appends the serialization, proof included.
    pub fn encode(&self, out: &mut Vec<u8>, mode: WitnessMode) {
        match self.aux.as_deref() {
            None => out.extend_from_slice(&self.bytes()),
            Some(AuxPow::Namecoin(proof)) => {
                out.extend_from_slice(&self.bytes());
                proof.encode(out, mode);
            }
            Some(AuxPow::Freicoin(proof)) => {
                let mut bytes = self.bytes();
                bytes[72..76].copy_from_slice(&(self.bits() | FREICOIN_EXTENDED).to_le_bytes());
                out.extend_from_slice(&bytes);
                out.extend_from_slice(&[0xff, 1]);
                proof.encode(out);
            }
        }
    }
}

/// The 80 bytes of a header.
pub(crate) fn header_bytes(raw: &RawHeader) -> [u8; HEADER_SIZE] {
    let mut bytes = [0; HEADER_SIZE];
    bytes[..4].copy_from_slice(&raw.version.to_consensus().to_le_bytes());
    bytes[4..36].copy_from_slice(raw.prev_blockhash.as_byte_array());
    bytes[36..68].copy_from_slice(raw.merkle_root.as_byte_array());
    bytes[68..72].copy_from_slice(&raw.time.to_le_bytes());
    bytes[72..76].copy_from_slice(&raw.bits.to_consensus().to_le_bytes());
    bytes[76..].copy_from_slice(&raw.nonce.to_le_bytes());
    bytes
}
