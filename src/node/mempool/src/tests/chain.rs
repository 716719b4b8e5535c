//! In step with blocks, reorganisations, time and memory.

use std::sync::Arc;

use bitcoin::Sequence;
use lab::{out, spend};
use primitives::Tx;

use super::bench::{Bench, Told};
use crate::{FeeRate, Limits, Options, Reason, RemovalReason, TemplateOptions};

#[test]
fn a_block_confirms_and_contradicts() {
    let mut bench = Bench::new(3);
    let ((a, value), (b, _), (c, _)) = (bench.coin(), bench.coin(), bench.coin());
    let parent = spend(&[a], &[value - 1000]);
    let child = spend(&[out(&parent, 0)], &[value - 2000]);
    let doomed = spend(&[b], &[value - 1000]);
    let below = spend(&[out(&doomed, 0)], &[value - 2000]);
    let other = spend(&[c], &[value - 1000]);
    for tx in [&parent, &child, &doomed, &below, &other] {
        bench.accept(tx).unwrap();
    }
    bench.pool.prioritise(doomed.txid(), 5);
    bench.told();
    let rival = spend(&[b], &[value - 7]);
    bench.lab.mine_with(&[Arc::clone(&parent), rival]);
    bench.check();
    assert!(bench.has(&child) && bench.has(&other));
    assert!(!bench.has(&parent) && !bench.has(&doomed) && !bench.has(&below));
    assert!(bench.pool.read().entry(&child.txid()).unwrap().parents().is_empty());
    assert!(bench.pool.read().deltas().is_empty());
    let told = bench.told();
    let conflicts = told.iter().filter(|told| matches!(told, Told::Removed(_, RemovalReason::Conflict, 7 | 8)));
    assert_eq!((conflicts.count(), told.len()), (2, 3));
    assert_eq!(told[2], Told::Confirmed(1));
    assert_eq!(bench.pool.read().sequence(), 9, "the confirmed transaction has used up number 6");
}

#[test]
fn the_template_makes_a_valid_block() {
    let mut bench = Bench::new(3);
    for n in 0..3 {
        let (coin, value) = bench.coin();
        let parent = spend(&[coin], &[value - 200]);
        bench.accept(&parent).unwrap();
        bench.accept(&spend(&[out(&parent, 0)], &[value - 1000 * (n + 1)])).unwrap();
    }
    let next = bench.pool.template(&bench.lab.reader(), &TemplateOptions::default()).unwrap();
    assert_eq!((next.prev, next.height), (bench.lab.tip(), bench.lab.height() + 1));
    assert_eq!(next.template.fees, 6000);
    assert_eq!(next.template.chunk_rates.len(), 3);
    let txs: Vec<Arc<Tx>> = next.template.txs.iter().map(|tx| Arc::clone(&tx.tx)).collect();
    bench.lab.mine_with(&txs);
    assert!(bench.pool.read().is_empty());
}

/// Replaces the last `depth` blocks by one more block than that, which are empty.
fn reorganise(bench: &mut Bench, depth: u32) {
    let height = bench.lab.height() - depth;
    let reader = bench.lab.reader();
    let mut parent = reader.node(reader.at_height(height).unwrap()).hash;
    for _ in 0..=depth {
        let block = bench.lab.block(parent, &[]);
        bench.lab.submit(&block).0.unwrap();
        parent = block.hash();
    }
    assert_eq!(bench.lab.tip(), parent);
}

#[test]
fn lost_blocks_give_their_transactions_back() {
    let mut bench = Bench::new(2);
    let ((a, value), (b, _)) = (bench.coin(), bench.coin());
    let parent = spend(&[a], &[value - 1000]);
    let child = spend(&[out(&parent, 0)], &[value - 2000]);
    let waiting = spend(&[out(&child, 0)], &[value - 3000]);
    let free = spend(&[b], &[value]);
    bench.lab.mine_with(&[Arc::clone(&parent), Arc::clone(&free)]);
    bench.lab.mine_with(&[Arc::clone(&child)]);
    bench.accept(&waiting).unwrap();
    let young = out(&bench.lab.mine_with(&[]).txs[0], 0);
    reorganise(&mut bench, 3);
    bench.check();
    for tx in [&parent, &child, &waiting, &free] {
        assert!(bench.has(tx), "also what pays nothing comes back");
    }
    let pool = bench.pool.read();
    assert_eq!(pool.ancestors(pool.id_of(&waiting.txid()).unwrap()).len(), 3);
    assert_eq!(pool.entry(&parent.txid()).unwrap().sequence, 0);
    assert_ne!(pool.entry(&waiting.txid()).unwrap().sequence, 0);
    assert!(pool.id_of(&young.txid).is_none(), "a coinbase does not");
}

