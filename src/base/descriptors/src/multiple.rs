//! Steps along the curve: a point and a multiple of the generator, which is most of what deriving a public key costs.
//!
//! Who derives a few keys has the library multiply. Who derives thousands, as a new wallet does, has a table made of the
//! multiples of each byte of the number, which halves the work from there on: 32 additions and one inversion.
//!
//! How long this takes depends on the number. As in the library's own function for it, that is no secret: a step between public
//! keys follows from the public parent, and private keys are stepped elsewhere.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use bitcoin::secp256k1::constants::ONE;
use bitcoin::secp256k1::{PublicKey, SecretKey};

use crate::extended::CURVE;

/// After so many steps a table is worth its making.
const WORTH_A_TABLE: u32 = 1_000;
/// Bytes of a number.
const BYTES: usize = 32;
/// Multiples for each of them, from 1.
const MULTIPLES: usize = 255;

/// `point + number * G`. None if that is no point, or the number none of the curve's.
pub(crate) fn step(point: &PublicKey, number: &[u8; BYTES]) -> Option<PublicKey> {
    if *number == [0; BYTES] {
        return Some(*point);
    }
    let number = SecretKey::from_slice(number).ok()?;
    table().and_then(|table| table.step(point, &number)).or_else(|| plain(point, &number))
}

/// As the library does it.
fn plain(point: &PublicKey, number: &SecretKey) -> Option<PublicKey> {
    // What it offers in one step takes a tenth longer than these two: a multiple of the generator comes from tables.
    point.combine(&PublicKey::from_secret_key(&CURVE, number)).ok()
}

/// The table, if this process has taken enough steps. One thread makes it; the others go on without.
fn table() -> Option<&'static Table> {
    static TABLE: OnceLock<Option<Table>> = OnceLock::new();
    static STEPS: AtomicU32 = AtomicU32::new(0);
    if let Some(table) = TABLE.get() {
        return table.as_ref();
    }
    if STEPS.fetch_add(1, Ordering::Relaxed) == WORTH_A_TABLE {
        return TABLE.get_or_init(Table::new).as_ref();
    }
    None
}

/// For each byte of a number, the last one first, its multiples of the generator.
struct Table(Vec<[PublicKey; MULTIPLES]>);

impl Table {
    fn new() -> Option<Self> {
        let mut unit = PublicKey::from_secret_key(&CURVE, &SecretKey::from_slice(&ONE).ok()?);
        let mut rows = Vec::with_capacity(BYTES);
        for _ in 0..BYTES {
            let mut row = [unit; MULTIPLES];
            let mut sum = unit;
            for place in &mut row {
                *place = sum;
                sum = sum.combine(&unit).ok()?;
            }
            rows.push(row);
            unit = sum;
        }
        Some(Self(rows))
    }

    fn step(&self, point: &PublicKey, number: &SecretKey) -> Option<PublicKey> {
        let mut points = [point; BYTES + 1];
        let mut count = 1;
        for (row, byte) in self.0.iter().zip(number.secret_bytes().iter().rev()) {
            let Some(multiple) = usize::from(*byte).checked_sub(1) else { continue };
            *points.get_mut(count)? = row.get(multiple)?;
            count += 1;
        }
        PublicKey::combine_keys(points.get(..count)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::secp256k1::constants::CURVE_ORDER;
    use proptest::prelude::*;

    use super::*;

    fn both(point: &PublicKey, number: &SecretKey) -> [Option<PublicKey>; 2] {
        static TABLE: OnceLock<Table> = OnceLock::new();
        let table = TABLE.get_or_init(|| Table::new().unwrap());
        [table.step(point, number), plain(point, number)]
    }

    fn point(byte: u8) -> PublicKey {
        PublicKey::from_secret_key(&CURVE, &SecretKey::from_slice(&[byte; 32]).unwrap())
    }

    #[test]
    fn every_byte_of_every_place_is_in_the_table() {
        let from = point(7);
        for place in 0..BYTES {
            // The order of the curve begins with 0xff.
            for byte in 1..=if place == 0 { 254 } else { 255 } {
                let mut number = [0; BYTES];
                number[place] = byte;
                let [quick, slow] = both(&from, &SecretKey::from_slice(&number).unwrap());
                assert!(quick.is_some() && quick == slow, "{byte} at {place}");
            }
        }
    }

    #[test]
    fn the_edges_are_those_of_the_library() {
        let one = SecretKey::from_slice(&ONE).unwrap();
        let from = PublicKey::from_secret_key(&CURVE, &one);
        // The same point again, and back to nowhere.
        assert_eq!(both(&from, &one), [from.combine(&from).ok(), from.combine(&from).ok()]);
        assert_eq!(both(&from, &one.negate()), [None, None]);
        assert_eq!(step(&from, &[0; 32]), Some(from));
        assert_eq!(step(&from, &CURVE_ORDER), None);
    }

    #[test]
    fn the_table_takes_over_by_itself() {
        let from = point(9);
        for number in 1..=WORTH_A_TABLE + 100 {
            let mut bytes = [0x5a; BYTES];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            assert_eq!(step(&from, &bytes), plain(&from, &SecretKey::from_slice(&bytes).unwrap()));
        }
        assert!(table().is_some());
    }

    proptest! {
        #[test]
        fn the_table_agrees_with_the_library(from in 1..=254_u8, number: [u8; 32]) {
            if let Ok(number) = SecretKey::from_slice(&number) {
                let [quick, slow] = both(&point(from), &number);
                prop_assert!(quick.is_some() && quick == slow);
            }
        }
    }
}
