//! The way from coins to a choice.

use std::sync::Arc;

use bitcoin::{OutPoint, ScriptBuf};
use descriptors::AddressType;
use interfaces::{Call, IpcError};

use super::helpers::{BECH32, CENT, COIN, INPUT, LIMITS, Lack, coin, outpoint, params, tweak, values};
use crate::select::{Algorithm, BumpFees, Coin, Dice, FeeRate, Kind, Limits, Params, SelectError, Selection, Selector};

fn run(coins: Vec<Coin>, preset: Vec<Coin>, target: i64, params: &Params) -> Result<Selection, SelectError> {
    with(coins, preset, target, params, &LIMITS, &Lack(Some(0)))
}

fn with(
    coins: Vec<Coin>,
    preset: Vec<Coin>,
    target: i64,
    params: &Params,
    limits: &Limits,
    bumps: &dyn BumpFees,
) -> Result<Selection, SelectError> {
    let coins = coins.into_iter().map(Arc::new).collect();
    let preset: Vec<_> = preset.into_iter().map(Arc::new).collect();
    let mut dice = Dice::new([9; 32]);
    Selector { params, limits, bumps, dice: &mut dice }.select(coins, &preset, target, true)
}

/// A coin that is worth this after its fee, with so many confirmations.
fn deep(effective: i64, depth: i32, from_me: bool, params: &Params) -> Coin {
    let fee = params.fee_rate.fee(i64::from(INPUT));
    tweak(coin(effective + fee, INPUT, params), |coin| (coin.depth, coin.from_me) = (depth, from_me))
}

fn unconfirmed(effective: i64, ancestors: u64, cluster: u64, params: &Params) -> Coin {
    tweak(deep(effective, 0, true, params), |coin| (coin.ancestors, coin.cluster) = (ancestors, cluster))
}

#[test]
fn older_coins_are_chosen_before_younger_ones() {
    let params = params(5000);
    let coins = || vec![deep(COIN, 6, false, &params), deep(COIN, 5, false, &params), deep(COIN, 0, true, &params)];
    let depths = |target| {
        let found = run(coins(), vec![], target, &params).unwrap();
        let mut depths: Vec<i32> = found.coins().map(|coin| coin.depth).collect();
        depths.sort_unstable();
        depths
    };
    assert_eq!(depths(COIN / 2), [6]);
    assert_eq!(depths(15 * COIN / 10), [5, 6]);
    assert_eq!(depths(25 * COIN / 10), [0, 5, 6]);
}

#[test]
fn coins_from_others_wait_for_a_block_unless_unsafe_ones_are_allowed() {
    let mut params = params(5000);
    let stranger = || vec![deep(COIN, 0, false, &params)];
    assert_eq!(run(stranger(), vec![], CENT, &params).unwrap_err(), SelectError::Insufficient);
    let coins = stranger();
    params.include_unsafe = true;
    assert!(run(coins, vec![], CENT, &params).is_ok());
}

#[test]
fn unconfirmed_change_is_spent_only_if_that_is_allowed() {
    let params = params(5000);
    let limits = Limits { spend_zero_conf_change: false, ..LIMITS };
    let change = || vec![unconfirmed(COIN, 1, 1, &params)];
    let refused = with(change(), vec![], CENT, &params, &limits, &Lack(Some(0)));
    assert_eq!(refused.unwrap_err(), SelectError::Insufficient);
    assert!(run(change(), vec![], CENT, &params).is_ok());
}

#[test]
fn long_chains_are_refused_unless_that_is_switched_off() {
    let params = params(5000);
    for (ancestors, cluster) in [(25, 1), (1, 25)] {
        let chain = || vec![unconfirmed(COIN, ancestors, cluster, &params)];
        assert_eq!(run(chain(), vec![], CENT, &params).unwrap_err(), SelectError::LongChain);
        let limits = Limits { reject_long_chains: false, ..LIMITS };
        assert!(with(chain(), vec![], CENT, &params, &limits, &Lack(Some(0))).is_ok());
    }
    assert!(run(vec![unconfirmed(COIN, 24, 24, &params)], vec![], CENT, &params).is_ok());
}

