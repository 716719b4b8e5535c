//! What holds for all coins: the target is met, nothing is spent twice, and on small pools nothing is better.

use std::collections::BTreeSet;
use std::sync::Arc;

use descriptors::AddressType;
use proptest::collection::vec;
use proptest::prelude::*;

use super::helpers::{LIMITS, Lack, coin, params, refs, tweak};
use crate::select::{
    Coin, Dice, Group, Params, SelectError, Selection, Selector, branch_and_bound, coin_grinder, knapsack, random_draw,
};

fn pool(coins: &[(i64, u32)], params: &Params) -> Vec<Group> {
    coins.iter().map(|(value, vsize)| Group::of(Arc::new(coin(*value, *vsize, params)), params.subtract_fee)).collect()
}

/// Every subset, as a selection.
fn subsets(groups: &[Group], target: i64) -> impl Iterator<Item = Selection> {
    (1_u32..1 << groups.len()).map(move |mask| {
        let mut selection = Selection::new(target, crate::select::Algorithm::Manual);
        for (index, group) in groups.iter().enumerate() {
            if mask >> index & 1 == 1 {
                selection.add(group);
            }
        }
        selection
    })
}

fn small_pool() -> impl Strategy<Value = Vec<(i64, u32)>> {
    // Few values, so that sets often meet and coins are often alike.
    vec(((1_i64..30).prop_map(|value| value * 10_000), prop_oneof![Just(41_u32), Just(68), Just(148)]), 1..10)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_changeless_set_wastes_less(coins in small_pool(), rate in 0_i64..60_000, share in 1_i64..100, limit in 200_i64..6000) {
        let params = params(rate);
        let groups = pool(&coins, &params);
        let total: i64 = groups.iter().map(Group::amount).sum();
        let target = (total * share / 100).max(1);
        let fits = |selection: &Selection| {
            let value = selection.effective_value();
            (target..=target + params.cost_of_change).contains(&value) && selection.weight() <= limit
                && selection.coins().all(|coin| coin.effective_value() > 0)
        };
        let waste = |selection: &Selection| {
            selection.coins().map(|coin| coin.fee() - coin.long_term_fee()).sum::<i64>() + selection.effective_value() - target
        };
        let least = subsets(&groups, target).filter(fits).map(|selection| waste(&selection)).min();
        let found = branch_and_bound(&refs(&groups), target, params.cost_of_change, limit).ok();
        prop_assert_eq!(found.is_some(), least.is_some());
        prop_assert!(found.as_ref().is_none_or(fits));
        // When inputs cost less than later, the search does not add inputs to a set that is already enough.
        if rate >= 10_000 {
            prop_assert_eq!(found.as_ref().map(waste), least);
        }
    }

    #[test]
    fn no_set_with_change_is_lighter(coins in small_pool(), rate in 0_i64..60_000, share in 1_i64..100, change in 0_i64..50_000, limit in 200_i64..6000) {
        let params = params(rate);
        let groups = pool(&coins, &params);
        let total: i64 = groups.iter().map(Group::amount).sum();
        let target = (total * share / 100).max(1);
        let fits = |selection: &Selection| {
            selection.effective_value() >= target + change && selection.weight() <= limit
                && selection.coins().all(|coin| coin.effective_value() > 0)
        };
        let least = subsets(&groups, target).filter(fits).map(|set| (set.weight(), set.effective_value())).min();
        let found = coin_grinder(&refs(&groups), target, change, limit).ok();
        prop_assert_eq!(found.map(|found| (found.weight(), found.effective_value())), least);
    }

    #[test]
    fn the_random_ones_meet_the_target(coins in small_pool(), rate in 0_i64..60_000, target in 1_i64..2_000_000, seed: [u8; 32], limit in 200_i64..6000) {
        let params = params(rate);
        let groups = pool(&coins, &params);
        let mut dice = Dice::new(seed);
        if let Ok(found) = knapsack(&refs(&groups), target, params.min_change_target, limit, &mut dice) {
            prop_assert!(found.effective_value() >= target && found.weight() <= limit);
        }
        if let Ok(found) = random_draw(&refs(&groups), target, params.change_fee, limit, &mut dice) {
            prop_assert!(found.effective_value() >= target + params.change_fee + 50_000 && found.weight() <= limit);
        }
    }

    #[test]
    fn a_choice_meets_its_target_and_keeps_its_promises(
        coins in vec((1_i64..5_000_000, 41_u32..200, 0_i32..8, any::<bool>(), 0_u64..30, 0_u8..4, 0_i64..2000), 1..60),
        rate in 0_i64..100_000,
        target in 1_i64..20_000_000,
        flags: [bool; 3],
        seed: [u8; 32],
        version in 2_u32..=3,
    ) {
        let mut params = Params { subtract_fee: flags[0], avoid_partial_spends: flags[1], include_unsafe: flags[2], version, ..params(rate) };
        params.no_inputs_size = 50;
        let coins: Vec<Arc<Coin>> = coins.into_iter().map(|(value, vsize, depth, from_me, chain, script, bump)| {
            let unconfirmed = depth == 0;
            let mut coin = tweak(coin(value, vsize, &params), |coin| {
                (coin.depth, coin.from_me) = (depth, from_me);
                if unconfirmed {
                    (coin.ancestors, coin.cluster) = (chain, chain);
                }
                coin.kind = Some(AddressType::ALL[usize::from(script)]);
                coin.script = vec![0x51, script].into();
            });
            if unconfirmed {
                coin.add_bump_fee(bump);
            }
            Arc::new(coin)
        }).collect();
        let known: BTreeSet<_> = coins.iter().map(|coin| coin.outpoint).collect();
        let mut dice = Dice::new(seed);
        let mut selector = Selector { params: &params, limits: &LIMITS, bumps: &Lack(Some(0)), dice: &mut dice };
        match selector.select(coins, &[], target, true) {
            Ok(found) => {
                let value = if params.subtract_fee { found.value() } else { found.effective_value() };
                prop_assert!(value >= target);
                prop_assert!(found.weight() + 4 * 50 <= params.max_tx_weight);
                prop_assert!(found.coins().all(|coin| known.contains(&coin.outpoint)));
                let unsafe_used = found.coins().any(|coin| coin.depth == 0 && !coin.from_me);
                prop_assert!(params.include_unsafe || !unsafe_used);
                prop_assert!(found.coins().all(|coin| coin.ancestors < 25));
                let shuffled: BTreeSet<_> = found.shuffled(&mut Dice::new(seed)).iter().map(|coin| coin.outpoint).collect();
                prop_assert_eq!(shuffled.len(), found.coins().len());
            }
            Err(SelectError::Insufficient | SelectError::TooHeavy | SelectError::LongChain) => {}
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    #[test]
    fn no_amount_makes_it_panic(
        coins in vec((any::<i64>(), any::<u32>(), any::<i32>(), any::<u64>(), any::<i64>()), 0..20),
        rate: i64,
        target: i64,
        bump in proptest::option::of(any::<i64>()),
        seed: [u8; 32],
    ) {
        let params = Params { fee_rate: crate::select::FeeRate::per_kvb(rate), ..params(1000) };
        let coins = coins.into_iter().map(|(value, vsize, depth, ancestors, bump)| {
            let mut coin = tweak(coin(value, vsize, &params), |coin| {
                (coin.depth, coin.ancestors, coin.cluster) = (depth, ancestors, ancestors);
            });
            coin.add_bump_fee(bump);
            Arc::new(coin)
        }).collect();
        let mut dice = Dice::new(seed);
        let mut selector = Selector { params: &params, limits: &LIMITS, bumps: &Lack(bump), dice: &mut dice };
        if let Ok(found) = selector.select(coins, &[], target, true) {
            let _ = (found.waste(&params), found.change(1, 1), found.bump_fees());
        }
    }
}
