//! The caches: what is in is found, what is forgotten is not, and nothing is ever found that was not put in.

use std::collections::HashSet as Model;

use proptest::prelude::*;

use crate::hashing::sha256;
use crate::{ExecutionCache, Flags, HashSet, SignatureCache};

fn wtxid(byte: u8) -> bitcoin::Wtxid {
    bitcoin::hashes::Hash::from_byte_array([byte; 32])
}

fn hash(number: u64) -> [u8; 32] {
    sha256(&number.to_le_bytes())
}

#[test]
fn size_is_bounded() {
    let set = HashSet::with_bytes(1 << 20);
    assert_eq!(set.bytes(), 1 << 20);
    assert_eq!(set.capacity(), 1 << 15);
    assert_eq!(HashSet::with_bytes(0).capacity(), 8);
}

#[test]
fn half_full_it_remembers_nearly_everything() {
    let set = HashSet::with_bytes(1 << 20);
    let half = 1 << 14;
    (0..half).for_each(|number| set.insert(&hash(number)));
    let found = (0..half).filter(|number| set.contains(&hash(*number), false)).count();
    assert!(found > 16_000, "only {found} of {half}");
    // Overfull, it still knows the last ones, and as many as it has room for.
    (half..half * 8).for_each(|number| set.insert(&hash(number)));
    let found = (0..half * 8).filter(|number| set.contains(&hash(*number), false)).count();
    assert!((30_000..=32_768).contains(&found), "{found}");
    assert!(set.contains(&hash(half * 8 - 1), false));
}

proptest! {
    /// Against a set that never forgets by itself: nothing is found that is not there.
    #[test]
    fn never_more_than_was_put_in(steps in prop::collection::vec((any::<bool>(), 0..64_u64, any::<bool>()), 1..400)) {
        let (set, mut model) = (HashSet::with_bytes(1024), Model::new());
        for (put, number, forget) in steps {
            if put {
                set.insert(&hash(number));
                model.insert(number);
                prop_assert!(set.contains(&hash(number), false));
            } else {
                let found = set.contains(&hash(number), forget);
                prop_assert!(!found || model.contains(&number));
                if found && forget {
                    model.remove(&number);
                    prop_assert!(!set.contains(&hash(number), false));
                }
            }
        }
    }
}

#[test]
fn threads_never_find_what_nobody_put_in() {
    // One bucket, so that everybody is in everybody's way.
    let set = HashSet::with_bytes(0);
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let set = &set;
            scope.spawn(move || {
                for round in 0..5000_u64 {
                    let own = thread << 32 | round;
                    set.insert(&hash(own));
                    set.contains(&hash(own), round % 3 == 0);
                    assert!(!set.contains(&hash(1 << 60 | own), true));
                }
            });
        }
    });
}

#[test]
fn entries_depend_on_everything_and_on_the_salt() {
    let cache = SignatureCache::new(1 << 16, &[1; 32]);
    let other = SignatureCache::new(1 << 16, &[2; 32]);
    let entries = [
        cache.ecdsa_entry(&[0; 32], &[9; 64], &[2; 32]),
        cache.schnorr_entry(&[0; 32], &[9; 64], &[2; 32]),
        cache.ecdsa_entry(&[1; 32], &[9; 64], &[2; 32]),
        cache.ecdsa_entry(&[0; 32], &[8; 64], &[2; 32]),
        cache.ecdsa_entry(&[0; 32], &[9; 64], &[3; 32]),
        other.ecdsa_entry(&[0; 32], &[9; 64], &[2; 32]),
    ];
    assert_eq!(entries.iter().collect::<Model<_>>().len(), entries.len());

    let executed = ExecutionCache::new(1 << 16, &[1; 32]);
    executed.insert(wtxid(5), Flags::P2SH);
    assert!(executed.contains(wtxid(5), Flags::P2SH, false));
    assert!(!executed.contains(wtxid(5), Flags::P2SH | Flags::WITNESS, false));
    assert!(!executed.contains(wtxid(6), Flags::P2SH, false));
    assert!(executed.contains(wtxid(5), Flags::P2SH, true));
    assert!(!executed.contains(wtxid(5), Flags::P2SH, false));
}
