//! The coin grinder: the lightest inputs that leave room for change. Used when fees are high.

use super::walk::{MAX_TRIES, Step, Walk, remaining};
use super::{Algorithm, Group, SelectError, Selection};

/// The best set so far.
struct Best {
    chosen: Vec<usize>,
    weight: i64,
    amount: i64,
}

/// Chooses the groups of least weight that amount to the target and the change wanted; of equals those that tie up less.
pub fn coin_grinder(
    pool: &[&Group],
    target: i64,
    change_target: i64,
    max_weight: i64,
) -> Result<Selection, SelectError> {
    let mut pool: Vec<&Group> = pool.iter().copied().filter(|group| group.amount() > 0).collect();
    pool.sort_by_key(|group| (std::cmp::Reverse(group.amount()), group.weight()));
    let (after, total) = remaining(&pool);
    let lightest_after = lightest_after(&pool);
    let wanted = target.saturating_add(change_target);
    if pool.is_empty() || total < wanted {
        return Err(SelectError::Insufficient);
    }

    let mut too_heavy = false;
    let mut best: Option<Best> = None;
    let mut result = Selection::new(target, Algorithm::CoinGrinder);
    let mut walk = Walk::new(&pool);
    loop {
        let tail = walk.take();
        result.tries += 1;
        let limit = best.as_ref().map_or(max_weight, |best| best.weight);
        // A lighter group may follow only if the last one is not among the lightest left.
        let give_up = if pool[tail].weight() <= lightest_after[tail] { Step::Cut } else { Step::Shift };
        let step = if walk.amount.saturating_add(after[tail]) < wanted {
            Step::Cut
        } else if walk.weight > limit {
            too_heavy |= walk.weight > max_weight;
            give_up
        } else if walk.amount >= wanted {
            let better = best.as_ref().is_none_or(|best| (walk.weight, walk.amount) < (best.weight, best.amount));
            if better {
                best = Some(Best { chosen: walk.chosen().to_vec(), weight: walk.weight, amount: walk.amount });
            }
            Step::Shift
        } else if best.is_some() && {
            // The rest is at best made of groups as light as the lightest left, none of which amounts to more than the
            // last one taken.
            let tail_amount = pool[tail].amount();
            let missing = (wanted - walk.amount + tail_amount - 1) / tail_amount;
            walk.weight.saturating_add(lightest_after[tail].saturating_mul(missing)) > limit
        } {
            give_up
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

    let Some(best) = best else {
        return Err(if too_heavy { SelectError::TooHeavy } else { SelectError::Insufficient });
    };
    for index in best.chosen {
        result.add(pool[index]);
    }
    Ok(result)
}

/// For each group, the weight of the lightest one behind it.
fn lightest_after(pool: &[&Group]) -> Vec<i64> {
    let mut lightest = i64::MAX;
    let mut after: Vec<i64> = pool
        .iter()
        .rev()
        .map(|group| {
            let later = lightest;
            lightest = lightest.min(group.weight());
            later
        })
        .collect();
    after.reverse();
    after
}
