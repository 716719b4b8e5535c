//! Which characters of a text with a wrong checksum are wrong, if they are one or two.
//!
//! The code is a BCH code: the generator vanishes at three successive powers, 997 to 999, of an element `e` that
//! generates GF(1024). What is left of a text there depends on its errors alone. With `x` an error's place counted from
//! the right and `a` what was added there, the sums s(j) = Σ a·e^(j·x) for the three powers j determine up to two errors.
//! Only the places are told: somebody who is told a correction might send money to it.

use std::sync::LazyLock;

use super::{Bech32Error, Encoding, Parts, expand, parts, remainder};

/// The order of the multiplicative group of GF(1024).
const ORDER: usize = 1023;

/// Powers of the generating element, and logarithms to its base.
struct Field {
    power: Vec<usize>,
    log: Vec<usize>,
}

static FIELD: LazyLock<Field> = LazyLock::new(|| {
    let mut field = Field { power: Vec::with_capacity(ORDER), log: vec![0; ORDER + 1] };
    let mut element = 1;
    for exponent in 0..ORDER {
        field.power.push(element);
        field.log[element] = exponent;
        element = times_generator(element);
    }
    field
});

/// Products in GF(32), whose elements are polynomials over bits modulo x^5 + x^3 + 1.
fn product_32(left: usize, right: usize) -> usize {
    (0..5).rev().fold(0, |sum, bit| {
        let doubled = sum << 1;
        let reduced = if doubled & 32 != 0 { doubled ^ 0b10_1001 } else { doubled };
        if right >> bit & 1 == 1 { reduced ^ left } else { reduced }
    })
}

/// An element of GF(1024) is high·e + low over GF(32), with e^2 = 9·e + 23.
fn times_generator(element: usize) -> usize {
    let (high, low) = (element >> 5, element & 31);
    (product_32(9, high) ^ low) << 5 | product_32(23, high)
}

impl Field {
    /// The element times a power of the generating one.
    fn scale(&self, element: usize, exponent: usize) -> usize {
        if element == 0 { 0 } else { self.power[(self.log[element] + exponent) % ORDER] }
    }

    /// The logarithm of a quotient. Neither element is 0.
    fn log_quotient(&self, above: usize, below: usize) -> usize {
        (self.log[above] + ORDER - self.log[below]) % ORDER
    }

    /// What was added at a place to make up this much of s(997), and whether a five-bit group can be that.
    fn is_group(&self, sum: usize, place: usize) -> bool {
        self.scale(sum, (ORDER - 997) * place) < 32
    }
}

/// Looks for what is wrong with a text. `None` if nothing is.
pub fn locate_errors(text: &str) -> Option<Bech32Error> {
    let Parts { hrp, values } = match parts(text) {
        Ok(parts) => parts,
        Err(error) => return Some(error),
    };
    let sum = remainder(expand(&hrp).chain(values.iter().copied()));

    let mut best: Option<(Encoding, Vec<usize>)> = None;
    for encoding in [Encoding::Bech32, Encoding::Bech32m] {
        let residue = sum ^ encoding.constant();
        if residue == 0 {
            return None;
        }
        let places = wrong_places(residue, values.len());
        if !places.is_empty() && best.as_ref().is_none_or(|(_, found)| places.len() < found.len()) {
            best = Some((encoding, places));
        }
    }
    let (encoding, places) = best.unzip();
    // Places are counted from the right, and the leftmost error is told first.
    let at: Vec<usize> = places.into_iter().flatten().map(|place| text.len() - 1 - place).collect();
    Some(match encoding {
        Some(Encoding::Bech32) => Bech32Error::Bech32Checksum(at),
        Some(Encoding::Bech32m) => Bech32Error::Bech32mChecksum(at),
        None => Bech32Error::Checksum,
    })
}

/// The places of one or two errors among the last `length` characters, largest first; none if there must be more.
fn wrong_places(residue: u32, length: usize) -> Vec<usize> {
    let field = &*FIELD;
    let sums = [997, 998, 999].map(|power| {
        (0..6).fold(0, |sum, place| {
            let coefficient = usize::from(super::five_bits(residue >> (5 * place)));
            sum ^ field.scale(coefficient, power * place)
        })
    });
    let [s0, s1, s2] = sums;

    // One error at x: s(j+1) / s(j) = e^x for both j.
    if !sums.contains(&0) && field.log_quotient(s1, s0) == field.log_quotient(s2, s1) {
        let place = field.log_quotient(s1, s0);
        return if place < length && field.is_group(s0, place) { vec![place] } else { Vec::new() };
    }

    // Two errors at x and y: s(j+1) + s(j)·e^x = b·e^(j·y)·(e^x + e^y), so the quotient of two of these is e^y.
    for x in 0..length {
        let upper = s2 ^ field.scale(s1, x);
        let lower = s1 ^ field.scale(s0, x);
        if upper == 0 || lower == 0 {
            continue;
        }
        let y = field.log_quotient(upper, lower);
        if y >= length || x == y {
            continue;
        }
        let other = s1 ^ field.scale(s0, y);
        if other == 0 {
            continue;
        }
        let inverse = ORDER - field.log[field.power[x] ^ field.power[y]];
        if field.is_group(field.scale(lower, inverse), y) && field.is_group(field.scale(other, inverse), x) {
            return vec![x.max(y), x.min(y)];
        }
    }
    Vec::new()
}
