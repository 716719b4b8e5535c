//! Signature operations: what verifying a transaction may cost.

use bitcoin::Script;
use primitives::{Tx, TxOutEntry};
use script::{Flags, sigops};

use crate::params::{ChainParams, count};

/// The signature operations in the transaction's own scripts, counted the old way: without looking at what it spends, and
/// with twenty for each multisig.
pub fn legacy_sigops(tx: &Tx) -> u64 {
    count(sigops::legacy(tx.inner()))
}

/// The signature operations of a transaction that spends `spent`, weighted: those outside witnesses count more.
pub(crate) fn sigop_cost(params: &ChainParams, tx: &Tx, spent: &[TxOutEntry], flags: Flags) -> u64 {
    let mut cost = params.scaled(legacy_sigops(tx));
    if tx.is_coinbase() {
        return cost;
    }
    if flags.has(Flags::P2SH) {
        let scripts = spent.iter().map(|coin| -> &Script { &coin.out.script_pubkey });
        cost = cost.saturating_add(params.scaled(count(sigops::p2sh(tx.inner(), scripts))));
    }
    for (input, coin) in tx.inputs().iter().zip(spent) {
        let operations = sigops::count_witness(&input.script_sig, &coin.out.script_pubkey, &input.witness, flags);
        cost = cost.saturating_add(count(operations));
    }
    cost
}
