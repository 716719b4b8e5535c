//! The commitment to witnesses, which stands at the very end of a block.
//!
//! The last bytes of the block's last transaction are a path, a root, a magic number, the lock time and the lock height.
//! The root is that of a fast Merkle tree over all transactions with their witnesses. The path leads from there to a
//! place in a larger tree, whose branch is the witness of the coinbase; a path of one means that there is no such tree.
//!
//! Two leaves differ from the rest: the coinbase counts without its script and with sequence 0, so that a miner may
//! change these, and the last transaction counts with zeros in place of path and root.

use bitcoin::hashes::{Hash, sha256d};
use bitcoin::{ScriptBuf, Sequence};
use primitives::{Block, Tx, WitnessMode, fast_merkle};

use crate::block::BlockChecks;
use crate::reason::BlockReason;

/// Marks a commitment.
const MAGIC: [u8; 4] = [0x4b, 0x4a, 0x49, 0x48];
/// Lock time and lock height.
const LOCKS: usize = 8;
/// Path and root.
const COMMITMENT: usize = 33;
/// All that a commitment takes at the end of a transaction.
const SIZE: usize = COMMITMENT + MAGIC.len() + LOCKS;

/// A commitment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Commitment {
    path: u8,
    root: [u8; 32],
}

/// The script of an output that will hold a commitment: one push, so that anybody may spend it.
pub(super) fn blank_script() -> Vec<u8> {
    let mut script = vec![0; 1 + COMMITMENT];
    script[0] = 37;
    script.extend(MAGIC);
    script
}

/// That script with the root of a block, and a path that says that there is no larger tree.
pub(super) fn script(root: &[u8; 32]) -> Vec<u8> {
    let mut script = vec![37, 1];
    script.extend(root);
    script.extend(MAGIC);
    script
}

/// Where a commitment begins in the bytes of a transaction, if there is one.
fn place(bytes: &[u8]) -> Option<usize> {
    let start = bytes.len().checked_sub(SIZE)?;
    (bytes[start + COMMITMENT..start + COMMITMENT + MAGIC.len()] == MAGIC).then_some(start)
}

fn commitment(last: &Tx) -> Option<Commitment> {
    let bytes = last.to_bytes(WitnessMode::Strip);
    let start = place(&bytes)?;
    let root = bytes[start + 1..start + COMMITMENT].try_into().ok()?;
    Some(Commitment { path: bytes[start], root })
}

/// Whether a block ends with a commitment.
pub(super) fn commits(block: &Block) -> bool {
    block.txs.last().is_some_and(|last| commitment(last).is_some())
}

/// The id of a coinbase without what a miner may change late.
fn coinbase_leaf(coinbase: &Tx) -> [u8; 32] {
    let mut inner = coinbase.inner().clone();
    if let Some(input) = inner.input.first_mut() {
        input.script_sig = ScriptBuf::new();
        input.sequence = Sequence(0);
    }
    Tx::new(inner, coinbase.lock_height()).txid().to_byte_array()
}

fn last_leaf(last: &Tx) -> [u8; 32] {
    let mut bytes = last.to_bytes(WitnessMode::Strip);
    if let Some(start) = place(&bytes) {
        bytes[start..start + COMMITMENT].fill(0);
    }
    sha256d::Hash::hash(&bytes).to_byte_array()
}

/// The root that a block commits to.
pub(super) fn root(block: &Block) -> [u8; 32] {
    let mut leaves: Vec<[u8; 32]> = block.txs.iter().map(|tx| tx.wtxid().to_byte_array()).collect();
    if let (Some(leaf), Some(coinbase)) = (leaves.first_mut(), block.txs.first()) {
        *leaf = coinbase_leaf(coinbase);
    }
    // A block of one transaction has one leaf, and this is it.
    if let (Some(leaf), Some(last)) = (leaves.last_mut(), block.txs.last()) {
        *leaf = last_leaf(last);
    }
    fast_merkle::root(leaves)
}

/// Checks that the witnesses are those that the block commits to, if a commitment is `expected`; without one there may be
/// no witnesses at all.
pub(super) fn check(block: &Block, expected: bool, checks: &mut BlockChecks) -> Result<(), BlockReason> {
    let Some(commitment) = block.txs.last().filter(|_| expected).and_then(|last| commitment(last)) else {
        let clean = block.txs.iter().all(|tx| !tx.has_witness());
        return if clean { Ok(()) } else { Err(BlockReason::UnexpectedWitness) };
    };
    if checks.witness {
        return Ok(());
    }
    let witness = block.txs.first().and_then(|tx| tx.inputs().first()).map(|input| &input.witness);
    let item = witness.filter(|witness| witness.len() == 1).and_then(|witness| witness.nth(0));
    let item = item.filter(|item| item.len().is_multiple_of(32)).ok_or(BlockReason::WitnessNonceSize)?;
    let depth = commitment.path.checked_ilog2().ok_or(BlockReason::WitnessPath)?;
    let (branch, _) = item.as_chunks::<32>();
    if u32::try_from(branch.len()).ok() != Some(depth) {
        return Err(BlockReason::WitnessBranchSize);
    }
    // The highest bit of the path only says how long it is.
    let path = u32::from(commitment.path) ^ (1 << depth);
    if fast_merkle::root_of_branch(root(block), branch, path) != Some(commitment.root) {
        return Err(BlockReason::WitnessMerkleMatch);
    }
    checks.witness = true;
    Ok(())
}
