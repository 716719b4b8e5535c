//! Random stories: money comes and goes, blocks come and go, the wallet crashes and comes back, and after each step its
//! coins and its balance are those of a naive ledger, which looks at the whole chain and the whole mempool.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bitcoin::{OutPoint, Txid};
use primitives::Tx;
use proptest::prelude::*;
use walletdb::StoredState;

use super::super::{CoinFilter, Stamp, State, WalletTx};
use super::{MINE, Mined, Story, THEIRS, empty, foreign, mine, output, tx};

/// What a step of a random story does.
#[derive(Debug, Clone)]
enum Step {
    Receive {
        value: u64,
        confirm: bool,
    },
    Spend {
        pick: usize,
        keep: u64,
        outside: bool,
    },
    Conflict {
        pick: usize,
    },
    Mine {
        take: usize,
    },
    Unmine,
    Evict {
        pick: usize,
    },
    Abandon {
        pick: usize,
    },
    Bump {
        pick: usize,
    },
    Crash,
    /// The wallet is closed while blocks go and come.
    Away {
        lost: usize,
        found: usize,
        paid: bool,
    },
    Rescan,
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
        any::<usize>().prop_map(|pick| Step::Bump { pick }),
        Just(Step::Crash),
        (0_usize..3, 0_usize..3, any::<bool>()).prop_map(|(lost, found, paid)| Step::Away { lost, found, paid }),
        Just(Step::Rescan),
    ]
}

impl Story {
    /// The outputs that exist in the chain or the mempool and that nobody there spends: found by looking at everything.
    fn naive_coins(&self) -> BTreeMap<OutPoint, (u64, bool)> {
        let chain: Vec<&Arc<Tx>> = self.blocks.iter().flat_map(|block| &block.txs).collect();
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
                    self.told(|ledger, changes| ledger.add(&spend, state, stamp, &mine, changes, None));
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
                let back = self.blocks.last().map(|block| block.txs.clone()).unwrap_or_default();
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
                let all: Vec<Txid> = self.ledger.in_order().map(WalletTx::txid).collect();
                if let Some(txid) = all.get(pick % all.len().max(1)) {
                    self.told(|ledger, changes| ledger.abandon(txid, changes));
                }
            }
            Step::Bump { pick } => self.bump(*pick, number),
            Step::Crash => self.come_back(self.blocks.len()),
            Step::Away { lost, found, paid } => {
                let kept = self.blocks.len().saturating_sub(*lost);
                // What was in the lost blocks is taken up again by the new ones, or forgotten by the node.
                let lost: Vec<Arc<Tx>> = self.blocks.drain(kept..).flat_map(|block| block.txs).collect();
                self.mempool.clear();
                for place in 0..*found {
                    self.named += 1;
                    let mut txs = if place == 0 && *paid { lost.clone() } else { Vec::new() };
                    let salt = number * 8 + u32::try_from(place).unwrap();
                    txs.push(tx(&[foreign(1_000_000 + salt)], &[(MINE, 7)], salt));
                    self.blocks.push(Mined { hash: super::hash(self.named), txs });
                }
                self.come_back(kept);
            }
            Step::Rescan => {
                let tip = self.ledger.tip();
                (0..self.blocks.len()).for_each(|position| self.see_block(position));
                assert_eq!(self.ledger.tip(), tip);
            }
        }
    }

    /// Replaces a transaction of the mempool that nothing there spends from by one that pays more.
    fn bump(&mut self, pick: usize, number: u32) {
        let spends = |of: &Txid| {
            self.mempool.values().any(|tx| tx.inputs().iter().any(|input| input.previous_output.txid == *of))
        };
        let ours = |tx: &Arc<Tx>| self.ledger.is_from_me(tx) && !spends(&tx.txid());
        let bumpable: Vec<Arc<Tx>> = self.mempool.values().filter(|tx| ours(tx)).cloned().collect();
        let Some(old) = bumpable.get(pick % bumpable.len().max(1)) else { return };
        let inputs: Vec<OutPoint> = old.inputs().iter().map(|input| input.previous_output).collect();
        let kept = old.outputs().first().map_or(0, |output| output.value.to_sat());
        let new = tx(&inputs, &[(MINE, kept.saturating_sub(1))], number);
        let (old, id) = (old.txid(), new.txid());
        let stamp = Stamp { now: 2000, ..Stamp::default() };
        self.told(|ledger, changes| {
            let note = |details: &mut super::super::Details| details.notes.replaces = Some(old);
            ledger.add(&new, State::Inactive { abandoned: false }, stamp, &mine, changes, Some(&note));
            ledger.edit(&old, changes, |details| details.notes.replaced_by = Some(id));
        });
        // The node takes the one and drops the other.
        self.leave_mempool(&old);
        self.enter_mempool(&new);
    }

    /// Opens the file anew, as it is, and looks at the blocks behind `seen` and at the mempool.
    fn come_back(&mut self, seen: usize) {
        let height = |hash| {
            let position = self.blocks.iter().position(|block| block.hash == hash)?;
            i32::try_from(position + 1).ok()
        };
        let mut records: Vec<_> = self.file.values().cloned().collect();
        records.sort_by_key(|record| record.order_pos);
        let mut ledger = empty();
        let seen_tip = self.blocks.get(seen.wrapping_sub(1)).map(|block| block.hash);
        ledger.set_tip(seen_tip.unwrap_or(super::hash(0)), i32::try_from(seen).unwrap());
        for record in records {
            let block = match record.state {
                StoredState::Confirmed { block, .. } | StoredState::Conflicted { block } => height(block),
                _ => None,
            };
            let state = State::from_stored(record.state, block);
            assert!(ledger.restore(WalletTx::from_record(record, state), &mine));
        }
        self.ledger = ledger;
        for position in seen..self.blocks.len() {
            self.see_block(position);
        }
        for tx in self.mempool.values().cloned().collect::<Vec<_>>() {
            self.see_in_mempool(&tx);
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
