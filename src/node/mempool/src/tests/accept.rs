//! Single transactions: refusals with their words, replacement, clusters, version 3.

use std::sync::Arc;

use bitcoin::{OutPoint, Sequence, absolute::LockTime};
use consensus::TxResult;
use lab::{out, spend, spend_as};
use primitives::Tx;

use super::bench::{Bench, Told};
use crate::{AcceptOptions, FeeRate, Limits, Options, Reason, RemovalReason};

/// The same transaction with something changed.
fn changed(tx: &Tx, change: impl FnOnce(&mut bitcoin::Transaction)) -> Arc<Tx> {
    let mut inner = tx.inner().clone();
    change(&mut inner);
    Arc::new(Tx::new(inner, None))
}

#[test]
fn refusals_use_the_daemons_words() {
    let mut bench = Bench::new(3);
    let (coin, value) = bench.coin();
    let good = spend(&[coin], &[value - 10_000]);
    let young = OutPoint { txid: bench.lab.mine_with(&[]).txs[0].txid(), vout: 0 };
    let nowhere = OutPoint { vout: 7, ..coin };
    let table = [
        (spend(&[coin], &[]), "bad-txns-vout-empty", "", TxResult::Consensus),
        (spend(&[coin, coin], &[value]), "bad-txns-inputs-duplicate", "", TxResult::Consensus),
        (spend(&[nowhere], &[value]), "bad-txns-inputs-missingorspent", "", TxResult::MissingInputs),
        (
            spend(&[young], &[value]),
            "bad-txns-premature-spend-of-coinbase",
            "tried to spend coinbase at depth 1",
            TxResult::PrematureSpend,
        ),
        (
            spend(&[coin], &[value + 1]),
            "bad-txns-in-belowout",
            "value in (50.00) < value out (50.00000001)",
            TxResult::Consensus,
        ),
        (spend(&[coin], &[value]), "min relay fee not met", "0 < 10", TxResult::Reconsiderable),
        (spend_as(4, &[coin], &[value - 10_000]), "version", "", TxResult::NotStandard),
        (spend(&[coin], &[value - 10_000, 1]), "dust", "tx with dust output must be 0-fee", TxResult::NotStandard),
        (spend(&[coin], &[value - 10_000, 1, 1]), "dust", "", TxResult::NotStandard),
        (changed(&good, |tx| tx.lock_time = LockTime::from_consensus(1000)), "non-final", "", TxResult::PrematureSpend),
        (
            changed(&good, |tx| tx.input[0].sequence = Sequence::from_height(200)),
            "non-BIP68-final",
            "",
            TxResult::PrematureSpend,
        ),
        (
            changed(&good, |tx| tx.input[0].witness = bitcoin::Witness::new()),
            "mempool-script-verify-flag-failed (Witness program was passed an empty witness)",
            "",
            TxResult::WitnessStripped,
        ),
        (
            changed(&good, |tx| tx.input[0].witness = bitcoin::Witness::from_slice(&[[0x52]])),
            "mempool-script-verify-flag-failed (Witness program hash mismatch)",
            "",
            TxResult::NotStandard,
        ),
        (
            changed(&good, |tx| tx.input[0].witness = bitcoin::Witness::from_slice(&[vec![0; 81], vec![0x51]])),
            "bad-witness-nonstandard",
            "",
            TxResult::WitnessMutated,
        ),
    ];
    for (tx, reason, debug, result) in table {
        let refused = bench.accept(&tx).expect_err(reason);
        assert_eq!((refused.to_string().as_str(), refused.result()), (reason, result));
        if reason.starts_with("mempool-script") {
            assert!(refused.debug_message().starts_with("input 0 of "));
        } else {
            assert_eq!(refused.debug_message(), debug);
        }
    }
    let coinbase = Arc::clone(&bench.lab.mine_with(&[]).txs[0]);
    assert_eq!(bench.accept(&coinbase).unwrap_err(), Reason::Coinbase);
    bench.accept(&good).unwrap();
    assert_eq!(bench.accept(&good).unwrap_err(), Reason::AlreadyInMempool);
    let other = changed(&good, |tx| tx.input[0].witness.push([0x51]));
    assert_eq!(bench.accept(&other).unwrap_err(), Reason::SameNonWitnessData);
    bench.lab.mine_with(&[Arc::clone(&good)]);
    assert_eq!(bench.accept(&good).unwrap_err(), Reason::AlreadyKnown);
}

