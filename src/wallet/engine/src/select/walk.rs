//! A walk through all subsets of a pool, in depth first order, that can leave out whole branches.
//!
//! The pool is sorted by amount, largest first. A set is the list of the groups in it; all groups before `next` are decided.
//! Each step takes the next group and looks at the set. Then the walk either goes deeper, or takes the following group in
//! place of the last one, or gives up the last one and what follows it too.

use super::Group;

/// How many sets a search looks at before it is content with the best so far.
pub(super) const MAX_TRIES: usize = 100_000;

/// Where to go from a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Deeper: the set with one more group.
    Deeper,
    /// No set that starts with this one is better: leave out the last group.
    Shift,
    /// Nor is one with a later group in place of the last: leave out the one before as well.
    Cut,
}

/// A walk in progress.
pub(super) struct Walk<'p, 'g> {
    pool: &'p [&'g Group],
    chosen: Vec<usize>,
    next: usize,
    /// What the set amounts to.
    pub(super) amount: i64,
    /// What it weighs.
    pub(super) weight: i64,
    /// How much more its inputs cost now than without hurry.
    pub(super) waste: i64,
}

impl<'p, 'g> Walk<'p, 'g> {
    /// Starts with the empty set.
    pub(super) fn new(pool: &'p [&'g Group]) -> Self {
        Self { pool, chosen: Vec::new(), next: 0, amount: 0, weight: 0, waste: 0 }
    }

    /// The groups in the set, as indices.
    pub(super) fn chosen(&self) -> &[usize] {
        &self.chosen
    }

    /// Takes the next group and returns its index.
    pub(super) fn take(&mut self) -> usize {
        let index = self.next;
        let group = self.pool[index];
        self.amount = self.amount.saturating_add(group.amount());
        self.weight = self.weight.saturating_add(group.weight());
        self.waste = self.waste.saturating_add(group.waste());
        self.chosen.push(index);
        self.next += 1;
        index
    }

    /// Goes where the step says. Returns whether there is a set left to look at.
    pub(super) fn go(&mut self, step: Step) -> bool {
        // Behind the last group there is nothing to take, so leaving it out is no new set either.
        let cut = step == Step::Cut || self.next == self.pool.len();
        if cut {
            self.drop_last();
        }
        if !cut && step == Step::Deeper {
            return true;
        }
        while let Some(last) = self.drop_last() {
            self.next = last + 1;
            if self.skip_alike() {
                return true;
            }
        }
        false
    }

    /// A group of the same amount as the one just left out makes a set that was seen, or one that is no better, since of
    /// equal amounts the better comes first. Moves on to another amount, if there is one.
    fn skip_alike(&mut self) -> bool {
        while self.pool[self.next - 1].amount() == self.pool[self.next].amount() {
            if self.next + 1 >= self.pool.len() {
                return false;
            }
            self.next += 1;
        }
        true
    }

    fn drop_last(&mut self) -> Option<usize> {
        let index = self.chosen.pop()?;
        let group = self.pool[index];
        self.amount = self.amount.saturating_sub(group.amount());
        self.weight = self.weight.saturating_sub(group.weight());
        self.waste = self.waste.saturating_sub(group.waste());
        Some(index)
    }
}

/// For each group, what all later ones amount to; and what all amount to.
pub(super) fn remaining(pool: &[&Group]) -> (Vec<i64>, i64) {
    let mut total = 0_i64;
    let mut after: Vec<i64> = pool
        .iter()
        .rev()
        .map(|group| {
            let later = total;
            total = total.saturating_add(group.amount());
            later
        })
        .collect();
    after.reverse();
    (after, total)
}
