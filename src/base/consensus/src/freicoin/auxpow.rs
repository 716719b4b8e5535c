//! Proofs of merged mining: two pieces of work, done in a row, for a block of ours.
//!
//! A template of our header, the **commitment**, goes into the last transaction of a block of another chain, the parent,
//! along with others that the parent commits to. The parent's hash is the first stage. Whoever found it does not know
//! yet whether it counts: the second stage hashes it with a secret of the pool. How much of the work is asked of each of
//! them is a number in the template, the bias. The result stands at the end of our coinbase's script, so our own header,
//! which has work of its own to show, commits to all of this.
//!
//! In the commitment, time and nonce are free: they hold the state of the filter that sets the next target
//! ([`retarget`](super::retarget)), and the bias.

use bitcoin::hashes::{Hash, HashEngine, sha256, sha256d};
use bitcoin::{BlockHash, CompactTarget, ScriptBuf, Sequence, TxMerkleNode};
use primitives::{AuxPow, Block, FreicoinAuxPow, Header, Tx, fast_merkle, merkle};

use crate::block::height_script;
use crate::deployment::VERSION_TOP_BITS;
use crate::uint256::U256;
use crate::view::MergedFacts;

/// What follows a commitment in the parent's last transaction, before its lock time.
const COMMITMENT_ID: [u8; 4] = [0x4b, 0x4a, 0x49, 0x48];
/// The size of a block of SHA-256.
const SHA256_BLOCK: usize = 64;
/// The longest way from the parent's last transaction to its Merkle root.
const MAX_PARENT_BRANCH: usize = 25;
/// The longest way through the parent's map of commitments.
const MAX_MAP_BRANCH: usize = 32;
/// The bits of a key in that map.
const KEY_BITS: u32 = 256;
/// The lowest byte of the commitment's nonce.
const BIAS: u32 = 0xff;
/// The reference counts the bits before the commitment in 32 bits.
const MAX_LENGTH: u32 = u32::MAX >> 3;

/// Why a proof of merged mining proves nothing. The texts are the reference's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
pub enum MergedReason {
    /// More bytes wait for a full block of SHA-256 than such a block has.
    #[error("auxpow-midstate-buffer")]
    MidstateBuffer,
    /// Other bytes wait than the length says.
    #[error("auxpow-midstate-length")]
    MidstateLength,
    /// The way to the parent's Merkle root is too long.
    #[error("auxpow-merkle-branch")]
    ParentBranch,
    /// The way through the map of commitments is too long.
    #[error("auxpow-commit-branch")]
    MapBranch,
    /// The way through the map of commitments skips more bits than a key has.
    #[error("auxpow-commit-branch-bits")]
    MapBits,
    /// The proof has the format of another coin.
    #[error("aux-pow-invalid")]
    Format,
    /// The commitment's target is none.
    #[error("aux-pow-invalid")]
    Target,
    /// The bias makes the target too large to be one.
    #[error("aux-pow-invalid")]
    Bias,
    /// The parent's hash is above the target.
    #[error("aux-pow-invalid")]
    FirstStage,
    /// The hash with the pool's secret is above what the bias asks for.
    #[error("aux-pow-invalid")]
    SecondStage,
    /// The target of the merged work is not the one that the chain demands.
    #[error("bad-aux-diffbits")]
    Bits,
    /// The commitment does not hold the state of the filter.
    #[error("bad-aux-filter-time")]
    FilterTime,
    /// There is a proof before there may be one.
    #[error("merge-mined-pre")]
    TooEarly,
    /// There is no proof where there must be one.
    #[error("native-mined-post")]
    Missing,
}

impl MergedReason {
    /// The longer text for logs. Where the reference has one text for many faults, the fault follows it.
    pub fn debug_message(self) -> &'static str {
        match self {
            Self::MidstateBuffer => "auxiliary proof-of-work midstate buffer is too large",
            Self::MidstateLength => "auxiliary proof-of-work midstate buffer doesn't match anticipated length",
            Self::ParentBranch => "auxiliary proof-of-work Merkle branch is too long",
            Self::MapBranch => "auxiliary proof-of-work Merkle map path is too long",
            Self::MapBits => "auxiliary proof-of-work Merkle map path is greater than 256 bits",
            Self::Format => "auxiliary proof of work failed: it is of another format",
            Self::Target => "auxiliary proof of work failed: the target is out of range",
            Self::Bias => "auxiliary proof of work failed: the bias is too large for the target",
            Self::FirstStage => "auxiliary proof of work failed: the parent's hash is above the target",
            Self::SecondStage => "auxiliary proof of work failed: the hash with the secret is above the bias",
            Self::Bits => "incorrect auxiliary proof of work target",
            Self::FilterTime => "incorrect filtered time commitment",
            Self::TooEarly => "rejected merge-mined block before activation",
            Self::Missing => "rejected non-merge-mined block after activation",
        }
    }
}

