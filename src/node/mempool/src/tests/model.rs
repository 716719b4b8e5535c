//! The pool against a naive model: a list of transactions, looked through from the start for every question.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bitcoin::{OutPoint, Txid};
use lab::{out, spend};
use primitives::Tx;
use proptest::prelude::*;

use super::bench::Bench;
use crate::Reason;

/// A transaction spends one or two outputs that exist, and has two outputs.
#[derive(Clone, Debug)]
enum Step {
    /// Offers a transaction that spends outputs picked by these numbers, and pays so much.
    Offer { picks: Vec<usize>, fee: u64 },
    /// Pretends something about one of the transactions.
    Prioritise { pick: usize, change: i64 },
    /// Mines the first so many transactions of the template.
    Mine { count: usize },
    /// Mines a transaction that spends what some transaction of the pool spends.
    Contradict { pick: usize },
    /// Loses so many blocks.
    Lose { depth: u32 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (prop::collection::vec(any::<usize>(), 1..3), 200u64..20_000).prop_map(|(picks, fee)| Step::Offer { picks, fee }),
        2 => (any::<usize>(), -3_000i64..3_000).prop_map(|(pick, change)| Step::Prioritise { pick, change }),
        2 => (0usize..6).prop_map(|count| Step::Mine { count }),
        1 => any::<usize>().prop_map(|pick| Step::Contradict { pick }),
        1 => (1u32..3).prop_map(|depth| Step::Lose { depth }),
    ]
}

/// What the model knows: values of all outputs that were ever made, and the transactions that wait.
#[derive(Default)]
struct Model {
    values: BTreeMap<OutPoint, u64>,
    waiting: BTreeMap<Txid, (Arc<Tx>, i64)>,
    deltas: BTreeMap<Txid, i64>,
}

impl Model {
    fn spends(tx: &Tx, txid: &Txid) -> bool {
        tx.inputs().iter().any(|input| input.previous_output.txid == *txid)
    }

    /// These and everything that depends on them.
    fn below(&self, mut set: BTreeSet<Txid>) -> BTreeSet<Txid> {
        loop {
            let more: BTreeSet<Txid> = self
                .waiting
                .iter()
                .filter(|(_, (tx, _))| set.iter().any(|txid| Self::spends(tx, txid)))
                .map(|(txid, _)| *txid)
                .filter(|txid| !set.contains(txid))
                .collect();
            if more.is_empty() {
                return set;
            }
            set.extend(more);
        }
    }

    fn conflicts(&self, tx: &Tx) -> BTreeSet<Txid> {
        let same = |other: &Tx| {
            other.inputs().iter().any(|a| tx.inputs().iter().any(|b| a.previous_output == b.previous_output))
        };
        self.waiting.iter().filter(|(_, (other, _))| same(other)).map(|(txid, _)| *txid).collect()
    }

    fn fee(&self, txid: &Txid) -> i64 {
        self.waiting[txid].1 + self.deltas.get(txid).copied().unwrap_or(0)
    }

    fn forget(&mut self, gone: &BTreeSet<Txid>) {
        self.waiting.retain(|txid, _| !gone.contains(txid));
    }

    fn confirm(&mut self, txs: &[Arc<Tx>]) {
        for tx in txs {
            self.waiting.remove(&tx.txid());
            self.deltas.remove(&tx.txid());
            let direct = self.conflicts(tx);
            self.deltas.retain(|txid, _| !direct.contains(txid));
            let gone = self.below(direct);
            self.forget(&gone);
        }
    }

    /// What a refusal must be true of. What is accepted is checked by what it replaces.
    fn offer(&mut self, bench: &mut Bench, tx: &Arc<Tx>, fee: i64) {
        let conflicts = self.conflicts(tx);
        let gone = self.below(conflicts.clone());
        let old_fees: i64 = gone.iter().map(|txid| self.fee(txid)).sum();
        let own = fee + self.deltas.get(&tx.txid()).copied().unwrap_or(0);
        let vsize = i64::try_from(tx.vsize()).unwrap();
        let pays = own >= old_fees && own - old_fees >= (vsize + 9) / 10;
        let depends = gone.iter().any(|txid| Self::spends(tx, txid));
        match bench.accept(tx) {
            Ok(accepted) => {
                let replaced: BTreeSet<Txid> = accepted.replaced.iter().map(|tx| tx.txid()).collect();
                assert_eq!(replaced, gone);
                assert!(!depends && (gone.is_empty() || pays));
                assert_eq!(accepted.fee, fee);
                self.forget(&gone);
                self.waiting.insert(tx.txid(), (Arc::clone(tx), fee));
            }
            Err(Reason::AlreadyInMempool) => assert!(self.waiting.contains_key(&tx.txid())),
            Err(Reason::InsufficientFee { .. }) => assert!(!gone.is_empty() && !pays),
            Err(Reason::ReplacementFailed | Reason::ClusterTooLarge) => assert!(!gone.is_empty() && pays),
            Err(Reason::SpendsConflicting { .. }) => assert!(depends),
            Err(Reason::MinRelayFee { .. }) => assert!(own < (vsize + 9) / 10),
            Err(Reason::MissingInputs | Reason::AlreadyKnown) => {
                // Something that it spends was spent in a block, or its maker is gone.
                let missing = tx.inputs().iter().any(|input| {
                    !self.waiting.contains_key(&input.previous_output.txid)
                        && bench.lab.reader().coin(&input.previous_output).unwrap().is_none()
                });
                assert!(missing);
            }
            // A coinbase that a lost block has made young again.
            Err(Reason::Tx(reason)) => assert_eq!(reason.to_string(), "bad-txns-premature-spend-of-coinbase"),
            Err(other) => panic!("{other:?}"),
        }
    }

