//! From coins to a choice: all algorithms on ever larger pools, the least wasteful result first found.

use std::fmt;
use std::sync::Arc;

use bitcoin::OutPoint;
use interfaces::Call;

use super::group::{Grouped, Pool, Pools};
use super::params::{TRUC_CHILD_MAX_WEIGHT, TRUC_VERSION};
use super::{
    Algorithm, Coin, Dice, FeeRate, Filter, GROUP_MAX, Limits, Params, SelectError, Selection, WITNESS_SCALE,
    branch_and_bound, coin_grinder, knapsack, random_draw,
};

/// Knows what unconfirmed ancestors lack.
pub trait BumpFees {
    /// What the ancestors of all these outputs lack to this rate, common ones counted once. `None` if the mempool cannot
    /// tell.
    fn combined_bump_fee(&self, outpoints: &[OutPoint], rate: FeeRate) -> Call<Option<i64>>;
}

/// What a choice is made with.
pub struct Selector<'a> {
    /// What it depends on.
    pub params: &'a Params,
    /// How far it goes.
    pub limits: &'a Limits,
    /// What ancestors lack.
    pub bumps: &'a dyn BumpFees,
    /// Randomness.
    pub dice: &'a mut Dice,
}

impl fmt::Debug for Selector<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Selector").field("params", self.params).field("limits", self.limits).finish_non_exhaustive()
    }
}

impl Selector<'_> {
    /// Chooses coins for a target: those that the user named, and as many others as are needed and allowed.
    pub fn select(
        &mut self,
        mut available: Vec<Arc<Coin>>,
        preset: &[Arc<Coin>],
        target: i64,
        allow_others: bool,
    ) -> Result<Selection, SelectError> {
        let params = self.params;
        let amount = |coin: &Arc<Coin>| if params.subtract_fee { coin.value } else { coin.effective_value() };
        let sum = |coins: &[Arc<Coin>]| coins.iter().fold(0_i64, |sum, coin| sum.saturating_add(amount(coin)));
        let preset_total = sum(preset);
        let missing = target.saturating_sub(preset_total);
        if !allow_others && missing > 0 {
            return Err(SelectError::PresetTooSmall);
        }
        if missing <= 0 {
            let mut result = Selection::new(target, Algorithm::Manual);
            result.add_coins(preset, params.subtract_fee);
            return Ok(result);
        }
        if missing > sum(&available) {
            return Err(SelectError::Insufficient);
        }
        let mut result = self.automatic(&mut available, missing)?;
        if !preset.is_empty() {
            let mut named = Selection::new(preset_total, Algorithm::Manual);
            named.add_coins(preset, params.subtract_fee);
            result.merge(named);
            if result.weight() > max_inputs_weight(params) {
                return Err(SelectError::CombinationTooHeavy);
            }
        }
        Ok(result)
    }

    /// Chooses among the wallet's coins: the most trustworthy pool that has a solution gives it.
    fn automatic(&mut self, available: &mut [Arc<Coin>], target: i64) -> Result<Selection, SelectError> {
        let params = self.params;
        // Which coins of a script come into one group must not follow from their order in the wallet.
        if params.avoid_partial_spends && available.len() > GROUP_MAX {
            self.dice.shuffle(available);
        }
        let ladder = self.limits.ladder(params.include_unsafe);
        let grouped = Grouped::new(available, params.avoid_partial_spends, params.subtract_fee);
        check_discarded(available, &grouped, target, &ladder, self.limits)?;

        let mut params = params.clone();
        let mut failure = SelectError::Insufficient;
        for (filter, mix) in &ladder {
            if params.version == TRUC_VERSION && (filter.depth_mine == 0 || filter.depth_theirs == 0) {
                params.max_tx_weight = params.max_tx_weight.min(TRUC_CHILD_MAX_WEIGHT);
            }
            let pools = grouped.pools(filter);
            if pools.by_kind.is_empty() {
                continue;
            }
            match attempt(&pools, *mix, target, &params, self.bumps, self.dice) {
                Ok(selection) => return Ok(selection),
                Err(error @ SelectError::Chain(_)) => return Err(error),
                // The first failure that says more than that there is not enough is the one to tell.
                Err(error) if failure == SelectError::Insufficient => failure = error,
                Err(_) => {}
            }
        }
        Err(failure)
    }
}

