//! Randomness of a spend: the ChaCha20 key stream of one seed, so that the same seed makes the same choices.

use std::fmt;

use chacha20_poly1305::chacha20::{ChaCha20, Key, Nonce};

const BLOCK: usize = 64;

/// A source of random choices.
pub struct Dice {
    cipher: ChaCha20,
    block: u32,
    buffer: [u8; BLOCK],
    used: usize,
    bits: u64,
    bits_left: u32,
}

impl Dice {
    /// From a seed. One that came from the system's entropy makes choices that nobody else can foresee.
    pub fn new(seed: [u8; 32]) -> Self {
        let cipher = ChaCha20::new(Key::new(seed), Nonce::new([0; 12]), 0);
        Self { cipher, block: 0, buffer: [0; BLOCK], used: BLOCK, bits: 0, bits_left: 0 }
    }

    /// 64 random bits.
    pub fn word(&mut self) -> u64 {
        if self.used == BLOCK {
            self.buffer = self.cipher.get_keystream(self.block);
            self.block = self.block.wrapping_add(1);
            self.used = 0;
        }
        let mut word = [0; 8];
        word.copy_from_slice(&self.buffer[self.used..self.used + 8]);
        self.used += 8;
        u64::from_le_bytes(word)
    }

    /// Heads or tails.
    pub fn flip(&mut self) -> bool {
        if self.bits_left == 0 {
            self.bits = self.word();
            self.bits_left = 64;
        }
        let heads = self.bits & 1 == 1;
        self.bits >>= 1;
        self.bits_left -= 1;
        heads
    }

    /// A number below `range`, each as likely as any other; 0 if there is none.
    pub fn below(&mut self, range: u64) -> u64 {
        let Some(highest @ 1..) = range.checked_sub(1) else { return 0 };
        let unused = highest.leading_zeros();
        loop {
            let candidate = self.word() >> unused;
            if candidate <= highest {
                return candidate;
            }
        }
    }

    /// An index below `length`.
    pub fn index(&mut self, length: usize) -> usize {
        let range = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.below(range)).unwrap_or(0)
    }

    /// Puts the items into a random order, each as likely as any other.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }
}

impl fmt::Debug for Dice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dice").field("block", &self.block).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn the_stream_is_chacha20() {
        // The key stream of the zero key (RFC 8439, A.1, vector 1).
        let mut dice = Dice::new([0; 32]);
        assert_eq!(dice.word().to_le_bytes(), [0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90]);
    }

    #[test]
    fn numbers_are_below_the_range_and_all_of_them_come() {
        let mut dice = Dice::new([1; 32]);
        let mut seen = [0_u32; 10];
        for _ in 0..10_000 {
            seen[dice.index(10)] += 1;
        }
        assert!(seen.iter().all(|count| (800..1200).contains(count)), "{seen:?}");
        assert_eq!((dice.below(0), dice.below(1)), (0, 0));
        assert!((0..1000).filter(|_| dice.flip()).count().abs_diff(500) < 100);
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<u32> = (0..100).collect();
        Dice::new([2; 32]).shuffle(&mut items);
        assert_ne!(items, (0..100).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..100).collect::<Vec<_>>());
    }
}
