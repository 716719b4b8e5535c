//! The knapsack solver: random subsets, of which the one closest above the target is taken. The oldest of the algorithms,
//! and the only one that spends coins that cost more than they are worth.

use super::{Algorithm, Dice, Group, SelectError, Selection};

/// How many random subsets are tried.
const TRIES: usize = 1000;

/// Chooses groups that amount to exactly the target, or to the target and change that is not small.
pub fn knapsack(
    pool: &[&Group],
    target: i64,
    change_target: i64,
    max_weight: i64,
    dice: &mut Dice,
) -> Result<Selection, SelectError> {
    let mut pool = pool.to_vec();
    dice.shuffle(&mut pool);
    let with_change = target.saturating_add(change_target);

    let mut too_heavy = false;
    let mut smaller: Vec<&Group> = Vec::new();
    let mut total = 0_i64;
    let mut larger: Option<&Group> = None;
    for group in pool {
        if group.weight() > max_weight {
            too_heavy = true;
        } else if group.amount() == target {
            return Ok(chosen(target, [group]));
        } else if group.amount() < with_change {
            total = total.saturating_add(group.amount());
            smaller.push(group);
        } else if larger.is_none_or(|larger| group.amount() < larger.amount()) {
            larger = Some(group);
        }
    }

    if total == target {
        let all = chosen(target, smaller.iter().copied());
        if all.weight() <= max_weight {
            return Ok(all);
        }
        too_heavy = true;
    }
    let failure = if too_heavy { SelectError::TooHeavy } else { SelectError::Insufficient };
    if total < target {
        return larger.map(|group| chosen(target, [group])).ok_or(failure);
    }

    smaller.sort_by_key(|group| (std::cmp::Reverse(group.amount()), group.waste()));
    let sizes: Vec<(i64, i64)> = smaller.iter().map(|group| (group.amount(), group.weight())).collect();
    let mut best = best_subset(&sizes, total, target, max_weight, dice);
    if best.amount != target && total >= with_change {
        best = best_subset(&sizes, total, with_change, max_weight, dice);
    }

    // One larger coin is better than small change or a worse fit.
    if let Some(group) = larger
        && ((best.amount != target && best.amount < with_change) || group.amount() <= best.amount)
    {
        return Ok(chosen(target, [group]));
    }
    let taken = smaller.iter().zip(&best.taken).filter(|(_, taken)| **taken).map(|(group, _)| *group);
    let result = chosen(target, taken);
    if result.weight() <= max_weight {
        return Ok(result);
    }
    larger.map(|group| chosen(target, [group])).ok_or(SelectError::TooHeavy)
}

fn chosen<'g>(target: i64, groups: impl IntoIterator<Item = &'g Group>) -> Selection {
    let mut result = Selection::new(target, Algorithm::Knapsack);
    for group in groups {
        result.add(group);
    }
    result
}

/// A subset of the groups, as flags.
struct Subset {
    taken: Vec<bool>,
    amount: i64,
}

/// Looks for the subset that amounts to the least at or above the target. Each try first takes every group with even
/// chances, then, if that was not enough, the ones left over in order. Whenever there is enough, the subset is compared,
/// and the group that made it enough is put back, so that a smaller one may do.
fn best_subset(groups: &[(i64, i64)], total: i64, target: i64, max_weight: i64, dice: &mut Dice) -> Subset {
    let mut best = Subset { taken: vec![true; groups.len()], amount: total };
    let mut taken = vec![false; groups.len()];
    for _ in 0..TRIES {
        if best.amount == target {
            break;
        }
        taken.fill(false);
        let (mut amount, mut weight) = (0_i64, 0_i64);
        let mut reached = false;
        for pass in 0..2 {
            if reached {
                break;
            }
            for (index, (group_amount, group_weight)) in groups.iter().enumerate() {
                let take = if pass == 0 { dice.flip() } else { !taken[index] };
                if !take {
                    continue;
                }
                amount = amount.saturating_add(*group_amount);
                weight = weight.saturating_add(*group_weight);
                taken[index] = true;
                if amount >= target && weight <= max_weight {
                    reached = true;
                    if amount < best.amount {
                        best.amount = amount;
                        best.taken.copy_from_slice(&taken);
                    }
                    amount = amount.saturating_sub(*group_amount);
                    weight = weight.saturating_sub(*group_weight);
                    taken[index] = false;
                }
            }
        }
    }
    best
}
