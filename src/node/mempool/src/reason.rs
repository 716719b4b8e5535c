//! The rule book of the pool: one variant per rule. `Display` is the daemon's reject reason, `debug_message` the longer
//! text behind it, `result` the class that decides what a refusal says about the transaction and its sender.

use std::borrow::Cow;

use bitcoin::{Txid, Wtxid};
use consensus::{ScriptFailure, TxReason, TxResult};
use script::ScriptError;
use thiserror::Error;

use crate::policy::MAX_P2SH_SIGOPS;

/// Why what a transaction spends is not standard.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum InputProblem {
    /// Too many signature operations outside witnesses.
    #[error("non-witness sigops exceed bip54 limit")]
    LegacySigops,
    /// A script of no known form.
    #[error("input {0} script unknown")]
    Unknown(usize),
    /// A witness program that has no rules yet.
    #[error("input {0} witness program is undefined")]
    UndefinedProgram(usize),
    /// The script that should push the redeem script fails.
    #[error("p2sh scriptsig malformed (input {0}: {1})")]
    Malformed(usize, ScriptError),
    /// Nothing was pushed.
    #[error("input {0} P2SH redeemscript missing")]
    NoRedeemScript(usize),
    /// The redeem script has too many signature operations.
    #[error("p2sh redeemscript sigops exceed limit (input {0}: {1} > {MAX_P2SH_SIGOPS})")]
    P2shSigops(usize, usize),
}

/// Why a transaction is not taken.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Reason {
    /// It breaks consensus.
    #[error(transparent)]
    Tx(#[from] TxReason),
    /// It is a coinbase, which lives in blocks only.
    #[error("coinbase")]
    Coinbase,
    /// Its version is not in use.
    #[error("version")]
    Version,
    /// It is too heavy.
    #[error("tx-size")]
    TxSize,
    /// It is as small as an inner node of a Merkle tree.
    #[error("tx-size-small")]
    TxSizeSmall,
    /// An input script is too long.
    #[error("scriptsig-size")]
    ScriptSigSize,
    /// An input script does more than push.
    #[error("scriptsig-not-pushonly")]
    ScriptSigNotPushOnly,
    /// An output script has no known form.
    #[error("scriptpubkey")]
    ScriptPubKey,
    /// It carries more data than allowed.
    #[error("datacarrier")]
    DataCarrier,
    /// It has a multisig output that is not hashed.
    #[error("bare-multisig")]
    BareMultisig,
    /// It has too many outputs that are not worth spending.
    #[error("dust")]
    Dust,
    /// It has dust and pays a fee, so it might be mined without the child that spends the dust.
    #[error("dust")]
    DustNotFree,
    /// Its lock time has not come.
    #[error("non-final")]
    NonFinal,
    /// Its relative locks are closed.
    #[error("non-BIP68-final")]
    NonBip68Final,
    /// It is here.
    #[error("txn-already-in-mempool")]
    AlreadyInMempool,
    /// It is here with another witness.
    #[error("txn-same-nonwitness-data-in-mempool")]
    SameNonWitnessData,
    /// It is in the chain.
    #[error("txn-already-known")]
    AlreadyKnown,
    /// Something that it spends is not known.
    #[error("bad-txns-inputs-missingorspent")]
    MissingInputs,
    /// It spends what the last transaction of the next block has to spend (Freicoin).
    #[error("spend-block-final-txn")]
    BlockFinal,
    /// It conflicts with another one, and replacing is not allowed here.
    #[error("bip125-replacement-disallowed")]
    ReplacementDisallowed,
    /// What it spends is not standard.
    #[error("bad-txns-nonstandard-inputs")]
    Inputs(InputProblem),
    /// Its witness is larger than needed.
    #[error("bad-witness-nonstandard")]
    WitnessNonstandard,
    /// It has too many signature operations.
    #[error("bad-txns-too-many-sigops")]
    TooManySigops(u64),
    /// It pays less than the full pool asks for.
    #[error("mempool min fee not met")]
    MempoolMinFee {
        /// What it pays.
        fee: i64,
        /// What it should.
        needed: i64,
    },
    /// It pays less than relaying it is worth.
    #[error("min relay fee not met")]
    MinRelayFee {
        /// What it pays.
        fee: i64,
        /// What it should.
        needed: i64,
    },
    /// It breaks the rules of version 3.
    #[error("TRUC-violation")]
    Truc(String),
    /// It would replace too much.
    #[error("too many potential replacements{}", sibling_text(*.sibling))]
    TooManyReplacements {
        /// Whether a sibling is among it.
        sibling: bool,
        /// What exactly.
        detail: String,
    },
    /// It pays too little for what it would replace.
    #[error("insufficient fee{}", sibling_text(*.sibling))]
    InsufficientFee {
        /// Whether a sibling is among it.
        sibling: bool,
        /// What exactly.
        detail: String,
    },
    /// It would make the pool worse for miners.
    #[error("replacement-failed")]
    ReplacementFailed,
    /// Too much would hang together.
    #[error("too-large-cluster")]
    ClusterTooLarge,
    /// It spends what it would replace.
    #[error("bad-txns-spends-conflicting-tx")]
    SpendsConflicting {
        /// The transaction.
        txid: Txid,
        /// What it spends and conflicts with.
        ancestor: Txid,
    },
    /// It pays more than its sender wants.
    #[error("max feerate exceeded")]
    MaxFeeRate,
    /// It does not spend all dust of its parents.
    #[error("missing-ephemeral-spends")]
    MissingEphemeralSpends {
        /// The transaction.
        txid: Txid,
        /// The same with its witness.
        wtxid: Wtxid,
    },
    /// A script fails under the rules of policy.
    #[error("mempool-script-verify-flag-failed ({})", .failure.error)]
    Script {
        /// What failed.
        failure: Box<ScriptFailure>,
        /// Whether it lacks a witness that it needs.
        stripped: bool,
    },
    /// A script fails under the rules of consensus, which those of policy should include.
    #[error("block-script-verify-flag-failed ({})", .0.error)]
    ConsensusScript(Box<ScriptFailure>),
    /// It was pushed out at once.
    #[error("mempool full")]
    Full {
        /// Whether it came in a package, and so has had all the help it can get.
        in_package: bool,
    },
}

