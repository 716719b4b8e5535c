//! What happened to the wallet's money: a pure graph of transactions.
//!
//! A transaction enters through [`Ledger::add`], or from the file through [`Ledger::restore`], with a [`State`]: where it
//! stands towards the chain. The graph knows who spends what ([`Ledger::spenders`]), which outputs are the wallet's
//! ([`Ledger::coins`]), and the last block that the wallet has seen, from which depths follow.
//!
//! Events move states: a block confirms and conflicts (`Ledger::conflict_with_block`), a lost block takes that back
//! (`Ledger::undo_conflicts`), the mempool adds, removes and conflicts (`Ledger::mempool_added`), a user abandons
//! ([`Ledger::abandon`]). What a change of state means for descendants is always the same walk, `Ledger::walk`.
//!
//! Questions are answered from the graph at any time: [`Ledger::balance`], [`Ledger::available`], [`Ledger::amounts`]. Where
//! each coin stands is kept up to date (`standing`), so that asking for the balance is no walk over all of them.
//!
//! Nothing here reads a clock, a file or the chain. Every change is noted in [`Changes`], and the wallet writes that to
//! its file before it answers.

mod amounts;
mod available;
mod balance;
mod changes;
mod events;
mod groups;
mod standing;
mod state;
#[cfg(test)]
mod tests;
mod time;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bitcoin::{BlockHash, OutPoint, Script, TxOut, Txid};
use consensus::Rules;
use primitives::{Codec, Tx};

pub use amounts::{Amounts, Entry};
pub use available::{Available, CoinFilter};
pub use balance::{Balance, BalanceQuery};
pub use changes::{Changes, Event};
use standing::Coins;
pub use state::{Details, Notes, State, WalletTx};
pub use time::Stamp;

/// Says which scripts are the wallet's.
pub trait Owner {
    /// Whether the wallet can spend, or watches, outputs with this script.
    fn is_mine(&self, script: &Script) -> bool;
}

impl<F: Fn(&Script) -> bool> Owner for F {
    fn is_mine(&self, script: &Script) -> bool {
        self(script)
    }
}

/// How an output is spent, the strongest way first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// By a transaction in a block.
    Confirmed,
    /// By a transaction in the mempool.
    Mempool,
    /// By a transaction that is nowhere yet.
    Elsewhere,
    /// Not at all.
    No,
}

/// The last block that the wallet has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// Its hash.
    pub hash: BlockHash,
    /// Its height; -1 before there is any block.
    pub height: i32,
}

/// The transactions of a wallet.
#[derive(Debug)]
pub struct Ledger {
    rules: Arc<dyn Rules>,
    codec: Codec,
    tip: Tip,
    txs: HashMap<Txid, WalletTx>,
    ordered: BTreeMap<i64, BTreeSet<Txid>>,
    spenders: HashMap<OutPoint, Vec<Txid>>,
    coins: Coins,
    locked: BTreeMap<OutPoint, bool>,
    next_order: i64,
}

impl Ledger {
    /// An empty one for a chain with these rules.
    pub fn new(rules: Arc<dyn Rules>, codec: Codec) -> Self {
        use bitcoin::hashes::Hash;
        Self {
            rules,
            codec,
            tip: Tip { hash: BlockHash::all_zeros(), height: -1 },
            txs: HashMap::new(),
            ordered: BTreeMap::new(),
            spenders: HashMap::new(),
            coins: Coins::default(),
            locked: BTreeMap::new(),
            next_order: 0,
        }
    }

    /// The last block that the wallet has seen.
    pub fn tip(&self) -> Tip {
        self.tip
    }

    /// Moves on, or back, to a block.
    pub fn set_tip(&mut self, hash: BlockHash, height: i32) {
        self.tip = Tip { hash, height };
    }

    /// The rules of the chain.
    pub fn rules(&self) -> &Arc<dyn Rules> {
        &self.rules
    }

    /// A transaction.
    pub fn get(&self, txid: &Txid) -> Option<&WalletTx> {
        self.txs.get(txid)
    }

    /// How many transactions there are.
    pub fn len(&self) -> usize {
        self.txs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.txs.is_empty()
    }

    /// All transactions, in the order in which they came.
    pub fn in_order(&self) -> impl DoubleEndedIterator<Item = &WalletTx> {
        self.ordered.values().flatten().filter_map(|txid| self.txs.get(txid))
    }

