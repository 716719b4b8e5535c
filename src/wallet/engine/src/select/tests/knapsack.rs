//! The two random algorithms: what holds for every seed.

use std::sync::Arc;

use super::helpers::{CENT, COIN, INPUT, MAX_WEIGHT, coin, group, groups, params, refs, values};
use crate::select::{CHANGE_LOWER, Dice, Group, Params, SelectError, Selection, knapsack, random_draw};

const SEEDS: u8 = 50;

fn free(values: &[i64]) -> Vec<Group> {
    let params = Params::default();
    values.iter().map(|value| Group::of(Arc::new(coin(*value, INPUT, &params)), false)).collect()
}

fn solve(pool: &[Group], target: i64, seed: u8) -> Result<Selection, SelectError> {
    knapsack(&refs(pool), target, CENT, MAX_WEIGHT, &mut Dice::new([seed; 32]))
}

/// Whatever the seed, the knapsack solver finds so much in so many coins.
#[track_caller]
fn finds(values_in: &[i64], target: i64, value: i64, count: usize) {
    let pool = free(values_in);
    for seed in 0..SEEDS {
        let found = solve(&pool, target, seed).unwrap();
        assert_eq!((found.value(), found.coins().len()), (value, count), "seed {seed}: {:?}", values(&found));
    }
}

fn cents(of: &[i64]) -> Vec<i64> {
    of.iter().map(|cents| cents * CENT).collect()
}

#[test]
fn exact_sums_and_the_next_larger_coin() {
    let coins = cents(&[1, 2, 5, 10, 20]);
    finds(&coins, 38 * CENT, 38 * CENT, 5);
    finds(&coins, 37 * CENT, 37 * CENT, 4);
    finds(&coins, 34 * CENT, 35 * CENT, 3);
    finds(&coins, 7 * CENT, 7 * CENT, 2);
    finds(&coins, 8 * CENT, 8 * CENT, 3);
    finds(&coins, 9 * CENT, 10 * CENT, 1);
    assert_eq!(solve(&free(&coins), 39 * CENT, 0).unwrap_err(), SelectError::Insufficient);
    assert_eq!(solve(&[], CENT, 0).unwrap_err(), SelectError::Insufficient);
}

#[test]
fn a_larger_coin_against_a_subset() {
    finds(&cents(&[6, 7, 8, 20, 30]), 16 * CENT, 20 * CENT, 1);
    finds(&cents(&[5, 6, 7, 8, 20, 30]), 16 * CENT, 18 * CENT, 3);
    finds(&cents(&[5, 6, 7, 8, 18, 20, 30]), 16 * CENT, 18 * CENT, 1);
    finds(&cents(&[5, 6, 7, 8, 18, 20, 30]), 11 * CENT, 11 * CENT, 2);
    let coins = cents(&[5, 6, 7, 8, 18, 20, 30, 100, 200, 300, 400]);
    finds(&coins, 95 * CENT, 100 * CENT, 1);
    finds(&coins, 195 * CENT, 200 * CENT, 1);
}

#[test]
fn small_change_is_avoided() {
    let tenths = |of: &[i64]| -> Vec<i64> { of.iter().map(|tenths| tenths * CENT / 10).collect() };
    for coins in [&[1, 2, 3, 4, 5][..], &[1, 2, 3, 4, 5, 11_110], &[1, 2, 3, 4, 5, 6, 7, 11_110]] {
        for seed in 0..SEEDS {
            assert_eq!(solve(&free(&tenths(coins)), CENT, seed).unwrap().value(), CENT);
        }
    }
    finds(&tenths(&[5, 6, 7, 11_110]), CENT, 1111 * CENT, 1);
    finds(&tenths(&[4, 6, 8, 11_110]), CENT, CENT, 2);
    let coins = [CENT / 20, CENT, 100 * CENT];
    finds(&coins, CENT * 10_001 / 100, CENT * 10_105 / 100, 3);
    finds(&coins, CENT * 9990 / 100, 101 * CENT, 2);
}

#[test]
fn many_equal_coins() {
    finds(&[50_000 * COIN; 20], 500_000 * COIN, 500_000 * COIN, 10);
    for amount in [1_500, 150_000, 15_000_000] {
        let count = if amount - 2000 < CENT { (2000 + CENT + amount - 1) / amount } else { 1 };
        finds(&vec![amount; 676], 2000, amount * count, usize::try_from(count).unwrap());
    }
    let mut coins = vec![1000 * COIN; 1000];
    coins.push(3 * COIN);
    finds(&coins, 1003 * COIN, 1003 * COIN, 2);
}

#[test]
fn the_choice_among_equals_is_random() {
    let pool = free(&[COIN; 100]);
    let run = |seed| solve(&pool, 50 * COIN, seed).unwrap().coins().map(|coin| coin.outpoint).collect::<Vec<_>>();
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn the_knapsack_keeps_the_weight() {
    let mut coins = vec![33 * CENT / 10; 1515];
    let pool = free(&coins);
    assert_eq!(solve(&pool, 495 * COIN / 10, 0).unwrap_err(), SelectError::TooHeavy);
    coins.push(50 * COIN);
    let found = solve(&free(&coins), 495 * COIN / 10, 0).unwrap();
    assert!(found.weight() <= MAX_WEIGHT && values(&found).contains(&(50 * COIN)));
}

#[test]
fn a_draw_leaves_change_that_is_not_small() {
    for rate in [0, 1, 1_000, 59_764, 1_500_000] {
        let params = params(rate);
        let pool = groups(&cents(&[1, 3, 5]), &params);
        let draw = |pool: &[Group], target, weight| {
            random_draw(&refs(pool), target, params.change_fee, weight, &mut Dice::new([3; 32]))
        };
        let least = params.change_fee + CHANGE_LOWER;
        for target in [21_000, CENT, 3_125_000, 4 * CENT, 7 * CENT, 9 * CENT - least] {
            assert!(draw(&pool, target, MAX_WEIGHT).unwrap().effective_value() >= target + least);
        }
        for target in [9 * CENT - least + 1, 9 * CENT, 9 * CENT + 1] {
            assert_eq!(draw(&pool, target, MAX_WEIGHT).unwrap_err(), SelectError::Insufficient);
        }
        assert_eq!(draw(&[], CENT, MAX_WEIGHT).unwrap_err(), SelectError::Insufficient);

        // Three inputs, and a little less than a fourth: the least valuable make room.
        let mut many = pool;
        many.extend(groups(&[5 * CENT; 100], &params));
        many.extend(groups(&[7 * CENT; 3], &params));
        let weight = 4 * 4 * i64::from(INPUT - 1);
        let found = draw(&many, 20 * CENT, weight).unwrap();
        assert!(found.weight() <= weight && found.effective_value() >= 20 * CENT + least);
        assert_eq!(draw(&many, 25 * CENT, 4 * 3 * i64::from(INPUT)).unwrap_err(), SelectError::TooHeavy);
    }
}

#[test]
fn of_equal_coins_a_draw_drops_the_heaviest() {
    let params = params(1000);
    let mut pool = groups(&[5 * CENT; 20], &params);
    pool.push(group(5 * CENT, INPUT - 1, &params));
    let weight = 4 * (3 * i64::from(INPUT) - 1);
    for seed in 0..SEEDS {
        let found =
            random_draw(&refs(&pool), 14 * CENT, params.change_fee, weight, &mut Dice::new([seed; 32])).unwrap();
        assert_eq!(found.weight(), weight);
    }
}
