//! What changes the states of transactions.

use std::collections::BTreeSet;
use std::sync::Arc;

use bitcoin::{BlockHash, OutPoint, Txid};
use primitives::Tx;

use super::{Changes, Details, Event, Ledger, Owner, Stamp, State, WalletTx};

/// The version whose unconfirmed transactions have at most one parent and one child.
const TRUC_VERSION: u32 = 3;

/// What a step of a walk did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Unchanged,
    Changed,
    /// Changed, and those who watch should know.
    Told,
}

impl Ledger {
    /// Puts back what the file knows, with a state that the chain has confirmed.
    pub fn restore(&mut self, mut tx: WalletTx, owner: &dyn Owner) -> bool {
        let txid = tx.txid();
        if self.txs.contains_key(&txid) {
            return false;
        }
        tx.choose_best();
        self.next_order = self.next_order.max(tx.details.order.saturating_add(1));
        self.link(tx, owner, &mut Changes::default());
        let Some(tx) = self.txs.get(&txid) else { return false };
        // A child that is read after its parent shares the parent's conflict.
        let parents: Vec<Txid> = tx.tx().inputs().iter().map(|input| input.previous_output.txid).collect();
        for parent in parents {
            if let Some(State::Conflicted { block, height }) = self.txs.get(&parent).map(|tx| tx.state) {
                self.conflict(block, height, txid, &mut Changes::default());
            }
        }
        true
    }

    /// Adds a transaction or moves a known one to a state.
    pub fn add(
        &mut self,
        tx: &Arc<Tx>,
        state: State,
        stamp: Stamp,
        owner: &dyn Owner,
        changes: &mut Changes,
        note: Option<&dyn Fn(&mut Details)>,
    ) {
        let txid = tx.txid();
        let is_new = !self.txs.contains_key(&txid);
        let mut changed = is_new;
        if is_new {
            let mut details = Details {
                time_received: u32::try_from(stamp.now).unwrap_or(0),
                time_smart: self.smart_time(stamp),
                order: self.next_order,
                ..Details::default()
            };
            if let Some(note) = note {
                note(&mut details);
            }
            self.next_order += 1;
            changes.order = true;
            self.link(WalletTx::new(Arc::clone(tx), state, details), owner, changes);
        } else {
            let noted_or_moved = self.alter(&txid, |known| {
                if let Some(note) = note {
                    note(&mut known.details);
                }
                known.update(Arc::clone(tx), state) || note.is_some()
            });
            changed |= noted_or_moved.unwrap_or(false);
            self.note_coins(txid, owner);
        }
        // A coinbase that lost its block never comes back by itself, and nor does anything that spends it.
        let orphaned =
            tx.is_coinbase() && matches!(self.txs.get(&txid).map(|tx| tx.state), Some(State::Inactive { .. }));
        if orphaned {
            self.walk(txid, changes, true, |tx| {
                if tx.is_abandoned() && tx.txid() != txid {
                    return Step::Unchanged;
                }
                tx.state = State::Inactive { abandoned: true };
                Step::Changed
            });
        }
        if changed {
            changes.write(txid);
        }
        changes.tell(txid, if is_new { Event::New } else { Event::Updated });
        changes.notify.push(txid);
    }

    fn link(&mut self, tx: WalletTx, owner: &dyn Owner, changes: &mut Changes) {
        let txid = tx.txid();
        self.ordered.entry(tx.details.order).or_default().insert(txid);
        let inputs: Vec<OutPoint> = if tx.tx().is_coinbase() {
            Vec::new()
        } else {
            tx.tx().inputs().iter().map(|input| input.previous_output).collect()
        };
        self.txs.insert(txid, tx);
        for outpoint in inputs {
            let spenders = self.spenders.entry(outpoint).or_default();
            if !spenders.contains(&txid) {
                spenders.push(txid);
            }
            self.refile(outpoint);
            self.unlock_coin(&outpoint, changes);
            self.share_details(&outpoint);
        }
        self.note_coins(txid, owner);
    }

