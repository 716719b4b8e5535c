//! Branch and bound: which sets it finds, and after how many looks. The numbers are those of the reference wallet.

use super::helpers::{CENT, INPUT, MAX_WEIGHT, chosen, group, groups, params, refs};
use crate::select::{Group, Params, SelectError, Selection, branch_and_bound};

const FEE_RATES: [i64; 10] = [0, 1, 99, 100, 315, 1_000, 2_345, 10_292, 59_764, 1_500_000];

fn run(pool: &[Group], target: i64, params: &Params, max_weight: i64) -> Result<Selection, SelectError> {
    branch_and_bound(&refs(pool), target, params.cost_of_change, max_weight)
}

#[track_caller]
fn finds(pool: &[Group], target: i64, params: &Params, expected: &[i64], tries: usize) {
    let found = run(pool, target, params, MAX_WEIGHT).unwrap();
    assert_eq!((chosen(&found), found.tries), (expected.to_vec(), tries));
}

#[track_caller]
fn fails(pool: &[Group], target: i64, params: &Params) {
    assert_eq!(run(pool, target, params, MAX_WEIGHT).unwrap_err(), SelectError::Insufficient);
}

#[test]
fn simple_pools_at_every_fee_rate() {
    for rate in FEE_RATES {
        let params = params(rate);
        fails(&[], CENT, &params);
        let pool = groups(&[CENT, 3 * CENT, 5 * CENT], &params);
        finds(&pool, CENT, &params, &[CENT], 3);
        finds(&pool, 3 * CENT, &params, &[3 * CENT], 3);
        finds(&pool, 5 * CENT, &params, &[5 * CENT], 2);
        finds(&pool, 4 * CENT, &params, &[CENT, 3 * CENT], 4);
        finds(&pool, 9 * CENT, &params, &[CENT, 3 * CENT, 5 * CENT], 5);
        finds(&pool, 4 * CENT - params.cost_of_change, &params, &[CENT, 3 * CENT], 4);
        fails(&pool, 4 * CENT - params.cost_of_change - 1, &params);
        fails(&pool, CENT / 2, &params);
        fails(&pool, 7 * CENT, &params);
        fails(&pool, 10 * CENT, &params);
    }
}

#[test]
fn the_weight_is_kept_to_the_unit() {
    let params = params(5000);
    let pool = groups(&[CENT, 3 * CENT, 5 * CENT], &params);
    let two_inputs = 4 * 2 * i64::from(INPUT);
    assert_eq!(chosen(&run(&pool, 4 * CENT, &params, two_inputs).unwrap()), [CENT, 3 * CENT]);
    assert_eq!(run(&pool, 4 * CENT, &params, two_inputs - 1).unwrap_err(), SelectError::TooHeavy);
}

#[test]
fn equal_coins_are_looked_at_once() {
    let params = params(5000);
    let mut amounts = vec![2 * CENT, 7 * CENT, 7 * CENT];
    amounts.extend(vec![5 * CENT; 50_000]);
    finds(&groups(&amounts, &params), 16 * CENT, &params, &[2 * CENT, 7 * CENT, 7 * CENT], 16);
}

#[test]
fn the_search_ends_after_its_last_try() {
    for rate in [0, 1_000, 59_764] {
        let params = params(rate);
        // Any eight of these but the smallest eight exceed the window, by the eighth.
        let amount = |i| if i < 8 { CENT + i } else { CENT + params.cost_of_change + i };
        let mut amounts: Vec<i64> = (0..17).map(amount).collect();
        let smallest: Vec<i64> = (0..8).map(amount).collect();
        finds(&groups(&amounts, &params), 8 * CENT, &params, &smallest, 51_765);
        amounts.push(amount(17));
        finds(&groups(&amounts, &params), 8 * CENT, &params, &smallest, 87_957);
        amounts.push(amount(18));
        fails(&groups(&amounts, &params), 8 * CENT, &params);
    }
}

#[test]
fn an_unfinished_search_says_so() {
    let params = params(5000);
    let amounts: Vec<i64> = (0..19).map(|i| 100_000 + i).collect();
    let found = run(&groups(&amounts, &params), 800_000, &params, MAX_WEIGHT).unwrap();
    assert_eq!((found.coins().len(), found.tries, found.completed), (8, 100_000, false));
    assert!(found.effective_value() > 800_000 + 28);
}

#[test]
fn low_fees_are_for_many_inputs_and_high_fees_for_few() {
    let (low, high) = (params(5000), params(25_000));
    let amounts = [2 * CENT, 3 * CENT, 5 * CENT, 10 * CENT];
    let (mut low_pool, mut high_pool) = (groups(&amounts, &low), groups(&amounts, &high));
    finds(&low_pool, 10 * CENT, &low, &[2 * CENT, 3 * CENT, 5 * CENT], 6);
    finds(&high_pool, 10 * CENT, &high, &[10 * CENT], 5);
    for heavy in [6 * CENT, 7 * CENT] {
        low_pool.push(group(heavy, 500, &low));
        high_pool.push(group(heavy, 500, &high));
    }
    finds(&low_pool, 13 * CENT, &low, &[6 * CENT, 7 * CENT], 18);
    finds(&high_pool, 13 * CENT, &high, &[3 * CENT, 10 * CENT], 9);
}

#[test]
fn coins_that_cost_more_than_they_are_worth_are_not_looked_at() {
    let params = params(3000);
    fails(&groups(&[-119], &params), CENT, &params);
    finds(&groups(&[-119, CENT], &params), CENT, &params, &[CENT], 1);
}
