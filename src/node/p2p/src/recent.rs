//! Sets that forget what is old.

use std::collections::HashSet;
use std::hash::Hash;

use bitcoin::hashes::siphash24;

use crate::chance::Chance;

/// Remembers at least the last `most` items, and never more than twice as many.
#[derive(Debug, Clone)]
pub(crate) struct Recent<T> {
    most: usize,
    new: HashSet<T>,
    old: HashSet<T>,
}

impl<T: Eq + Hash> Recent<T> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, new: HashSet::new(), old: HashSet::new() }
    }

    pub(crate) fn contains(&self, item: &T) -> bool {
        self.new.contains(item) || self.old.contains(item)
    }

    pub(crate) fn insert(&mut self, item: T) {
        if self.new.len() >= self.most {
            self.old = std::mem::take(&mut self.new);
        }
        self.new.insert(item);
    }

    pub(crate) fn clear(&mut self) {
        self.new.clear();
        self.old.clear();
    }
}

/// Remembers what was said lately by a salted digest, which nobody can make collide and which takes a quarter of the
/// room. There is one for each peer, so room counts.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    salt: (u64, u64),
    digests: Recent<u64>,
}

impl Known {
    pub(crate) fn new(most: usize, chance: &mut Chance) -> Self {
        Self { salt: (chance.u64(), chance.u64()), digests: Recent::new(most) }
    }

    fn digest(&self, bytes: &[u8]) -> u64 {
        siphash24::Hash::hash_to_u64_with_keys(self.salt.0, self.salt.1, bytes)
    }

    pub(crate) fn contains(&self, bytes: &[u8]) -> bool {
        self.digests.contains(&self.digest(bytes))
    }

    pub(crate) fn insert(&mut self, bytes: &[u8]) {
        self.digests.insert(self.digest(bytes));
    }

    pub(crate) fn clear(&mut self) {
        self.digests.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_items_are_remembered_and_old_ones_forgotten() {
        let mut recent = Recent::new(10);
        for item in 0..100 {
            recent.insert(item);
            assert!((0.max(item - 9)..=item).all(|item| recent.contains(&item)));
            assert!(recent.new.len() + recent.old.len() <= 20);
        }
        assert!(!recent.contains(&5));
        recent.clear();
        assert!(!recent.contains(&99));
    }

    #[test]
    fn what_was_said_is_known() {
        let mut known = Known::new(10, &mut Chance::new([1; 32]));
        known.insert(b"something");
        assert!(known.contains(b"something") && !known.contains(b"something else"));
        known.clear();
        assert!(!known.contains(b"something"));
    }
}
