//! Branch and bound: coins that need no change.
//!
//! Change costs an output now and an input one day. If some coins exceed the target by less than that, throwing the excess
//! away is cheaper. The search finds the set with the least waste among those (M. Erhardt, "An Evaluation of Coin Selection
//! Strategies", 2016).

use super::walk::{MAX_TRIES, Step, Walk, remaining};
use super::{Algorithm, Group, SelectError, Selection};

/// Chooses groups that amount to at least the target and at most the target plus the cost of change.
pub fn branch_and_bound(
    pool: &[&Group],
    target: i64,
    cost_of_change: i64,
    max_weight: i64,
) -> Result<Selection, SelectError> {
    let mut pool: Vec<&Group> = pool.iter().copied().filter(|group| group.amount() > 0).collect();
    pool.sort_by_key(|group| (std::cmp::Reverse(group.amount()), group.waste()));
    let (after, total) = remaining(&pool);
    let Some(largest) = pool.first() else { return Err(SelectError::Insufficient) };
    if total < target {
        return Err(SelectError::Insufficient);
    }

    // With fees higher than usual each further input adds waste, so a set that is too wasteful cannot be saved.
    let inputs_add_waste = largest.waste() > 0;
    let upper = target.saturating_add(cost_of_change);
    let mut too_heavy = false;
    let mut best: Option<(i64, Vec<usize>)> = None;
    let mut result = Selection::new(target, Algorithm::BranchAndBound);
    let mut walk = Walk::new(&pool);
    loop {
        let tail = walk.take();
        result.tries += 1;
        let hopeless = |best: &Option<(i64, Vec<usize>)>| best.as_ref().is_some_and(|(waste, _)| walk.waste > *waste);
        let step = if walk.amount.saturating_add(after[tail]) < target {
            Step::Cut
        } else if walk.weight > max_weight {
            too_heavy = true;
            Step::Shift
        } else if walk.amount > upper || (inputs_add_waste && hopeless(&best)) {
            Step::Shift
        } else if walk.amount >= target {
            let waste = walk.waste.saturating_add(walk.amount - target);
            if best.as_ref().is_none_or(|(least, _)| waste <= *least) {
                best = Some((waste, walk.chosen().to_vec()));
            }
            Step::Shift
        } else {
            Step::Deeper
        };
        if result.tries >= MAX_TRIES {
            result.completed = false;
            break;
        }
        if !walk.go(step) {
            break;
        }
    }

    let Some((_, chosen)) = best else {
        return Err(if too_heavy { SelectError::TooHeavy } else { SelectError::Insufficient });
    };
    for index in chosen {
        result.add(pool[index]);
    }
    Ok(result)
}