/// What a proof comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stages {
    /// The parent's hash.
    pub first: [u8; 32],
    /// The hash of that with the pool's secret. Our coinbase ends with it.
    pub second: [u8; 32],
}

/// The proof behind a header, if there is one of this coin's format.
pub(super) fn of(header: &Header) -> Option<&FreicoinAuxPow> {
    match header.aux().map(|aux| &**aux) {
        Some(AuxPow::Freicoin(proof)) => Some(proof),
        _ => None,
    }
}

/// What later headers are judged by.
pub(super) fn facts(proof: &FreicoinAuxPow) -> MergedFacts {
    let [high, low] = [proof.commit_time, proof.commit_nonce & !BIAS].map(u64::from);
    MergedFacts { bits: proof.commit_bits, filtered_time: (high << 32 | low).cast_signed() / 256 }
}

/// Checks that the work was done that a proof claims. Whether the target is the right one depends on the chain.
pub fn check(header: &Header, key: &[u8; 32]) -> Result<(), MergedReason> {
    if header.aux().is_none() {
        return Ok(());
    }
    let proof = of(header).ok_or(MergedReason::Format)?;
    let stages = stages(header, proof, key)?;
    let target = U256::from_compact(proof.commit_bits);
    if target.negative || target.overflow || target.value.is_zero() {
        return Err(MergedReason::Target);
    }
    let bias = proof.commit_nonce & BIAS;
    if KEY_BITS - target.value.bits() < bias {
        return Err(MergedReason::Bias);
    }
    if U256::from_le_bytes(stages.first) > target.value << bias {
        return Err(MergedReason::FirstStage);
    }
    if U256::from_le_bytes(stages.second) > U256::MAX >> bias {
        return Err(MergedReason::SecondStage);
    }
    Ok(())
}

/// Checks what can be of any length.
fn check_layout(proof: &FreicoinAuxPow) -> Result<(), MergedReason> {
    let waiting = proof.midstate_buffer.len();
    if waiting >= SHA256_BLOCK {
        return Err(MergedReason::MidstateBuffer);
    }
    if Ok(waiting) != usize::try_from(proof.midstate_length % 64) {
        return Err(MergedReason::MidstateLength);
    }
    if proof.aux_branch.len() > MAX_PARENT_BRANCH {
        return Err(MergedReason::ParentBranch);
    }
    if proof.commit_branch.len() > MAX_MAP_BRANCH {
        return Err(MergedReason::MapBranch);
    }
    if map_bits(proof) >= KEY_BITS { Err(MergedReason::MapBits) } else { Ok(()) }
}

/// How many bits of the key the way through the map decides.
fn map_bits(proof: &FreicoinAuxPow) -> u32 {
    proof.commit_branch.iter().map(|(skipped, _)| 1 + u32::from(*skipped)).sum()
}

/// The template of our header.
fn commitment(header: &Header, proof: &FreicoinAuxPow) -> Header {
    Header::new(bitcoin::block::Header {
        version: bitcoin::block::Version::from_consensus(proof.commit_version),
        prev_blockhash: header.prev(),
        merkle_root: TxMerkleNode::from_byte_array(proof.commit_merkle_root),
        time: proof.commit_time,
        bits: CompactTarget::from_consensus(proof.commit_bits),
        nonce: proof.commit_nonce,
    })
}