#[test]
fn a_test_changes_nothing() {
    let mut bench = Bench::new(1);
    let (coin, value) = bench.coin();
    let tx = spend(&[coin], &[value - 1000]);
    let test = AcceptOptions { test_only: true, ..AcceptOptions::default() };
    let accepted = bench.offer(&tx, test).unwrap();
    assert_eq!((accepted.fee, accepted.vsize), (1000, i64::try_from(tx.vsize()).unwrap()));
    assert_eq!(accepted.effective_includes, [tx.wtxid()]);
    assert!(!bench.has(&tx) && bench.told().is_empty());
    let modest = AcceptOptions { max_fee_rate: Some(FeeRate::per_kvb(1000)), ..AcceptOptions::default() };
    assert_eq!(bench.offer(&tx, modest).unwrap_err(), Reason::MaxFeeRate);
    assert_eq!(bench.pool.read().sequence(), 1);
    bench.accept(&tx).unwrap();
    assert_eq!(bench.told(), [Told::Added(tx, 1)]);
}

#[test]
fn a_replacement_pays_for_what_it_replaces() {
    let mut bench = Bench::new(1);
    let (coin, value) = bench.coin();
    let old = spend(&[coin], &[value - 1000]);
    let child = spend(&[out(&old, 0)], &[value - 3000]);
    bench.accept(&old).unwrap();
    bench.accept(&child).unwrap();
    let vsize = old.vsize();
    let txid = |tx: &Tx| tx.txid().to_string();
    let cheap = spend(&[coin], &[value - 2999]);
    let refused = bench.accept(&cheap).unwrap_err();
    assert_eq!(
        refused.full(),
        format!(
            "insufficient fee, rejecting replacement {}, less fees than conflicting txs; 0.00002999 < 0.00003",
            txid(&cheap)
        )
    );
    assert_eq!(refused.result(), TxResult::Reconsiderable);
    let same = spend(&[coin], &[value - 3000]);
    assert!(bench.accept(&same).unwrap_err().full().contains("not enough additional fees to relay; 0.00 < 0.0000001"));
    let better = spend(&[coin], &[value - 3000 - vsize.div_ceil(10)]);
    let accepted = bench.accept(&better).unwrap();
    let mut replaced: Vec<_> = accepted.replaced.iter().map(|tx| tx.txid()).collect();
    replaced.sort_unstable();
    let mut expected = vec![old.txid(), child.txid()];
    expected.sort_unstable();
    assert_eq!(replaced, expected);
    assert!(bench.has(&better) && !bench.has(&old) && !bench.has(&child));
    let told = bench.told();
    let removed = told.iter().filter(|told| matches!(told, Told::Removed(_, RemovalReason::Replaced, 3 | 4))).count();
    assert_eq!((removed, told.last()), (2, Some(&Told::Added(better, 5))));
}

#[test]
fn a_replacement_must_not_be_worse_for_miners() {
    let mut bench = Bench::new(2);
    let ((a, value), (b, _)) = (bench.coin(), bench.coin());
    // Small and well paid; the replacement pays a little more in total and is much larger.
    let old = spend(&[a], &[value - 2000]);
    bench.accept(&old).unwrap();
    let outputs = vec![1_000_000; 40];
    let large = spend(&[a, b], &[&outputs[..], &[2 * value - 40_000_000 - 3000]].concat());
    assert_eq!(bench.accept(&large).unwrap_err(), Reason::ReplacementFailed);
    assert_eq!(Reason::ReplacementFailed.debug_message(), "insufficient feerate: does not improve feerate diagram");
    // Nobody replaces what he depends on.
    let both = spend(&[a, out(&old, 0)], &[value]);
    let refused = bench.accept(&both).unwrap_err();
    assert_eq!(refused.to_string(), "bad-txns-spends-conflicting-tx");
    assert_eq!(refused.debug_message(), format!("{} spends conflicting transaction {}", both.txid(), old.txid()));
    assert!(bench.has(&old));
}

