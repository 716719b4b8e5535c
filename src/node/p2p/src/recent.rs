//! A set that forgets what is old.

use std::collections::HashSet;
use std::hash::Hash;

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

#[cfg(test)]
mod tests {
    use super::Recent;

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
}
