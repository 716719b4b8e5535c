//! Fast hashing of keys that are hashes already.
//!
//! Transaction and block ids are uniformly spread, but strangers choose them, so a table that used their bytes as they
//! are could be made slow on purpose. A secret salt and one wide multiplication are enough against that.

use std::hash::{BuildHasher, Hasher};

/// The secret of one table.
#[derive(Clone, Copy, Debug, Default)]
pub struct SaltedState {
    salt: [u64; 2],
}

impl SaltedState {
    /// A state of this salt; the caller brings the randomness.
    pub const fn new(salt: [u64; 2]) -> Self {
        Self { salt }
    }
}

impl BuildHasher for SaltedState {
    type Hasher = SaltedHasher;

    fn build_hasher(&self) -> SaltedHasher {
        SaltedHasher { state: self.salt[0], salt: self.salt[1] }
    }
}

/// Folds 64-bit words by multiplication.
#[derive(Clone, Copy, Debug)]
pub struct SaltedHasher {
    state: u64,
    salt: u64,
}

impl SaltedHasher {
    fn fold(&mut self, word: u64) {
        let wide = u128::from(self.state ^ word) * u128::from(self.salt | 1);
        let folded = u64::try_from((wide ^ (wide >> 64)) & u128::from(u64::MAX)).expect("64 bits are left");
        self.state = folded ^ self.salt.rotate_left(23);
    }
}

impl Hasher for SaltedHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            self.fold(u64::from_le_bytes(word.try_into().expect("a chunk of 8")));
        }
        if !words.remainder().is_empty() {
            let mut last = [0; 8];
            last[..words.remainder().len()].copy_from_slice(words.remainder());
            self.fold(u64::from_le_bytes(last));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.fold(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.fold(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.fold(n);
    }

    /// Ids are arrays of a fixed length: their length prefix says nothing.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.state
    }
}