#[test]
fn clusters_have_limits() {
    let limits = Limits { cluster_count: 5, ..Limits::default() };
    let mut bench = Bench::with(2, Options { limits, ..Options::default() });
    let (coin, value) = bench.coin();
    let mut chain = vec![spend(&[coin], &[value - 1000])];
    for n in 2..=5 {
        let next = spend(&[out(chain.last().unwrap(), 0)], &[value - 1000 * n]);
        chain.push(next);
    }
    for tx in &chain {
        bench.accept(tx).unwrap();
    }
    let sixth = spend(&[out(&chain[4], 0)], &[value - 6000]);
    assert_eq!(bench.accept(&sixth).unwrap_err(), Reason::ClusterTooLarge);
    assert!(!bench.pool.within_limits(&sixth));
    // Replacing the last leaves room.
    let fifth = spend(&[out(&chain[3], 0)], &[value - 9000]);
    bench.accept(&fifth).unwrap();
    let pool = bench.pool.read();
    let entry = pool.entry(&fifth.txid()).unwrap();
    let id = pool.id_of(&fifth.txid()).unwrap();
    let vsize = 5 * i64::try_from(fifth.vsize()).unwrap();
    assert_eq!(pool.totals(&pool.ancestors(id)), (5, vsize, 9000));
    assert!(pool.signals_replacement(id));
    assert_eq!(pool.ancestors(pool.id_of(&fifth.txid()).unwrap()).len(), 5);
    assert_eq!(pool.cluster_of(entry).map(|(_, txs)| txs.len()).sum::<usize>(), 5);
}

#[test]
fn priorities_count_as_fees() {
    let mut bench = Bench::new(2);
    let ((a, value), (b, _)) = (bench.coin(), bench.coin());
    let (free, paying) = (spend(&[a], &[value]), spend(&[b], &[value - 500]));
    bench.pool.prioritise(free.txid(), 400);
    bench.accept(&free).unwrap();
    bench.accept(&paying).unwrap();
    let first = |bench: &Bench| bench.pool.read().in_mining_order().next().unwrap().0.tx.txid();
    assert_eq!(first(&bench), paying.txid());
    bench.pool.prioritise(free.txid(), 200);
    bench.check();
    assert_eq!(first(&bench), free.txid());
    assert_eq!(bench.pool.read().entry(&free.txid()).unwrap().modified_fee, 600);
    bench.pool.prioritise(free.txid(), -600);
    assert!(bench.pool.read().deltas().is_empty());
    bench.pool.prioritise(paying.txid(), i64::MAX);
    bench.pool.prioritise(paying.txid(), i64::MAX);
    assert_eq!(bench.pool.read().delta(&paying.txid()), i64::MAX, "it saturates");
}

#[test]
fn a_refusal_names_the_parent_with_the_lower_id() {
    let mut bench = Bench::new(2);
    let ((a, value), (b, _)) = (bench.coin(), bench.coin());
    let (one, two) = (spend_as(3, &[a], &[value - 1000]), spend_as(3, &[b], &[value - 1000]));
    bench.accept(&one).unwrap();
    bench.accept(&two).unwrap();
    let lower = one.txid().min(two.txid());
    for (first, second) in [(&one, &two), (&two, &one)] {
        let child = spend_as(2, &[out(first, 0), out(second, 0)], &[value]);
        let refused = bench.accept(&child).unwrap_err().full();
        assert!(refused.contains(&format!("cannot spend from version=3 tx {lower} ")), "{refused}");
    }
}

