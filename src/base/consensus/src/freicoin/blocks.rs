//! What differs in the checks of headers and of blocks.

use primitives::{Block, Header, Tx};
use std::sync::Arc;

use super::{Freicoin, witness};
use crate::block::{BlockChecks, HeaderContext, check_place, height_script};
use crate::deployment::{Buried, ThresholdState, state_after};
use crate::pow;
use crate::reason::{BlockReason, HeaderReason};
use crate::rules::{Era, Rules};
use crate::view::{HeaderView, next_height, tip_median_time};

/// The signalled upgrade after which every header carries a proof of merged mining.
const MERGED_MINING: &str = "auxpow";

/// Checks a header by itself. Its own proof of work is asked for even where merged mining has replaced it, because
/// headers that need the other one are refused.
pub(super) fn check_header(rules: &Freicoin, header: &Header) -> Result<(), HeaderReason> {
    if header.aux().is_some() {
        return Err(HeaderReason::MergedMining);
    }
    if pow::is_proven(&header.hash(), header.bits(), rules.params().pow()) {
        Ok(())
    } else {
        Err(HeaderReason::HighHash)
    }
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
    let loosened = rules.era(prev).has(Era::LOOSENED);
    if !loosened && header.bits() != rules.next_work_required(prev, header) {
        return Err(HeaderReason::BadDiffBits);
    }
    check_place(params, header, prev, context)?;
    let version = header.version();
    let outdated = [(2, Buried::HeightInCoinbase), (3, Buried::Dersig)];
    if !loosened && outdated.iter().any(|(least, rule)| version < *least && params.is_active(*rule, height)) {
        return Err(HeaderReason::BadVersion(version));
    }
    let merged = params.deployment(MERGED_MINING);
    match merged.map(|merged| state_after(merged, Some(prev), &rules.versionbits)) {
        // What such a header needs is not verified here, so the chain ends before it.
        Some(ThresholdState::Active) => Err(HeaderReason::MergedMining),
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
