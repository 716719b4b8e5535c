//! Which fee rate a transaction gets, and why.

use interfaces::{Call, ChainFees};

use super::{CoinControl, FeeMode, Settings};
use crate::select::FeeRate;

/// Why a transaction has its fee rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeeReason {
    /// It was estimated.
    Estimated,
    /// The mempool is full below it.
    MempoolMin,
    /// The user named it.
    UserSpecified,
    /// There is no estimate.
    Fallback,
    /// Less is not relayed, or not allowed by an option.
    Required,
}

impl FeeReason {
    /// As methods print it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Estimated => "Fee Rate Estimator",
            Self::MempoolMin => "Mempool Min Fee",
            Self::UserSpecified => "User Specified Fee",
            Self::Fallback => "Fallback fee",
            Self::Required => "Minimum Required Fee",
        }
    }
}

/// A rate as a node names it. No rate is negative.
fn rate(per_kvb: i64) -> FeeRate {
    FeeRate::per_kvb(per_kvb.max(0))
}

/// The rate that decides what is dust.
pub fn dust_rate(fees: &dyn ChainFees) -> Call<FeeRate> {
    fees.relay_dust_fee().map(rate)
}

/// The rate that the mempool asks for now.
pub(super) fn mempool_min_rate(fees: &dyn ChainFees) -> Call<FeeRate> {
    fees.mempool_min_fee().map(rate)
}

/// The rate that a replacement pays for its own relay.
pub(super) fn incremental_rate(fees: &dyn ChainFees) -> Call<FeeRate> {
    fees.relay_incremental_fee().map(rate)
}

/// The lowest rate that is relayed.
pub(super) fn relay_min_rate(fees: &dyn ChainFees) -> Call<FeeRate> {
    fees.relay_min_fee().map(rate)
}

/// The lowest rate that the wallet pays at all.
pub(super) fn required_rate(settings: &Settings, fees: &dyn ChainFees) -> Call<FeeRate> {
    Ok(settings.min_fee_rate.max(relay_min_rate(fees)?))
}

/// The rate of a transaction, and why it is that.
pub(super) fn fee_rate(settings: &Settings, fees: &dyn ChainFees, control: &CoinControl) -> Call<(FeeRate, FeeReason)> {
    if let Some(user) = control.fee_rate {
        if control.override_fee_rate {
            return Ok((user, FeeReason::UserSpecified));
        }
        let required = required_rate(settings, fees)?;
        return Ok(if required > user { (required, FeeReason::Required) } else { (user, FeeReason::UserSpecified) });
    }

    let target = control.confirm_target.unwrap_or(settings.confirm_target);
    let conservative = match control.fee_mode {
        FeeMode::Conservative => true,
        FeeMode::Economical => false,
        // What can be replaced need not pay for certainty.
        FeeMode::Unset => !control.signal_rbf.unwrap_or(settings.signal_rbf),
    };
    let estimate = fees.estimate_fee_rate(target, conservative)?.map_or(FeeRate::ZERO, |found| rate(found.fee_rate));
    let (mut chosen, mut reason) = (estimate, FeeReason::Estimated);
    if chosen.is_zero() {
        (chosen, reason) = (settings.fallback_fee_rate, FeeReason::Fallback);
        if chosen.is_zero() {
            return Ok((chosen, reason));
        }
    }
    for (minimum, why) in
        [(mempool_min_rate(fees)?, FeeReason::MempoolMin), (required_rate(settings, fees)?, FeeReason::Required)]
    {
        if chosen < minimum {
            (chosen, reason) = (minimum, why);
        }
    }
    Ok((chosen, reason))
}

/// The rate at which change that is not worth spending is thrown away.
pub(super) fn discard_rate(settings: &Settings, fees: &dyn ChainFees) -> Call<FeeRate> {
    let longest = fees.max_fee_target()?;
    let estimate = fees.estimate_fee_rate(longest, false)?.map_or(FeeRate::ZERO, |found| rate(found.fee_rate));
    let configured = settings.discard_fee_rate;
    let discard = if estimate.is_zero() { configured } else { estimate.min(configured) };
    Ok(discard.max(dust_rate(fees)?))
}