    fn agree(&self, bench: &Bench) {
        bench.check();
        let pool = bench.pool.read();
        let here: BTreeSet<Txid> = pool.in_mining_order().map(|(entry, _)| entry.tx.txid()).collect();
        assert_eq!(here, self.waiting.keys().copied().collect());
        for (txid, (_, fee)) in &self.waiting {
            let (id, entry) = (pool.id_of(txid).unwrap(), pool.entry(txid).unwrap());
            assert_eq!((entry.fee, entry.modified_fee), (*fee, self.fee(txid)));
            let below = self.below(BTreeSet::from([*txid]));
            let found = pool.descendants(id).into_iter().map(|id| pool.get(id).unwrap().tx.txid()).collect();
            assert_eq!(below, found);
        }
        let deltas: BTreeMap<Txid, i64> = self.deltas.iter().filter(|(_, d)| **d != 0).map(|(t, d)| (*t, *d)).collect();
        assert_eq!(*pool.deltas(), deltas);
    }
}

fn run(steps: &[Step]) {
    let mut bench = Bench::new(6);
    let mut model = Model::default();
    for _ in 0..6 {
        let (coin, value) = bench.coin();
        model.values.insert(coin, value);
    }
    for step in steps {
        match step {
            Step::Offer { picks, fee } => {
                let all: Vec<(OutPoint, u64)> = model.values.iter().map(|(out, value)| (*out, *value)).collect();
                let chosen: BTreeMap<OutPoint, u64> = picks.iter().map(|pick| all[pick % all.len()]).collect();
                let from: Vec<OutPoint> = chosen.keys().copied().collect();
                let value: u64 = chosen.values().sum();
                let Some(rest) = value.checked_sub(*fee).filter(|rest| *rest > 2000) else { continue };
                let tx = spend(&from, &[rest / 2, rest - rest / 2]);
                model.offer(&mut bench, &tx, i64::try_from(*fee).unwrap());
                if model.waiting.contains_key(&tx.txid()) {
                    model.values.insert(out(&tx, 0), rest / 2);
                    model.values.insert(out(&tx, 1), rest - rest / 2);
                }
            }
            Step::Prioritise { pick, change } => {
                let Some(txid) = model.waiting.keys().nth(pick % model.waiting.len().max(1)).copied() else { continue };
                bench.pool.prioritise(txid, *change);
                *model.deltas.entry(txid).or_default() += change;
            }
            Step::Mine { count } => {
                let template = bench.pool.template(&bench.lab.reader(), &crate::TemplateOptions::default()).unwrap();
                let txs: Vec<Arc<Tx>> =
                    template.template.txs.iter().take(*count).map(|tx| Arc::clone(&tx.tx)).collect();
                let block = bench.lab.mine_with(&txs);
                model.confirm(&block.txs);
            }
            Step::Contradict { pick } => {
                let roots: Vec<Arc<Tx>> = model
                    .waiting
                    .values()
                    .filter(|(tx, _)| tx.inputs().iter().all(|i| !model.waiting.contains_key(&i.previous_output.txid)))
                    .map(|(tx, _)| Arc::clone(tx))
                    .collect();
                let Some(root) = roots.get(pick % roots.len().max(1)) else { continue };
                let coin = root.inputs()[0].previous_output;
                let rival = spend(&[coin], &[model.values[&coin] - 1]);
                let block = bench.lab.mine_with(&[rival]);
                model.confirm(&block.txs);
            }
            Step::Lose { depth } => {
                let height = bench.lab.height() - depth + 1;
                let id = bench.lab.reader().at_height(height).unwrap();
                bench.lab.engine().invalidate(id).unwrap();
                // Which of the old and the new survive depends on the rules of replacement: take what is there, and
                // see that it is sound.
                let pool = bench.pool.read();
                model.waiting =
                    pool.in_mining_order().map(|(e, _)| (e.tx.txid(), (Arc::clone(&e.tx), e.fee))).collect();
                for (tx, _) in model.waiting.values() {
                    assert_eq!(model.conflicts(tx), BTreeSet::from([tx.txid()]), "no two spend the same");
                    for input in tx.inputs() {
                        let there = model.waiting.contains_key(&input.previous_output.txid)
                            || bench.lab.reader().coin(&input.previous_output).unwrap().is_some();
                        assert!(there, "everything that is spent is there");
                    }
                }
            }
        }
        model.agree(&bench);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_pool_is_what_the_model_says(steps in prop::collection::vec(step(), 1..40)) {
        run(&steps);
    }
}
