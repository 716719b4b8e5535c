//! Chance as an argument: a stream of random numbers from one seed, so that a test can replay a run.

use std::time::Duration;

use bitcoin::hashes::{Hash, HashEngine, sha256};

/// A stream of numbers that nobody can guess without the seed: SHA256 of seed and counter.
#[derive(Clone)]
pub struct Chance {
    seed: [u8; 32],
    counter: u64,
    pool: [u8; 32],
    used: usize,
}

impl std::fmt::Debug for Chance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Chance").field("counter", &self.counter).finish_non_exhaustive()
    }
}

impl Chance {
    /// From a seed, which outside of tests comes from the operating system.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0, pool: [0; 32], used: 32 }
    }

    /// Another stream that does not reveal this one.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self::new(self.bytes())
    }

    /// Random bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }

    /// Fills a buffer.
    pub fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            if self.used == self.pool.len() {
                let mut engine = sha256::Hash::engine();
                engine.input(&self.seed);
                engine.input(&self.counter.to_le_bytes());
                self.pool = sha256::Hash::from_engine(engine).to_byte_array();
                self.counter = self.counter.wrapping_add(1);
                self.used = 0;
            }
            *byte = self.pool[self.used];
            self.used += 1;
        }
    }

    /// A random number.
    pub fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    /// A number below `end`; 0 if `end` is 0. The bias is below 2^-64 times `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        let wide = u128::from(self.u64()) * u128::from(end);
        u64::try_from(wide >> 64).expect("the upper half of a product of two 64-bit numbers")
    }

    /// An index into something of that length.
    pub fn index(&mut self, len: usize) -> usize {
        let end = u64::try_from(len).expect("lengths have at most 64 bits");
        usize::try_from(self.below(end)).expect("below a length")
    }

    /// A span of time up to `most`.
    pub fn span(&mut self, most: Duration) -> Duration {
        let micros = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.below(micros))
    }

    /// A waiting time with that average, as between events that do not know of one another.
    pub fn exponential(&mut self, average: Duration) -> Duration {
        let bits = u32::try_from(self.u64() >> 32).expect("32 bits are left");
        let uniform = (f64::from(bits) + 1.0) / (f64::from(u32::MAX) + 1.0);
        average.mul_f64((-uniform.ln()).min(64.0))
    }

    /// Puts a list into random order.
    pub fn shuffle<T>(&mut self, list: &mut [T]) {
        for end in (1..list.len()).rev() {
            let other = self.index(end + 1);
            list.swap(end, other);
        }
    }
}

impl bip324::FillBytes for Chance {
    fn fill_bytes(&mut self, dest: &mut [u8; 32]) {
        self.fill(dest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let (mut one, mut two) = (Chance::new([7; 32]), Chance::new([7; 32]));
        assert_eq!(one.bytes::<100>(), two.bytes::<100>());
        assert_ne!(Chance::new([8; 32]).u64(), Chance::new([7; 32]).u64());
        assert_ne!(one.fork().u64(), one.u64());
    }

    #[test]
    fn numbers_stay_below_their_end() {
        let mut chance = Chance::new([1; 32]);
        let mut seen = [false; 5];
        for _ in 0..200 {
            seen[chance.index(5)] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(chance.below(0), 0);
    }

    #[test]
    fn waiting_times_have_their_average() {
        let mut chance = Chance::new([2; 32]);
        let total: Duration = (0..4000).map(|_| chance.exponential(Duration::from_secs(10))).sum();
        let average = total / 4000;
        assert!(average > Duration::from_secs(9) && average < Duration::from_secs(11), "{average:?}");
    }

    #[test]
    fn shuffling_keeps_the_items() {
        let mut list: Vec<u32> = (0..50).collect();
        Chance::new([3; 32]).shuffle(&mut list);
        assert_ne!(list, (0..50).collect::<Vec<_>>());
        list.sort_unstable();
        assert_eq!(list, (0..50).collect::<Vec<_>>());
    }
}