    /// The outputs that are the wallet's, spent or not.
    pub fn coins(&self) -> impl Iterator<Item = (OutPoint, &WalletTx, &TxOut)> {
        self.coins.iter().filter_map(|(outpoint, _)| {
            let tx = self.txs.get(&outpoint.txid)?;
            Some((*outpoint, tx, tx.output(outpoint.vout)?))
        })
    }

    /// An output that is the wallet's.
    pub fn coin(&self, outpoint: &OutPoint) -> Option<(&WalletTx, &TxOut)> {
        if !self.coins.contains(outpoint) {
            return None;
        }
        let tx = self.txs.get(&outpoint.txid)?;
        Some((tx, tx.output(outpoint.vout)?))
    }

    /// The transactions that spend an output, whatever their state.
    pub fn spenders(&self, outpoint: &OutPoint) -> &[Txid] {
        self.spenders.get(outpoint).map_or(&[], Vec::as_slice)
    }

    /// The transactions that spend outputs of this one.
    pub(super) fn children(&self, tx: &WalletTx) -> Vec<Txid> {
        let txid = tx.txid();
        let outputs = u32::try_from(tx.tx().outputs().len()).unwrap_or(u32::MAX);
        (0..outputs).flat_map(|vout| self.spenders(&OutPoint { txid, vout }).iter().copied()).collect()
    }

    /// The other transactions that spend something this one spends.
    pub fn conflicts(&self, tx: &WalletTx) -> BTreeSet<Txid> {
        let inputs = tx.tx().inputs().iter();
        let mut all: BTreeSet<Txid> = inputs.flat_map(|input| self.spenders(&input.previous_output)).copied().collect();
        all.remove(&tx.txid());
        all
    }

    /// How an output is spent.
    pub fn spent(&self, outpoint: &OutPoint) -> Spent {
        let mut found = Spent::No;
        for tx in self.spenders(outpoint).iter().filter_map(|txid| self.txs.get(txid)) {
            match tx.state {
                State::Confirmed { .. } => return Spent::Confirmed,
                State::InMempool => found = Spent::Mempool,
                _ if tx.is_dead() => {}
                _ if found == Spent::No => found = Spent::Elsewhere,
                _ => {}
            }
        }
        found
    }

    /// Whether an output is spent by a transaction that is confirmed or may still be.
    pub fn is_spent(&self, outpoint: &OutPoint) -> bool {
        let counts = |tx: &WalletTx| tx.state.is_confirmed() || !tx.is_dead();
        self.spenders(outpoint).iter().filter_map(|txid| self.txs.get(txid)).any(counts)
    }

    /// Whether any output of a transaction is spent.
    pub fn has_spent_outputs(&self, tx: &WalletTx) -> bool {
        self.children(tx).iter().filter_map(|txid| self.txs.get(txid)).any(|child| !child.is_dead())
    }

    /// Blocks on top of a transaction, its own included; negative if a block conflicts with it.
    pub fn depth(&self, tx: &WalletTx) -> i32 {
        match tx.state {
            State::Confirmed { height, .. } => self.tip.height.saturating_sub(height).saturating_add(1),
            State::Conflicted { height, .. } => -self.tip.height.saturating_sub(height).saturating_add(1),
            State::InMempool | State::Inactive { .. } => 0,
        }
    }

    /// How many blocks must come until a coinbase can be spent; 0 for other transactions.
    pub fn blocks_to_maturity(&self, tx: &WalletTx) -> i32 {
        if !tx.tx().is_coinbase() {
            return 0;
        }
        let height = u32::try_from(self.tip.height.saturating_add(1)).unwrap_or(0);
        let maturity = i32::try_from(self.rules.coinbase_maturity(height)).unwrap_or(i32::MAX - 1);
        (maturity.saturating_add(1).saturating_sub(self.depth(tx))).max(0)
    }

    /// Whether a coinbase cannot be spent yet.
    pub fn is_immature(&self, tx: &WalletTx) -> bool {
        self.blocks_to_maturity(tx) > 0
    }

    /// What an output is worth when it is spent in the next block.
    pub fn worth(&self, tx: &WalletTx, vout: u32) -> i64 {
        let next = u32::try_from(self.tip.height.saturating_add(1)).unwrap_or(0);
        self.worth_at(tx, vout, next)
    }

    /// What an output is worth when it is spent at a height.
    pub fn worth_at(&self, tx: &WalletTx, vout: u32, height: u32) -> i64 {
        // Without a height to count from nothing decays, and there may be many coins.
        if !self.codec.tx_format().has_lock_height() {
            return tx.output(vout).map_or(0, consensus::value_of);
        }
        let Some(index) = usize::try_from(vout).ok() else { return 0 };
        let created = match tx.state {
            State::Confirmed { height, .. } => u32::try_from(height).unwrap_or(0),
            _ => height,
        };
        let Some(coin) = self.codec.new_coin(tx.tx(), index, created) else { return 0 };
        let value = i64::try_from(coin.out.value.to_sat()).unwrap_or(0);
        self.rules.worth(value, &coin, height)
    }