    /// Gives all forms of one payment, which differ in scripts that sign only, the notes of the first.
    fn share_details(&mut self, outpoint: &OutPoint) {
        let Some(spenders) = self.spenders.get(outpoint).filter(|spenders| spenders.len() > 1) else { return };
        let spenders = spenders.clone();
        let first = spenders.iter().filter_map(|txid| self.txs.get(txid)).min_by_key(|tx| tx.details.order);
        let Some((first, details, form)) = first.map(|tx| (tx.txid(), tx.details.clone(), shape(tx.tx()))) else {
            return;
        };
        for txid in spenders.into_iter().filter(|txid| *txid != first) {
            if let Some(tx) = self.txs.get_mut(&txid)
                && shape(tx.tx()) == form
            {
                tx.details.notes.clone_from(&details.notes);
                tx.details.time_smart = details.time_smart;
            }
        }
    }

    /// Changes a transaction, and its descendants as long as they change too.
    fn walk(&mut self, from: Txid, changes: &mut Changes, write: bool, mut step: impl FnMut(&mut WalletTx) -> Step) {
        let (mut todo, mut done) = (BTreeSet::from([from]), BTreeSet::new());
        while let Some(txid) = todo.pop_first() {
            done.insert(txid);
            let Some(outcome) = self.alter(&txid, &mut step) else { continue };
            if outcome == Step::Unchanged {
                continue;
            }
            if write {
                changes.write(txid);
            }
            if outcome == Step::Told {
                changes.tell(txid, Event::Updated);
            }
            if let Some(tx) = self.txs.get(&txid) {
                todo.extend(self.children(tx).into_iter().filter(|child| !done.contains(child)));
            }
        }
    }

    /// A block has this transaction: whatever else spends its inputs is in conflict with the block.
    pub fn conflict_with_block(&mut self, tx: &Tx, block: BlockHash, height: i32, changes: &mut Changes) {
        for rival in self.rivals(tx) {
            self.conflict(block, height, rival, changes);
        }
    }

    fn rivals(&self, tx: &Tx) -> BTreeSet<Txid> {
        let own = tx.txid();
        let inputs = tx.inputs().iter();
        let all = inputs.flat_map(|input| self.spenders(&input.previous_output)).copied();
        all.filter(|txid| *txid != own).collect()
    }

    fn conflict(&mut self, block: BlockHash, height: i32, txid: Txid, changes: &mut Changes) {
        let tip = self.tip.height;
        if tip < 0 || height < 0 || tip < height {
            return;
        }
        let new_depth = -(tip - height).saturating_add(1);
        self.walk(txid, changes, true, |tx| {
            let depth = match tx.state {
                State::Confirmed { height, .. } => tip.saturating_sub(height).saturating_add(1),
                State::Conflicted { height, .. } => -tip.saturating_sub(height).saturating_add(1),
                State::InMempool | State::Inactive { .. } => 0,
            };
            if new_depth >= depth {
                return Step::Unchanged;
            }
            tx.state = State::Conflicted { block, height };
            Step::Changed
        });
    }

    /// A block at this height, with this transaction, has left the chain: what only it conflicted with may come back.
    pub fn undo_conflicts(&mut self, tx: &Tx, height: i32, changes: &mut Changes) {
        let inputs: Vec<Txid> =
            tx.inputs().iter().flat_map(|input| self.spenders(&input.previous_output)).copied().collect();
        for txid in inputs {
            self.walk(txid, changes, true, |tx| match tx.state {
                State::Conflicted { height: since, .. } if since >= height => {
                    tx.state = State::Inactive { abandoned: false };
                    Step::Changed
                }
                _ => Step::Unchanged,
            });
        }
    }

    /// The mempool has, or no longer has, a transaction of the wallet.
    pub fn refresh_mempool_state(&mut self, txid: &Txid, in_mempool: bool) {
        self.alter(txid, |tx| {
            if in_mempool {
                tx.state = State::InMempool;
            } else if tx.state == State::InMempool {
                tx.state = State::Inactive { abandoned: false };
            }
        });
    }

