//! Dust that lives for one block: a transaction may have one output of it if it pays no fee, so that nobody mines it
//! without the child that spends the dust and pays.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use bitcoin::{OutPoint, Txid};
use primitives::Tx;

use super::dust_outputs;
use crate::{FeeRate, Reason};

/// A transaction with dust must pay nothing by itself.
pub fn check_ephemeral_tx(tx: &Tx, rate: FeeRate, fee: i64, modified_fee: i64) -> Result<(), Reason> {
    if (fee != 0 || modified_fee != 0) && dust_outputs(tx, rate).next().is_some() {
        return Err(Reason::DustNotFree);
    }
    Ok(())
}

/// Every child must spend all dust of its unconfirmed parents. Tells the first that does not.
pub fn check_ephemeral_spends(
    package: &[Arc<Tx>],
    rate: FeeRate,
    unconfirmed: impl Fn(&Txid) -> Option<Arc<Tx>>,
) -> Result<(), (&Arc<Tx>, Reason)> {
    let inside: HashMap<Txid, &Arc<Tx>> = package.iter().map(|tx| (tx.txid(), tx)).collect();
    for tx in package {
        let parents: HashSet<Txid> = tx.inputs().iter().map(|input| input.previous_output.txid).collect();
        let mut dust = HashSet::new();
        for txid in parents {
            let Some(parent) = inside.get(&txid).map(|tx| Arc::clone(tx)).or_else(|| unconfirmed(&txid)) else {
                continue;
            };
            dust.extend(dust_outputs(&parent, rate).map(|vout| OutPoint { txid, vout }));
        }
        for input in tx.inputs() {
            dust.remove(&input.previous_output);
        }
        if !dust.is_empty() {
            return Err((tx, Reason::MissingEphemeralSpends { txid: tx.txid(), wtxid: tx.wtxid() }));
        }
    }
    Ok(())
}
