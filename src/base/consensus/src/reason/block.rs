//! Rules of a block that need no coins: by itself, and against the headers before it.

use std::borrow::Cow;

use bitcoin::Txid;
use thiserror::Error;

use super::{BlockResult, HeaderReason, TxReason};
use crate::syscoin::checkpoint::CheckpointReason;

/// Why a block is invalid, before any coin is looked at.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum BlockReason {
    /// Its header is invalid.
    #[error(transparent)]
    Header(#[from] HeaderReason),
    /// It does not solve the challenge of its signet (BIP325).
    #[error("bad-signet-blksig")]
    SignetSolution,
    /// Its transactions are not those that the header commits to.
    #[error("bad-txnmrklroot")]
    MerkleRoot,
    /// Transactions at its end are repeated, which leaves the Merkle root as it was (CVE-2012-2459).
    #[error("bad-txns-duplicate")]
    DuplicateTransactions,
    /// It has no transactions, too many, or is too large without its witnesses.
    #[error("bad-blk-length")]
    Length,
    /// Its first transaction is not a coinbase.
    #[error("bad-cb-missing")]
    CoinbaseMissing,
    /// A later transaction is a coinbase.
    #[error("bad-cb-multiple")]
    CoinbaseMultiple,
    /// One of its transactions is invalid by itself.
    #[error("{reason}")]
    Transaction {
        /// Which transaction.
        txid: Txid,
        /// What is wrong with it.
        reason: TxReason,
    },
    /// Its transactions have too many signature operations, not counting those in witnesses and redeem scripts.
    #[error("bad-blk-sigops")]
    SigOps,
    /// A transaction is not final at this height and time.
    #[error("bad-txns-nonfinal")]
    NonFinal,
    /// The coinbase does not begin with the height (BIP34).
    #[error("bad-cb-height")]
    CoinbaseHeight,
    /// The witness of the coinbase is not one item of 32 bytes (BIP141).
    #[error("bad-witness-nonce-size")]
    WitnessNonceSize,
    /// The commitment to the witnesses does not match them (BIP141).
    #[error("bad-witness-merkle-match")]
    WitnessMerkleMatch,
    /// It has witnesses and no commitment to them.
    #[error("unexpected-witness")]
    UnexpectedWitness,
    /// The commitment to the witnesses has no path (Freicoin).
    #[error("bad-witness-path")]
    WitnessPath,
    /// The branch to the witnesses is not as long as their path (Freicoin).
    #[error("bad-witness-branch-size")]
    WitnessBranchSize,
    /// It is too heavy with its witnesses.
    #[error("bad-blk-weight")]
    Weight,
    /// Its version announces NEVM data, and there are none.
    #[error("nevm-data-not-found")]
    NevmData,
    /// Its NEVM data are too large.
    #[error("nevm-block-size")]
    NevmSize,
    /// It is no merged-mined block, and its coinbase could be the parent of one.
    #[error("bad-direct-auxpow-parent")]
    DirectAuxPowParent,
    /// Its coinbase has a version that only other transactions may have.
    #[error("bad-cb-version")]
    CoinbaseVersion(i32),
    /// A transaction has a version that only a coinbase may have.
    #[error("bad-mn-version")]
    QuorumVersion,
    /// What it says of Bitcoin's chain is missing or wrong (Syscoin).
    #[error(transparent)]
    Checkpoint(#[from] CheckpointReason),
    /// The proof of merged mining behind its header cannot be followed.
    #[error("bad-auxpow-mutated")]
    MergedMutated,
    /// Its coinbase does not end with what the proof of merged mining comes to.
    #[error("bad-auxpow-commit")]
    MergedCommitment,
    /// The proof of merged mining commits to other transactions.
    #[error("bad-commit-txnmrklroot")]
    MergedMerkleRoot,
}

impl BlockReason {
    /// The class that decides what happens to the block and to its sender.
    pub fn result(&self) -> BlockResult {
        match self {
            Self::Header(reason) => reason.result(),
            Self::MerkleRoot
            | Self::DuplicateTransactions
            | Self::WitnessNonceSize
            | Self::WitnessMerkleMatch
            | Self::WitnessPath
            | Self::WitnessBranchSize
            | Self::UnexpectedWitness
            | Self::MergedMutated => BlockResult::Mutated,
            Self::NevmData => BlockResult::InvalidHeader,
            _ => BlockResult::Consensus,
        }
    }

    /// The longer text for logs.
    pub fn debug_message(&self) -> Cow<'static, str> {
        match self {
            Self::Header(reason) => reason.debug_message(),
            Self::SignetSolution => "signet block signature validation failure".into(),
            Self::MerkleRoot => "hashMerkleRoot mismatch".into(),
            Self::DuplicateTransactions => "duplicate transaction".into(),
            Self::Length => "size limits failed".into(),
            Self::CoinbaseMissing => "first tx is not coinbase".into(),
            Self::CoinbaseMultiple => "more than one coinbase".into(),
            Self::Transaction { txid, reason } => {
                format!("Transaction check failed (tx hash {txid}) {}", reason.debug_message()).into()
            }
            Self::SigOps => "out-of-bounds SigOpCount".into(),
            Self::NonFinal => "non-final transaction".into(),
            Self::CoinbaseHeight => "block height mismatch in coinbase".into(),
            Self::WitnessNonceSize => "CheckWitnessMalleation : invalid witness reserved value size".into(),
            Self::WitnessMerkleMatch => "CheckWitnessMalleation : witness merkle commitment mismatch".into(),
            Self::WitnessPath => "CheckWitnessMalleation : witness commitment path is not present".into(),
            Self::WitnessBranchSize => "CheckWitnessMalleation : invalid witness branch size".into(),
            Self::UnexpectedWitness => "CheckWitnessMalleation : unexpected witness data found".into(),
            Self::Weight => "ContextualCheckBlock : weight limit failed".into(),
            Self::NevmData | Self::NevmSize | Self::Checkpoint(_) => "".into(),
            Self::DirectAuxPowParent => "non-AuxPoW block coinbase contains merged-mining header".into(),
            Self::CoinbaseVersion(version) => {
                format!("Coinbase transaction must be standard or explicitly allowed MN versions: {version}").into()
            }
            Self::QuorumVersion => "Bad version for non-coinbase masternode transaction".into(),
            Self::MergedMutated => "auxiliary proof-of-work header is non-canonical (mutated)".into(),
            Self::MergedCommitment => "incorrect commitment to auxiliary proof-of-work in coinbase string".into(),
            Self::MergedMerkleRoot => "block template hashMerkleRoot mismatch".into(),
        }
    }

    /// Reject reason and debug message in one line.
    pub fn full(&self) -> String {
        super::full_text(self, &self.debug_message())
    }
}
