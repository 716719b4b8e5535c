//! Waste and change, to the unit.

use std::sync::Arc;

use bitcoin::ScriptBuf;

use super::helpers::{BECH32, COIN, outpoint};
use crate::select::{Algorithm, Coin, FeeRate, Params, Selection};

const FEE: i64 = 100;
const DIFF: i64 = 40;
const CHANGE_COST: i64 = 125;
const TARGET: i64 = 2 * COIN;
/// All of both coins, without change.
const EXACT: i64 = 3 * COIN - 2 * FEE;

fn params(change_cost: i64) -> Params {
    Params { min_viable_change: 300, cost_of_change: change_cost, change_fee: 30, ..Params::default() }
}

/// Coins of one and two whose inputs cost `fee` now and `long_term` later, bumps for each.
fn selection(target: i64, fee: i64, long_term: i64, bumps: [i64; 2]) -> Selection {
    let mut selection = Selection::new(target, Algorithm::Manual);
    for (value, bump) in [COIN, 2 * COIN].into_iter().zip(bumps) {
        let mut coin = Coin::new(outpoint(), value, ScriptBuf::new(), BECH32, Some(1000))
            .priced(FeeRate::per_kvb(fee), FeeRate::per_kvb(long_term));
        coin.add_bump_fee(bump);
        selection.add_coins(&[Arc::new(coin)], false);
    }
    selection
}

fn waste(target: i64, fee: i64, long_term: i64, change_cost: i64) -> i64 {
    selection(target, fee, long_term, [0, 0]).waste(&params(change_cost))
}

#[test]
fn with_change_it_is_the_cost_of_change_and_of_haste() {
    assert_eq!(waste(TARGET, FEE, FEE - DIFF, CHANGE_COST), 2 * DIFF + CHANGE_COST);
    assert_eq!(waste(TARGET, FEE, FEE + DIFF, CHANGE_COST), -2 * DIFF + CHANGE_COST);
    assert_eq!(waste(TARGET, FEE, FEE, CHANGE_COST), CHANGE_COST);
    assert_eq!(waste(TARGET, FEE, FEE + DIFF, 2 * DIFF), 0);
    assert_eq!(waste(TARGET, FEE, FEE + 90, CHANGE_COST), -55);
    assert!(waste(TARGET, 2 * FEE, FEE - DIFF, CHANGE_COST) > waste(TARGET, FEE, FEE - DIFF, CHANGE_COST));
}

#[test]
fn without_change_it_is_the_excess_and_the_cost_of_haste() {
    assert_eq!(waste(EXACT - 80, FEE, FEE - DIFF, CHANGE_COST), 2 * DIFF + 80);
    assert_eq!(waste(EXACT - 80, FEE, FEE + DIFF, CHANGE_COST), -2 * DIFF + 80);
    assert_eq!(waste(EXACT - 80, FEE, FEE, CHANGE_COST), 80);
    assert_eq!(waste(EXACT, FEE, FEE, CHANGE_COST), 0);
    assert_eq!(waste(EXACT - 2 * DIFF, FEE, FEE + DIFF, CHANGE_COST), 0);
    assert_eq!(waste(EXACT, FEE, FEE + DIFF, CHANGE_COST), -2 * DIFF);
}

#[test]
fn shared_ancestors_are_paid_once() {
    let mut with_change = selection(TARGET, FEE, FEE + DIFF, [20, 40]);
    assert_eq!(with_change.waste(&params(CHANGE_COST)), -2 * DIFF + CHANGE_COST + 60);
    with_change.set_bump_discount(30);
    assert_eq!(with_change.waste(&params(CHANGE_COST)), -2 * DIFF + CHANGE_COST + 60 - 30);
    assert_eq!(with_change.bump_fees(), 30);

    // Without change what the discount saves is thrown away as excess.
    let mut changeless = selection(EXACT - 100, FEE, FEE + DIFF, [20, 40]);
    assert_eq!(changeless.waste(&params(CHANGE_COST)), -2 * DIFF + 60 + 40);
    changeless.set_bump_discount(30);
    assert_eq!(changeless.waste(&params(CHANGE_COST)), -2 * DIFF + 60 - 30 + 70);
}

#[test]
fn change_pays_for_itself_unless_the_recipients_pay() {
    let selection = selection(EXACT - 330, FEE, FEE, [0, 0]);
    assert_eq!(selection.change(300, 30), 300);
    assert_eq!(selection.change(301, 30), 0);
    let mut paid_by_recipients = Selection::new(3 * COIN - 300, Algorithm::Manual);
    let coins: Vec<_> = selection.coins().cloned().collect();
    paid_by_recipients.add_coins(&coins, true);
    assert_eq!(paid_by_recipients.change(300, 30), 300);
}

#[test]
fn an_effective_value_is_what_is_left() {
    let coin = |size, rate| {
        Coin::new(outpoint(), 10_000, ScriptBuf::new(), BECH32, size)
            .priced(FeeRate::per_kvb(rate), FeeRate::ZERO)
            .effective_value()
    };
    assert_eq!(coin(Some(148), 1000), 9852);
    assert_eq!(coin(None, 1000), 10_000);
    assert_eq!(coin(Some(148), 100_000), -4800);
}
