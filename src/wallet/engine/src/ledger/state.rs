//! A transaction of the wallet, and where it stands towards the chain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bitcoin::{BlockHash, TxOut, Txid, Wtxid};
use primitives::Tx;
use walletdb::{StoredState, Text, TxRecord};

/// Where a transaction stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// In a block of the active chain.
    Confirmed {
        /// The block.
        block: BlockHash,
        /// Its height.
        height: i32,
        /// The place in it.
        index: i32,
    },
    /// In the mempool.
    InMempool,
    /// A block has another transaction that spends the same coins, or coins of an ancestor.
    Conflicted {
        /// The block.
        block: BlockHash,
        /// Its height.
        height: i32,
    },
    /// Nowhere.
    Inactive {
        /// Whether the user has given it up, so that its inputs can be spent again.
        abandoned: bool,
    },
}

impl State {
    /// What the file keeps of it. The mempool is not in the file.
    pub fn to_stored(self) -> StoredState {
        match self {
            Self::Confirmed { block, index, .. } => StoredState::Confirmed { block, index },
            Self::Conflicted { block, .. } => StoredState::Conflicted { block },
            Self::InMempool | Self::Inactive { abandoned: false } => StoredState::Inactive,
            Self::Inactive { abandoned: true } => StoredState::Abandoned,
        }
    }

    /// The state that the file kept, when the height of its block in the active chain is known; none means that the block
    /// is not there.
    pub fn from_stored(stored: StoredState, height: Option<i32>) -> Self {
        match (stored, height) {
            (StoredState::Confirmed { block, index }, Some(height)) => Self::Confirmed { block, height, index },
            (StoredState::Conflicted { block }, Some(height)) => Self::Conflicted { block, height },
            (StoredState::Abandoned, _) => Self::Inactive { abandoned: true },
            _ => Self::Inactive { abandoned: false },
        }
    }

    /// Whether it is in a block of the active chain.
    pub fn is_confirmed(&self) -> bool {
        matches!(self, Self::Confirmed { .. })
    }

    fn same_kind(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// What people said of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    /// Who it is from, as people could say before 2011.
    pub from: Option<Text>,
    /// What was said with it then.
    pub message: Option<Text>,
    /// What the owner said about it.
    pub comment: Option<Text>,
    /// What the owner said about the receiver.
    pub comment_to: Option<Text>,
    /// The transaction that this one replaces.
    pub replaces: Option<Txid>,
    /// The transaction that replaces this one.
    pub replaced_by: Option<Txid>,
    /// Messages of URIs.
    pub messages: Vec<Text>,
    /// Payment requests, of old.
    pub payment_requests: Vec<Text>,
}

/// What the wallet knows of a transaction besides itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Details {
    /// When the wallet saw it first.
    pub time_received: u32,
    /// A time that agrees with the order; 0 if there is none.
    pub time_smart: u32,
    /// Its place in the order of arrival.
    pub order: i64,
    /// What people said of it.
    pub notes: Notes,
}

/// A transaction of the wallet.
#[derive(Debug, Clone)]
pub struct WalletTx {
    /// Where it stands.
    pub(super) state: State,
    /// What is noted with it.
    pub(super) details: Details,
    /// Transactions of the mempool that conflict with it or with an ancestor.
    pub(super) mempool_conflicts: BTreeSet<Txid>,
    /// The one unconfirmed child that a version 3 transaction may have.
    pub(super) truc_child: Option<Txid>,
    tx: Arc<Tx>,
    others: BTreeMap<Wtxid, Arc<Tx>>,
}

impl WalletTx {
    /// A transaction in a state.
    pub fn new(tx: Arc<Tx>, state: State, details: Details) -> Self {
        Self { state, details, mempool_conflicts: BTreeSet::new(), truc_child: None, tx, others: BTreeMap::new() }
    }

    /// Adds forms of it with other witnesses.
    #[must_use]
    pub fn with_variants(mut self, variants: impl IntoIterator<Item = Arc<Tx>>) -> Self {
        for variant in variants {
            if variant.txid() == self.txid() && variant.wtxid() != self.tx.wtxid() {
                self.others.insert(variant.wtxid(), variant);
            }
        }
        self
    }

    /// The transaction, in the form that counts.
    pub fn tx(&self) -> &Arc<Tx> {
        &self.tx
    }

    /// Its other forms, which differ in witnesses.
    pub fn variants(&self) -> impl Iterator<Item = &Arc<Tx>> {
        self.others.values()
    }

