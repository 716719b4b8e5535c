//! MuHash3072: a hash of a set that grows and shrinks one element at a time, in any order.
//!
//! Each element becomes a number below the prime `2^3072 - 1103717`; the set is their product. Removal multiplies into a
//! denominator, so the one costly step, the inverse, is taken once, when the digest is asked for.

mod inverse;

use bitcoin::hashes::{Hash, sha256};
use chacha20_poly1305::{Key, Nonce, chacha20::ChaCha20};

const LIMBS: usize = 48;
const BYTES: usize = LIMBS * 8;
/// The prime is this much below `2^3072`.
const GAP: u64 = 1_103_717;

/// A number modulo the prime; it may stand at or above the prime until it is reduced.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Number([u64; LIMBS]);

impl Number {
    fn one() -> Self {
        let mut limbs = [0; LIMBS];
        limbs[0] = 1;
        Self(limbs)
    }

    /// The number that stands for an element.
    fn of(element: &[u8]) -> Self {
        let mut bytes = [0; BYTES];
        let key = Key::new(sha256::Hash::hash(element).to_byte_array());
        ChaCha20::new(key, Nonce::new([0; 12]), 0).apply_keystream(&mut bytes);
        Self::from_bytes(&bytes)
    }

    fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        let mut limbs = [0; LIMBS];
        for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
            *limb = u64::from_le_bytes(chunk.try_into().expect("a chunk of 8"));
        }
        Self(limbs)
    }

    fn to_bytes(&self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        for (chunk, limb) in bytes.chunks_exact_mut(8).zip(self.0) {
            chunk.copy_from_slice(&limb.to_le_bytes());
        }
        bytes
    }

    /// The one representative below the prime.
    fn reduced(mut self) -> Self {
        let at_or_above = self.0[0] >= GAP.wrapping_neg() && self.0[1..].iter().all(|l| *l == u64::MAX);
        if at_or_above {
            self.add(GAP); // wraps around 2^3072, which is what subtracting the prime does
        }
        self
    }

    /// Adds a small number and returns what flowed over.
    fn add(&mut self, n: u64) -> u64 {
        let mut carry = n;
        for limb in &mut self.0 {
            let (sum, over) = limb.overflowing_add(carry);
            *limb = sum;
            carry = u64::from(over);
            if carry == 0 {
                break;
            }
        }
        carry
    }

    fn multiply(&mut self, by: &Self) {
        let mut wide = [0u64; 2 * LIMBS];
        for (i, a) in self.0.iter().enumerate() {
            let mut carry = 0u64;
            for (slot, b) in wide[i..].iter_mut().zip(&by.0) {
                let sum = u128::from(*a) * u128::from(*b) + u128::from(*slot) + u128::from(carry);
                (*slot, carry) = halves(sum);
            }
            wide[i + LIMBS] = carry;
        }
        // 2^3072 is GAP modulo the prime, so the upper half comes down multiplied by it.
        let (low, high) = wide.split_at(LIMBS);
        let mut carry = 0u64;
        for ((limb, low), high) in self.0.iter_mut().zip(low).zip(high) {
            let sum = u128::from(*high) * u128::from(GAP) + u128::from(*low) + u128::from(carry);
            (*limb, carry) = halves(sum);
        }
        while carry != 0 {
            carry = self.add(carry * GAP); // carry is at most GAP, its square fits
        }
    }

    /// The inverse by Fermat: the power `p - 2`. Slow, and hard to get wrong.
    #[cfg(test)]
    fn power_inverse(&self) -> Self {
        let mut exponent = [u64::MAX; LIMBS];
        exponent[0] = (GAP + 2).wrapping_neg();
        let mut result = Self::one();
        for limb in exponent.iter().rev() {
            for bit in (0..64).rev() {
                let square = result.clone();
                result.multiply(&square);
                if limb >> bit & 1 == 1 {
                    result.multiply(self);
                }
            }
        }
        result
    }
}

/// The low and the high half of a 128-bit sum.
#[expect(clippy::cast_possible_truncation, reason = "cutting a number in two is the purpose")]
fn halves(sum: u128) -> (u64, u64) {
    (sum as u64, (sum >> 64) as u64)
}

