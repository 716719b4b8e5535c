//! What can be said about a transaction by looking at nothing else.

use std::collections::HashSet;

use bitcoin::TxIn;
use primitives::Tx;

use crate::money::{in_range, value_of};
use crate::params::{ChainParams, count};
use crate::reason::TxReason;

/// The longest and the shortest script of a coinbase.
const COINBASE_SCRIPT: std::ops::RangeInclusive<usize> = 2..=100;

/// Up to this many inputs, comparing each with each is cheaper than a set.
const FEW: usize = 12;

/// Checks a transaction by itself. Nothing here depends on the witness, which could have been changed on the way.
pub(crate) fn check_transaction(params: &ChainParams, tx: &Tx) -> Result<(), TxReason> {
    if tx.inputs().is_empty() {
        return Err(TxReason::NoInputs);
    }
    if tx.outputs().is_empty() {
        return Err(TxReason::NoOutputs);
    }
    if params.scaled(count(tx.stripped_size())) > params.max_block_weight() {
        return Err(TxReason::Oversize);
    }
    check_outputs(params, tx)?;
    if has_duplicates(tx.inputs()) {
        return Err(TxReason::DuplicateInputs);
    }
    if tx.is_coinbase() {
        if !COINBASE_SCRIPT.contains(&tx.inputs()[0].script_sig.len()) {
            return Err(TxReason::CoinbaseLength);
        }
    } else if tx.inputs().iter().any(|input| input.previous_output.is_null()) {
        return Err(TxReason::NullInput);
    }
    Ok(())
}

/// No output, and no sum of outputs, is negative or more than all there can be (CVE-2010-5139).
fn check_outputs(params: &ChainParams, tx: &Tx) -> Result<(), TxReason> {
    let max = params.max_money();
    let mut total = 0i64;
    for output in tx.outputs() {
        let value = value_of(output);
        if value < 0 {
            return Err(TxReason::OutputNegative);
        }
        if value > max {
            return Err(TxReason::OutputTooLarge);
        }
        total = total.checked_add(value).filter(|total| in_range(*total, max)).ok_or(TxReason::OutputTotalTooLarge)?;
    }
    Ok(())
}

/// Whether two inputs spend the same output (CVE-2018-17144).
fn has_duplicates(inputs: &[TxIn]) -> bool {
    if inputs.len() <= FEW {
        let pairs = inputs.iter().enumerate();
        return pairs.into_iter().any(|(i, a)| inputs[..i].iter().any(|b| a.previous_output == b.previous_output));
    }
    let mut seen = HashSet::with_capacity(inputs.len());
    !inputs.iter().all(|input| seen.insert(input.previous_output))
}
