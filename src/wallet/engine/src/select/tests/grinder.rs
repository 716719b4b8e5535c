//! The coin grinder: which sets it finds, and after how many looks. The numbers are those of the reference wallet.

use super::helpers::{CENT, COIN, INPUT, coin, params, refs, values};
use crate::select::{Group, SelectError, Selection, coin_grinder};
use std::sync::Arc;

fn pool(coins: impl IntoIterator<Item = (i64, u32)>) -> Vec<Group> {
    let params = params(5000);
    coins.into_iter().map(|(value, vsize)| Group::of(Arc::new(coin(value, vsize, &params)), false)).collect()
}

fn run(coins: impl IntoIterator<Item = (i64, u32)>, target: i64, max_weight: i64) -> Result<Selection, SelectError> {
    coin_grinder(&refs(&pool(coins)), target, CENT, max_weight)
}

#[track_caller]
fn expect(found: Result<Selection, SelectError>, expected: &[i64], tries: usize) {
    let found = found.unwrap();
    assert_eq!((values(&found), found.tries), (expected.to_vec(), tries));
}

fn ones_and_twos() -> impl Iterator<Item = (i64, u32)> {
    (0..20).map(|i| (if i % 2 == 0 { COIN } else { 2 * COIN }, INPUT))
}

#[test]
fn too_little_and_too_much_are_told_apart() {
    assert_eq!(run(ones_and_twos(), 495 * COIN / 10, 10_000).unwrap_err(), SelectError::Insufficient);
    assert_eq!(run(ones_and_twos(), 295 * COIN / 10, 3_000).unwrap_err(), SelectError::TooHeavy);
    assert_eq!(run([], COIN, 3_000).unwrap_err(), SelectError::Insufficient);
}

#[test]
fn the_lightest_set_below_the_limit() {
    let coins = (0..60).map(|_| (33 * CENT, INPUT)).chain((0..10).map(|_| (2 * COIN, INPUT)));
    let mut expected = vec![33 * CENT; 17];
    expected.extend(vec![2 * COIN; 10]);
    expect(run(coins, 2533 * CENT, 10_000), &expected, 37);
}

#[test]
fn two_light_coins_before_a_heavy_one() {
    let coins = [(2 * COIN, 148), (COIN, 68), (COIN, 68)];
    expect(run(coins, 19 * COIN / 10, 400_000), &[COIN, COIN], 3);
}

#[test]
fn mixed_weights() {
    let coins = (0..5).flat_map(|j| [((3 + 3 * j) * COIN, 350), ((2 + 3 * j) * COIN, 250), ((1 + 3 * j) * COIN, 150)]);
    expect(run(coins, 30 * COIN, 400_000), &[4 * COIN, 13 * COIN, 14 * COIN], 92);
}

#[test]
fn the_lightest_among_many_clones() {
    let light = (1..=4).rev().map(|amount| (amount * COIN, 100));
    let clones = [(8, 1000), (7, 800), (6, 600), (5, 400)];
    let clones = clones.into_iter().flat_map(|(amount, vsize)| (0..100).map(move |_| (amount * COIN, vsize)));
    expect(run(light.chain(clones), 99 * COIN / 10, 400_000), &[COIN, 2 * COIN, 3 * COIN, 4 * COIN], 38);
}

#[test]
fn many_small_heavy_coins_are_skipped() {
    let large = [(18 * COIN / 10, 2500), (COIN, 1000), (COIN, 1000)];
    let coins = large.into_iter().chain((0..100).map(|j| (COIN / 100 + j, 110)));
    expect(run(coins, 19 * COIN / 10, 40_000), &[COIN, COIN], 7);
}

#[test]
fn the_search_ends_after_its_last_try() {
    let free = crate::select::Params::default();
    let alike = |count: u32| -> Vec<Group> {
        (0..count).map(|i| Group::of(Arc::new(coin(COIN + i64::from(i), 96 + i, &free)), false)).collect()
    };
    let found = coin_grinder(&refs(&alike(18)), 8 * COIN, 0, 3_200);
    expect(found, &(0..8).map(|i| COIN + i).collect::<Vec<_>>(), 87_525);
    assert!(coin_grinder(&refs(&alike(19)), 8 * COIN, 0, 3_200).is_err());
}
