//! Version 3, "topologically restricted until confirmation": such transactions stay small and come in pairs of parent
//! and child at most, so that nobody can make a replacement expensive by hanging much below it.

use std::{collections::BTreeSet, sync::Arc};

use bitcoin::Txid;
use primitives::Tx;

use super::{TRUC_CHILD_MAX_VSIZE, TRUC_MAX_VSIZE, TRUC_VERSION};

/// An unconfirmed parent in the pool, with its neighbourhood.
#[derive(Debug)]
pub(crate) struct Relative {
    pub(crate) tx: Arc<Tx>,
    /// Its ancestors, itself included.
    pub(crate) ancestors: usize,
    /// Its descendants, itself left out, each with the number of its own ancestors.
    pub(crate) descendants: Vec<(Txid, usize)>,
}

/// What is wrong, and the sibling whose place the transaction might take.
#[derive(Debug)]
pub(crate) struct TrucFailure {
    pub(crate) text: String,
    pub(crate) sibling: Option<Txid>,
}

impl From<String> for TrucFailure {
    fn from(text: String) -> Self {
        Self { text, sibling: None }
    }
}

fn named(tx: &Tx) -> String {
    format!("{} (wtxid={})", tx.txid(), tx.wtxid())
}

fn inheritance(tx: &Tx, parent: &Tx) -> Result<(), String> {
    match (tx.version() == TRUC_VERSION, parent.version() == TRUC_VERSION) {
        (false, true) => {
            Err(format!("non-version=3 tx {} cannot spend from version=3 tx {}", named(tx), named(parent)))
        }
        (true, false) => {
            Err(format!("version=3 tx {} cannot spend from non-version=3 tx {}", named(tx), named(parent)))
        }
        _ => Ok(()),
    }
}

fn too_many_ancestors(tx: &Tx) -> String {
    format!("tx {} would have too many ancestors", named(tx))
}

fn too_big(tx: &Tx, vsize: i64, limit: i64, child: &str) -> String {
    format!("version=3 {child}tx {} is too big: {vsize} > {limit} virtual bytes", named(tx))
}

fn too_many_children(parent: &Tx) -> String {
    format!("tx {} would exceed descendant count limit", named(parent))
}

/// Checks a transaction against its parents in the pool. `conflicts` are about to be replaced by it.
pub(crate) fn check_single_truc(
    tx: &Tx,
    vsize: i64,
    parents: &[Relative],
    conflicts: &BTreeSet<Txid>,
) -> Result<(), TrucFailure> {
    for parent in parents {
        inheritance(tx, &parent.tx)?;
    }
    if tx.version() != TRUC_VERSION {
        return Ok(());
    }
    if vsize > TRUC_MAX_VSIZE {
        return Err(too_big(tx, vsize, TRUC_MAX_VSIZE, "").into());
    }
    let parent = match parents {
        [] => return Ok(()),
        [parent] if parent.ancestors == 1 => parent,
        _ => return Err(too_many_ancestors(tx).into()),
    };
    if vsize > TRUC_CHILD_MAX_VSIZE {
        return Err(too_big(tx, vsize, TRUC_CHILD_MAX_VSIZE, "child ").into());
    }
    let replaced = parent.descendants.iter().any(|(txid, _)| conflicts.contains(txid));
    if parent.descendants.is_empty() || replaced {
        return Ok(());
    }
    // After a reorganisation there may be more than one child; then nobody's place can be taken.
    let sibling = match parent.descendants[..] {
        [(txid, 2)] => Some(txid),
        _ => None,
    };
    Err(TrucFailure { text: too_many_children(&parent.tx), sibling })
}

/// Checks a transaction of a package against the package and its parents in the pool.
pub(crate) fn check_package_truc(
    tx: &Arc<Tx>,
    vsize: i64,
    package: &[Arc<Tx>],
    parents: &[Relative],
) -> Result<(), String> {
    let spends = |tx: &Tx, txid: &Txid| tx.inputs().iter().any(|input| input.previous_output.txid == *txid);
    let inside: Vec<&Arc<Tx>> =
        package.iter().take_while(|other| !Arc::ptr_eq(other, tx)).filter(|other| spends(tx, &other.txid())).collect();
    if tx.version() != TRUC_VERSION {
        let outside = parents.iter().map(|parent| &parent.tx);
        return outside.chain(inside).try_for_each(|parent| inheritance(tx, parent));
    }
    if vsize > TRUC_MAX_VSIZE {
        return Err(too_big(tx, vsize, TRUC_MAX_VSIZE, ""));
    }
    if parents.len() + inside.len() > 1 || parents.first().is_some_and(|parent| parent.ancestors + inside.len() > 1) {
        return Err(too_many_ancestors(tx));
    }
    let (parent, has_child) = match (parents.first(), inside.first()) {
        (Some(parent), _) => (&parent.tx, !parent.descendants.is_empty()),
        (None, Some(parent)) => (*parent, false),
        (None, None) => return Ok(()),
    };
    if vsize > TRUC_CHILD_MAX_VSIZE {
        return Err(too_big(tx, vsize, TRUC_CHILD_MAX_VSIZE, "child "));
    }
    inheritance(tx, parent)?;
    for other in package.iter().filter(|other| !Arc::ptr_eq(other, tx)) {
        for input in other.inputs() {
            if input.previous_output.txid == parent.txid() {
                return Err(too_many_children(parent));
            }
            if input.previous_output.txid == tx.txid() {
                return Err(too_many_ancestors(other));
            }
        }
    }
    if has_child { Err(too_many_children(parent)) } else { Ok(()) }
}
