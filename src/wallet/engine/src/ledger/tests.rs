//! Single rules, told as stories; `machine` tells random ones and compares the ledger with a naive one; `standing` compares what
//! is kept up to date with what is found out anew.

mod machine;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version;
use bitcoin::{Amount, BlockHash, OutPoint, Script, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use consensus::{ChainParams, rules_for};
use primitives::{Codec, Tx};
use walletdb::TxRecord;

use super::{BalanceQuery, Changes, CoinFilter, Ledger, Notes, Spent, Stamp, State};

const MINE: u8 = 0x51;
const THEIRS: u8 = 0x52;

fn mine(script: &Script) -> bool {
    script.as_bytes().first() == Some(&MINE)
}

fn empty() -> Ledger {
    let coin = coin::by_id("bitcoin").unwrap();
    let chain = coin.chain(coin::ChainKind::Regtest).unwrap();
    Ledger::new(rules_for(ChainParams::new(coin, chain)).unwrap(), Codec::BITCOIN)
}

fn hash(number: u32) -> BlockHash {
    let mut bytes = [9; 32];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    BlockHash::from_byte_array(bytes)
}

/// A transaction with these inputs, and outputs of an owner and a value. `salt` makes equal ones differ.
fn tx(inputs: &[OutPoint], outputs: &[(u8, u64)], salt: u32) -> Arc<Tx> {
    let output = |(owner, value): &(u8, u64)| TxOut {
        value: Amount::from_sat(*value),
        script_pubkey: ScriptBuf::from_bytes(vec![*owner]),
    };
    let input = |outpoint: &OutPoint| TxIn {
        previous_output: *outpoint,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    let inner = Transaction {
        version: Version(2),
        lock_time: LockTime::from_consensus(salt),
        input: inputs.iter().map(input).collect(),
        output: outputs.iter().map(output).collect(),
    };
    Arc::new(Codec::BITCOIN.new_tx(inner, 0))
}

fn foreign(number: u32) -> OutPoint {
    let mut bytes = [7; 32];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    OutPoint { txid: Txid::from_byte_array(bytes), vout: 0 }
}

/// A block, by a name that no other has.
struct Mined {
    hash: BlockHash,
    txs: Vec<Arc<Tx>>,
}

/// A ledger with a chain that tells it what happens, and with a file that has what it asked to be written, and no more.
struct Story {
    ledger: Ledger,
    blocks: Vec<Mined>,
    mempool: BTreeMap<Txid, Arc<Tx>>,
    file: BTreeMap<Txid, TxRecord>,
    named: u32,
}

impl Story {
    fn new() -> Self {
        Self { ledger: empty(), blocks: Vec::new(), mempool: BTreeMap::new(), file: BTreeMap::new(), named: 0 }
    }

    /// What the wallet does before it answers.
    fn write(&mut self, changes: &Changes) {
        for tx in changes.txs.iter().filter_map(|txid| self.ledger.get(txid)) {
            self.file.insert(tx.txid(), tx.to_record());
        }
        for txid in &changes.removed {
            self.file.remove(txid);
        }
    }

    fn told<T>(&mut self, work: impl FnOnce(&mut Ledger, &mut Changes) -> T) -> T {
        let mut changes = Changes::default();
        let done = work(&mut self.ledger, &mut changes);
        self.write(&changes);
        done
    }

    fn height(&self) -> i32 {
        i32::try_from(self.blocks.len()).unwrap()
    }

    fn sync(&mut self, tx: &Arc<Tx>, state: State) {
        self.told(|ledger, changes| {
            if let State::Confirmed { block, height, .. } = state {
                ledger.conflict_with_block(tx, block, height, changes);
            }
            if ledger.involves(tx, &mine) {
                let stamp = Stamp { now: 1000, ..Stamp::default() };
                ledger.add(tx, state, stamp, &mine, changes, None);
            }
        });
    }

    fn enter_mempool(&mut self, tx: &Arc<Tx>) {
        self.mempool.insert(tx.txid(), Arc::clone(tx));
        self.see_in_mempool(tx);
    }

    fn see_in_mempool(&mut self, tx: &Arc<Tx>) {
        self.sync(tx, State::InMempool);
        self.ledger.refresh_mempool_state(&tx.txid(), true);
        self.told(|ledger, changes| ledger.mempool_added(tx, changes));
    }

    fn leave_mempool(&mut self, txid: &Txid) {
        let Some(tx) = self.mempool.remove(txid) else { return };
        self.ledger.refresh_mempool_state(txid, false);
        self.told(|ledger, changes| ledger.mempool_removed(&tx, changes));
    }

    /// A block with these; whatever conflicts leaves the mempool first, as the node does it.
    fn mine(&mut self, txs: Vec<Arc<Tx>>) {
        let inside: BTreeSet<Txid> = txs.iter().map(|tx| tx.txid()).collect();
        let spent: BTreeSet<OutPoint> =
            txs.iter().flat_map(|tx| tx.inputs()).map(|input| input.previous_output).collect();
        loop {
            let gone = self.mempool.values().find(|tx| {
                let dead = |input: &TxIn| {
                    let parent = input.previous_output.txid;
                    spent.contains(&input.previous_output)
                        || (self.known(&parent) && !self.exists(&parent) && !inside.contains(&parent))
                };
                !inside.contains(&tx.txid()) && tx.inputs().iter().any(dead)
            });
            let Some(gone) = gone.map(|tx| tx.txid()) else { break };
            self.leave_mempool(&gone);
        }
        self.named += 1;
        self.blocks.push(Mined { hash: hash(self.named), txs });
        self.see_block(self.blocks.len() - 1);
    }

    /// Tells of a block that is in the chain.
    fn see_block(&mut self, position: usize) {
        let (block, txs) = (self.blocks[position].hash, self.blocks[position].txs.clone());
        let height = i32::try_from(position).unwrap() + 1;
        self.ledger.set_tip(block, height);
        for (index, tx) in (0_i32..).zip(&txs) {
            self.sync(tx, State::Confirmed { block, height, index });
            self.mempool.remove(&tx.txid());
            self.told(|ledger, changes| ledger.mempool_removed(tx, changes));
        }
    }

    fn unmine(&mut self) {
        let Some(Mined { txs, .. }) = self.blocks.pop() else { return };
        let height = self.height() + 1;
        for tx in &txs {
            self.sync(tx, State::Inactive { abandoned: false });
            self.told(|ledger, changes| ledger.undo_conflicts(tx, height, changes));
        }
        self.ledger.set_tip(self.blocks.last().map_or(hash(0), |block| block.hash), height - 1);
    }

    fn confirmed(&self, txid: &Txid) -> bool {
        self.blocks.iter().flat_map(|block| &block.txs).any(|tx| tx.txid() == *txid)
    }

    fn known(&self, txid: &Txid) -> bool {
        self.ledger.get(txid).is_some()
    }

    fn exists(&self, txid: &Txid) -> bool {
        self.confirmed(txid) || self.mempool.contains_key(txid)
    }

    fn balance(&self) -> super::Balance {
        let query = BalanceQuery { min_depth: 0, trust_change: true, include_nonmempool: false, is_used: None };
        self.ledger.balance(&mine, query)
    }
}

fn output(tx: &Tx, vout: u32) -> OutPoint {
    OutPoint { txid: tx.txid(), vout }
}

#[test]
fn money_comes_is_spent_and_comes_back_with_a_reorganisation() {
    let mut story = Story::new();
    let payment = tx(&[foreign(1)], &[(MINE, 50), (THEIRS, 9)], 1);
    story.enter_mempool(&payment);
    assert_eq!((story.balance().trusted, story.balance().untrusted_pending), (0, 50));
    story.mine(vec![Arc::clone(&payment)]);
    assert_eq!((story.balance().trusted, story.balance().untrusted_pending), (50, 0));
    let spend = tx(&[output(&payment, 0)], &[(THEIRS, 30), (MINE, 15)], 2);
    story.enter_mempool(&spend);
    assert_eq!(story.balance().trusted, 15, "change of our own is trusted");
    assert_eq!(story.ledger.spent(&output(&payment, 0)), Spent::Mempool);
    story.mine(vec![Arc::clone(&spend)]);
    story.unmine();
    story.enter_mempool(&spend);
    assert_eq!(story.balance().trusted, 15);
    let amounts = story.ledger.amounts(story.ledger.get(&spend.txid()).unwrap(), &mine, None);
    assert_eq!((amounts.fee, amounts.sent.len(), amounts.received.len()), (5, 2, 1));
}

#[test]
fn a_conflict_in_a_block_frees_what_the_loser_spent_and_hides_what_it_made() {
    let mut story = Story::new();
    let (one, two) = (tx(&[foreign(1)], &[(MINE, 50)], 1), tx(&[foreign(2)], &[(MINE, 20)], 1));
    story.mine(vec![Arc::clone(&one), Arc::clone(&two)]);
    let loser = tx(&[output(&one, 0), output(&two, 0)], &[(MINE, 69)], 2);
    story.enter_mempool(&loser);
    let child = tx(&[output(&loser, 0)], &[(MINE, 68)], 3);
    story.enter_mempool(&child);
    assert_eq!(story.balance().trusted, 68);
    let winner = tx(&[output(&one, 0)], &[(THEIRS, 49)], 4);
    story.mine(vec![winner]);
    assert_eq!(story.balance().trusted, 20);
    let of = |txid| story.ledger.depth(story.ledger.get(&txid).unwrap());
    assert_eq!((of(loser.txid()), of(child.txid())), (-1, -1));
    story.mine(Vec::new());
    assert_eq!(story.ledger.depth(story.ledger.get(&loser.txid()).unwrap()), -2);
    story.unmine();
    story.unmine();
    let states = [loser.txid(), child.txid()].map(|txid| story.ledger.get(&txid).unwrap().state());
    assert_eq!(states, [State::Inactive { abandoned: false }; 2]);
}

#[test]
fn what_is_given_up_can_be_spent_again() {
    let mut story = Story::new();
    let payment = tx(&[foreign(1)], &[(MINE, 50)], 1);
    story.mine(vec![Arc::clone(&payment)]);
    let stuck = tx(&[output(&payment, 0)], &[(MINE, 40)], 2);
    story.enter_mempool(&stuck);
    let mut changes = Changes::default();
    assert!(!story.ledger.abandon(&stuck.txid(), &mut changes), "it is in the mempool");
    story.leave_mempool(&stuck.txid());
    assert_eq!((story.balance().trusted, story.ledger.spent(&output(&payment, 0))), (0, Spent::Elsewhere));
    assert!(story.ledger.can_abandon(&stuck.txid()) && story.ledger.abandon(&stuck.txid(), &mut changes));
    assert!(changes.txs.contains(&stuck.txid()));
    assert_eq!(story.balance().trusted, 50);
    story.mine(vec![Arc::clone(&stuck)]);
    assert_eq!(story.balance().trusted, 40, "a block knows better");
}

#[test]
fn a_replacement_shares_the_notes_and_is_not_safe_to_spend() {
    let mut story = Story::new();
    let payment = tx(&[foreign(1)], &[(MINE, 50)], 1);
    story.mine(vec![Arc::clone(&payment)]);
    let old = tx(&[output(&payment, 0)], &[(MINE, 40)], 2);
    story.enter_mempool(&old);
    let new = tx(&[output(&payment, 0)], &[(MINE, 35)], 2);
    let note = |details: &mut super::Details| details.notes.replaces = Some(old.txid());
    story.leave_mempool(&old.txid());
    let stamp = Stamp { now: 2000, ..Stamp::default() };
    story.ledger.add(&new, State::Inactive { abandoned: false }, stamp, &mine, &mut Changes::default(), Some(&note));
    story.enter_mempool(&new);
    assert_eq!(story.balance().trusted, 35);
    assert!(story.ledger.available(&mine, &CoinFilter::default()).is_empty());
    let all = story.ledger.available(&mine, &CoinFilter { only_safe: false, ..CoinFilter::default() });
    assert_eq!(all.iter().map(|coin| (coin.value, coin.safe)).collect::<Vec<_>>(), [(35, false)]);
    let conflicts = story.ledger.conflicts(story.ledger.get(&old.txid()).unwrap());
    assert_eq!(conflicts, BTreeSet::from([new.txid()]));
}

#[test]
fn a_coinbase_ripens_and_is_given_up_with_its_block() {
    let mut story = Story::new();
    let coinbase = tx(&[OutPoint::null()], &[(MINE, 50)], 1);
    story.mine(vec![Arc::clone(&coinbase)]);
    for _ in 0..99 {
        assert_eq!((story.balance().immature, story.balance().trusted), (50, 0));
        story.mine(Vec::new());
    }
    assert_eq!(story.ledger.blocks_to_maturity(story.ledger.get(&coinbase.txid()).unwrap()), 1);
    story.mine(Vec::new());
    assert_eq!((story.balance().immature, story.balance().trusted), (0, 50));
    for _ in 0..101 {
        story.unmine();
    }
    assert!(story.ledger.get(&coinbase.txid()).unwrap().is_abandoned());
    assert_eq!(story.balance(), super::Balance::default());
}

#[test]
fn notes_and_locks_survive_a_record() {
    let mut story = Story::new();
    let payment = tx(&[foreign(1)], &[(MINE, 50)], 1);
    story.mine(vec![Arc::clone(&payment)]);
    let mut changes = Changes::default();
    story.ledger.edit(&payment.txid(), &mut changes, |details| {
        details.notes = Notes { comment: Some("rent".into()), ..Notes::default() };
    });
    let known = story.ledger.get(&payment.txid()).unwrap();
    let back = super::WalletTx::from_record(known.to_record(), known.state());
    assert_eq!((back.notes(), back.state()), (known.notes(), known.state()));
    let at = output(&payment, 0);
    story.ledger.lock_coin(at, true);
    assert!(story.ledger.available(&mine, &CoinFilter::default()).is_empty());
    story.enter_mempool(&tx(&[at], &[(THEIRS, 1)], 5));
    assert!(!story.ledger.is_locked(&at), "spending unlocks");
}
