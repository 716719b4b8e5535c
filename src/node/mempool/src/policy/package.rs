//! The form of packages: transactions that are looked at together.

use std::{collections::HashSet, sync::Arc};

use bitcoin::{
    Txid,
    hashes::{Hash, HashEngine, sha256},
};
use primitives::Tx;

use crate::PackageReason;

/// The most transactions of a package.
pub const MAX_PACKAGE_COUNT: usize = 25;
/// The most weight of a package.
pub const MAX_PACKAGE_WEIGHT: u64 = 404_000;

/// Checks that a package is small enough, free of repetition and conflicts, and in order.
pub fn check_well_formed(package: &[Arc<Tx>]) -> Result<(), PackageReason> {
    if package.len() > MAX_PACKAGE_COUNT {
        return Err(PackageReason::TooManyTransactions);
    }
    let weight: u64 = package.iter().map(|tx| tx.weight()).sum();
    if package.len() > 1 && weight > MAX_PACKAGE_WEIGHT {
        return Err(PackageReason::TooLarge);
    }
    let mut later: HashSet<Txid> = package.iter().map(|tx| tx.txid()).collect();
    if later.len() != package.len() {
        return Err(PackageReason::Duplicates);
    }
    for tx in package {
        if tx.inputs().iter().any(|input| later.contains(&input.previous_output.txid)) {
            return Err(PackageReason::NotSorted);
        }
        later.remove(&tx.txid());
    }
    let mut spent = HashSet::new();
    for tx in package {
        if tx.inputs().is_empty() || tx.inputs().iter().any(|input| spent.contains(&input.previous_output)) {
            return Err(PackageReason::Conflict);
        }
        // Only now: two equal inputs of one transaction are a worse mistake, which is reported as such.
        spent.extend(tx.inputs().iter().map(|input| input.previous_output));
    }
    Ok(())
}

/// Whether the last transaction spends each of the others.
pub fn is_child_with_parents(package: &[Arc<Tx>]) -> bool {
    let Some((child, parents)) = package.split_last() else { return false };
    let spent: HashSet<Txid> = child.inputs().iter().map(|input| input.previous_output.txid).collect();
    !parents.is_empty() && parents.iter().all(|parent| spent.contains(&parent.txid()))
}

/// Whether the last transaction spends each of the others, and none of the others spends another.
pub fn is_child_with_parents_tree(package: &[Arc<Tx>]) -> bool {
    let Some((_, parents)) = package.split_last() else { return false };
    let txids: HashSet<Txid> = parents.iter().map(|tx| tx.txid()).collect();
    let depends = |tx: &Arc<Tx>| tx.inputs().iter().any(|input| txids.contains(&input.previous_output.txid));
    is_child_with_parents(package) && !parents.iter().any(depends)
}

/// The hash that names a package: of its witness ids in numeric order.
pub fn package_hash(package: &[Arc<Tx>]) -> sha256::Hash {
    let mut ids: Vec<[u8; 32]> = package.iter().map(|tx| tx.wtxid().to_byte_array()).collect();
    ids.sort_unstable_by(|a, b| a.iter().rev().cmp(b.iter().rev()));
    let mut engine = sha256::Hash::engine();
    for id in ids {
        engine.input(&id);
    }
    sha256::Hash::from_engine(engine)
}
