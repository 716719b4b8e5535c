//! Numbers, truth, and the minimal form of both.

use proptest::prelude::*;

use crate::error::NumError;
use crate::num::{NumBytes, cast_to_bool, read_num};

/// Encodings by hand, from the definition: magnitude little-endian, sign in the top bit.
const KNOWN: &[(i64, &[u8])] = &[
    (0, &[]),
    (1, &[1]),
    (-1, &[0x81]),
    (127, &[0x7f]),
    (-127, &[0xff]),
    (128, &[0x80, 0]),
    (-128, &[0x80, 0x80]),
    (255, &[0xff, 0]),
    (256, &[0, 1]),
    (-255, &[0xff, 0x80]),
    (2_147_483_647, &[0xff, 0xff, 0xff, 0x7f]),
    (-2_147_483_647, &[0xff, 0xff, 0xff, 0xff]),
    (2_147_483_648, &[0, 0, 0, 0x80, 0]),
];

#[test]
fn known_encodings() {
    for (number, bytes) in KNOWN {
        assert_eq!(NumBytes::new(*number).as_slice(), *bytes, "{number}");
        assert_eq!(read_num(bytes, true, 5), Ok(*number));
    }
    assert_eq!(NumBytes::new(i64::MIN).as_slice(), [0, 0, 0, 0, 0, 0, 0, 0x80, 0x80]);
}

#[test]
fn longer_forms_count_only_where_minimality_is_not_asked() {
    let longer: &[(&[u8], i64)] = &[(&[0], 0), (&[0x80], 0), (&[1, 0], 1), (&[1, 0x80], -1), (&[0, 0, 0, 0x80], 0)];
    for (bytes, number) in longer {
        assert_eq!(read_num(bytes, false, 4), Ok(*number));
        assert_eq!(read_num(bytes, true, 4), Err(NumError::NonMinimal));
    }
    assert_eq!(read_num(&[0, 0, 0, 0, 0], false, 4), Err(NumError::Overflow));
    assert_eq!(read_num(&[1; 9], false, 100), Err(NumError::Overflow));
}

#[test]
fn any_bit_but_the_sign_of_zero_is_true() {
    for falsehood in [&[][..], &[0], &[0x80], &[0, 0, 0], &[0, 0, 0x80]] {
        assert!(!cast_to_bool(falsehood), "{falsehood:?}");
    }
    for truth in [&[1][..], &[0x81], &[0x80, 0], &[0x80, 0x80], &[0, 1, 0]] {
        assert!(cast_to_bool(truth), "{truth:?}");
    }
}

proptest! {
    #[test]
    fn numbers_come_back(number in -(1_i64 << 55)..(1 << 55)) {
        prop_assert_eq!(read_num(NumBytes::new(number).as_slice(), true, 8), Ok(number));
    }

    /// Every number of up to four bytes has one minimal form, and it is the one that is written.
    #[test]
    fn minimal_forms_are_unique(
        bytes in prop::collection::vec(prop_oneof![Just(0_u8), Just(0x80), any::<u8>()], 0..5),
    ) {
        let number = read_num(&bytes, false, 4).unwrap();
        let is_minimal = NumBytes::new(number).as_slice() == bytes;
        prop_assert_eq!(read_num(&bytes, true, 4).is_ok(), is_minimal);
        prop_assert_eq!(cast_to_bool(&bytes), number != 0);
    }
}
