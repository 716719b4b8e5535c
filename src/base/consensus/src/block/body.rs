//! Rules of a block by itself.

use primitives::{Block, WitnessMode};

use crate::params::count;
use crate::reason::BlockReason;
use crate::rules::Rules;
use crate::signet;
use crate::tx::legacy_sigops;

/// A transaction of this size could also be an inner node of the Merkle tree.
const MERKLE_NODE_SIZE: usize = 64;

/// Which checks of a block have been passed. It travels with the block, so that nothing is checked twice.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct BlockChecks {
    /// The body is the one that the header commits to.
    pub merkle_root: bool,
    /// The witnesses are those that the coinbase commits to.
    pub witness: bool,
    /// All that can be said of the block alone, in full scope.
    pub body: bool,
}

/// How much of a block to check. A block template has neither proof of work nor a Merkle root yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scope {
    /// Check the proof of work, and the solution of a signet block.
    pub pow: bool,
    /// Check the Merkle root.
    pub merkle_root: bool,
}

impl Scope {
    /// Everything: for a block that somebody sent.
    pub const FULL: Self = Self { pow: true, merkle_root: true };
    /// For a block that we are about to make.
    pub const TEMPLATE: Self = Self { pow: false, merkle_root: false };
}

/// Checks a block by itself.
pub(crate) fn check_block<R: Rules + ?Sized>(
    rules: &R,
    block: &Block,
    scope: Scope,
    checks: &mut BlockChecks,
) -> Result<(), BlockReason> {
    if checks.body {
        return Ok(());
    }
    let params = rules.params();
    if scope.pow {
        rules.check_header(&block.header)?;
        if let Some(challenge) = params.signet_challenge()
            && block.hash() != params.genesis_hash()
            && !signet::is_solved(block, challenge)
        {
            return Err(BlockReason::SignetSolution);
        }
    }
    if scope.merkle_root {
        check_merkle_root(rules, block, checks)?;
    }
    // The body is not malleated, witnesses aside. What fails from here on marks the header as invalid.
    let max = params.max_block_weight();
    let too_long = |length| params.scaled(count(length)) > max;
    if (too_long(block.txs.len()) || too_long(block.size(WitnessMode::Strip))) && rules.limits_block_size(block) {
        return Err(BlockReason::Length);
    }
    rules.check_body_extra(block)?;
    let (coinbase, rest) = block.txs.split_first().ok_or(BlockReason::Length)?;
    if !coinbase.is_coinbase() {
        return Err(BlockReason::CoinbaseMissing);
    }
    if rest.iter().any(|tx| tx.is_coinbase()) {
        return Err(BlockReason::CoinbaseMultiple);
    }
    for tx in &block.txs {
        rules.check_transaction(tx).map_err(|reason| BlockReason::Transaction { txid: tx.txid(), reason })?;
    }
    let sigops = block.txs.iter().map(|tx| legacy_sigops(tx)).fold(0u64, u64::saturating_add);
    if params.scaled(sigops) > params.max_block_sigops_cost() {
        return Err(BlockReason::SigOps);
    }
    if scope == Scope::FULL {
        checks.body = true;
    }
    Ok(())
}

/// Whether the body may be another one than the one that was mined: it does not match the header, repeats transactions,
/// could be a disguised inner node, or has other witnesses. Says nothing else about validity.
pub fn is_mutated(rules: &dyn Rules, block: &Block, check_witness_root: bool, checks: &mut BlockChecks) -> bool {
    if check_merkle_root(rules, block, checks).is_err() {
        return true;
    }
    if block.txs.first().is_none_or(|tx| !tx.is_coinbase()) {
        // Such a block is invalid anyway; this only decides whether its header is to blame.
        return block.txs.iter().any(|tx| tx.stripped_size() == MERKLE_NODE_SIZE);
    }
    rules.check_witness(block, check_witness_root, checks).is_err()
}

fn check_merkle_root<R: Rules + ?Sized>(rules: &R, block: &Block, checks: &mut BlockChecks) -> Result<(), BlockReason> {
    if checks.merkle_root {
        return Ok(());
    }
    let (root, repeats) = block.merkle_root();
    if block.header.merkle_root() != root {
        return Err(BlockReason::MerkleRoot);
    }
    if repeats {
        return Err(BlockReason::DuplicateTransactions);
    }
    rules.check_merkle_extra(block)?;
    checks.merkle_root = true;
    Ok(())
}
