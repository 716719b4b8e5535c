//! The pool over a restart.

use std::sync::Arc;

use bitcoin::{Txid, hashes::Hash};
use lab::{out, spend};
use platform::SystemEntropy;
use primitives::Codec;
use store::XorKey;

use super::bench::Bench;
use crate::{BadDump, Dump, ImportOptions, Imported};

#[test]
fn a_pool_is_written_and_read() {
    let mut bench = Bench::new(2);
    let ((a, value), (b, _)) = (bench.coin(), bench.coin());
    let parent = spend(&[a], &[value - 1000]);
    let child = spend(&[out(&parent, 0)], &[value - 3000]);
    let prized = spend(&[b], &[value - 1000]);
    for tx in [&parent, &child, &prized] {
        bench.accept(tx).unwrap();
    }
    let stranger = Txid::from_byte_array([9; 32]);
    bench.pool.prioritise(stranger, -7);
    bench.pool.prioritise(prized.txid(), 12);
    bench.pool.add_unbroadcast(child.txid());
    bench.pool.add_unbroadcast(stranger);
    let dump = Dump::of(&bench.pool.read());
    assert_eq!((dump.txs.len(), dump.deltas.len(), dump.unbroadcast.len()), (3, 1, 1));
    let dir = tempfile::tempdir().unwrap();
    for v1 in [false, true] {
        let path = dir.path().join("mempool.dat");
        let size = dump.save(&path, v1, &SystemEntropy).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(u64::try_from(bytes.len()).unwrap(), size);
        assert_eq!(bytes[0], if v1 { 1 } else { 2 });
        let (read, result) = Dump::read(bytes.clone(), Codec::BITCOIN);
        result.unwrap();
        let same = |d: &Dump| {
            let txs: Vec<_> = d.txs.iter().map(|tx| (tx.tx.wtxid(), tx.time, tx.delta)).collect();
            (txs, d.deltas.clone(), d.unbroadcast.clone())
        };
        assert_eq!(same(&read), same(&dump));
        let there = bench.pool.load(&bench.lab.reader(), bytes, ImportOptions::default(), &|| false).unwrap();
        assert_eq!(there, Imported { already_there: 3, unbroadcast: 1, ..Imported::default() });
    }
}

#[test]
fn what_was_lost_is_taken_in_again() {
    let mut bench = Bench::new(2);
    let ((a, value), (b, _)) = (bench.coin(), bench.coin());
    let parent = spend(&[a], &[value - 1000]);
    let child = spend(&[out(&parent, 0)], &[value - 3000]);
    bench.accept(&parent).unwrap();
    bench.accept(&child).unwrap();
    bench.pool.prioritise(child.txid(), 55);
    let mut bytes = Vec::new();
    Dump::of(&bench.pool.read()).write(Some(XorKey::new(*b"12345678")), &mut bytes).unwrap();
    // The block pays nothing to the pool's transactions: it spends the same coin.
    let rival = spend(&[a], &[value]);
    let block = bench.lab.mine_with(&[Arc::clone(&rival)]);
    assert!(bench.pool.read().is_empty());
    let none = bench.pool.load(&bench.lab.reader(), bytes.clone(), ImportOptions::default(), &|| false).unwrap();
    assert_eq!(none, Imported { failed: 2, ..Imported::default() });
    let id = bench.lab.reader().find(&block.hash()).unwrap().0;
    bench.lab.engine().invalidate(id).unwrap();
    // The rival came back from the lost block; a better one makes room.
    let better = spend(&[a, b], &[2 * value - 100_000]);
    bench.accept(&better).unwrap();
    let load = |bytes: Vec<u8>, bench: &Bench, options| bench.pool.load(&bench.lab.reader(), bytes, options, &|| false);
    assert_eq!(load(bytes.clone(), &bench, ImportOptions::default()).unwrap().failed, 2);
    assert!(!bench.has(&child));
    // Labs mine the same blocks, so a new one has the same coins and an empty pool.
    let empty = Bench::new(1);
    let taken = load(bytes.clone(), &empty, ImportOptions::default()).unwrap();
    assert_eq!(taken, Imported { succeeded: 2, ..Imported::default() });
    assert_eq!(empty.pool.read().delta(&child.txid()), 55);
    bench.lab.clock().advance(std::time::Duration::from_hours(400));
    assert_eq!(load(bytes.clone(), &bench, ImportOptions::default()).unwrap().expired, 2);
    let current = ImportOptions { use_current_time: true, ..ImportOptions::default() };
    assert_eq!(load(bytes, &bench, current).unwrap().expired, 0);
}

#[test]
fn damage_is_told_and_what_came_before_is_kept() {
    let mut bench = Bench::new(1);
    let (coin, value) = bench.coin();
    bench.accept(&spend(&[coin], &[value - 1000])).unwrap();
    let mut bytes = Vec::new();
    Dump::of(&bench.pool.read()).write(None, &mut bytes).unwrap();
    let whole = bytes.clone();
    bytes.truncate(whole.len() - 1);
    let (dump, result) = Dump::read(bytes, Codec::BITCOIN);
    assert!(dump.txs.len() == 1 && matches!(result, Err(BadDump::Decode(_))));
    for len in 0..whole.len() {
        assert!(Dump::read(whole[..len].to_vec(), Codec::BITCOIN).1.is_err());
    }
    assert!(matches!(Dump::read(vec![3, 0, 0, 0, 0, 0, 0, 0], Codec::BITCOIN).1, Err(BadDump::Version(3))));
    assert!(matches!(Dump::read(vec![2, 0, 0, 0, 0, 0, 0, 0, 1, 5], Codec::BITCOIN).1, Err(BadDump::Key)));
    // A count that no file could hold must not be believed.
    let mut huge = vec![1, 0, 0, 0, 0, 0, 0, 0];
    huge.extend([0xff; 8]);
    assert!(Dump::read(huge, Codec::BITCOIN).1.is_err());
}