/// Follows a proof from the commitment to both hashes.
pub fn stages(header: &Header, proof: &FreicoinAuxPow, key: &[u8; 32]) -> Result<Stages, MergedReason> {
    check_layout(proof)?;
    let commitment = commitment(header, proof);
    let secret: Vec<u8> = [proof.secret_lo, proof.secret_hi].iter().flat_map(|half| half.to_le_bytes()).collect();
    let hidden = sha256d::Hash::hash(&secret).to_byte_array();
    let value = fast_merkle::pair(commitment.hash().as_byte_array(), &hidden);
    let last_tx = last_transaction(proof, &map_root(value, proof, key));
    let merkle_root = parent_root(last_tx, proof);
    let parent = Header::new(bitcoin::block::Header {
        version: bitcoin::block::Version::from_consensus(proof.aux_version),
        prev_blockhash: BlockHash::from_byte_array(proof.aux_prev),
        merkle_root: TxMerkleNode::from_byte_array(merkle_root),
        time: header.time(),
        bits: CompactTarget::from_consensus(proof.aux_bits),
        nonce: proof.aux_nonce,
    });
    let first = parent.hash().to_byte_array();
    let mut engine = sha256::Hash::engine();
    engine.input(&secret);
    engine.input(&commitment.bytes());
    engine.input(&first);
    // Two full blocks of SHA-256, and no padding.
    Ok(Stages { first, second: engine.midstate().to_byte_array() })
}

/// The id of the parent's last transaction, of which only the end is known, and the state of SHA-256 before that.
fn last_transaction(proof: &FreicoinAuxPow, root: &[u8; 32]) -> [u8; 32] {
    let length = proof.midstate_length & MAX_LENGTH;
    let whole = usize::try_from(length - length % 64).unwrap_or(0);
    let state = sha256::Midstate::from_byte_array(proof.midstate_hash);
    let mut engine = sha256::HashEngine::from_midstate(state, whole);
    engine.input(&proof.midstate_buffer);
    engine.input(root);
    engine.input(&COMMITMENT_ID);
    engine.input(&proof.aux_lock_time.to_le_bytes());
    sha256::Hash::from_engine(engine).hash_again().to_byte_array()
}

/// The parent's Merkle root. Where the way goes along the right edge of the tree, a hash is its own partner, and that is
/// not part of the branch: how many of these there are follows from the length of the branch.
fn parent_root(leaf: [u8; 32], proof: &FreicoinAuxPow) -> [u8; 32] {
    let length = u32::try_from(proof.aux_branch.len()).unwrap_or(u32::MAX);
    let (mut path, mut doubled) = way(length, proof.aux_num_txns.wrapping_sub(1));
    let mut hash = leaf;
    for beside in &proof.aux_branch {
        while doubled & 1 == 1 {
            hash = merkle::pair(&hash, &hash);
            doubled >>= 1;
        }
        hash = if path & 1 == 1 { merkle::pair(beside, &hash) } else { merkle::pair(&hash, beside) };
        (path, doubled) = (path >> 1, doubled >> 1);
    }
    // The highest level is never a doubled one, so nothing is left of either.
    hash
}

/// The way up from a place in a Merkle tree, as bits, lowest first: on which side it comes to each hash of the branch,
/// and at which levels the hash is its own partner. As many zeros below the highest bit of the place are such levels as
/// the branch is short, the highest first. A branch that is too short even so is taken for one to
/// the first place, as in the reference.
fn way(length: u32, place: u32) -> (u32, u32) {
    let mut levels = u32::BITS - place.leading_zeros();
    let (mut path, mut doubled) = (place, 0u32);
    while levels > length {
        let zeros = !path & (u32::MAX >> (u32::BITS - levels));
        let Some(level) = zeros.checked_ilog2() else { return (0, 0) };
        let below = (1u32 << level) - 1;
        doubled |= 1 << level;
        path = path >> 1 & !below | path & below;
        levels -= 1;
    }
    (path, doubled)
}

/// The root of the parent's map, in which each chain has a key of its own.
///
/// A node of the map is the hash of the key's bits that all below it have in common, with a one before them, and of its
/// two halves. The reference takes these bits from the high end of the key, but the bit that chooses the half, and what
/// is left for the leaf, from the low end; and a level uses up one bit, however many it skips.
fn map_root(value: [u8; 32], proof: &FreicoinAuxPow, key: &[u8; 32]) -> [u8; 32] {
    let mut left = map_bits(proof);
    let mut hash = fast_merkle::pair(&low_bits(key, KEY_BITS - left), &value);
    for (skipped, beside) in &proof.commit_branch {
        left -= 1;
        let begin = left - u32::from(*skipped);
        let both =
            if bit_from_low(key, left) { fast_merkle::pair(beside, &hash) } else { fast_merkle::pair(&hash, beside) };
        hash = fast_merkle::pair(&common_bits(key, begin, left), &both);
    }
    hash
}

/// The place of a bit, counted from the low end, in 32 bytes that begin with the high end.
fn place(bit: u32) -> (usize, u8) {
    (31 - usize::try_from(bit / 8).unwrap_or(31).min(31), 1 << (bit % 8))
}

