//! Proofs of merged mining in Namecoin's format.
//!
//! The work was done for a parent block of another chain. Its coinbase holds, behind four magic bytes, the root of a tree
//! of headers, one of which is ours; the place of ours follows from our chain id and a number of the miner, so that
//! work cannot be used twice for one chain. That the parent's hash is below our target is checked elsewhere.

use bitcoin::hashes::{Hash, HashEngine, sha256d};
use primitives::NamecoinAuxPow;

use super::version;

/// What stands before the root in the parent's coinbase.
pub const MERGED_MINING_MAGIC: [u8; 4] = [0xfa, 0xbe, b'm', b'm'];

/// The longest way from our header to the root.
const MAX_CHAIN_BRANCH: usize = 30;

/// Why a proof of merged mining proves nothing. The texts are those that the reference logs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum AuxPowReason {
    /// The header's chain id is another chain's.
    #[error("block does not have our chain ID")]
    ChainId,
    /// The header's old chain id is another chain's.
    #[error("block does not have our old chain ID")]
    OldChainId,
    /// The header's version announces a proof, and there is none.
    #[error("no auxpow on block with auxpow version")]
    Missing,
    /// There is a proof that the header's version does not announce.
    #[error("auxpow on block with non-auxpow version")]
    Unannounced,
    /// There is a proof of another coin's format.
    #[error("auxpow of another format")]
    Format,
    /// The parent's hash is above our target.
    #[error("AUX proof of work failed")]
    Work,
    /// The parent is a block of our own chain.
    #[error("Aux POW parent has our chain ID")]
    ParentChainId,
    /// The parent is an old block of our own chain.
    #[error("Aux POW parent has our old chain ID")]
    ParentOldChainId,
    /// The way from our header to the root is too long.
    #[error("Aux POW chain merkle branch too long")]
    ChainBranch,
    /// The coinbase is not part of the parent.
    #[error("Aux POW merkle root incorrect")]
    MerkleRoot,
    /// The coinbase has no input.
    #[error("Aux POW coinbase has no inputs")]
    NoInputs,
    /// The coinbase does not hold the root.
    #[error("Aux POW missing chain merkle root in parent coinbase")]
    MissingRoot,
    /// The coinbase holds the magic bytes more than once.
    #[error("Multiple merged mining headers in coinbase")]
    ManyHeaders,
    /// The magic bytes stand elsewhere.
    #[error("Merged mining header is not just before chain merkle root")]
    HeaderPlace,
    /// The coinbase does not hold the magic bytes.
    #[error("Missing auxpow header")]
    MissingHeader,
    /// Size and nonce do not follow the root.
    #[error("Aux POW missing chain merkle tree size and nonce in parent coinbase")]
    MissingSize,
    /// The size is not that of a tree of this height.
    #[error("Aux POW merkle branch size does not match parent coinbase")]
    Size,
    /// Our header is not at its place in the tree.
    #[error("Aux POW wrong index")]
    Index,
}

/// Whose header it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChainIds {
    /// The chain's id.
    pub id: u32,
    /// The id that it had at first.
    pub old: u32,
    /// Whether other ids, and parents with ours, are refused.
    pub strict: bool,
}

/// Checks that a proof commits to the header with `hash`, whose version names the chain `id` (0 if it names none).
pub fn check(proof: &NamecoinAuxPow, hash: [u8; 32], id: i32, ids: ChainIds) -> Result<(), AuxPowReason> {
    if ids.strict {
        check_parent(proof.parent.version.to_consensus(), ids)?;
    }
    if proof.chain_branch.len() > MAX_CHAIN_BRANCH {
        return Err(AuxPowReason::ChainBranch);
    }
    let mut root = climb(hash, &proof.chain_branch, proof.chain_index);
    root.reverse();
    let coinbase = proof.coinbase.txid().to_byte_array();
    if climb(coinbase, &proof.coinbase_branch, 0) != proof.parent.merkle_root.to_byte_array() {
        return Err(AuxPowReason::MerkleRoot);
    }
    let input = proof.coinbase.inputs().first().ok_or(AuxPowReason::NoInputs)?;
    let script = input.script_sig.as_bytes();
    let at = find(script, &root).ok_or(AuxPowReason::MissingRoot)?;
    let header = find(script, &MERGED_MINING_MAGIC).ok_or(AuxPowReason::MissingHeader)?;
    if find(&script[header + 1..], &MERGED_MINING_MAGIC).is_some() {
        return Err(AuxPowReason::ManyHeaders);
    }
    if header + MERGED_MINING_MAGIC.len() != at {
        return Err(AuxPowReason::HeaderPlace);
    }
    let (size, rest) = little(&script[at + root.len()..]).ok_or(AuxPowReason::MissingSize)?;
    let (nonce, _) = little(rest).ok_or(AuxPowReason::MissingSize)?;
    let height = u32::try_from(proof.chain_branch.len()).unwrap_or(u32::MAX);
    if Some(size) != 1u32.checked_shl(height) {
        return Err(AuxPowReason::Size);
    }
    let index = u32::try_from(proof.chain_index).ok();
    if index != Some(expected_index(nonce, id, size)) {
        return Err(AuxPowReason::Index);
    }
    Ok(())
}

/// The parent may not be a block of our own chain: its work would count twice.
fn check_parent(parent: i32, ids: ChainIds) -> Result<(), AuxPowReason> {
    let is = |found: i32, id: u32| u32::try_from(found) == Ok(id);
    if version::chain_id(parent) > 0 {
        let ours = is(version::chain_id(parent), ids.id);
        return if ours { Err(AuxPowReason::ParentChainId) } else { Ok(()) };
    }
    if is(version::old_chain_id(parent), ids.old) { Err(AuxPowReason::ParentOldChainId) } else { Ok(()) }
}

/// The place of a chain in a tree of that size: random, and the same for the same nonce.
pub fn expected_index(nonce: u32, id: i32, size: u32) -> u32 {
    let step = |n: u64| n.wrapping_mul(1_103_515_245).wrapping_add(12_345);
    let size = u64::from(size.max(1));
    let slot = step(u64::from(nonce)) % size;
    let slot = step(slot.wrapping_add_signed(i64::from(id))) % size;
    u32::try_from(slot).unwrap_or(0)
}

/// The root above a leaf, whose place tells at each level on which side it is.
pub fn climb(leaf: [u8; 32], branch: &[[u8; 32]], place: i32) -> [u8; 32] {
    if place == -1 {
        return [0; 32];
    }
    let mut place = place;
    branch.iter().fold(leaf, |hash, beside| {
        let (left, right) = if place & 1 == 1 { (beside, &hash) } else { (&hash, beside) };
        place >>= 1;
        let mut engine = sha256d::Hash::engine();
        engine.input(left);
        engine.input(right);
        sha256d::Hash::from_engine(engine).to_byte_array()
    })
}

/// Where `part` first occurs.
pub(super) fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// Four bytes as a number, and what follows.
fn little(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((u32::from_le_bytes(*number), rest))
}
