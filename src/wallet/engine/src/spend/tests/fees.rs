//! Which fee rate a transaction gets.

use super::fixture::{Fixture, at_rate, control};
use crate::select::FeeRate;
use crate::spend::fees::{discard_rate, fee_rate};
use crate::spend::{CoinControl, FeeMode, FeeReason};

#[track_caller]
fn gets(wallet: &Fixture, control: &CoinControl, rate: i64, reason: FeeReason) {
    let found = fee_rate(&wallet.settings, &wallet.node, control).unwrap();
    assert_eq!(found, (FeeRate::per_kvb(rate), reason));
}

#[test]
fn estimates_and_their_limits() {
    let mut wallet = Fixture::new();
    gets(&wallet, &control(), 5000, FeeReason::Estimated);
    let conservative = CoinControl { fee_mode: FeeMode::Conservative, ..control() };
    gets(&wallet, &conservative, 10_000, FeeReason::Estimated);
    let final_tx = CoinControl { signal_rbf: Some(false), ..control() };
    gets(&wallet, &final_tx, 10_000, FeeReason::Estimated);
    let economical = CoinControl { fee_mode: FeeMode::Economical, ..final_tx };
    gets(&wallet, &economical, 5000, FeeReason::Estimated);
    wallet.node.mempool_min = 6000;
    gets(&wallet, &control(), 6000, FeeReason::MempoolMin);
    wallet.settings.min_fee_rate = FeeRate::per_kvb(7000);
    gets(&wallet, &control(), 7000, FeeReason::Required);
    wallet.node.relay_min = 8000;
    gets(&wallet, &control(), 8000, FeeReason::Required);
    wallet.node.relay_min = -1;
    gets(&wallet, &control(), 7000, FeeReason::Required);
}

#[test]
fn without_an_estimate_there_may_be_a_fallback() {
    let mut wallet = Fixture::new();
    wallet.node.estimate = 0;
    gets(&wallet, &control(), 0, FeeReason::Fallback);
    wallet.settings.fallback_fee_rate = FeeRate::per_kvb(20_000);
    gets(&wallet, &control(), 20_000, FeeReason::Fallback);
}

#[test]
fn a_rate_that_the_user_names() {
    let wallet = Fixture::new();
    gets(&wallet, &at_rate(3000), 3000, FeeReason::UserSpecified);
    gets(&wallet, &at_rate(500), 1000, FeeReason::Required);
    let anyway = CoinControl { override_fee_rate: true, ..at_rate(500) };
    gets(&wallet, &anyway, 500, FeeReason::UserSpecified);
}

#[test]
fn change_is_thrown_away_below_the_discard_rate() {
    let mut wallet = Fixture::new();
    let rate = |wallet: &Fixture| discard_rate(&wallet.settings, &wallet.node).unwrap();
    assert_eq!(rate(&wallet), FeeRate::per_kvb(5000));
    wallet.node.estimate = 1000;
    assert_eq!(rate(&wallet), FeeRate::per_kvb(3000), "not below what is dust");
    wallet.node.estimate = 0;
    assert_eq!(rate(&wallet), FeeRate::per_kvb(10_000));
    wallet.node.estimate = 50_000;
    assert_eq!(rate(&wallet), FeeRate::per_kvb(10_000));
}

#[test]
fn modes_have_names() {
    assert_eq!(FeeMode::from_name("ECONOMICAL"), Some(FeeMode::Economical));
    assert_eq!(FeeMode::from_name("Conservative"), Some(FeeMode::Conservative));
    assert_eq!(FeeMode::from_name("unset"), Some(FeeMode::Unset));
    assert_eq!(FeeMode::from_name(""), None);
}