fn bit_from_low(key: &[u8; 32], bit: u32) -> bool {
    let (byte, mask) = place(bit);
    key[byte] & mask != 0
}

/// The `count` lowest bits of a key.
fn low_bits(key: &[u8; 32], count: u32) -> [u8; 32] {
    let mut bits = [0; 32];
    for bit in (0..count).filter(|bit| bit_from_low(key, *bit)) {
        let (byte, mask) = place(bit);
        bits[byte] |= mask;
    }
    bits
}

/// The bits of a key from `begin` to `end`, counted from the high end, as a number with a one before it.
fn common_bits(key: &[u8; 32], begin: u32, end: u32) -> [u8; 32] {
    let mut bits = [0; 32];
    let ones = (begin..end).filter(|bit| bit_from_low(key, KEY_BITS - 1 - bit)).map(|bit| end - 1 - bit);
    for bit in ones.chain([end - begin]) {
        let (byte, mask) = place(bit);
        bits[byte] |= mask;
    }
    bits
}

/// The Merkle root of a block whose coinbase counts without what its miner may still change.
pub(super) fn template_root(block: &Block) -> [u8; 32] {
    let mut leaves: Vec<[u8; 32]> = block.txs.iter().map(|tx| tx.txid().to_byte_array()).collect();
    if let (Some(leaf), Some(coinbase)) = (leaves.first_mut(), block.txs.first()) {
        *leaf = with_script(coinbase, ScriptBuf::new(), Sequence(0)).txid().to_byte_array();
    }
    merkle::root(leaves).hash
}

/// The coinbase with this script and sequence.
fn with_script(coinbase: &Tx, script: ScriptBuf, sequence: Sequence) -> Tx {
    let mut inner = coinbase.inner().clone();
    if let Some(input) = inner.input.first_mut() {
        (input.script_sig, input.sequence) = (script, sequence);
    }
    Tx::new(inner, coinbase.lock_height())
}

/// A proof for a parent that is nobody's block: its only transaction is the commitment. Its nonce is not looked for yet.
pub(super) fn own(header: &Header, facts: MergedFacts) -> FreicoinAuxPow {
    let state = (facts.filtered_time.cast_unsigned()) << 8;
    let [high, low] = [state >> 32, state & u64::from(u32::MAX)].map(|half| u32::try_from(half).unwrap_or(0));
    FreicoinAuxPow {
        commit_version: header.version(),
        commit_merkle_root: header.merkle_root().to_byte_array(),
        commit_time: high,
        commit_bits: facts.bits,
        commit_nonce: low,
        secret_lo: 0,
        secret_hi: 0,
        commit_branch: Vec::new(),
        midstate_hash: sha256::Hash::engine().midstate().to_byte_array(),
        midstate_buffer: Vec::new(),
        midstate_length: 0,
        aux_lock_time: 0,
        aux_branch: Vec::new(),
        aux_num_txns: 1,
        aux_version: VERSION_TOP_BITS.cast_signed(),
        aux_prev: [0; 32],
        aux_bits: facts.bits,
        aux_nonce: 0,
    }
}

/// Looks for the parent's nonce, and puts the result at the end of the coinbase's script. Takes from `tries` what it used.
pub(super) fn solve(block: &mut Block, key: &[u8; 32], tries: &mut u64) -> bool {
    let Some(mut proof) = of(&block.header).cloned() else { return true };
    (proof.commit_version, proof.commit_merkle_root) = (block.header.version(), template_root(block));
    let raw = *block.header.raw();
    for nonce in 0..u32::MAX {
        if *tries == 0 {
            return false;
        }
        *tries -= 1;
        proof.aux_nonce = nonce;
        let aux = std::sync::Arc::new(AuxPow::Freicoin(Box::new(proof.clone())));
        block.header = Header::with_aux(raw, Some(aux));
        if check(&block.header, key).is_err() {
            continue;
        }
        let (Ok(stages), Some(coinbase)) = (stages(&block.header, &proof, key), block.txs.first_mut()) else {
            return false;
        };
        let mut script = height_script(coinbase.lock_height().unwrap_or(0));
        script.extend(stages.second);
        let sequence = coinbase.inputs().first().map_or(Sequence::MAX, |input| input.sequence);
        *coinbase = std::sync::Arc::new(with_script(coinbase, ScriptBuf::from_bytes(script), sequence));
        return true;
    }
    false
}

#[cfg(test)]
mod tests;
