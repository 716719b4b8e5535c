//! A pool that follows the chain of a lab.

use std::sync::Arc;

use bitcoin::OutPoint;
use chainstate::{Received, SaltedState, ScriptChecker, Subscription};
use lab::Lab;
use primitives::Tx;

use crate::{
    AcceptOptions, Accepted, Mempool, MempoolEvent, Options, PackageOptions, PackageOutcome, Reason, RemovalReason,
};

pub(super) struct Bench {
    pub(super) lab: Lab,
    pub(super) pool: Mempool,
    events: Subscription<MempoolEvent>,
}

/// What happened, in short.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Told {
    Added(Arc<Tx>, u64),
    Removed(Arc<Tx>, RemovalReason, u64),
    Confirmed(usize),
}

impl Bench {
    pub(super) fn new(coins: u32) -> Self {
        Self::with(coins, Options::default())
    }

    pub(super) fn with(coins: u32, options: Options) -> Self {
        let mut lab = Lab::with_coins(coins);
        let salt = SaltedState::new([3, 4]);
        let scripts = Arc::new(ScriptChecker::new(1, 1 << 20, &[5; 32], salt));
        let pool = Mempool::new(options, lab.rules(), scripts, lab.clock(), salt).unwrap();
        lab.engine().follow(pool.follower());
        let events = pool.subscribe();
        Self { lab, pool, events }
    }

    /// A coin of the chain, with its value.
    pub(super) fn coin(&mut self) -> (OutPoint, u64) {
        self.lab.take_coin()
    }

    pub(super) fn offer(&mut self, tx: &Arc<Tx>, options: AcceptOptions) -> Result<Accepted, Reason> {
        let verdict = self.pool.accept(&self.lab.reader(), tx, options).unwrap();
        self.check();
        verdict.map_err(|rejected| rejected.reason)
    }

    pub(super) fn accept(&mut self, tx: &Arc<Tx>) -> Result<Accepted, Reason> {
        self.offer(tx, AcceptOptions::default())
    }

    pub(super) fn package(&mut self, txs: &[Arc<Tx>]) -> PackageOutcome {
        let outcome = self.pool.accept_package(&self.lab.reader(), txs, PackageOptions::default()).unwrap();
        self.check();
        outcome
    }

    pub(super) fn has(&self, tx: &Tx) -> bool {
        self.pool.read().entry_by_wtxid(&tx.wtxid()).is_some()
    }

    pub(super) fn told(&self) -> Vec<Told> {
        let mut told = Vec::new();
        while let Some(received) = self.events.try_next() {
            told.push(match received {
                Received::Event(MempoolEvent::Added { tx, sequence, .. }) => Told::Added(tx, sequence),
                Received::Event(MempoolEvent::Removed { tx, reason, sequence }) => Told::Removed(tx, reason, sequence),
                Received::Event(MempoolEvent::Confirmed { txs, .. }) => Told::Confirmed(txs.len()),
                Received::Lagged(_) => panic!("the queue is long enough"),
            });
        }
        told
    }

    /// Whether everything that the pool keeps twice agrees.
    pub(super) fn check(&self) {
        let pool = self.pool.read();
        let order: Vec<_> = pool.in_mining_order().collect();
        assert_eq!(order.len(), pool.len());
        assert!(order.is_sorted_by(|a, b| a.1.cmp_rate(&b.1).is_ge()), "rates fall");
        let mut seen = std::collections::HashSet::new();
        let (mut vsize, mut fee, mut inputs) = (0, 0, 0);
        for (entry, rate) in &order {
            for input in entry.tx.inputs() {
                let parent = input.previous_output.txid;
                assert!(pool.id_of(&parent).is_none() || seen.contains(&parent), "parents first");
                let spender = pool.spender(&input.previous_output).unwrap();
                assert_eq!(pool.get(spender).unwrap().tx.txid(), entry.tx.txid());
                let linked = pool.id_of(&parent).is_some_and(|id| entry.parents().contains(&id));
                assert_eq!(linked, pool.id_of(&parent).is_some());
                inputs += 1;
            }
            let id = pool.id_of(&entry.tx.txid()).unwrap();
            for parent in entry.parents() {
                assert!(pool.get(*parent).unwrap().children().contains(&id));
            }
            for child in entry.children() {
                assert!(pool.get(*child).unwrap().parents().contains(&id));
            }
            let (chunk_rate, chunk) = pool.chunk_of(entry).unwrap();
            assert!(chunk.contains(&id));
            assert_eq!(chunk_rate, *rate);
            let cluster: usize = pool.cluster_of(entry).map(|(_, txs)| txs.len()).sum();
            assert!(cluster <= pool.options().limits.cluster_count);
            assert!(
                pool.ancestors(id)
                    .iter()
                    .chain(&pool.descendants(id))
                    .all(|other| { pool.cluster_of(entry).any(|(_, txs)| txs.contains(other)) })
            );
            vsize += u64::try_from(entry.vsize).unwrap();
            fee += entry.fee;
            assert_eq!(entry.modified_fee, entry.fee + pool.delta(&entry.tx.txid()));
            seen.insert(entry.tx.txid());
        }
        assert_eq!((pool.total_vsize(), pool.total_fee()), (vsize, fee));
        assert_eq!(pool.is_empty(), inputs == 0);
        assert!(pool.memory_usage() <= pool.options().max_bytes);
    }
}
