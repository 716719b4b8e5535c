//! A block: a header, its transactions, and what some coins put behind them.

use std::sync::Arc;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, TxMerkleNode, WitnessMerkleNode};

use crate::merkle::{self, Root};
use crate::writer::{compact_len, put_bytes, put_compact_size, wide};
use crate::{AuxPow, Header, Tx, WitnessMode};

/// A block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The header.
    pub header: Header,
    /// The transactions, coinbase first.
    pub txs: Vec<Arc<Tx>>,
    /// Syscoin's NEVM data, in blocks whose version announces it. It is neither hashed nor counted.
    pub tail: Option<Vec<u8>>,
}

impl Block {
    /// The header's hash.
    pub fn hash(&self) -> BlockHash {
        self.header.hash()
    }

    /// The root of the transactions' ids, and whether the list was doubled up to keep it (CVE-2012-2459).
    pub fn merkle_root(&self) -> (TxMerkleNode, bool) {
        let leaves = self.txs.iter().map(|tx| tx.txid().to_byte_array()).collect();
        let Root { hash, mutated } = merkle::root(leaves);
        (TxMerkleNode::from_byte_array(hash), mutated)
    }

    /// The root of the transactions' witness ids, with zeros for the coinbase, as BIP141 commits to it.
    pub fn witness_merkle_root(&self) -> WitnessMerkleNode {
        let coinbase = self.txs.first().map(|_| [0; 32]);
        let leaves = coinbase.into_iter().chain(self.txs.iter().skip(1).map(|tx| tx.wtxid().to_byte_array())).collect();
        WitnessMerkleNode::from_byte_array(merkle::root(leaves).hash)
    }

    /// The hashes beside the way from a transaction to the root, lowest first.
    pub fn merkle_branch(&self, position: usize) -> Vec<[u8; 32]> {
        merkle::branch(self.txs.iter().map(|tx| tx.txid().to_byte_array()).collect(), position)
    }

    /// The size of the header, count and transactions, as limits count it. The proof behind a header is counted as the
    /// coin's own limits do: Syscoin's is, Freicoin's is not. The tail is left out.
    pub fn size(&self, mode: WitnessMode) -> usize {
        let of = |tx: &Arc<Tx>| match mode {
            WitnessMode::Include => tx.total_size(),
            WitnessMode::Strip => tx.stripped_size(),
        };
        let proof = match self.header.aux().map(Arc::as_ref) {
            Some(AuxPow::Namecoin(proof)) => proof.size(mode),
            Some(AuxPow::Freicoin(_)) | None => 0,
        };
        crate::HEADER_SIZE + proof + compact_len(self.txs.len()) + self.txs.iter().map(of).sum::<usize>()
    }

    /// How many bytes [`Self::encode`] writes with witnesses.
    pub fn total_size(&self) -> usize {
        let freicoin = matches!(self.header.aux().map(Arc::as_ref), Some(AuxPow::Freicoin(_)));
        if freicoin || self.tail.is_some() {
            return self.to_bytes(WitnessMode::Include).len();
        }
        self.size(WitnessMode::Include)
    }

    /// The weight: three times the size without witnesses, and once the size with them.
    pub fn weight(&self) -> u64 {
        wide(self.size(WitnessMode::Strip)) * 3 + wide(self.size(WitnessMode::Include))
    }

    /// Appends the serialization, proof and tail included.
    pub fn encode(&self, out: &mut Vec<u8>, mode: WitnessMode) {
        out.reserve(self.size(mode));
        self.header.encode(out, mode);
        put_compact_size(out, self.txs.len());
        for tx in &self.txs {
            tx.encode(out, mode);
        }
        if let Some(tail) = &self.tail {
            put_bytes(out, tail);
        }
    }

    /// The serialization, proof and tail included.
    pub fn to_bytes(&self, mode: WitnessMode) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out, mode);
        out
    }
}