    /// Whether a transaction spends coins of the wallet.
    pub fn is_from_me(&self, tx: &Tx) -> bool {
        tx.inputs().iter().any(|input| self.coins.contains(&input.previous_output))
    }

    /// Whether a transaction concerns the wallet: it is known, pays to it, or spends from it.
    pub fn involves(&self, tx: &Tx, owner: &dyn Owner) -> bool {
        self.txs.contains_key(&tx.txid())
            || tx.outputs().iter().any(|output| owner.is_mine(&output.script_pubkey))
            || self.is_from_me(tx)
    }

    /// Looks again which outputs are the wallet's, after it has learned new scripts.
    pub fn refresh_coins(&mut self, owner: &dyn Owner) {
        let txids: Vec<Txid> = self.txs.keys().copied().collect();
        for txid in txids {
            self.note_coins(txid, owner);
        }
    }

    pub(super) fn note_coins(&mut self, txid: Txid, owner: &dyn Owner) {
        let Some(tx) = self.txs.get(&txid).map(|tx| Arc::clone(tx.tx())) else { return };
        for (vout, output) in (0_u32..).zip(tx.outputs()) {
            if owner.is_mine(&output.script_pubkey) {
                let outpoint = OutPoint { txid, vout };
                self.coins.file(outpoint, self.standing(&outpoint));
            }
        }
    }

    // Coins that coin selection leaves alone.

    /// Locks an output; with `persist` the file is to know it.
    pub fn lock_coin(&mut self, outpoint: OutPoint, persist: bool) {
        self.locked.insert(outpoint, persist);
    }

    /// Unlocks an output. The file learns it if it knew the lock.
    pub fn unlock_coin(&mut self, outpoint: &OutPoint, changes: &mut Changes) {
        if self.locked.remove(outpoint) == Some(true) {
            changes.unlocked.push(*outpoint);
        }
    }

    /// Unlocks all.
    pub fn unlock_all(&mut self, changes: &mut Changes) {
        let locked = std::mem::take(&mut self.locked);
        changes.unlocked.extend(locked.into_iter().filter(|(_, persisted)| *persisted).map(|(outpoint, _)| outpoint));
    }

    /// Whether an output is locked.
    pub fn is_locked(&self, outpoint: &OutPoint) -> bool {
        self.locked.contains_key(outpoint)
    }

    /// The locked outputs that the file knows.
    pub fn persistent_locks(&self) -> impl Iterator<Item = &OutPoint> {
        self.locked.iter().filter(|(_, persisted)| **persisted).map(|(outpoint, _)| outpoint)
    }

    /// The locked outputs.
    pub fn locked(&self) -> impl Iterator<Item = &OutPoint> {
        self.locked.keys()
    }

    // Order.

    /// The number that the next transaction gets.
    pub fn next_order(&self) -> i64 {
        self.next_order
    }

    /// Goes on from a number that the file knows.
    pub fn set_next_order(&mut self, next: i64) {
        self.next_order = next;
    }

    /// Changes what is noted with a transaction, for instance a comment.
    pub fn edit(&mut self, txid: &Txid, changes: &mut Changes, edit: impl FnOnce(&mut Details)) -> bool {
        let Some(tx) = self.txs.get_mut(txid) else { return false };
        edit(&mut tx.details);
        changes.write(*txid);
        changes.tell(*txid, Event::Updated);
        true
    }

    /// Forgets a transaction.
    pub fn remove(&mut self, txid: &Txid, changes: &mut Changes) -> bool {
        let Some(tx) = self.txs.remove(txid) else { return false };
        if let Some(same) = self.ordered.get_mut(&tx.details.order) {
            same.remove(txid);
        }
        for input in tx.tx().inputs() {
            if let Some(spenders) = self.spenders.get_mut(&input.previous_output) {
                spenders.retain(|spender| spender != txid);
            }
            self.refile(input.previous_output);
        }
        let outputs = u32::try_from(tx.tx().outputs().len()).unwrap_or(u32::MAX);
        for vout in 0..outputs {
            self.coins.remove(&OutPoint { txid: *txid, vout });
        }
        changes.txs.remove(txid);
        changes.removed.insert(*txid);
        changes.tell(*txid, Event::Deleted);
        true
    }
}
