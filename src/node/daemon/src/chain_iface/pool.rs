//! Unconfirmed transactions, and what it costs to be one.

use std::sync::Arc;

use bitcoin::OutPoint;
use consensus::value_of;
use interfaces::{
    Amount, Answer, BumpFee, Call, ChainFees, ChainMempool, Coin, Failure, FeeEstimate, PackageLimits, RawTx, Script,
    TxAncestry, Txid,
};
use mempool::{Estimator, FeeRate, Horizon};
use primitives::{Tx, WitnessMode};

use super::convert::{to_outpoint, to_txid};
use super::{NodeChain, disk_failed};

/// The height of an output that is not in a block.
const MEMPOOL_HEIGHT: u32 = 0x7fff_ffff;

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

impl NodeChain {
    pub(super) fn decode(&self, tx: &RawTx) -> Call<Answer<Arc<Tx>>> {
        let decoded = self.reader()?.codec().decode_tx(tx.as_bytes(), WitnessMode::Include);
        Ok(decoded.map(Arc::new).map_err(|error| Failure(error.to_string())))
    }

    fn coin(&self, out: &OutPoint) -> Call<Option<Coin>> {
        if let Some(tx) = self.mempool()?.read().tx(&out.txid) {
            let output = usize::try_from(out.vout).ok().and_then(|index| tx.outputs().get(index));
            return Ok(output.map(|output| Coin {
                value: value_of(output),
                script: Script::new(output.script_pubkey.as_bytes()),
                height: MEMPOOL_HEIGHT,
                coinbase: false,
            }));
        }
        let entry = self.reader()?.coin(out).map_err(|error| disk_failed(&error))?;
        Ok(entry.map(|entry| Coin {
            value: value_of(&entry.out),
            script: Script::new(entry.out.script_pubkey.as_bytes()),
            height: entry.height,
            coinbase: entry.coinbase,
        }))
    }
}

impl ChainMempool for NodeChain {
    fn find_coins(&self, outpoints: &[interfaces::OutPoint]) -> Call<Vec<Option<Coin>>> {
        outpoints.iter().map(|out| self.coin(&to_outpoint(out))).collect()
    }

    fn is_in_mempool(&self, txid: Txid) -> Call<bool> {
        Ok(self.mempool()?.read().id_of(&to_txid(txid)).is_some())
    }

    fn has_descendants_in_mempool(&self, txid: Txid) -> Call<bool> {
        Ok(self.mempool()?.read().entry(&to_txid(txid)).is_some_and(|entry| !entry.children().is_empty()))
    }

    fn transaction_ancestries(&self, txids: &[Txid]) -> Call<Vec<TxAncestry>> {
        let pool = self.mempool()?.read();
        let of = |txid: &Txid| {
            let Some(id) = pool.id_of(&to_txid(*txid)) else { return TxAncestry::default() };
            let (ancestors, size, ancestor_fees) = pool.totals(&pool.ancestors(id));
            let cluster = pool.get(id).map_or(0, |entry| pool.cluster_of(entry).map(|(_, txs)| txs.len()).sum());
            TxAncestry {
                ancestors: count(ancestors),
                cluster: count(cluster),
                ancestor_size: u64::try_from(size).unwrap_or(0),
                ancestor_fees,
            }
        };
        Ok(txids.iter().map(of).collect())
    }

    fn individual_bump_fees(&self, outpoints: &[interfaces::OutPoint], fee_rate: Amount) -> Call<Vec<BumpFee>> {
        let outs: Vec<OutPoint> = outpoints.iter().map(to_outpoint).collect();
        let fees = self.mempool()?.read().bump_fees(&outs, FeeRate::per_kvb(fee_rate)).unwrap_or_default();
        let fee = |out: &interfaces::OutPoint| Some(BumpFee { outpoint: *out, fee: *fees.get(&to_outpoint(out))? });
        Ok(outpoints.iter().filter_map(fee).collect())
    }

    fn combined_bump_fee(&self, outpoints: &[interfaces::OutPoint], fee_rate: Amount) -> Call<Option<Amount>> {
        let outs: Vec<OutPoint> = outpoints.iter().map(to_outpoint).collect();
        Ok(self.mempool()?.read().total_bump_fee(&outs, FeeRate::per_kvb(fee_rate)))
    }

    fn package_limits(&self) -> Call<PackageLimits> {
        let limits = self.mempool()?.read().options().limits;
        let narrow = |limit: u64| u32::try_from(limit).unwrap_or(u32::MAX);
        Ok(PackageLimits { ancestors: narrow(limits.ancestor_count), descendants: narrow(limits.descendant_count) })
    }

    fn check_chain_limits(&self, tx: &RawTx) -> Call<Answer<()>> {
        Ok(self.decode(tx)?.and_then(|tx| {
            let fits = self.node.mempool.get().is_none_or(|pool| pool.within_limits(&tx));
            if fits { Ok(()) } else { Err(Failure::new("too many unconfirmed transactions in cluster")) }
        }))
    }
}

impl ChainFees for NodeChain {
    fn estimate_fee_rate(&self, blocks: u32, conservative: bool) -> Call<Answer<FeeEstimate>> {
        if blocks > self.max_fee_target()? {
            return Ok(Err(Failure::new("Insufficient data or no feerate found")));
        }
        let found = self.mempool()?.estimate(self.reader()?, Estimator::Lower, blocks, conservative);
        Ok(found
            .map(|found| FeeEstimate { fee_rate: found.rate.fee_per_kvb(), target: found.target })
            .map_err(|none| Failure::new(none.reason)))
    }

    fn max_fee_target(&self) -> Call<u32> {
        Ok(self.mempool()?.experience().estimator.highest_target(Horizon::Long))
    }

    fn mempool_min_fee(&self) -> Call<Amount> {
        Ok(self.mempool()?.min_fee().fee_per_kvb())
    }

    fn relay_min_fee(&self) -> Call<Amount> {
        Ok(self.mempool()?.read().options().min_relay_fee.fee_per_kvb())
    }

    fn relay_incremental_fee(&self) -> Call<Amount> {
        Ok(self.mempool()?.read().options().incremental_relay_fee.fee_per_kvb())
    }

    fn relay_dust_fee(&self) -> Call<Amount> {
        Ok(self.mempool()?.read().options().dust_relay_fee.fee_per_kvb())
    }
}