/// Whether there is enough without what every filter keeps out.
fn check_discarded(
    available: &[Arc<Coin>],
    grouped: &Grouped,
    target: i64,
    ladder: &[(Filter, bool)],
    limits: &Limits,
) -> Result<(), SelectError> {
    let filters: Vec<Filter> = ladder.iter().map(|(filter, _)| *filter).collect();
    let (mut discarded, mut long_chains) = (0_i64, 0_i64);
    for group in grouped.discarded(&filters) {
        discarded = discarded.saturating_add(group.amount());
        if group.is_long_chain(limits.ancestors.max(1), limits.descendants.max(1)) {
            long_chains = long_chains.saturating_add(group.amount());
        }
    }
    let total = available.iter().fold(0_i64, |sum, coin| sum.saturating_add(coin.value)).saturating_sub(discarded);
    if total >= target {
        Ok(())
    } else if total.saturating_add(long_chains) > target {
        Err(SelectError::LongChain)
    } else {
        Err(SelectError::Insufficient)
    }
}

/// Tries each family of scripts by itself and takes the best; if none has a solution, and if that is allowed, all together.
fn attempt(
    pools: &Pools<'_>,
    mix: bool,
    target: i64,
    params: &Params,
    bumps: &dyn BumpFees,
    dice: &mut Dice,
) -> Result<Selection, SelectError> {
    let mut results = Vec::new();
    for pool in pools.by_kind.values() {
        match choose(pool, target, params, bumps, dice) {
            Ok(selection) => results.push(selection),
            Err(SelectError::Insufficient) => {}
            Err(error) => return Err(error),
        }
    }
    if let Some(best) = best(results, params) {
        return Ok(best);
    }
    if mix && pools.by_kind.len() > 1 {
        return choose(&pools.all, target, params, bumps, dice);
    }
    Err(SelectError::Insufficient)
}

/// Runs the algorithms on one pool and takes the least wasteful result.
pub(super) fn choose(
    pool: &Pool<'_>,
    target: i64,
    params: &Params,
    bumps: &dyn BumpFees,
    dice: &mut Dice,
) -> Result<Selection, SelectError> {
    let max_weight = max_inputs_weight(params);
    if max_weight <= 0 {
        return Err(SelectError::OutputsTooHeavy);
    }
    let mut results = Vec::new();
    let mut failure = SelectError::Insufficient;
    let mut note = |result: Result<Selection, SelectError>| match result {
        Ok(selection) => results.push(selection),
        Err(error) if failure == SelectError::Insufficient => failure = error,
        Err(_) => {}
    };

    // A set without change would leave the recipients to pay for its excess, so with fees on them there is always change.
    let mut found_changeless = false;
    if !params.subtract_fee {
        let result = branch_and_bound(&pool.positive, target, params.cost_of_change, max_weight);
        found_changeless = result.is_ok();
        note(result);
    }
    // The others may make change, which weighs something too.
    let max_weight = max_weight - params.change_output_size * WITNESS_SCALE;
    if max_weight < 0 && !found_changeless {
        return Err(SelectError::NoRoomForChange);
    }
    note(knapsack(&pool.mixed, target, params.min_change_target, max_weight, dice));
    if params.fee_rate > params.long_term_fee_rate.times(3) {
        note(coin_grinder(&pool.positive, target, params.min_change_target, max_weight));
    }
    note(random_draw(&pool.positive, target, params.change_fee, max_weight, dice));

    for selection in &mut results {
        discount_shared_ancestors(selection, params.fee_rate, bumps)?;
    }
    best(results, params).ok_or(failure)
}

/// Coins with common ancestors were each charged for all of them.
fn discount_shared_ancestors(
    selection: &mut Selection,
    rate: FeeRate,
    bumps: &dyn BumpFees,
) -> Result<(), SelectError> {
    let unconfirmed: Vec<&Arc<Coin>> = selection.coins().filter(|coin| coin.depth <= 0).collect();
    if unconfirmed.is_empty() {
        return Ok(());
    }
    let outpoints: Vec<OutPoint> = unconfirmed.iter().map(|coin| coin.outpoint).collect();
    let summed = unconfirmed.iter().fold(0_i64, |sum, coin| sum.saturating_add(coin.bump_fee()));
    let combined = bumps.combined_bump_fee(&outpoints, rate)?.ok_or(SelectError::UnknownBumpFees)?;
    // The mempool may have changed since the coins were priced, so the difference can be negative.
    selection.set_bump_discount(summed.saturating_sub(combined.max(0)));
    Ok(())
}

/// The result with the least waste, of equals the one that spends more coins.
fn best(results: Vec<Selection>, params: &Params) -> Option<Selection> {
    results.into_iter().min_by_key(|selection| (selection.waste(params), std::cmp::Reverse(selection.coins().len())))
}

/// What inputs may weigh, if there is no change.
fn max_inputs_weight(params: &Params) -> i64 {
    params.max_tx_weight.saturating_sub(params.no_inputs_size.saturating_mul(WITNESS_SCALE))
}
