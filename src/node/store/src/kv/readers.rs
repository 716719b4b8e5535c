//! Reading many values at once. What is in memory is read soonest by one thread for each processor: more of them would only
//! wake up for nothing. A disk that has to look for each value answers many questions in the time of one, so many threads
//! ask it. Which of the two it is shows in how long a few values take.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use platform::{Clock as _, SystemClock};
use rayon::{Scope, ThreadPool};

/// Values that somebody reads at a time.
const PART: usize = 16;
/// A part that takes longer than this was not in memory.
const SLOW: Duration = Duration::from_millis(1);
/// Threads that help the caller if the disk is slow: so many questions wait for it together, and one more.
const MANY: usize = 15;

/// The threads, as soon as somebody needs them.
#[derive(Debug, Default)]
pub(super) struct Readers {
    pool: OnceLock<Option<ThreadPool>>,
    /// Whether the last values that were read had to be looked for.
    slow: AtomicBool,
    clock: SystemClock,
}

impl Readers {
    /// What `read` finds for all keys, in their order. It is asked for a part of them at a time.
    pub(super) fn read<K: Sync, V: Send + Sync, E: Send + Sync>(
        &self,
        keys: &[K],
        read: impl Fn(&[K]) -> Result<Vec<V>, E> + Sync,
    ) -> Result<Vec<V>, E> {
        let Some(pool) = (keys.len() > PART).then(|| self.pool()).flatten() else { return read(keys) };
        let parts: Vec<_> = keys.chunks(PART).map(|keys| (keys, OnceLock::new())).collect();
        let next = AtomicUsize::new(0);
        let slow = AtomicBool::new(false);
        // Answers whether there was a part left to read.
        let read_one = || {
            let part = parts.get(next.fetch_add(1, Ordering::Relaxed));
            if let Some((keys, found)) = part {
                let started = self.clock.monotonic();
                found.get_or_init(|| read(keys));
                slow.fetch_or(self.clock.monotonic().saturating_sub(started) > SLOW, Ordering::Relaxed);
            }
            part.is_some()
        };
        let help = |_: &Scope<'_>| while read_one() {};
        pool.in_place_scope(|scope| {
            let mut helpers = if self.slow.load(Ordering::Relaxed) { MANY } else { few() }.min(parts.len() - 1);
            (0..helpers).for_each(|_| scope.spawn(help));
            while read_one() {
                let wanted = if slow.load(Ordering::Relaxed) { MANY } else { helpers };
                let left = parts.len().saturating_sub(next.load(Ordering::Relaxed));
                let more = wanted.saturating_sub(helpers).min(left);
                (0..more).for_each(|_| scope.spawn(help));
                helpers += more;
            }
        });
        self.slow.store(slow.into_inner(), Ordering::Relaxed);
        let mut all = Vec::with_capacity(keys.len());
        for (_, found) in parts {
            all.extend(found.into_inner().expect("whoever took a part has come back")?);
        }
        Ok(all)
    }

    fn pool(&self) -> Option<&ThreadPool> {
        let start =
            || rayon::ThreadPoolBuilder::new().num_threads(MANY).thread_name(|n| format!("coinread.{n}")).build();
        self.pool.get_or_init(|| start().ok()).as_ref()
    }
}

/// Threads that help the caller if all is in memory.
fn few() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    CORES.get_or_init(platform::machine::cores).saturating_sub(1).min(MANY)
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread::sleep};

    use super::*;

    #[test]
    fn all_is_read_in_order_whoever_reads_it() {
        let readers = Readers::default();
        for count in [0, 1, PART, PART + 1, 40 * PART + 3] {
            let keys: Vec<usize> = (0..count).collect();
            let double = |keys: &[usize]| Ok::<_, ()>(keys.iter().map(|key| key * 2).collect());
            let expected: Vec<_> = keys.iter().map(|key| key * 2).collect();
            assert_eq!(readers.read(&keys, double), Ok(expected));
        }
        let keys: Vec<usize> = (0..10 * PART).collect();
        let fail = |keys: &[usize]| if keys.contains(&(5 * PART)) { Err("torn") } else { Ok(keys.to_vec()) };
        assert_eq!(readers.read(&keys, fail), Err("torn"));
    }

    #[test]
    fn a_slow_disk_is_asked_by_many() {
        let readers = Readers::default();
        let keys = vec![(); 64 * PART];
        // The first part of each thread takes long; then all threads have to be there.
        let (turn, all) = (AtomicUsize::new(0), Barrier::new(MANY + 1));
        let wait = |keys: &[()]| {
            sleep(2 * SLOW);
            let turn = turn.fetch_add(1, Ordering::Relaxed);
            if (few() + 1..=few() + 1 + MANY).contains(&turn) {
                all.wait();
            }
            Ok::<_, ()>(keys.to_vec())
        };
        assert_eq!(readers.read(&keys, wait).map(|found| found.len()), Ok(keys.len()));
        assert!(readers.slow.load(Ordering::Relaxed), "the next reader begins with many");
        let from_memory = |_| {
            readers.read(&keys, |keys| Ok::<_, ()>(keys.to_vec())).unwrap();
            !readers.slow.load(Ordering::Relaxed)
        };
        assert!((0..100).any(from_memory), "what is in memory needs few");
    }
}
