//! Rules of a block against the coins that it spends.

use std::borrow::Cow;

use bitcoin::{OutPoint, Txid, Wtxid};
use script::ScriptError;
use thiserror::Error;

use super::{BlockReason, BlockResult, FinalTxReason, TxReason};

/// A script that did not let its output be spent.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{error}")]
pub struct ScriptFailure {
    /// What the interpreter says.
    pub error: ScriptError,
    /// Which input.
    pub input: usize,
    /// Of which transaction.
    pub txid: Txid,
    /// The same with its witness.
    pub wtxid: Wtxid,
    /// The output that it wanted to spend.
    pub prevout: OutPoint,
}

impl ScriptFailure {
    /// The longer text for logs.
    pub fn debug_message(&self) -> String {
        let Self { input, txid, wtxid, prevout, .. } = self;
        format!("input {input} of {txid} (wtxid {wtxid}), spending {}:{}", prevout.txid, prevout.vout)
    }
}

/// Why a block cannot be put on the tip of the chain.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ConnectReason {
    /// It is invalid without looking at coins.
    #[error(transparent)]
    Block(#[from] BlockReason),
    /// A transaction would overwrite an older one that is not spent yet (BIP30).
    #[error("bad-txns-BIP30")]
    Bip30,
    /// A transaction is invalid against its inputs.
    #[error("{reason}")]
    Transaction {
        /// Which transaction.
        txid: Txid,
        /// What is wrong with it.
        reason: TxReason,
    },
    /// The fees together are out of range.
    #[error("bad-txns-accumulated-fee-outofrange")]
    AccumulatedFees,
    /// A relative lock of a transaction is not open yet (BIP68).
    #[error("bad-txns-nonfinal")]
    SequenceLock(Txid),
    /// There are too many signature operations.
    #[error("bad-blk-sigops")]
    SigOps,
    /// The lock time of the coinbase is not the median time of the blocks before (Freicoin).
    #[error("coinbase-locktime-not-mtp")]
    CoinbaseLockTime,
    /// The lock height of the coinbase is not the height (Freicoin).
    #[error("bad-cb-lock-height")]
    CoinbaseLockHeight {
        /// What it is.
        actual: u32,
        /// The height of the block.
        height: u32,
    },
    /// The block does not end as it must (Freicoin).
    #[error(transparent)]
    FinalTx(#[from] FinalTxReason),
    /// A script failed.
    #[error("block-script-verify-flag-failed ({})", .0.error)]
    Script(Box<ScriptFailure>),
    /// The coinbase pays more than the subsidy and the fees.
    #[error("bad-cb-amount")]
    CoinbaseAmount {
        /// What it pays.
        actual: i64,
        /// What it may pay.
        limit: i64,
    },
}

impl ConnectReason {
    /// The class that decides what happens to the block and to its sender.
    pub fn result(&self) -> BlockResult {
        match self {
            Self::Block(reason) => reason.result(),
            _ => BlockResult::Consensus,
        }
    }

    /// The longer text for logs.
    pub fn debug_message(&self) -> Cow<'static, str> {
        match self {
            Self::Block(reason) => reason.debug_message(),
            Self::Bip30 => "tried to overwrite transaction".into(),
            Self::Transaction { txid, reason } => format!("{} in transaction {txid}", reason.debug_message()).into(),
            Self::AccumulatedFees => "accumulated fee in the block out of range".into(),
            Self::SequenceLock(txid) => format!("contains a non-BIP68-final transaction {txid}").into(),
            Self::SigOps => "too many sigops".into(),
            Self::CoinbaseLockTime => {
                "ConnectBlock(): coinbase locktime must equal current median-time-past value".into()
            }
            Self::CoinbaseLockHeight { actual, height } => {
                format!("coinbase lock_height != block height ({actual} != {height})").into()
            }
            Self::FinalTx(reason) => reason.debug_message().into(),
            Self::Script(failure) => failure.debug_message().into(),
            Self::CoinbaseAmount { actual, limit } => {
                format!("coinbase pays too much (actual={actual} vs limit={limit})").into()
            }
        }
    }

    /// Reject reason and debug message in one line.
    pub fn full(&self) -> String {
        super::full_text(self, &self.debug_message())
    }
}
