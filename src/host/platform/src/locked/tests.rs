//! Buffers do not overlap, are zero when new, and leave nothing behind.

use proptest::prelude::*;

use super::*;

#[test]
fn buffers_are_zero_and_hold_what_is_put_in() {
    let mut one = LockedBytes::zeroed(32);
    assert_eq!(*one, [0; 32]);
    one.copy_from_slice(&[7; 32]);
    let two = one.clone();
    drop(one);
    assert_eq!(*two, [7; 32]);
    assert_eq!(format!("{two:?}"), "LockedBytes(32 bytes)");
    assert!(LockedBytes::zeroed(0).is_empty());
    assert_eq!(*LockedBytes::take(vec![1, 2, 3]), [1, 2, 3]);
}

#[test]
fn a_released_range_is_wiped() {
    let secret = LockedBytes::copy_of(&[0xaa; 4000]);
    drop(secret);
    for _ in 0..200 {
        let fresh = LockedBytes::zeroed(4000);
        assert!(fresh.iter().all(|byte| *byte == 0));
    }
}

#[test]
fn large_buffers_come_and_go() {
    let before = stats().total;
    let mut large = LockedBytes::zeroed(ARENA_SIZE * 2 + 1);
    large.fill(1);
    assert!(stats().total >= before + ARENA_SIZE * 2);
    drop(large);
    assert!(stats().total <= before.max(ARENA_SIZE));
}

#[test]
fn statistics_add_up() {
    let held: Vec<LockedBytes> = (1..100).map(LockedBytes::zeroed).collect();
    let now = stats();
    assert_eq!(now.total, now.used + now.free);
    assert!(now.used >= (1..100).sum::<usize>());
    assert!(now.chunks_used >= held.len());
    assert!(now.locked <= now.total);
}

#[cfg(target_os = "linux")]
#[test]
fn the_pages_are_kept_out_of_core_dumps() {
    let secret = LockedBytes::zeroed(32);
    let address = secret.start.addr().get();
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let mut inside = false;
    let flags = maps.lines().find(|line| {
        if let Some((low, high)) = line.split(' ').next().and_then(|range| range.split_once('-'))
            && let (Ok(low), Ok(high)) = (usize::from_str_radix(low, 16), usize::from_str_radix(high, 16))
        {
            inside = (low..high).contains(&address);
        }
        inside && line.starts_with("VmFlags:")
    });
    let flags = flags.unwrap();
    assert!(flags.contains(" dd"), "{flags}");
    if stats().locked == stats().total {
        assert!(flags.contains(" lo"), "{flags}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn an_arena_never_gives_a_byte_twice(
        steps in prop::collection::vec((any::<bool>(), 1_usize..600, any::<usize>()), 1..120)
    ) {
        let mut arena = Arena::map(8192).unwrap();
        let mut held: Vec<(usize, usize, NonNull<u8>)> = Vec::new();
        for (take, length, pick) in steps {
            if take || held.is_empty() {
                let size = rounded(length);
                if let Some(start) = arena.allocate(size) {
                    let offset = arena.offset_of(start).unwrap();
                    prop_assert_eq!(offset % ALIGNMENT, 0);
                    prop_assert!(offset + size <= arena.size);
                    let end = offset + size;
                    let apart = |(other, length, _): &(usize, usize, _)| end <= *other || other + length <= offset;
                    prop_assert!(held.iter().all(apart));
                    held.push((offset, size, start));
                }
            } else {
                let (_, size, start) = held.swap_remove(pick % held.len());
                arena.release(start, size);
            }
            let used: usize = held.iter().map(|(_, size, _)| size).sum();
            let free: usize = arena.free.iter().map(|range| range.size).sum();
            prop_assert_eq!(used + free, arena.size);
            prop_assert!(arena.free.windows(2).all(|pair| pair[0].end() < pair[1].offset));
        }
        for (_, size, start) in held.drain(..) {
            arena.release(start, size);
        }
        prop_assert_eq!(&arena.free, &vec![FreeRange { offset: 0, size: arena.size }]);
        prop_assert!(arena.is_empty());
    }
}
