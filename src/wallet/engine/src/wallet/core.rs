//! What a wallet knows, and how it changes: in memory under one lock, and in the file before anybody is told.

use std::time::Duration;

use bitcoin::{BlockHash, Script, Txid};
use primitives::{Addresses, Destination};
use walletdb::{Batch, DbError, Key, Record, Records, StoredState, WalletFile, WalletFlags};

use crate::book::{Book, Purpose};
use crate::keys::Keys;
use crate::ledger::{Changes, Ledger};

/// The time of a wallet that has nothing yet: later than everything.
pub const NO_BIRTH: i64 = i64::MAX;

/// What a wallet knows.
#[derive(Debug)]
pub struct Core {
    /// Its transactions.
    pub ledger: Ledger,
    /// Its keys.
    pub keys: Keys,
    /// Its address book.
    pub book: Book,
    /// What it is.
    pub flags: WalletFlags,
    /// Nothing of it is older than this.
    pub birth: i64,
    /// When it is to be locked, in seconds since 1970, for those who ask; 0 while it is locked.
    pub relock_at: i64,
    /// The same by the clock that nobody moves.
    pub relock_due: Option<Duration>,
    /// When the last block came, by our clock.
    pub block_came: i64,
    /// Transactions whose block was not in the chain when the file was read.
    pub(crate) unresolved: Vec<(Txid, StoredState)>,
    pub(crate) addresses: Addresses,
}

/// What has to be written, and told, because of a change.
#[derive(Debug, Default)]
pub struct Draft {
    /// Records to write.
    pub records: Vec<Record>,
    /// Records to erase.
    pub erase: Vec<Key>,
    /// Changes of the ledger.
    pub changes: Changes,
    /// Addresses whose entries changed: the address, and whether it is new.
    pub book: Vec<(Destination, bool)>,
    /// Whether it was locked, unlocked or encrypted.
    pub status: bool,
    /// The locator of the block that was seen last.
    pub best_block: Option<Vec<BlockHash>>,
}

impl Draft {
    fn touches_file(&self) -> bool {
        !self.records.is_empty() || !self.erase.is_empty() || self.changes.touches_file() || self.best_block.is_some()
    }

    /// Writes everything at once.
    pub(crate) fn write(&self, file: &WalletFile, ledger: &Ledger) -> Result<(), DbError> {
        if !self.touches_file() {
            return Ok(());
        }
        file.txn(|batch| self.write_to(batch, ledger))
    }

    fn write_to(&self, batch: &Batch<'_>, ledger: &Ledger) -> Result<(), DbError> {
        for record in &self.records {
            batch.put(record)?;
        }
        for key in &self.erase {
            batch.erase(key)?;
        }
        for tx in self.changes.txs.iter().filter_map(|txid| ledger.get(txid)) {
            batch.put_tx(&tx.to_record())?;
            for variant in tx.variants() {
                batch.put(&Record::variant(variant.clone()))?;
            }
        }
        for txid in &self.changes.removed {
            batch.erase_tx(*txid)?;
        }
        for outpoint in &self.changes.unlocked {
            batch.erase(&Key::LockedUtxo(*outpoint))?;
        }
        if self.changes.order {
            batch.put(&Record::OrderPosNext(ledger.next_order()))?;
        }
        if let Some(locator) = &self.best_block {
            batch.put_best_block(locator.clone())?;
        }
        Ok(())
    }
}

impl Core {
    /// What a script asks for.
    pub fn destination(&self, script: &Script) -> Destination {
        self.addresses.destination(script)
    }

    /// The address of a script, if it has one.
    pub fn address(&self, script: &Script) -> Option<String> {
        self.addresses.encode(&self.destination(script))
    }

    /// Whether a script is the wallet's and was never given to anybody.
    pub fn is_change(&self, script: &Script) -> bool {
        use crate::ledger::Owner;
        self.keys.is_mine(script) && {
            let destination = self.destination(script);
            !destination.has_address() || !self.book.is_known(&destination)
        }
    }

    /// Whether the wallet leaves used addresses alone, and this script's is one.
    pub fn is_used(&self, script: &Script) -> bool {
        self.book.is_used(&self.destination(script))
    }

    /// Whether the wallet leaves used addresses alone.
    pub fn avoids_reuse(&self) -> bool {
        self.flags.contains(WalletFlags::AVOID_REUSE)
    }

    /// Whether it never has private keys.
    pub fn is_watch_only(&self) -> bool {
        self.flags.contains(WalletFlags::DISABLE_PRIVATE_KEYS)
    }

    /// Nothing is older than the oldest of its parts.
    pub fn older(&mut self, time: i64) {
        self.birth = self.birth.min(time);
    }

    /// Labels an address.
    pub fn set_label(&mut self, destination: Destination, label: &str, purpose: Option<Purpose>, draft: &mut Draft) {
        let known = self.book.set(destination.clone(), label, purpose, &mut draft.records);
        draft.book.push((destination, !known));
    }

    /// Sets or clears flags.
    pub fn set_flags(&mut self, flags: WalletFlags, draft: &mut Draft) {
        if self.flags != flags {
            self.flags = flags;
            draft.records.push(Record::Flags(flags));
        }
    }

    /// A transaction that spends an output of the wallet marks its address as used, where the wallet cares.
    pub(crate) fn mark_spent_addresses(&mut self, tx: &primitives::Tx, draft: &mut Draft) {
        if !self.avoids_reuse() {
            return;
        }
        for input in tx.inputs() {
            let script = self.ledger.coin(&input.previous_output).map(|(_, output)| output.script_pubkey.clone());
            if let Some(script) = script {
                let destination = self.destination(&script);
                self.book.mark_used(destination, &mut draft.records);
            }
        }
    }

    /// The ids of transactions that may still confirm and are not known to be in the mempool.
    pub(crate) fn to_resubmit(&self, before: Option<i64>) -> Vec<Txid> {
        let recent = |received: u32| before.is_some_and(|before| i64::from(received) > before);
        let all = self.ledger.in_order().filter(|tx| tx.is_unconfirmed() && !tx.tx().is_coinbase());
        all.filter(|tx| !recent(tx.details().time_received)).map(crate::ledger::WalletTx::txid).collect()
    }
}
