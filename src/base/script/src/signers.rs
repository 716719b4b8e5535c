//! Who usually signs. Of the keys of a multisig it is mostly the same ones that sign, for all that pay through one service.
//! The rule tries keys one after the other, and each that did not sign costs as much as one that did. Whoever knows from
//! the start which ones will have signed saves the others.
//!
//! What is known here is a guess, and only ever decides in which order signatures are looked at. It is kept for each size
//! of a multisig, and made only when it has been right some times in a row, so that it is seldom wrong for long.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::eval::MAX_PUBKEYS_PER_MULTISIG;

/// Keys by their place: one bit each, the last key of the script first.
pub type Signers = u32;

/// Where the count of how often it was right begins, above the bits of the keys.
const SURE_BITS: u32 = 24;
/// Right so often, it is a guess worth making. It is not counted much further, so that a change is soon learned.
const SURE: u32 = 2;
const SUREST: u32 = 3;

/// Who has signed lately, by how many signatures of how many keys there are.
pub(crate) struct Habits {
    sizes: [AtomicU32; SIZES],
}

const SIZES: usize = (MAX_PUBKEYS_PER_MULTISIG + 1) * (MAX_PUBKEYS_PER_MULTISIG + 1);

impl Habits {
    /// Nothing is known yet.
    pub(crate) const fn new() -> Self {
        Self { sizes: [const { AtomicU32::new(0) }; SIZES] }
    }

    fn size(&self, signatures: usize, keys: usize) -> Option<&AtomicU32> {
        // Where all keys sign there is nothing to guess.
        let guessable = signatures > 0 && signatures < keys && keys <= MAX_PUBKEYS_PER_MULTISIG;
        guessable.then(|| &self.sizes[keys * (MAX_PUBKEYS_PER_MULTISIG + 1) + signatures])
    }

    /// Who will have signed, if there is reason to think so.
    pub(crate) fn guess(&self, signatures: usize, keys: usize) -> Option<Signers> {
        let known = self.size(signatures, keys)?.load(Ordering::Relaxed);
        (known >> SURE_BITS >= SURE).then_some(known & ((1 << SURE_BITS) - 1))
    }

    /// These have signed. Threads that learn together may forget one of two; it will be told again.
    pub(crate) fn learn(&self, signatures: usize, keys: usize, signers: Signers) {
        let Some(size) = self.size(signatures, keys) else { return };
        let known = size.load(Ordering::Relaxed);
        let (sure, last) = (known >> SURE_BITS, known & ((1 << SURE_BITS) - 1));
        let next = match sure.checked_sub(1) {
            _ if last == signers => (sure + 1).min(SUREST) << SURE_BITS | last,
            Some(less) => less << SURE_BITS | last,
            None => signers,
        };
        if next != known {
            size.store(next, Ordering::Relaxed);
        }
    }
}

impl fmt::Debug for Habits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Habits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_again_and_again_is_expected() {
        let habits = Habits::new();
        let mut told = |signers| {
            habits.learn(2, 3, signers);
            habits.guess(2, 3)
        };
        assert_eq!([0b101; 4].map(&mut told), [None, None, Some(0b101), Some(0b101)]);
        // Once is an exception; twice ends the guessing; then something else can become a habit.
        assert_eq!([0b011, 0b011].map(&mut told), [Some(0b101), None]);
        assert_eq!([0b011; 5].map(&mut told), [None, None, None, Some(0b011), Some(0b011)]);
        assert_eq!(habits.guess(2, 4), None, "another size");
    }

    #[test]
    fn there_is_nothing_to_guess_where_all_or_none_sign() {
        let habits = Habits::new();
        for (signatures, keys) in [(0, 3), (3, 3), (4, 3), (1, 21), (usize::MAX, usize::MAX)] {
            (0..5).for_each(|_| habits.learn(signatures, keys, 1));
            assert_eq!(habits.guess(signatures, keys), None);
        }
        (0..5).for_each(|_| habits.learn(19, 20, 0xfffff));
        assert_eq!(habits.guess(19, 20), Some(0xfffff));
    }
}