    /// A block that was not found before has this transaction, or conflicts with it.
    pub fn resolve(&mut self, txid: &Txid, state: State) {
        self.alter(txid, |tx| {
            if matches!(tx.state, State::Inactive { .. }) {
                tx.state = state;
            }
        });
    }

    /// The node took a transaction of the wallet. If a block has it already, that is known better.
    pub fn note_submitted(&mut self, txid: &Txid) {
        self.alter(txid, |tx| {
            if matches!(tx.state, State::Inactive { .. }) {
                tx.state = State::InMempool;
            }
        });
    }

    /// A transaction, of the wallet or not, entered the mempool: it conflicts with all that spends the same.
    pub fn mempool_added(&mut self, tx: &Tx, changes: &mut Changes) {
        let txid = tx.txid();
        for rival in self.rivals(tx) {
            self.mark_mempool_conflict(rival, txid, true, changes);
        }
        if tx.version() != TRUC_VERSION {
            return;
        }
        for input in tx.inputs() {
            let parent = input.previous_output.txid;
            if self.txs.get(&parent).is_some_and(WalletTx::is_unconfirmed) {
                if let Some(parent) = self.txs.get_mut(&parent) {
                    parent.truc_child = Some(txid);
                }
                self.mark_siblings(parent, txid, true, changes);
            }
        }
    }

    /// A transaction, of the wallet or not, left the mempool, perhaps into a block.
    pub fn mempool_removed(&mut self, tx: &Tx, changes: &mut Changes) {
        let txid = tx.txid();
        let spenders: BTreeSet<Txid> =
            tx.inputs().iter().flat_map(|input| self.spenders(&input.previous_output)).copied().collect();
        for spender in spenders {
            self.mark_mempool_conflict(spender, txid, false, changes);
        }
        if tx.version() != TRUC_VERSION {
            return;
        }
        for input in tx.inputs() {
            let parent = input.previous_output.txid;
            if let Some(known) = self.txs.get_mut(&parent)
                && known.truc_child == Some(txid)
            {
                known.truc_child = None;
                self.mark_siblings(parent, txid, false, changes);
            }
        }
    }

    fn mark_siblings(&mut self, parent: Txid, child: Txid, conflict: bool, changes: &mut Changes) {
        let Some(siblings) = self.txs.get(&parent).map(|tx| self.children(tx)) else { return };
        for sibling in siblings.into_iter().filter(|txid| *txid != child) {
            self.mark_mempool_conflict(sibling, child, conflict, changes);
        }
    }

    fn mark_mempool_conflict(&mut self, from: Txid, rival: Txid, conflict: bool, changes: &mut Changes) {
        self.walk(from, changes, false, |tx| {
            let set = &mut tx.mempool_conflicts;
            let changed = if conflict { set.insert(rival) } else { set.remove(&rival) };
            if changed { Step::Changed } else { Step::Unchanged }
        });
    }

    /// Whether the user may give a transaction up: it is neither in a block nor in the mempool.
    pub fn can_abandon(&self, txid: &Txid) -> bool {
        self.txs.get(txid).is_some_and(|tx| !tx.is_abandoned() && self.depth(tx) == 0 && !tx.in_mempool())
    }

    /// Gives a transaction and its descendants up. False if it is in a block, in conflict with one, or in the mempool.
    pub fn abandon(&mut self, txid: &Txid, changes: &mut Changes) -> bool {
        let eligible = self.txs.get(txid).is_some_and(|tx| self.depth(tx) == 0 && !tx.in_mempool());
        if eligible {
            self.walk(*txid, changes, true, |tx| match tx.state {
                State::Inactive { abandoned: false } => {
                    tx.state = State::Inactive { abandoned: true };
                    Step::Told
                }
                _ => Step::Unchanged,
            });
        }
        eligible
    }
}

/// A transaction without what signs it.
fn shape(tx: &Tx) -> bitcoin::Transaction {
    let mut bare = tx.inner().clone();
    for input in &mut bare.input {
        input.script_sig = bitcoin::ScriptBuf::new();
        input.witness = bitcoin::Witness::new();
    }
    bare
}
