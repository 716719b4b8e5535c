//! Taking in a wallet's transaction.

use std::sync::Arc;

use bitcoin::OutPoint;
use interfaces::{Amount, Answer, Broadcast, Call, ChainBroadcast, Failure, IpcError, RawTx};
use mempool::{AcceptOptions, Mempool};
use p2p::PrivateAdded;
use primitives::Tx;
use store::StoreError;

use super::{NodeChain, disk_failed};

/// Why a transaction of ours is not sent. The texts are the daemon's.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("Transaction outputs already in utxo set")]
    InChain,
    #[error("Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)")]
    MaxFee,
    #[error("{0}")]
    Pool(String),
    #[error("Private broadcast queue is full")]
    PrivateFull,
}

impl ChainBroadcast for NodeChain {
    fn broadcast_transaction(&self, tx: &RawTx, max_fee: Amount, how: Broadcast) -> Call<Answer<()>> {
        let tx = match self.decode(tx)? {
            Ok(tx) => tx,
            Err(failure) => return Ok(Err(failure)),
        };
        let (txid, pool, tried) = (tx.txid(), self.mempool()?.clone(), Arc::clone(&tx));
        let work = move |engine: &mut chainstate::Engine| send(&engine.reader(), &pool, &tried, max_fee, how);
        let done = self.chain()?.call(work).map_err(|stopped| IpcError::Remote(stopped.to_string()))?;
        if how == Broadcast::MempoolAndBroadcastToAll && matches!(done, Ok(Ok(()))) {
            self.node.relay_tx(txid);
        }
        if how == Broadcast::NoMempoolPrivateBroadcast && matches!(done, Ok(Ok(()))) {
            let net = self.node.net().map_err(|stopped| IpcError::Remote(stopped.to_string()))?;
            let added = net.call(move |net| net.broadcast_privately(tx));
            let added = added.map_err(|stopped| IpcError::Remote(stopped.to_string()))?;
            if added == PrivateAdded::Full {
                return Ok(Err(Failure(Refused::PrivateFull.to_string())));
            }
        }
        Ok(done.map_err(|error| disk_failed(&error))?.map_err(|refused| Failure(refused.to_string())))
    }
}

/// Runs on the validation thread, so that nothing changes between the look at the fee and the acceptance.
fn send(
    chain: &chainstate::Reader,
    pool: &Mempool,
    tx: &Arc<Tx>,
    max_fee: Amount,
    how: Broadcast,
) -> Result<Result<(), Refused>, StoreError> {
    let txid = tx.txid();
    for vout in (0_u32..).take(tx.outputs().len()) {
        if chain.coin(&OutPoint { txid, vout })?.is_some() {
            return Ok(Err(Refused::InChain));
        }
    }
    if pool.read().id_of(&txid).is_none() {
        let would = pool.accept(chain, tx, AcceptOptions { test_only: true, ..AcceptOptions::default() })?;
        match would {
            Err(rejected) => return Ok(Err(Refused::Pool(rejected.reason.full()))),
            Ok(accepted) if accepted.fee > max_fee => return Ok(Err(Refused::MaxFee)),
            Ok(_) => {}
        }
        if how == Broadcast::NoMempoolPrivateBroadcast {
            return Ok(Ok(()));
        }
        if let Err(rejected) = pool.accept(chain, tx, AcceptOptions::default())? {
            return Ok(Err(Refused::Pool(rejected.reason.full())));
        }
        // What was here before has had its chance.
        if how == Broadcast::MempoolAndBroadcastToAll {
            pool.add_unbroadcast(txid);
        }
    }
    Ok(Ok(()))
}
