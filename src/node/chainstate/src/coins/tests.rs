//! The cache over its database against a plain map.

use std::collections::HashMap;

use bitcoin::{BlockHash, OutPoint, hashes::Hash};
use proptest::prelude::*;
use store::{CoinsTip, KvOptions, XorKey};

use super::*;

fn out(n: u8) -> OutPoint {
    OutPoint { txid: Hash::from_byte_array([n % 4; 32]), vout: u32::from(n / 4) }
}

/// Bytes of a coin; `long` ones do not fit inline. The cache does not look inside.
fn coin(n: u8, long: bool) -> StoredCoin {
    StoredCoin::new(&vec![n; if long { 47 } else { usize::from(n % 46) + 1 }])
}

#[derive(Clone, Debug)]
enum Step {
    Add(u8, u8, bool),
    Spend(u8),
    Read(u8),
    Flush { keep: bool },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u8..24, any::<u8>(), any::<bool>()).prop_map(|(o, c, l)| Step::Add(o, c, l)),
        5 => (0u8..24).prop_map(Step::Spend),
        4 => (0u8..24).prop_map(Step::Read),
        1 => any::<bool>().prop_map(|keep| Step::Flush { keep }),
        1 => Just(Step::Restart),
    ]
}

fn lookup(cache: &mut CoinsCache, db: &CoinsDb, o: OutPoint) -> Option<StoredCoin> {
    match cache.get(&o) {
        Lookup::Coin(c) => Some(c.clone()),
        Lookup::Spent => None,
        Lookup::Unknown => {
            let found = db.get(&o).unwrap().map(|b| StoredCoin::new(&b))?;
            cache.remember(o, found.clone());
            Some(found)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn cache_and_disk_together_are_a_map(steps in prop::collection::vec(step(), 1..120)) {
        let dir = tempfile::tempdir().unwrap();
        let db = CoinsDb::open(dir.path(), KvOptions { cache_bytes: 4 << 20, wipe: false, compact: false }, XorKey::new([1; 8])).unwrap();
        let salt = SaltedState::new([3, 5]);
        let mut cache = CoinsCache::new(salt);
        let mut model: HashMap<OutPoint, StoredCoin> = HashMap::new();
        let mut durable = model.clone();
        let mut tip = 0u8;
        for step in steps {
            match step {
                // A new output never exists already; that is what the `known` promise is about.
                Step::Add(o, c, long) if !model.contains_key(&out(o)) => {
                    let mut changes = Changes::default();
                    changes.add(out(o), coin(c, long));
                    // The disk may still hold it where its removal was not flushed: then the promise must not be made.
                    cache.apply(changes, !durable.contains_key(&out(o)));
                    model.insert(out(o), coin(c, long));
                }
                Step::Spend(o) if model.contains_key(&out(o)) => {
                    let mut changes = Changes::default();
                    changes.spend(out(o));
                    cache.apply(changes, true);
                    model.remove(&out(o));
                }
                Step::Add(o, ..) | Step::Spend(o) | Step::Read(o) => {
                    prop_assert_eq!(lookup(&mut cache, &db, out(o)), model.get(&out(o)).cloned());
                }
                Step::Flush { keep } => {
                    tip += 1;
                    cache.flush(&db, &BlockHash::from_byte_array([tip; 32]), &Batches { bytes: 200, mishap: None }, keep).unwrap();
                    durable.clone_from(&model);
                    prop_assert_eq!(cache.dirty(), 0);
                    prop_assert_eq!(db.tip().unwrap(), CoinsTip::At(BlockHash::from_byte_array([tip; 32])));
                    let stored: HashMap<_, _> = db.cursor().map(|e| e.map(|(o, b)| (o, StoredCoin::new(&b))).unwrap()).collect();
                    prop_assert_eq!(&stored, &durable);
                }
                Step::Restart => {
                    cache = CoinsCache::new(salt);
                    model.clone_from(&durable);
                }
            }
            let heap: usize = cache.map.iter().filter_map(|e| e.coin.as_ref()).map(StoredCoin::heap).sum();
            prop_assert_eq!(cache.heap, heap);
            prop_assert_eq!(cache.dirty, cache.map.iter().filter(|e| e.dirty).count());
        }
        for o in 0..24 {
            prop_assert_eq!(lookup(&mut cache, &db, out(o)), model.get(&out(o)).cloned());
        }
    }
}

#[test]
fn memory_is_what_the_table_takes() {
    let mut cache = CoinsCache::new(SaltedState::default());
    let mut changes = Changes::default();
    for n in 0..10_000u32 {
        changes.add(OutPoint { txid: Hash::from_byte_array([7; 32]), vout: n }, coin(9, false));
    }
    cache.apply(changes, true);
    let per_coin = cache.memory() / cache.len();
    assert!((80..=200).contains(&per_coin), "{per_coin} bytes a coin");
}
