//! Proofs of merged mining: that the work of another chain's block was done for this header too.
//!
//! Only the layout is known here. Whether a proof is right is for `consensus` to say.

use std::sync::Arc;

use bitcoin::block::Header as RawHeader;

use crate::header::{HEADER_SIZE, header_bytes};
use crate::writer::{compact_len, put_bytes, put_compact_size, put_varint};
use crate::{Tx, WitnessMode};

/// A proof of merged mining.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuxPow {
    /// Namecoin's, which Syscoin uses.
    Namecoin(Box<NamecoinAuxPow>),
    /// Freicoin's.
    Freicoin(Box<FreicoinAuxPow>),
}

/// A way up a Merkle tree: the hashes beside it, lowest first.
pub type Branch = Vec<[u8; 32]>;

/// A parent block's coinbase that commits to our header, and its way into the parent's header.
///
/// On the wire, a block hash follows the coinbase and a place follows its branch. The reference never looks at them and
/// writes zeros; they are not kept here either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamecoinAuxPow {
    /// The parent's coinbase.
    pub coinbase: Arc<Tx>,
    /// From the coinbase to the parent's Merkle root.
    pub coinbase_branch: Branch,
    /// From our header to the root that the coinbase holds.
    pub chain_branch: Branch,
    /// The place of our header in that tree.
    pub chain_index: i32,
    /// The parent's header.
    pub parent: RawHeader,
}

impl NamecoinAuxPow {
    /// How many bytes the serialization has.
    pub(crate) fn size(&self, mode: WitnessMode) -> usize {
        let coinbase = match mode {
            WitnessMode::Include => self.coinbase.total_size(),
            WitnessMode::Strip => self.coinbase.stripped_size(),
        };
        let branch = |branch: &Branch| compact_len(branch.len()) + 32 * branch.len();
        coinbase + 32 + branch(&self.coinbase_branch) + 4 + branch(&self.chain_branch) + 4 + HEADER_SIZE
    }

    /// Appends the serialization.
    pub fn encode(&self, out: &mut Vec<u8>, mode: WitnessMode) {
        self.coinbase.encode(out, mode);
        out.extend_from_slice(&[0; 32]);
        put_branch(out, &self.coinbase_branch);
        out.extend_from_slice(&[0; 4]);
        put_branch(out, &self.chain_branch);
        out.extend_from_slice(&self.chain_index.to_le_bytes());
        out.extend_from_slice(&header_bytes(&self.parent));
    }
}

/// A template of our header, its way into the last transaction of a parent block, and the parent's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreicoinAuxPow {
    /// The template's version.
    pub commit_version: i32,
    /// The template's Merkle root.
    pub commit_merkle_root: [u8; 32],
    /// The template's time, which holds the state of the difficulty filter.
    pub commit_time: u32,
    /// The target of the merged work in compact form.
    pub commit_bits: u32,
    /// The template's nonce: the bias in its lowest byte, the rest of the filter's state above.
    pub commit_nonce: u32,
    /// The low half of the pool's secret.
    pub secret_lo: u64,
    /// The high half of the pool's secret.
    pub secret_hi: u64,
    /// The way through the map of commitments: bits skipped and the hash beside.
    pub commit_branch: Vec<(u8, [u8; 32])>,
    /// SHA-256's state before the commitment in the parent's last transaction.
    pub midstate_hash: [u8; 32],
    /// The bytes that wait for a full SHA-256 block.
    pub midstate_buffer: Vec<u8>,
    /// How many bytes came before the commitment.
    pub midstate_length: u32,
    /// The lock time of the parent's last transaction.
    pub aux_lock_time: u32,
    /// From the parent's last transaction to its Merkle root.
    pub aux_branch: Branch,
    /// How many transactions the parent has. Never 0.
    pub aux_num_txns: u32,
    /// The parent's version.
    pub aux_version: i32,
    /// The parent's own parent.
    pub aux_prev: [u8; 32],
    /// The parent's compact target.
    pub aux_bits: u32,
    /// The parent's nonce.
    pub aux_nonce: u32,
}

impl FreicoinAuxPow {
    /// Appends the serialization.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.commit_version.to_le_bytes());
        out.extend_from_slice(&self.commit_merkle_root);
        out.extend_from_slice(&self.commit_time.to_le_bytes());
        out.extend_from_slice(&self.commit_bits.to_le_bytes());
        out.extend_from_slice(&self.commit_nonce.to_le_bytes());
        out.extend_from_slice(&self.secret_lo.to_le_bytes());
        out.extend_from_slice(&self.secret_hi.to_le_bytes());
        put_compact_size(out, self.commit_branch.len());
        for (skip, hash) in &self.commit_branch {
            out.push(*skip);
            out.extend_from_slice(hash);
        }
        out.extend_from_slice(&self.midstate_hash);
        put_bytes(out, &self.midstate_buffer);
        put_varint(out, u64::from(self.midstate_length));
        out.extend_from_slice(&self.aux_lock_time.to_le_bytes());
        put_branch(out, &self.aux_branch);
        put_varint(out, u64::from(self.aux_num_txns.wrapping_sub(1)));
        out.extend_from_slice(&self.aux_version.to_le_bytes());
        out.extend_from_slice(&self.aux_prev);
        out.extend_from_slice(&self.aux_bits.to_le_bytes());
        out.extend_from_slice(&self.aux_nonce.to_le_bytes());
    }
}

fn put_branch(out: &mut Vec<u8>, branch: &Branch) {
    put_compact_size(out, branch.len());
    for hash in branch {
        out.extend_from_slice(hash);
    }
}
