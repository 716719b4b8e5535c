//! Rules of a header: alone, and against the headers before it.

use primitives::Header;

use crate::deployment::Buried;
use crate::params::ChainParams;
use crate::reason::HeaderReason;
use crate::rules::Rules;
use crate::view::{HeaderView, tip, tip_median_time};

/// How many seconds before its parent the first header of a period may be under BIP94.
const MAX_TIMEWARP: i64 = 600;

/// What is known at the moment a header arrives.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct HeaderContext {
    /// The time now, in seconds since 1970.
    pub now: i64,
    /// The height of the highest checkpoint that is in the block tree, if checkpoints are enforced.
    pub checkpoint: Option<u32>,
}

/// Checks the proof of work of a header.
pub(crate) fn check_header<R: Rules + ?Sized>(rules: &R, header: &Header) -> Result<(), HeaderReason> {
    if rules.is_proven(header) { Ok(()) } else { Err(HeaderReason::HighHash) }
}

/// Checks a header against the branch that it extends.
pub(crate) fn check_header_context<R: Rules + ?Sized>(
    rules: &R,
    header: &Header,
    prev: &dyn HeaderView,
    context: HeaderContext,
) -> Result<(), HeaderReason> {
    let params = rules.params();
    let height = prev.height().saturating_add(1);
    if header.bits() != rules.next_work_required(prev, header) {
        return Err(HeaderReason::BadDiffBits);
    }
    check_place(params, header, prev, context)?;
    let version = header.version();
    let outdated = [(2, Buried::HeightInCoinbase), (3, Buried::Dersig), (4, Buried::Cltv)];
    if outdated.iter().any(|(least, rule)| version < *least && params.is_active(*rule, height)) {
        return Err(HeaderReason::BadVersion(version));
    }
    Ok(())
}

/// Checks where a header stands: behind the checkpoints, and at a time that fits those before it and now.
pub(crate) fn check_place(
    params: &ChainParams,
    header: &Header,
    prev: &dyn HeaderView,
    context: HeaderContext,
) -> Result<(), HeaderReason> {
    let height = prev.height().saturating_add(1);
    if context.checkpoint.is_some_and(|checkpoint| height < checkpoint) {
        return Err(HeaderReason::ForkBeforeCheckpoint);
    }
    let time = i64::from(header.time());
    if time <= tip_median_time(prev) {
        return Err(HeaderReason::TimeTooOld);
    }
    let pow = params.pow();
    if pow.bip94 && pow.opens_period(height) && time < i64::from(tip(prev).time) - MAX_TIMEWARP {
        return Err(HeaderReason::Timewarp);
    }
    if time > context.now.saturating_add(i64::from(params.max_future_block_time())) {
        return Err(HeaderReason::TimeTooNew);
    }
    Ok(())
}