fn sibling_text(sibling: bool) -> &'static str {
    if sibling { " (including sibling eviction)" } else { "" }
}

impl Reason {
    /// The class that decides what happens to the transaction and to its sender.
    pub fn result(&self) -> TxResult {
        match self {
            Self::Tx(reason) => reason.result(),
            Self::Coinbase | Self::SpendsConflicting { .. } | Self::ConsensusScript(_) => TxResult::Consensus,
            Self::Version
            | Self::TxSize
            | Self::TxSizeSmall
            | Self::ScriptSigSize
            | Self::ScriptSigNotPushOnly
            | Self::ScriptPubKey
            | Self::DataCarrier
            | Self::BareMultisig
            | Self::Dust
            | Self::DustNotFree
            | Self::TooManySigops(_)
            | Self::Script { stripped: false, .. } => TxResult::NotStandard,
            Self::Script { stripped: true, .. } => TxResult::WitnessStripped,
            Self::NonFinal | Self::NonBip68Final | Self::BlockFinal => TxResult::PrematureSpend,
            Self::AlreadyInMempool | Self::SameNonWitnessData | Self::AlreadyKnown => TxResult::Conflict,
            Self::MissingInputs => TxResult::MissingInputs,
            Self::Inputs(_) => TxResult::InputsNotStandard,
            Self::WitnessNonstandard => TxResult::WitnessMutated,
            Self::MempoolMinFee { .. }
            | Self::MinRelayFee { .. }
            | Self::InsufficientFee { .. }
            | Self::ReplacementFailed
            | Self::Full { in_package: false } => TxResult::Reconsiderable,
            Self::ReplacementDisallowed
            | Self::Truc(_)
            | Self::TooManyReplacements { .. }
            | Self::ClusterTooLarge
            | Self::MaxFeeRate
            | Self::MissingEphemeralSpends { .. }
            | Self::Full { in_package: true } => TxResult::MempoolPolicy,
        }
    }

