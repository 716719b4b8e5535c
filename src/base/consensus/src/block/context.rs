//! Rules of a block against the headers before it.

use primitives::Block;
use script::instruction::push_num;

use super::body::BlockChecks;
use crate::deployment::Buried;
use crate::reason::BlockReason;
use crate::rules::Rules;
use crate::view::{HeaderView, next_height, tip_median_time};

/// Checks a block against the branch that it extends; `None` for the genesis block. The body must have been checked.
pub(crate) fn check_block_context<R: Rules + ?Sized>(
    rules: &R,
    block: &Block,
    prev: Option<&dyn HeaderView>,
    checks: &mut BlockChecks,
) -> Result<(), BlockReason> {
    let params = rules.params();
    // The genesis block is what a chain is defined by. Some coins have rules from height 0 on that theirs breaks.
    if prev.is_none() && block.hash() == params.genesis_hash() {
        return Ok(());
    }
    let height = next_height(prev);
    let lock_time = match prev {
        // BIP113: miners do not get to open time locks early by lying about the time.
        Some(branch) if params.is_active(Buried::Csv, height) => tip_median_time(branch),
        _ => i64::from(block.header.time()),
    };
    if !block.txs.iter().all(|tx| rules.is_final(tx, height, lock_time)) {
        return Err(BlockReason::NonFinal);
    }
    let coinbase = block.txs.first().ok_or(BlockReason::CoinbaseMissing)?;
    if params.is_active(Buried::HeightInCoinbase, height) {
        let input = coinbase.inputs().first().ok_or(BlockReason::CoinbaseMissing)?;
        if !input.script_sig.as_bytes().starts_with(&height_script(height)) {
            return Err(BlockReason::CoinbaseHeight);
        }
    }
    rules.check_witness(block, params.is_active(Buried::Segwit, height), checks)?;
    // Only now: an inflated witness of the coinbase must not get the header banned.
    if block.weight() > params.max_block_weight() && rules.limits_block_weight(height) {
        return Err(BlockReason::Weight);
    }
    rules.check_block_extra(block, prev)
}

/// The script that the coinbase at `height` begins with: the height as the shortest push of a number.
pub fn height_script(height: u32) -> Vec<u8> {
    let mut script = Vec::with_capacity(6);
    push_num(&mut script, height.into());
    script
}