#[test]
fn what_a_reorganisation_makes_impossible_leaves() {
    let mut bench = Bench::new(3);
    let ((_, value), (b, _)) = (bench.coin(), bench.coin());
    // The next block is the first in which this coinbase is mature; one block less and it is not.
    bench.lab.mine(1);
    let (c, _) = bench.coin();
    bench.lab.mine(1);
    let fresh = {
        let tip = bench.lab.height() + 1;
        let reader = bench.lab.reader();
        let id = reader.at_height(tip - 100).unwrap();
        let block = reader.block(&reader.node(id)).unwrap().unwrap();
        out(&block.txs[0], 0)
    };
    let early = spend(&[fresh], &[value - 1000]);
    let below = spend(&[out(&early, 0)], &[value - 2000]);
    bench.accept(&early).unwrap();
    bench.accept(&below).unwrap();
    // A relative lock on a coin that the lost block made.
    let made = spend(&[b], &[value - 1000]);
    bench.lab.mine_with(&[Arc::clone(&made)]);
    let mut locked = spend(&[out(&made, 0)], &[value - 2000]).inner().clone();
    locked.input[0].sequence = Sequence::from_height(1);
    let locked = Arc::new(Tx::new(locked, None));
    let held = spend(&[c], &[value - 1000]);
    bench.accept(&locked).unwrap();
    bench.accept(&held).unwrap();
    let tip = bench.lab.reader().tip().unwrap().id;
    let parent = bench.lab.reader().node(tip).parent().unwrap();
    bench.told();
    bench.lab.engine().invalidate(parent).unwrap();
    bench.check();
    assert!(!bench.has(&early) && !bench.has(&below) && !bench.has(&locked));
    assert!(bench.has(&made) && bench.has(&held));
    let told = bench.told();
    assert_eq!(told.iter().filter(|told| matches!(told, Told::Removed(_, RemovalReason::Reorg, _))).count(), 3);
}

#[test]
fn clusters_that_grow_together_are_trimmed() {
    let limits = Limits { cluster_count: 4, ..Limits::default() };
    let mut bench = Bench::with(2, Options { limits, ..Options::default() });
    let (coin, value) = bench.coin();
    let part = value / 4;
    let root = spend(&[coin], &[part; 4].map(|p| p - 100));
    bench.lab.mine_with(&[Arc::clone(&root)]);
    // Four pairs, which hang on one transaction once that is unconfirmed again.
    let mut pairs = Vec::new();
    for n in 0..4 {
        let parent = spend(&[out(&root, n)], &[part - 1000 * u64::from(n + 1)]);
        let child = spend(&[out(&parent, 0)], &[part - 20_000]);
        bench.accept(&parent).unwrap();
        bench.accept(&child).unwrap();
        pairs.push((parent, child));
    }
    reorganise(&mut bench, 1);
    bench.check();
    assert!(bench.has(&root));
    assert_eq!(bench.pool.read().len(), 4, "what is worst had to go");
    let whole = pairs.iter().filter(|(parent, child)| bench.has(parent) && bench.has(child)).count();
    assert!(whole >= 1);
    assert!(pairs.iter().all(|(parent, child)| bench.has(parent) || !bench.has(child)), "no child without its parent");
}

#[test]
fn what_is_old_expires_with_what_hangs_on_it() {
    let mut bench = Bench::new(3);
    let ((a, value), (b, _), (c, _)) = (bench.coin(), bench.coin(), bench.coin());
    let old = spend(&[a], &[value - 1000]);
    bench.accept(&old).unwrap();
    bench.lab.clock().advance(std::time::Duration::from_hours(336));
    let child = spend(&[out(&old, 0)], &[value - 2000]);
    bench.accept(&child).unwrap();
    bench.accept(&spend(&[b], &[value - 1000])).unwrap();
    assert!(bench.has(&old), "to the second");
    bench.lab.clock().advance(std::time::Duration::from_secs(1));
    bench.told();
    bench.accept(&spend(&[c], &[value - 1000])).unwrap();
    assert!(!bench.has(&old) && !bench.has(&child));
    assert_eq!(bench.told().iter().filter(|t| matches!(t, Told::Removed(_, RemovalReason::Expiry, _))).count(), 2);
    assert_eq!(bench.pool.read().len(), 2);
}

#[test]
fn a_full_pool_evicts_the_worst_and_asks_for_more() {
    let limits = Limits { cluster_vsize: 2_000, ..Limits::default() };
    let mut bench = Bench::with(60, Options { max_bytes: 80_000, limits, ..Options::default() });
    assert_eq!(bench.pool.min_fee(), FeeRate::per_kvb(0));
    let mut fee = 1000;
    let mut made = Vec::new();
    while bench.pool.min_fee().fee_per_kvb() == 0 {
        let (coin, value) = bench.coin();
        let tx = spend(&[coin], &[1000; 20].map(|small| value / 20 - fee / 20 - small));
        bench.accept(&tx).unwrap();
        made.push(tx);
        fee += 1000;
    }
    assert!(!bench.has(&made[0]) && bench.has(made.last().unwrap()), "the cheapest has left");
    let floor = bench.pool.min_fee();
    let gone = FeeRate::new(21_000, i64::try_from(made[0].vsize()).unwrap());
    assert_eq!(floor.fee_per_kvb(), gone.fee_per_kvb() + 100);
    let (coin, value) = bench.coin();
    let refused = bench.accept(&spend(&[coin], &[value - 200])).unwrap_err();
    assert!(matches!(refused, Reason::MempoolMinFee { fee: 200, .. }), "{refused:?}");
    // Time alone does not lower it; a block and time do.
    bench.lab.clock().advance(std::time::Duration::from_hours(100));
    assert_eq!(bench.pool.min_fee(), floor);
    bench.lab.mine(1);
    bench.lab.clock().advance(std::time::Duration::from_hours(12));
    assert_eq!(bench.pool.min_fee().fee_per_kvb(), (floor.fee_per_kvb() + 1) / 2);
    bench.lab.clock().advance(std::time::Duration::from_hours(1200));
    assert_eq!(bench.pool.min_fee().fee_per_kvb(), 0);
}