#[test]
fn families_of_scripts_are_not_mixed_without_need() {
    let params = params(5000);
    let legacy = |value| tweak(deep(value, 6, false, &params), |coin| coin.kind = Some(AddressType::Legacy));
    let coins = || vec![legacy(COIN), deep(COIN, 6, false, &params), deep(COIN, 6, false, &params)];
    let kinds = |target| {
        let found = run(coins(), vec![], target, &params).unwrap();
        let mut kinds: Vec<Kind> = found.coins().map(|coin| coin.kind).collect();
        kinds.sort_unstable();
        kinds
    };
    assert_eq!(kinds(15 * COIN / 10), [BECH32; 2]);
    assert_eq!(kinds(25 * COIN / 10), [Some(AddressType::Legacy), BECH32, BECH32]);
}

#[test]
fn coins_of_one_script_go_together_when_partial_spends_are_avoided() {
    let mut params = params(0);
    params.avoid_partial_spends = true;
    let script = |number: u8| ScriptBuf::from_bytes(vec![0x51, number]);
    let paid_to = |number: u8, count: usize| {
        (0..count).map(move |_| {
            tweak(Coin::new(outpoint(), CENT, script(number), BECH32, Some(INPUT)), |coin| coin.depth = 6)
        })
    };
    let coins: Vec<Coin> = paid_to(1, 3).chain(paid_to(2, 2)).collect();
    let found = run(coins, vec![], 4 * CENT, &params).unwrap();
    assert_eq!(found.coins().len(), 5);

    // 150 coins are a full group and one that is not; alone the full one is taken first.
    let found = run(paid_to(1, 150).collect(), vec![], CENT, &params).unwrap();
    assert_eq!(found.coins().len(), 100);
    let found = run(paid_to(1, 150).collect(), vec![], 120 * CENT, &params).unwrap();
    assert_eq!(found.coins().len(), 150);
}

#[test]
fn named_coins_are_all_spent_and_the_rest_is_added() {
    let params = params(5000);
    let named = deep(9 * CENT, 0, false, &params);
    let others = || vec![deep(10 * CENT, 144, false, &params), deep(CENT, 144, false, &params)];
    let found = run(others(), vec![named.clone()], 10 * CENT, &params).unwrap();
    assert!(found.contains(&named.outpoint));
    assert_eq!((found.coins().len(), found.tries, found.algorithm()), (2, 2, Algorithm::BranchAndBound));

    let alone = run(others(), vec![named.clone()], 9 * CENT, &params).unwrap();
    assert_eq!((alone.coins().len(), alone.algorithm()), (1, Algorithm::Manual));

    let mut dice = Dice::new([1; 32]);
    let mut selector = Selector { params: &params, limits: &LIMITS, bumps: &Lack(Some(0)), dice: &mut dice };
    let coins = others().into_iter().map(Arc::new).collect();
    let refused = selector.select(coins, &[Arc::new(named)], 10 * CENT, false);
    assert_eq!(refused.unwrap_err(), SelectError::PresetTooSmall);
}

#[test]
fn named_and_added_coins_together_keep_the_weight() {
    let mut params = params(1000);
    params.max_tx_weight = 4 * (42 + 31 + 70);
    let named = deep(CENT, 6, false, &params);
    let refused = run(vec![deep(COIN, 6, false, &params)], vec![named], COIN / 2, &params);
    assert_eq!(refused.unwrap_err(), SelectError::CombinationTooHeavy);
    for (weight, error) in [(4 * 42, SelectError::OutputsTooHeavy), (4 * 42 + 1, SelectError::NoRoomForChange)] {
        params.max_tx_weight = weight;
        assert_eq!(run(vec![deep(COIN, 6, false, &params)], vec![], CENT, &params).unwrap_err(), error);
    }
}

