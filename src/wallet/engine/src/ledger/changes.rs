//! What a change of the ledger means for the file and for those who watch.

use std::collections::BTreeSet;

use bitcoin::{OutPoint, Txid};

/// What happened to a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It came.
    New,
    /// It changed.
    Updated,
    /// It went.
    Deleted,
}

/// What has to be written and told.
#[derive(Debug, Default)]
pub struct Changes {
    /// Transactions whose records are to be written.
    pub txs: BTreeSet<Txid>,
    /// Transactions whose records are to be erased.
    pub removed: BTreeSet<Txid>,
    /// Whether the next number of the order is to be written.
    pub order: bool,
    /// Outputs whose lock records are to be erased.
    pub unlocked: Vec<OutPoint>,
    /// What to tell, in order.
    pub events: Vec<(Txid, Event)>,
    /// Transactions for which a user's command is to be run (`-walletnotify`).
    pub notify: Vec<Txid>,
}

impl Changes {
    pub(super) fn write(&mut self, txid: Txid) {
        self.txs.insert(txid);
    }

    pub(super) fn tell(&mut self, txid: Txid, event: Event) {
        self.events.push((txid, event));
    }

    /// Whether the file has to change.
    pub fn touches_file(&self) -> bool {
        self.order || !self.txs.is_empty() || !self.removed.is_empty() || !self.unlocked.is_empty()
    }
}
