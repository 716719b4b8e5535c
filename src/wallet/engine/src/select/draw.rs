//! A single random draw: groups in random order until there is enough.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Algorithm, CHANGE_LOWER, Dice, Group, SelectError, Selection};

/// Draws groups until they amount to the target and change that is not small. If they weigh too much, those that amount
/// to least go back for good.
pub fn random_draw(
    pool: &[&Group],
    target: i64,
    change_fee: i64,
    max_weight: i64,
    dice: &mut Dice,
) -> Result<Selection, SelectError> {
    let wanted = target.saturating_add(CHANGE_LOWER).saturating_add(change_fee);
    let mut order: Vec<usize> = (0..pool.len()).collect();
    dice.shuffle(&mut order);

    // The group that amounts to least is on top, of equals the heaviest.
    let mut drawn: BinaryHeap<(Reverse<i64>, i64, usize)> = BinaryHeap::new();
    let (mut amount, mut weight) = (0_i64, 0_i64);
    let mut too_heavy = false;
    for index in order {
        let group = pool[index];
        if group.amount() <= 0 {
            continue;
        }
        drawn.push((Reverse(group.amount()), group.weight(), index));
        amount = amount.saturating_add(group.amount());
        weight = weight.saturating_add(group.weight());
        while weight > max_weight {
            too_heavy = true;
            let Some((Reverse(least), its_weight, _)) = drawn.pop() else { break };
            amount = amount.saturating_sub(least);
            weight = weight.saturating_sub(its_weight);
        }
        if amount >= wanted {
            let mut result = Selection::new(target, Algorithm::RandomDraw);
            for (_, _, index) in drawn {
                result.add(pool[index]);
            }
            return Ok(result);
        }
    }
    Err(if too_heavy { SelectError::TooHeavy } else { SelectError::Insufficient })
}