#[test]
fn no_changeless_set_when_the_recipients_pay() {
    let mut params = params(3000);
    params.subtract_fee = true;
    let coins = vec![
        coin(COIN + params.cost_of_change, INPUT, &params),
        coin(COIN / 2 + params.cost_of_change, INPUT, &params),
        coin(COIN / 2, INPUT, &params),
    ];
    let coins = coins.into_iter().map(|coin| tweak(coin, |coin| (coin.depth, coin.from_me) = (6, true))).collect();
    let found = run(coins, vec![], COIN, &params).unwrap();
    assert_ne!(found.algorithm(), Algorithm::BranchAndBound);
    assert_eq!(found.coins().len(), 2);
}

#[test]
fn high_fees_grind_coins() {
    // Twelve light coins or one: at high fees one.
    let params = params(100_000);
    let mut coins: Vec<Coin> = (0..12).map(|i| deep(CENT + i, 6, false, &params)).collect();
    coins.push(deep(13 * CENT, 6, false, &params));
    let found = run(coins, vec![], 10 * CENT, &params).unwrap();
    assert_eq!(found.coins().len(), 1);
}

/// A node that has gone.
struct Gone;

impl BumpFees for Gone {
    fn combined_bump_fee(&self, _: &[OutPoint], _: FeeRate) -> Call<Option<i64>> {
        Err(IpcError::Disconnected)
    }
}

#[test]
fn shared_ancestors_are_discounted_and_unknown_ones_refused() {
    let params = params(5000);
    let chained = || {
        let mut coins = vec![unconfirmed(CENT, 1, 1, &params), unconfirmed(CENT, 1, 1, &params)];
        for coin in &mut coins {
            coin.add_bump_fee(500);
        }
        coins
    };
    let target = 15 * CENT / 10;
    let found = with(chained(), vec![], target, &params, &LIMITS, &Lack(Some(500))).unwrap();
    assert_eq!(found.bump_fees(), 500);
    let refused = with(chained(), vec![], target, &params, &LIMITS, &Lack(None));
    assert_eq!(refused.unwrap_err(), SelectError::UnknownBumpFees);

    let gone = with(chained(), vec![], target, &params, &LIMITS, &Gone);
    assert_eq!(gone.unwrap_err(), SelectError::Chain(IpcError::Disconnected));
}

#[test]
fn version_3_children_are_small() {
    let mut params = params(1000);
    params.version = 3;
    let coins = |depth| -> Vec<Coin> { (0..20).map(|_| deep(CENT, depth, true, &params)).collect() };
    assert!(run(coins(6), vec![], 18 * CENT, &params).is_ok());
    let refused = run(coins(0), vec![], 18 * CENT, &params).unwrap_err();
    assert_eq!(refused, SelectError::TooHeavy);
    assert!(run(coins(0), vec![], 5 * CENT, &params).unwrap().weight() <= 4000);
}

#[test]
fn too_many_small_coins_do_not_fit() {
    let params = params(0);
    let small = |value, count| (0..count).map(move |_| free(value));
    let refused = run(small(33 * CENT / 10, 1515).collect(), vec![], 495 * COIN / 10, &params).unwrap_err();
    assert_eq!(refused, SelectError::TooHeavy);
    let mixed: Vec<Coin> = small(COIN / 16, 400).chain(small(COIN / 40, 2000)).collect();
    let found = run(mixed, vec![], 495 * COIN / 10, &params).unwrap();
    assert!(found.weight() <= 400_000 - 4 * (42 + 31));
    assert!(values(&found).contains(&(COIN / 16)) && values(&found).contains(&(COIN / 40)));
}

fn free(value: i64) -> Coin {
    Coin::new(outpoint(), value, ScriptBuf::new(), BECH32, Some(INPUT))
}
