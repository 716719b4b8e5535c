//! What differs in the checks of headers and of blocks.

use std::sync::Arc;

use primitives::{Block, Header, Tx};

use super::auxpow::{self, MergedReason};
use super::{Freicoin, retarget, witness};
use crate::block::{BlockChecks, HeaderContext, check_place, height_script};
use crate::deployment::{Buried, ThresholdState, state_after};
use crate::reason::{BlockReason, HeaderReason};
use crate::rules::{Era, Rules};
use crate::view::{HeaderView, next_height, tip_median_time};

/// The signalled upgrade after which every header carries a proof of merged mining.
pub(super) const MERGED_MINING: &str = "auxpow";

/// Whether the header after `prev` needs a proof of merged mining.
pub(super) fn needs_proof(rules: &Freicoin, prev: &dyn HeaderView) -> bool {
    let merged = rules.params().deployment(MERGED_MINING);
    merged.is_some_and(|merged| state_after(merged, Some(prev), &rules.versionbits) == ThresholdState::Active)
}

/// Checks a header by itself: the merged work, and its own.
pub(super) fn check_header(rules: &Freicoin, header: &Header) -> Result<(), HeaderReason> {
    auxpow::check(header, &rules.data.aux_pow_path)?;
    if rules.is_proven(header) { Ok(()) } else { Err(HeaderReason::HighHash) }
}

/// Checks that the body of a block goes with its proof: the coinbase ends with what the proof comes to, and the proof
/// commits to the transactions.
pub(super) fn check_merged_body(rules: &Freicoin, block: &Block) -> Result<(), BlockReason> {
    let Some(proof) = auxpow::of(&block.header) else { return Ok(()) };
    let stages = auxpow::stages(&block.header, proof, &rules.data.aux_pow_path);
    let stages = stages.map_err(|_| BlockReason::MergedMutated)?;
    let input = block.txs.first().and_then(|coinbase| coinbase.inputs().first());
    if !input.is_some_and(|input| input.script_sig.as_bytes().ends_with(&stages.second)) {
        return Err(BlockReason::MergedCommitment);
    }
    if auxpow::template_root(block) != proof.commit_merkle_root {
        return Err(BlockReason::MergedMerkleRoot);
    }
    Ok(())
}

/// Checks the target and the filter's state that the proof of a header commits to.
fn check_merged(rules: &Freicoin, header: &Header, prev: &dyn HeaderView, era: Era) -> Result<(), MergedReason> {
    let Some(facts) = rules.merged_facts(header) else { return Ok(()) };
    if era.has(Era::EXPANDED) {
        let near = retarget::is_near(rules.data, prev, facts.bits);
        return if near { Ok(()) } else { Err(MergedReason::Bits) };
    }
    let expected = rules.next_merged(prev, header.bits());
    if facts.bits != expected.bits {
        return Err(MergedReason::Bits);
    }
    if facts.filtered_time == expected.filtered_time { Ok(()) } else { Err(MergedReason::FilterTime) }
}

/// Checks a header against the branch that it extends.
pub(super) fn check_header_context(
    rules: &Freicoin,
    header: &Header,
    prev: &dyn HeaderView,
    context: HeaderContext,
) -> Result<(), HeaderReason> {
    let params = rules.params();
    let height = next_height(Some(prev));
    let era = rules.era(prev);
    let loosened = era.has(Era::LOOSENED);
    if !loosened && header.bits() != rules.next_work_required(prev, header) {
        return Err(HeaderReason::BadDiffBits);
    }
    check_merged(rules, header, prev, era)?;
    check_place(params, header, prev, context)?;
    let version = header.version();
    let outdated = [(2, Buried::HeightInCoinbase), (3, Buried::Dersig)];
    if !loosened && outdated.iter().any(|(least, rule)| version < *least && params.is_active(*rule, height)) {
        return Err(HeaderReason::BadVersion(version));
    }
    match (needs_proof(rules, prev), header.aux().is_some()) {
        (false, true) => Err(MergedReason::TooEarly.into()),
        (true, false) => Err(MergedReason::Missing.into()),
        _ => Ok(()),
    }
}

/// Checks a block against the branch that it extends; `None` for the genesis block.
pub(super) fn check_block_context(
    rules: &Freicoin,
    block: &Block,
    prev: Option<&dyn HeaderView>,
    checks: &mut BlockChecks,
) -> Result<(), BlockReason> {
    let params = rules.params();
    let Some(prev) = prev else {
        return if block.hash() == params.genesis_hash() { Ok(()) } else { Err(BlockReason::NonFinal) };
    };
    let (height, era) = (next_height(Some(prev)), rules.era(prev));
    let loosened = era.has(Era::LOOSENED);
    let median = params.is_active(Buried::Csv, height);
    let time = if median { tip_median_time(prev) } else { i64::from(block.header.time()) };
    let coinbase = block.txs.first().ok_or(BlockReason::CoinbaseMissing)?;
    if !loosened && !rules.is_final(coinbase, height, time) {
        return Err(BlockReason::NonFinal);
    }
    if !block.txs.iter().skip(1).all(|tx| rules.is_final(tx, height, time)) {
        return Err(BlockReason::NonFinal);
    }
    if !loosened && params.is_active(Buried::HeightInCoinbase, height) {
        let input = coinbase.inputs().first().ok_or(BlockReason::CoinbaseMissing)?;
        if !input.script_sig.as_bytes().starts_with(&height_script(height)) {
            return Err(BlockReason::CoinbaseHeight);
        }
    }
    rules.check_witness(block, params.is_active(Buried::Segwit, height), checks)?;
    if block.weight() > rules.max_weight(era) { Err(BlockReason::Weight) } else { Ok(()) }
}

/// Brings the commitment of a block up to date, if it ends with a transaction of its own that has one.
pub(super) fn commit_to_witnesses(block: &mut Block) {
    if block.txs.len() < 2 || !witness::commits(block) {
        return;
    }
    let root = witness::root(block);
    let Some(last) = block.txs.last_mut() else { return };
    let (mut inner, lock_height) = (last.inner().clone(), last.lock_height());
    if let Some(output) = inner.output.last_mut() {
        output.script_pubkey = bitcoin::ScriptBuf::from_bytes(witness::script(&root));
        *last = Arc::new(Tx::new(inner, lock_height));
    }
}