/// The running hash of a set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MuHash {
    added: Number,
    removed: Number,
}

impl Default for MuHash {
    fn default() -> Self {
        Self { added: Number::one(), removed: Number::one() }
    }
}

impl MuHash {
    /// Bytes of a stored state.
    pub const ENCODED: usize = 2 * BYTES;

    /// Puts an element into the set.
    pub fn insert(&mut self, element: &[u8]) {
        self.added.multiply(&Number::of(element));
    }

    /// Takes an element out of the set.
    pub fn remove(&mut self, element: &[u8]) {
        self.removed.multiply(&Number::of(element));
    }

    /// Unites with another set.
    pub fn combine(&mut self, other: &Self) {
        self.added.multiply(&other.added);
        self.removed.multiply(&other.removed);
    }

    /// The digest of the set.
    pub fn digest(&self) -> [u8; 32] {
        let mut product = inverse::inverse(&self.removed.clone().reduced());
        product.multiply(&self.added);
        sha256::Hash::hash(&product.reduced().to_bytes()).to_byte_array()
    }

    /// The state to store.
    pub fn encode(&self) -> [u8; Self::ENCODED] {
        let mut out = [0; Self::ENCODED];
        out[..BYTES].copy_from_slice(&self.added.to_bytes());
        out[BYTES..].copy_from_slice(&self.removed.to_bytes());
        out
    }

    /// A stored state.
    pub fn decode(bytes: &[u8; Self::ENCODED]) -> Self {
        let half = |n: usize| Number::from_bytes(bytes[n * BYTES..][..BYTES].try_into().expect("half of the state"));
        Self { added: half(0), removed: half(1) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn small(n: u8) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[0] = n;
        bytes
    }

    fn display(digest: [u8; 32]) -> String {
        bitcoin::hashes::sha256d::Hash::from_byte_array(digest).to_string()
    }

    #[test]
    fn published_digests() {
        let mut set = MuHash::default();
        set.insert(&small(0));
        set.insert(&small(1));
        set.remove(&small(2));
        assert_eq!(display(set.digest()), "10d312b100cbd32ada024a6646e40d3482fcff103668d2625f10002a607d5863");
        let mut over = [0xff; MuHash::ENCODED];
        over[BYTES..].fill(0);
        over[BYTES] = 1;
        let digest = MuHash::decode(&over).digest();
        let hex = sha256::Hash::from_byte_array(digest).to_string(); // published in the order of the bytes
        assert_eq!(hex, "3a31e6903aff0de9f62f9a9f7f8b861de76ce2cda09822b90014319ae5dc2271");
    }

    #[test]
    fn the_inverse_is_that_of_fermat() {
        let prime_but = |n: u64| {
            let mut number = Number([u64::MAX; LIMBS]);
            number.0[0] = (GAP + n).wrapping_neg();
            number
        };
        let mut two = Number::one();
        two.0[0] = 2;
        let mut numbers = vec![Number::one(), two, prime_but(1), prime_but(2)];
        numbers.extend((0..8).map(|n| Number::of(&small(n)).reduced()));
        for number in numbers {
            let mut product = inverse::inverse(&number);
            assert_eq!(product, number.power_inverse().reduced());
            product.multiply(&number);
            assert_eq!(product.reduced(), Number::one());
        }
        let zero = Number([0; LIMBS]);
        assert_eq!(inverse::inverse(&zero), zero);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn only_the_set_matters(mut items in prop::collection::vec((0u8..9, any::<bool>()), 0..8), gone in 0u8..9) {
            let hash = |items: &[(u8, bool)]| {
                let mut set = MuHash::default();
                for (n, add) in items {
                    if *add { set.insert(&small(*n)) } else { set.remove(&small(*n)) }
                }
                set
            };
            let forward = hash(&items);
            items.reverse();
            let mut backward = hash(&items);
            prop_assert_eq!(forward.digest(), backward.digest());
            prop_assert_eq!(MuHash::decode(&forward.encode()), forward.clone());
            backward.insert(&small(gone));
            backward.remove(&small(gone));
            prop_assert_eq!(forward.digest(), backward.digest());
        }
    }
}