    /// The longer text for logs and RPC; empty if there is none.
    pub fn debug_message(&self) -> Cow<'_, str> {
        match self {
            Self::Tx(reason) => reason.debug_message(),
            Self::DustNotFree => "tx with dust output must be 0-fee".into(),
            Self::Inputs(problem) => problem.to_string().into(),
            Self::TooManySigops(cost) => cost.to_string().into(),
            Self::MempoolMinFee { fee, needed } | Self::MinRelayFee { fee, needed } => {
                format!("{fee} < {needed}").into()
            }
            Self::Truc(text)
            | Self::TooManyReplacements { detail: text, .. }
            | Self::InsufficientFee { detail: text, .. } => text.into(),
            Self::ReplacementFailed => DIAGRAM.into(),
            Self::SpendsConflicting { txid, ancestor } => {
                format!("{txid} spends conflicting transaction {ancestor}").into()
            }
            Self::MissingEphemeralSpends { txid, wtxid } => {
                format!("tx {txid} (wtxid={wtxid}) did not spend parent's ephemeral dust").into()
            }
            Self::Script { failure, .. } | Self::ConsensusScript(failure) => failure.debug_message().into(),
            _ => "".into(),
        }
    }

    /// Reject reason and debug message in one line.
    pub fn full(&self) -> String {
        join(&self.to_string(), &self.debug_message())
    }
}

fn join(reason: &str, debug: &str) -> String {
    if debug.is_empty() { reason.to_owned() } else { format!("{reason}, {debug}") }
}

/// What a replacement that helps nobody is told.
const DIAGRAM: &str = "insufficient feerate: does not improve feerate diagram";

/// Why a package is not taken as a whole.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum PackageReason {
    /// It has too many transactions.
    #[error("package-too-many-transactions")]
    TooManyTransactions,
    /// It is too heavy.
    #[error("package-too-large")]
    TooLarge,
    /// A transaction is in it twice.
    #[error("package-contains-duplicates")]
    Duplicates,
    /// A child stands before its parent.
    #[error("package-not-sorted")]
    NotSorted,
    /// Two of it spend the same output.
    #[error("conflict-in-package")]
    Conflict,
    /// It is not one child with its parents.
    #[error("package-not-child-with-parents")]
    NotChildWithParents,
    /// One of it fails; its own result says why.
    #[error("transaction failed")]
    TransactionFailed,
    /// It breaks the rules of version 3.
    #[error("TRUC-violation")]
    Truc(String),
    /// Too much would hang together.
    #[error("too-large-cluster")]
    ClusterTooLarge,
    /// One of it leaves dust behind.
    #[error("unspent-dust")]
    UnspentDust,
    /// It would replace something, and is not a pair.
    #[error("package RBF failed: package must be 1-parent-1-child")]
    RbfNotPair,
    /// It would replace something, and hangs on the pool.
    #[error("package RBF failed: new transaction cannot have mempool ancestors")]
    RbfAncestors,
    /// It would replace too much.
    #[error("package RBF failed: too many potential replacements")]
    RbfTooMany(String),
    /// It pays too little for what it would replace.
    #[error("package RBF failed: insufficient anti-DoS fees")]
    RbfFees(String),
    /// The child does not pay for its parent.
    #[error("package RBF failed: package feerate is less than or equal to parent feerate")]
    RbfParentRate(String),
    /// It would make the pool worse for miners.
    #[error("package RBF failed: {DIAGRAM}")]
    RbfDiagram,
}

impl PackageReason {
    /// The longer text; empty if there is none.
    pub fn debug_message(&self) -> &str {
        match self {
            Self::Truc(text) | Self::RbfTooMany(text) | Self::RbfFees(text) | Self::RbfParentRate(text) => text,
            _ => "",
        }
    }

    /// Whether single transactions were looked at and one failed, and not the package as such.
    pub fn is_transaction(&self) -> bool {
        matches!(self, Self::TransactionFailed | Self::UnspentDust)
    }

    /// Reject reason and debug message in one line.
    pub fn full(&self) -> String {
        join(&self.to_string(), self.debug_message())
    }
}
