//! The ledger against a naive one, and single rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version;
use bitcoin::{Amount, BlockHash, OutPoint, Script, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use consensus::{ChainParams, rules_for};
use primitives::{Codec, Tx};
use proptest::prelude::*;

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

/// A ledger with a chain that tells it what happens.
struct Story {
    ledger: Ledger,
    blocks: Vec<Vec<Arc<Tx>>>,
    mempool: BTreeMap<Txid, Arc<Tx>>,
}

impl Story {
    fn new() -> Self {
        Self { ledger: empty(), blocks: Vec::new(), mempool: BTreeMap::new() }
    }

    fn height(&self) -> i32 {
        i32::try_from(self.blocks.len()).unwrap()
    }

    fn sync(&mut self, tx: &Arc<Tx>, state: State) {
        let mut changes = Changes::default();
        if let State::Confirmed { block, height, .. } = state {
            self.ledger.conflict_with_block(tx, block, height, &mut changes);
        }
        if self.ledger.involves(tx, &mine) {
            let stamp = Stamp { now: 1000, ..Stamp::default() };
            self.ledger.add(tx, state, stamp, &mine, &mut changes, None);
        }
    }

    fn enter_mempool(&mut self, tx: &Arc<Tx>) {
        self.mempool.insert(tx.txid(), Arc::clone(tx));
        self.sync(tx, State::InMempool);
        self.ledger.refresh_mempool_state(&tx.txid(), true);
        self.ledger.mempool_added(tx, &mut Changes::default());
    }

    fn leave_mempool(&mut self, txid: &Txid) {
        let Some(tx) = self.mempool.remove(txid) else { return };
        self.ledger.refresh_mempool_state(txid, false);
        self.ledger.mempool_removed(&tx, &mut Changes::default());
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
        let height = self.height() + 1;
        let block = hash(u32::try_from(height).unwrap());
        self.ledger.set_tip(block, height);
        for (index, tx) in (0_i32..).zip(&txs) {
            self.sync(tx, State::Confirmed { block, height, index });
            self.mempool.remove(&tx.txid());
            self.ledger.mempool_removed(tx, &mut Changes::default());
        }
        self.blocks.push(txs);
    }

    fn unmine(&mut self) {
        let Some(txs) = self.blocks.pop() else { return };
        let height = self.height() + 1;
        for tx in &txs {
            self.sync(tx, State::Inactive { abandoned: false });
            self.ledger.undo_conflicts(tx, height, &mut Changes::default());
        }
        self.ledger.set_tip(hash(u32::try_from(height - 1).unwrap()), height - 1);
    }

    fn confirmed(&self, txid: &Txid) -> bool {
        self.blocks.iter().flatten().any(|tx| tx.txid() == *txid)
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

/// What a step of a random story does.
#[derive(Debug, Clone)]
enum Step {
    Receive { value: u64, confirm: bool },
    Spend { pick: usize, keep: u64, outside: bool },
    Conflict { pick: usize },
    Mine { take: usize },
    Unmine,
    Evict { pick: usize },
    Abandon { pick: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1_u64..1000, any::<bool>()).prop_map(|(value, confirm)| Step::Receive { value, confirm }),
        (any::<usize>(), 0_u64..1000, any::<bool>()).prop_map(|(pick, keep, outside)| Step::Spend {
            pick,
            keep,
            outside
        }),
        any::<usize>().prop_map(|pick| Step::Conflict { pick }),
        (0_usize..4).prop_map(|take| Step::Mine { take }),
        Just(Step::Unmine),
        any::<usize>().prop_map(|pick| Step::Evict { pick }),
        any::<usize>().prop_map(|pick| Step::Abandon { pick }),
    ]
}

impl Story {
    /// The outputs that exist in the chain or the mempool and that nobody there spends: found by looking at everything.
    fn naive_coins(&self) -> BTreeMap<OutPoint, (u64, bool)> {
        let chain: Vec<&Arc<Tx>> = self.blocks.iter().flatten().collect();
        let all: Vec<(&Arc<Tx>, bool)> =
            chain.iter().map(|tx| (*tx, true)).chain(self.mempool.values().map(|tx| (tx, false))).collect();
        let spent: BTreeSet<OutPoint> =
            all.iter().flat_map(|(tx, _)| tx.inputs()).map(|input| input.previous_output).collect();
        let mut coins = BTreeMap::new();
        for (tx, confirmed) in all {
            for (vout, made) in (0_u32..).zip(tx.outputs()) {
                let at = output(tx, vout);
                if mine(&made.script_pubkey) && !spent.contains(&at) {
                    coins.insert(at, (made.value.to_sat(), confirmed));
                }
            }
        }
        coins
    }

    fn play(&mut self, step: &Step, number: u32) {
        let free: Vec<OutPoint> = self.naive_coins().into_keys().collect();
        match step {
            Step::Receive { value, confirm } => {
                let payment = tx(&[foreign(number)], &[(MINE, *value)], number);
                if *confirm { self.mine(vec![payment]) } else { self.enter_mempool(&payment) }
            }
            Step::Spend { pick, keep, outside } => {
                let Some(at) = free.get(pick % free.len().max(1)) else { return };
                let spend = tx(&[*at], &[(MINE, *keep), (THEIRS, 1)], number);
                if *outside {
                    let stamp = Stamp { now: 1, ..Stamp::default() };
                    let state = State::Inactive { abandoned: false };
                    self.ledger.add(&spend, state, stamp, &mine, &mut Changes::default(), None);
                } else {
                    self.enter_mempool(&spend);
                }
            }
            Step::Conflict { pick } => {
                let Some(victim) = self.mempool.values().nth(pick % self.mempool.len().max(1)) else { return };
                let inputs: Vec<OutPoint> = victim.inputs().iter().map(|input| input.previous_output).collect();
                if inputs.iter().all(|at| self.confirmed(&at.txid) || !self.known(&at.txid)) {
                    self.mine(vec![tx(&inputs, &[(THEIRS, 1)], number)]);
                }
            }
            Step::Mine { take } => {
                // Parents first: a transaction is ready when all it spends is confirmed or not ours.
                let mut chosen: Vec<Arc<Tx>> = Vec::new();
                let candidates: Vec<Arc<Tx>> = self.mempool.values().cloned().collect();
                for candidate in candidates {
                    let ready = candidate.inputs().iter().all(|input| {
                        let parent = input.previous_output.txid;
                        !self.mempool.contains_key(&parent) || chosen.iter().any(|tx| tx.txid() == parent)
                    });
                    if ready && chosen.len() < *take {
                        chosen.push(candidate);
                    }
                }
                self.mine(chosen);
            }
            Step::Unmine => {
                let back = self.blocks.last().cloned().unwrap_or_default();
                self.unmine();
                for tx in back {
                    let clash = self.mempool.values().any(|other| {
                        other
                            .inputs()
                            .iter()
                            .any(|a| tx.inputs().iter().any(|b| a.previous_output == b.previous_output))
                    });
                    let orphan = tx.inputs().iter().any(|input| {
                        let parent = input.previous_output.txid;
                        self.known(&parent) && !self.exists(&parent)
                    });
                    if !clash && !orphan {
                        self.enter_mempool(&tx);
                    }
                }
            }
            Step::Evict { pick } => {
                let leaves: Vec<Txid> = self
                    .mempool
                    .keys()
                    .filter(|txid| {
                        !self.mempool.values().any(|tx| tx.inputs().iter().any(|i| i.previous_output.txid == **txid))
                    })
                    .copied()
                    .collect();
                if let Some(leaf) = leaves.get(pick % leaves.len().max(1)).copied() {
                    self.leave_mempool(&leaf);
                }
            }
            Step::Abandon { pick } => {
                let all: Vec<Txid> = self.ledger.in_order().map(super::WalletTx::txid).collect();
                if let Some(txid) = all.get(pick % all.len().max(1)) {
                    self.ledger.abandon(txid, &mut Changes::default());
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// Whatever happens, the coins that may be spent are those that exist and that nothing alive spends, and the balance is
    /// their sum.
    #[test]
    fn coins_and_balances_are_those_of_a_naive_ledger(steps in prop::collection::vec(step(), 1..40)) {
        let mut story = Story::new();
        story.mine(Vec::new());
        for (number, step) in (100_u32..).zip(&steps) {
            story.play(step, number);
            let held_back: BTreeSet<OutPoint> = story
                .ledger
                .in_order()
                .filter(|tx| !tx.is_dead() && !story.exists(&tx.txid()))
                .flat_map(|tx| tx.tx().inputs())
                .map(|input| input.previous_output)
                .collect();
            let naive: BTreeMap<OutPoint, u64> = story
                .naive_coins()
                .into_iter()
                .filter(|(at, _)| !held_back.contains(at))
                .map(|(at, (value, _))| (at, value))
                .collect();
            let filter = CoinFilter { only_safe: false, min_amount: 0, ..CoinFilter::default() };
            let found: BTreeMap<OutPoint, u64> = story
                .ledger
                .available(&mine, &filter)
                .into_iter()
                .map(|coin| (coin.outpoint, u64::try_from(coin.value).unwrap()))
                .collect();
            prop_assert_eq!(&found, &naive, "after {:?}", step);
            let balance = story.balance();
            let sum: u64 = naive.values().sum();
            prop_assert_eq!(u64::try_from(balance.trusted + balance.untrusted_pending).unwrap(), sum);
            for tx in story.ledger.in_order() {
                let txid = tx.txid();
                prop_assert_eq!(tx.state().is_confirmed(), story.confirmed(&txid), "{:?} after {:?}", tx.state(), step);
                prop_assert_eq!(tx.in_mempool(), story.mempool.contains_key(&txid), "{:?} after {:?}", tx.state(), step);
            }
        }
    }
}
