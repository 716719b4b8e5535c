//! Several transactions at once.

use std::sync::Arc;

use lab::{out, spend, spend_as};
use primitives::Tx;

use super::bench::Bench;
use crate::{FeeRate, PackageOptions, PackageOutcome, PackageReason, Reason, Verdict};

fn accepted(outcome: &PackageOutcome, tx: &Tx) -> crate::Accepted {
    match &outcome.verdicts[&tx.wtxid()] {
        Verdict::Accepted(accepted) => accepted.clone(),
        other => panic!("{other:?}"),
    }
}

fn refused(outcome: &PackageOutcome, tx: &Tx) -> Reason {
    match &outcome.verdicts[&tx.wtxid()] {
        Verdict::Rejected(rejected) => rejected.reason.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_child_pays_for_its_parent() {
    let mut bench = Bench::new(2);
    let (coin, value) = bench.coin();
    let parent = spend(&[coin], &[value]);
    let child = spend(&[out(&parent, 0)], &[value - 2000]);
    assert_eq!(bench.accept(&parent).unwrap_err().to_string(), "min relay fee not met");
    let poor = spend(&[out(&parent, 0)], &[value - 1]);
    let outcome = bench.package(&[Arc::clone(&parent), Arc::clone(&poor)]);
    assert_eq!(outcome.error, Some(PackageReason::TransactionFailed));
    assert_eq!(refused(&outcome, &poor).to_string(), "min relay fee not met");
    let outcome = bench.package(&[Arc::clone(&parent), Arc::clone(&child)]);
    assert_eq!(outcome.error, None);
    for tx in [&parent, &child] {
        let accepted = accepted(&outcome, tx);
        let vsize = i64::try_from(parent.vsize() + child.vsize()).unwrap();
        assert_eq!(accepted.effective_rate, FeeRate::new(2000, vsize));
        assert_eq!(accepted.effective_includes, [parent.wtxid(), child.wtxid()]);
        assert!(bench.has(tx));
    }
    // Once more: both are there.
    let outcome = bench.package(&[Arc::clone(&parent), Arc::clone(&child)]);
    assert!(outcome.error.is_none() && outcome.verdicts.values().all(|v| matches!(v, Verdict::InMempool { .. })));
}

#[test]
fn what_can_stand_alone_does() {
    let mut bench = Bench::new(2);
    let ((a, value), (b, _)) = (bench.coin(), bench.coin());
    let (rich, free) = (spend(&[a], &[value - 5000]), spend(&[b], &[value]));
    let child = spend(&[out(&rich, 0), out(&free, 0)], &[2 * value - 10_000]);
    let outcome = bench.package(&[Arc::clone(&rich), Arc::clone(&free), Arc::clone(&child)]);
    assert_eq!(outcome.error, None);
    assert_eq!(accepted(&outcome, &rich).effective_includes, [rich.wtxid()], "its fee is not used twice");
    assert_eq!(accepted(&outcome, &free).effective_includes, [free.wtxid(), child.wtxid()]);
    let grandchild = spend(&[out(&child, 0)], &[value]);
    let outcome = bench.package(&[Arc::clone(&rich), grandchild]);
    assert_eq!(outcome.error, Some(PackageReason::NotChildWithParents));
    assert!(outcome.verdicts.is_empty());
}

#[test]
fn a_hopeless_member_spoils_the_package() {
    let mut bench = Bench::new(1);
    let (coin, value) = bench.coin();
    let parent = spend_as(9, &[coin], &[value - 1000]);
    let child = spend(&[out(&parent, 0)], &[value - 2000]);
    let outcome = bench.package(&[Arc::clone(&parent), Arc::clone(&child)]);
    assert_eq!(outcome.error, Some(PackageReason::TransactionFailed));
    assert_eq!(refused(&outcome, &parent), Reason::Version);
    assert_eq!(refused(&outcome, &child), Reason::MissingInputs);
    assert!(bench.pool.read().is_empty());
}

#[test]
fn dust_lives_in_packages_only() {
    let mut bench = Bench::new(1);
    let (coin, value) = bench.coin();
    let parent = spend_as(3, &[coin], &[value, 0]);
    let careless = spend_as(3, &[out(&parent, 0)], &[value - 2000]);
    let outcome = bench.package(&[Arc::clone(&parent), Arc::clone(&careless)]);
    assert_eq!(outcome.error, Some(PackageReason::UnspentDust));
    assert_eq!(refused(&outcome, &careless).to_string(), "missing-ephemeral-spends");
    let careful = spend_as(3, &[out(&parent, 0), out(&parent, 1)], &[value - 2000]);
    assert_eq!(bench.package(&[parent, careful]).error, None);
}

#[test]
fn a_pair_replaces_a_pair() {
    let mut bench = Bench::new(2);
    let (coin, value) = bench.coin();
    let old = spend(&[coin], &[value - 500]);
    bench.accept(&old).unwrap();
    let parent = spend_as(3, &[coin], &[value]);
    let weak = spend_as(3, &[out(&parent, 0)], &[value - 505]);
    let outcome = bench.package(&[Arc::clone(&parent), weak]);
    let error = outcome.error.unwrap();
    assert_eq!(error.to_string(), "package RBF failed: insufficient anti-DoS fees");
    assert!(error.debug_message().contains("not enough additional fees to relay"));
    let strong = spend_as(3, &[out(&parent, 0)], &[value - 5000]);
    let outcome = bench.package(&[Arc::clone(&parent), Arc::clone(&strong)]);
    assert_eq!(outcome.error, None);
    assert_eq!(accepted(&outcome, &parent).replaced, [old]);
    assert!(bench.has(&parent) && bench.has(&strong));
}

#[test]
fn a_test_takes_any_sorted_set() {
    let mut bench = Bench::new(3);
    let ((a, value), (b, _), (c, _)) = (bench.coin(), bench.coin(), bench.coin());
    let first = spend(&[a], &[value - 1000]);
    let second = spend(&[b], &[value - 1000]);
    let third = spend(&[out(&first, 0), out(&second, 0)], &[2 * value - 3000]);
    let test = PackageOptions { test_only: true, ..PackageOptions::default() };
    let run = |txs: &[&Arc<Tx>]| {
        let txs: Vec<Arc<Tx>> = txs.iter().map(|tx| Arc::clone(tx)).collect();
        bench.pool.accept_package(&bench.lab.reader(), &txs, test).unwrap()
    };
    let outcome = run(&[&first, &second, &third]);
    assert!(outcome.error.is_none() && outcome.verdicts.len() == 3);
    assert_eq!(accepted(&outcome, &third).fee, 1000);
    assert_eq!(run(&[&third, &first]).error, Some(PackageReason::NotSorted));
    let late = spend(&[c], &[value + 1]);
    let outcome = run(&[&first, &late, &second]);
    assert_eq!(outcome.error, Some(PackageReason::TransactionFailed));
    assert_eq!(outcome.verdicts.len(), 1, "those behind the failure are not looked at");
    assert_eq!(refused(&outcome, &late).to_string(), "bad-txns-in-belowout");
    assert!(bench.pool.read().is_empty());
    bench.accept(&first).unwrap();
    let rival = spend(&[a], &[value - 9000]);
    let outcome = bench.pool.accept_package(&bench.lab.reader(), &[Arc::clone(&rival)], test).unwrap();
    assert_eq!(refused(&outcome, &rival), Reason::ReplacementDisallowed);
}