#[test]
fn version_three_comes_in_pairs() {
    let mut bench = Bench::new(3);
    let ((a, value), (b, _)) = (bench.coin(), bench.coin());
    let half = value / 2;
    let parent = spend_as(3, &[a], &[half - 1000, half]);
    bench.accept(&parent).unwrap();
    let named = |tx: &Tx| format!("{} (wtxid={})", tx.txid(), tx.wtxid());
    let old = spend_as(2, &[out(&parent, 0)], &[half - 2000]);
    assert_eq!(
        bench.accept(&old).unwrap_err().full(),
        format!("TRUC-violation, non-version=3 tx {} cannot spend from version=3 tx {}", named(&old), named(&parent))
    );
    let big = spend_as(3, &[out(&parent, 0)], &[10_000; 30]);
    assert!(bench.accept(&big).unwrap_err().full().contains("version=3 child tx"));
    let child = spend_as(3, &[out(&parent, 0)], &[half - 2000]);
    bench.accept(&child).unwrap();
    let grandchild = spend_as(3, &[out(&child, 0)], &[half - 5000]);
    assert_eq!(
        bench.accept(&grandchild).unwrap_err().full(),
        format!("TRUC-violation, tx {} would have too many ancestors", named(&grandchild))
    );
    // A sibling takes the child's place if it pays for it.
    let poor = spend_as(3, &[out(&parent, 1)], &[half - 1000]);
    assert!(bench.accept(&poor).unwrap_err().to_string().ends_with("(including sibling eviction)"));
    let sibling = spend_as(3, &[out(&parent, 1)], &[half - 3000]);
    bench.accept(&sibling).unwrap();
    assert!(bench.has(&sibling) && !bench.has(&child));
    let plain = spend_as(2, &[b], &[value - 1000]);
    bench.accept(&plain).unwrap();
    let below = spend_as(3, &[out(&plain, 0)], &[value - 2000]);
    assert!(bench.accept(&below).unwrap_err().full().contains("cannot spend from non-version=3 tx"));
}

#[test]
fn spending_what_waits_costs_its_lift() {
    let mut bench = Bench::new(2);
    let ((a, value), (b, _)) = (bench.coin(), bench.coin());
    let half = value / 2;
    let parent = spend(&[a], &[half - 100, half - 100]);
    let child = spend(&[out(&parent, 0)], &[half - 1100]);
    let rich = spend(&[b], &[value - 50_000]);
    for tx in [&parent, &child, &rich] {
        bench.accept(tx).unwrap();
    }
    let pool = bench.pool.read();
    let size = |tx: &Tx| i64::try_from(tx.vsize()).unwrap();
    let target = FeeRate::per_kvb(20_000);
    let confirmed = OutPoint { vout: 3, ..a };
    let free = [out(&parent, 1), out(&child, 0), out(&rich, 0), confirmed];
    let fees = pool.bump_fees(&free, target).unwrap();
    let lift = |sizes: i64, paid: i64| target.fee_for(sizes) - paid;
    assert_eq!(fees[&free[0]], lift(size(&parent), 200));
    assert_eq!(fees[&free[1]], lift(size(&parent) + size(&child), 1200));
    assert_eq!((fees[&free[2]], fees[&confirmed]), (0, 0), "paid for, or in a block");
    // Both together need the parent only once.
    assert_eq!(pool.total_bump_fee(&free, target).unwrap(), lift(size(&parent) + size(&child), 1200));
    assert!(pool.bump_fees(&free, FeeRate::per_kvb(500)).unwrap().values().all(|fee| *fee == 0));
    // Spending the child's coin again replaces the child, which then does not help.
    let again = [out(&parent, 0)];
    assert_eq!(pool.bump_fees(&again, target).unwrap()[&again[0]], lift(size(&parent), 200));
}
