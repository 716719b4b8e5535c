//! What a choice depends on besides the coins.

use super::{Dice, FeeRate};

/// Change is at least this, where it can be chosen.
pub const CHANGE_LOWER: i64 = 50_000;
/// Change is not wanted larger than this.
pub const CHANGE_UPPER: i64 = 1_000_000;
/// No standard transaction weighs more.
pub const MAX_STANDARD_TX_WEIGHT: i64 = 400_000;
/// The version that asks for the rules of BIP431.
pub const TRUC_VERSION: u32 = 3;
/// A transaction of that version that spends unconfirmed coins weighs at most this.
pub const TRUC_CHILD_MAX_WEIGHT: i64 = 4_000;

/// What a choice depends on besides the coins.
#[derive(Debug, Clone)]
pub struct Params {
    /// The size of a change output.
    pub change_output_size: i64,
    /// The size of the input that will spend it.
    pub change_spend_size: i64,
    /// The change that is aimed at.
    pub min_change_target: i64,
    /// Less change than this is given to the miners.
    pub min_viable_change: i64,
    /// What a change output costs.
    pub change_fee: i64,
    /// What it costs, and what spending it will cost.
    pub cost_of_change: i64,
    /// The rate of this transaction.
    pub fee_rate: FeeRate,
    /// The rate that coins can be spent at without hurry.
    pub long_term_fee_rate: FeeRate,
    /// The rate at which change that is not worth spending is thrown away.
    pub discard_fee_rate: FeeRate,
    /// The size of everything that is neither input nor change.
    pub no_inputs_size: i64,
    /// Whether recipients pay the fee.
    pub subtract_fee: bool,
    /// Whether coins of one script are spent together or not at all.
    pub avoid_partial_spends: bool,
    /// Whether unconfirmed coins from others are allowed.
    pub include_unsafe: bool,
    /// The version of the transaction.
    pub version: u32,
    /// The most that the transaction may weigh.
    pub max_tx_weight: i64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            change_output_size: 0,
            change_spend_size: 0,
            min_change_target: 0,
            min_viable_change: 0,
            change_fee: 0,
            cost_of_change: 0,
            fee_rate: FeeRate::ZERO,
            long_term_fee_rate: FeeRate::ZERO,
            discard_fee_rate: FeeRate::ZERO,
            no_inputs_size: 0,
            subtract_fee: false,
            avoid_partial_spends: false,
            include_unsafe: false,
            version: 2,
            max_tx_weight: MAX_STANDARD_TX_WEIGHT,
        }
    }
}

/// The change to aim at: random, and not unlike the payment, so that neither its size nor an input that seems not to be
/// needed tells which output is change.
pub fn change_target(payment: i64, change_fee: i64, dice: &mut Dice) -> i64 {
    let lowest = change_fee.saturating_add(CHANGE_LOWER);
    if payment <= CHANGE_LOWER / 2 {
        return lowest;
    }
    let range = payment.saturating_mul(2).min(CHANGE_UPPER) - CHANGE_LOWER;
    let random = dice.below(u64::try_from(range).unwrap_or(0));
    lowest.saturating_add(i64::try_from(random).unwrap_or(0))
}