    /// Its id.
    pub fn txid(&self) -> Txid {
        self.tx.txid()
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// What is noted with it.
    pub fn details(&self) -> &Details {
        &self.details
    }

    /// Transactions of the mempool that conflict with it or with an ancestor.
    pub fn mempool_conflicts(&self) -> &BTreeSet<Txid> {
        &self.mempool_conflicts
    }

    /// The one unconfirmed child that a version 3 transaction may have.
    pub fn truc_child(&self) -> Option<Txid> {
        self.truc_child
    }

    /// An output.
    pub fn output(&self, vout: u32) -> Option<&TxOut> {
        self.tx.outputs().get(usize::try_from(vout).ok()?)
    }

    /// What people said of it.
    pub fn notes(&self) -> &Notes {
        &self.details.notes
    }

    /// The record for the file.
    pub fn to_record(&self) -> TxRecord {
        let notes = self.details.notes.clone();
        TxRecord {
            tx: Arc::clone(&self.tx),
            state: self.state.to_stored(),
            from: notes.from,
            message: notes.message,
            comment: notes.comment,
            comment_to: notes.comment_to,
            replaces: notes.replaces,
            replaced_by: notes.replaced_by,
            messages: notes.messages,
            payment_requests: notes.payment_requests,
            time_received: self.details.time_received,
            time_smart: self.details.time_smart,
            order_pos: Some(self.details.order),
        }
    }

    /// From a record and a state that the chain has confirmed.
    pub fn from_record(record: TxRecord, state: State) -> Self {
        let details = Details {
            time_received: record.time_received,
            time_smart: record.time_smart,
            order: record.order_pos.unwrap_or(-1),
            notes: Notes {
                from: record.from,
                message: record.message,
                comment: record.comment,
                comment_to: record.comment_to,
                replaces: record.replaces,
                replaced_by: record.replaced_by,
                messages: record.messages,
                payment_requests: record.payment_requests,
            },
        };
        Self::new(record.tx, state, details)
    }

    /// The time to show.
    pub fn time(&self) -> u32 {
        if self.details.time_smart == 0 { self.details.time_received } else { self.details.time_smart }
    }

    /// Whether the user has given it up.
    pub fn is_abandoned(&self) -> bool {
        matches!(self.state, State::Inactive { abandoned: true })
    }

    /// Whether a block conflicts with it.
    pub fn is_block_conflicted(&self) -> bool {
        matches!(self.state, State::Conflicted { .. })
    }

    /// Whether it is in the mempool.
    pub fn in_mempool(&self) -> bool {
        self.state == State::InMempool
    }

    /// Whether its spends do not count: it is given up, or something else has taken its place.
    pub fn is_dead(&self) -> bool {
        self.is_abandoned() || self.is_block_conflicted() || !self.mempool_conflicts.is_empty()
    }

    /// Whether it may still confirm.
    pub fn is_unconfirmed(&self) -> bool {
        !self.is_dead() && !self.state.is_confirmed()
    }

    /// Takes a new state and perhaps another form of the transaction. Says whether anything changed.
    pub(super) fn update(&mut self, tx: Arc<Tx>, state: State) -> bool {
        let mut changed = false;
        let wtxid = tx.wtxid();
        if wtxid != self.tx.wtxid() && !self.others.contains_key(&wtxid) {
            self.others.insert(wtxid, tx);
            changed = true;
        }
        let moved = match (self.state, state) {
            // Being given up is stronger than being nowhere.
            (State::Inactive { .. }, State::Inactive { .. }) => false,
            (old, new) => !old.same_kind(&new) || old != new,
        };
        if moved {
            self.state = state;
            changed = true;
            if state.is_confirmed() {
                self.choose(wtxid);
            }
        }
        changed | self.choose_best()
    }

    /// While unconfirmed, the form with a witness and the least weight counts. Says whether that is another one now.
    pub(super) fn choose_best(&mut self) -> bool {
        if self.state.is_confirmed() || self.others.is_empty() {
            return false;
        }
        let rank = |tx: &Arc<Tx>| (!tx.has_witness(), tx.weight(), tx.wtxid());
        let best = self.others.values().chain([&self.tx]).min_by_key(|tx| rank(tx)).map(|tx| tx.wtxid());
        best.is_some_and(|best| self.choose(best))
    }

    fn choose(&mut self, wtxid: Wtxid) -> bool {
        let Some(chosen) = self.others.remove(&wtxid) else { return false };
        let old = std::mem::replace(&mut self.tx, chosen);
        self.others.insert(old.wtxid(), old);
        true
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Confirmed { block, height, index } => {
                write!(f, "Confirmed (block={block}, height={height}, index={index})")
            }
            Self::InMempool => f.write_str("InMempool"),
            Self::Conflicted { block, height } => write!(f, "BlockConflicted (block={block}, height={height})"),
            Self::Inactive { abandoned } => write!(f, "Inactive (abandoned={})", u8::from(*abandoned)),
        }
    }
}
