//! The memory pool as the peer logic sees it.

use std::sync::Arc;

use bitcoin::{Txid, Wtxid};
use chainstate::ChainHandle;
use consensus::TxResult;
use mempool::{AcceptOptions, FeeFilterRounder, FeeRate, Mempool, PackageOptions, Rejected, Verdict};
use p2p::{PackageVerdict, RejectKind, TxAccess, TxVerdict};
use platform::Shutdown;
use primitives::Tx;
use store::StoreError;

/// The way to the pool. What changes it runs on the validation thread, where the chain stands still.
#[derive(Debug)]
pub(crate) struct PeerPool {
    pool: Mempool,
    chain: ChainHandle,
    rounder: FeeFilterRounder,
    shutdown: Shutdown,
}

impl PeerPool {
    pub(crate) fn new(pool: Mempool, chain: ChainHandle, shutdown: Shutdown) -> Self {
        let rounder = FeeFilterRounder::new(pool.read().options().incremental_relay_fee);
        Self { pool, chain, rounder, shutdown }
    }

    /// Runs on the validation thread. A disk that fails there ends the node; until then the transaction is only put off.
    fn validate<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Mempool, &chainstate::Reader) -> Result<R, StoreError> + Send + 'static,
    ) -> Option<R> {
        let pool = self.pool.clone();
        match self.chain.call(move |engine| work(&pool, &engine.reader())) {
            Ok(Ok(done)) => Some(done),
            Ok(Err(error)) => {
                crate::startup::abort(&self.shutdown, &error);
                None
            }
            Err(_) => None,
        }
    }
}

fn refused(rejected: &Rejected) -> TxVerdict {
    let kind = match rejected.result() {
        TxResult::MissingInputs => return TxVerdict::MissingInputs,
        TxResult::Conflict => return TxVerdict::Known,
        TxResult::Reconsiderable => RejectKind::Reconsiderable,
        TxResult::WitnessStripped => RejectKind::WitnessStripped,
        TxResult::InputsNotStandard => RejectKind::AnyWitness,
        _ => RejectKind::Final,
    };
    TxVerdict::Rejected { reason: rejected.reason.full(), kind }
}

fn judged(verdict: &Verdict) -> TxVerdict {
    match verdict {
        Verdict::Accepted(accepted) => TxVerdict::Accepted { replaced: accepted.replaced.clone() },
        Verdict::Rejected(rejected) => refused(rejected),
        Verdict::InMempool { .. } | Verdict::OtherWitness(_) => TxVerdict::Known,
    }
}

fn stopping() -> TxVerdict {
    TxVerdict::Rejected { reason: "Shutting down".to_owned(), kind: RejectKind::WitnessStripped }
}

impl TxAccess for PeerPool {
    fn by_txid(&self, txid: &Txid) -> Option<Arc<Tx>> {
        self.pool.read().tx(txid)
    }

    fn by_wtxid(&self, wtxid: &Wtxid) -> Option<Arc<Tx>> {
        self.pool.read().entry_by_wtxid(wtxid).map(|entry| Arc::clone(&entry.tx))
    }

    fn size(&self) -> (usize, usize) {
        let pool = self.pool.read();
        (pool.len(), pool.memory_usage())
    }

    fn list(&self) -> Vec<(Txid, Wtxid)> {
        self.pool.read().in_mining_order().map(|(entry, _)| (entry.tx.txid(), entry.tx.wtxid())).collect()
    }

    fn sort_for_relay(&self, list: &mut Vec<Txid>) {
        self.pool.read().sort_for_relay(list);
    }

    fn feerate(&self, txid: &Txid) -> Option<i64> {
        let pool = self.pool.read();
        let entry = pool.entry(txid)?;
        Some(FeeRate { fee: entry.fee, size: entry.vsize }.fee_per_kvb())
    }

    fn sequence(&self) -> u64 {
        self.pool.read().sequence()
    }

    fn sequence_of(&self, txid: &Txid) -> Option<u64> {
        self.pool.read().entry(txid).map(|entry| entry.sequence)
    }

    fn minimum_feerate(&self) -> i64 {
        self.pool.min_fee().fee_per_kvb()
    }

    fn relay_feerate(&self) -> i64 {
        self.pool.read().options().min_relay_fee.fee_per_kvb()
    }

    fn round_feerate(&self, feerate: i64, dice: u32) -> i64 {
        self.rounder.round(feerate, dice)
    }

    fn unbroadcast(&self) -> Vec<(Txid, Wtxid)> {
        let pool = self.pool.read();
        pool.unbroadcast().filter_map(|id| pool.get(id)).map(|entry| (entry.tx.txid(), entry.tx.wtxid())).collect()
    }

    fn mark_broadcast(&mut self, txid: &Txid) {
        self.pool.remove_unbroadcast(txid);
    }

    fn submit(&mut self, tx: Arc<Tx>) -> TxVerdict {
        let done = self.validate(move |pool, chain| pool.accept(chain, &tx, AcceptOptions::default()));
        match done {
            Some(Ok(accepted)) => TxVerdict::Accepted { replaced: accepted.replaced },
            Some(Err(rejected)) => refused(&rejected),
            None => stopping(),
        }
    }

    fn would_accept(&self, tx: &Arc<Tx>) -> Result<(), String> {
        let tx = Arc::clone(tx);
        let options = AcceptOptions { test_only: true, ..AcceptOptions::default() };
        let done = self.validate(move |pool, chain| pool.accept(chain, &tx, options));
        done.map_or_else(|| Err("Shutting down".to_owned()), |judged| judged.map(drop).map_err(|it| it.reason.full()))
    }

    fn submit_package(&mut self, parent: Arc<Tx>, child: Arc<Tx>) -> PackageVerdict {
        let (first, second) = (parent.wtxid(), child.wtxid());
        let done =
            self.validate(move |pool, chain| pool.accept_package(chain, &[parent, child], PackageOptions::default()));
        let Some(outcome) = done else {
            return PackageVerdict { refused: Some("Shutting down".to_owned()), parent: None, child: None };
        };
        PackageVerdict {
            refused: outcome.error.map(|error| error.to_string()),
            parent: outcome.verdicts.get(&first).map(judged),
            child: outcome.verdicts.get(&second).map(judged),
        }
    }
}
