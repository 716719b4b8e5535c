//! The numbers of the specification as a table, and the arithmetic against `u128` and rust-bitcoin's own targets.

use bitcoin::pow::{CompactTarget, Target};
use proptest::prelude::*;

use super::*;

fn any_u256() -> impl Strategy<Value = U256> {
    // Lengths are spread evenly, so that short numbers, which matter to division, do occur.
    (any::<[u8; 32]>(), 0u32..=256).prop_map(|(bytes, shift)| U256::from_le_bytes(bytes) >> shift)
}

fn wide(value: u128) -> U256 {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&value.to_le_bytes());
    U256::from_le_bytes(bytes)
}

#[test]
fn compact_forms_of_the_specification() {
    // bits, value, negative, overflow, what the value encodes to
    let table: &[(u32, &str, bool, bool, u32)] = &[
        (0x0000_0000, "0", false, false, 0),
        (0x0012_3456, "0", false, false, 0),
        (0x0100_3456, "0", false, false, 0),
        (0x0200_0056, "0", false, false, 0),
        (0x0300_0000, "0", false, false, 0),
        (0x0400_0000, "0", false, false, 0),
        (0x0092_3456, "0", false, false, 0),
        (0x0180_3456, "0", false, false, 0),
        (0x0280_0056, "0", false, false, 0),
        (0x0380_0000, "0", false, false, 0),
        (0x0480_0000, "0", false, false, 0),
        (0x0112_3456, "12", false, false, 0x0112_0000),
        (0x01fe_dcba, "7e", true, false, 0x017e_0000),
        (0x0212_3456, "1234", false, false, 0x0212_3400),
        (0x0312_3456, "123456", false, false, 0x0312_3456),
        (0x0412_3456, "12345600", false, false, 0x0412_3456),
        (0x0492_3456, "12345600", true, false, 0x0412_3456),
        (0x0500_9234, "92340000", false, false, 0x0500_9234),
        (0x2012_3456, "1234560000000000000000000000000000000000000000000000000000000000", false, false, 0x2012_3456),
        (0xff12_3456, "0", false, true, 0),
        (0x2100_ffff, "ffff000000000000000000000000000000000000000000000000000000000000", false, false, 0x2100_ffff),
        (0x2101_0000, "0", false, true, 0),
        (0x2200_00ff, "ff00000000000000000000000000000000000000000000000000000000000000", false, false, 0x2100_ff00),
        (0x2200_0100, "0", false, true, 0),
        (0x2300_0001, "0", false, true, 0),
    ];
    for (bits, value, negative, overflow, again) in table {
        let compact = U256::from_compact(*bits);
        assert_eq!(compact.value, U256::from_hex(value).unwrap(), "{bits:08x}");
        assert_eq!((compact.negative, compact.overflow), (*negative, *overflow), "{bits:08x}");
        assert_eq!(compact.value.to_compact(), *again, "{bits:08x}");
    }
    assert_eq!(U256::from(0x80u64).to_compact(), 0x0200_8000);
}

#[test]
fn shown_and_parsed_as_hex() {
    let text = "00000000ffff0000000000000000000000000000000000000000000000000000";
    let limit = U256::from_hex(text).unwrap();
    assert_eq!(limit.to_string(), text);
    assert_eq!(limit.to_compact(), 0x1d00_ffff);
    assert_eq!(limit.to_be_bytes()[4..6], [0xff, 0xff]);
    for bad in ["", "0x1", "g", &"0".repeat(65)] {
        assert_eq!(U256::from_hex(bad), None, "{bad}");
    }
}

#[test]
fn shifts_past_the_end_leave_nothing() {
    for shift in [256, 257, 300, u32::MAX] {
        assert_eq!(U256::MAX << shift, U256::ZERO);
        assert_eq!(U256::MAX >> shift, U256::ZERO);
    }
    assert_eq!(U256::ONE << 255 >> 255, U256::ONE);
    assert_eq!(U256::ONE.div_rem(U256::ZERO), None);
}

#[test]
#[expect(clippy::float_cmp, reason = "powers of two are exact")]
fn doubles() {
    assert_eq!(U256::ONE.to_f64(), 1.0);
    assert_eq!((U256::ONE << 100).to_f64(), 2f64.powi(100));
    assert_eq!(U256::MAX.to_f64(), 2f64.powi(256));
}

proptest! {
    #[test]
    fn bytes_round_trip(bytes: [u8; 32]) {
        prop_assert_eq!(U256::from_le_bytes(bytes).to_le_bytes(), bytes);
        prop_assert_eq!(U256::from_be_bytes(bytes).to_be_bytes(), bytes);
        let value = U256::from_be_bytes(bytes);
        prop_assert_eq!(U256::from_hex(&value.to_string()), Some(value));
    }

    #[test]
    fn small_arithmetic_is_that_of_u128(a: u128, b: u128) {
        prop_assert_eq!(wide(a).cmp(&wide(b)), a.cmp(&b));
        prop_assert_eq!(wide(a).bits(), 128 - a.leading_zeros());
        if let Some(sum) = a.checked_add(b) {
            prop_assert_eq!(wide(a).wrapping_add(wide(b)), wide(sum));
        }
        if let Some(rest) = a.checked_sub(b) {
            prop_assert_eq!(wide(a).wrapping_sub(wide(b)), wide(rest));
        }
        let (low_a, low_b) = (a & u128::from(u64::MAX), b & u128::from(u64::MAX));
        prop_assert_eq!(wide(low_a).wrapping_mul(wide(low_b)), wide(low_a * low_b));
        if b != 0 {
            prop_assert_eq!(wide(a).div_rem(wide(b)), Some((wide(a / b), wide(a % b))));
        }
    }

    #[test]
    fn division_is_the_inverse_of_multiplication(a in any_u256(), b in any_u256()) {
        prop_assume!(!b.is_zero());
        let (quotient, rest) = a.div_rem(b).expect("the divisor is not zero");
        prop_assert!(rest < b);
        prop_assert_eq!(quotient.wrapping_mul(b).wrapping_add(rest), a);
    }

    #[test]
    fn small_factor_is_a_factor(a in any_u256(), b: u64) {
        prop_assert_eq!(a.wrapping_mul_u64(b), a.wrapping_mul(U256::from(b)));
        prop_assert_eq!(a.wrapping_add(!a).wrapping_add(U256::ONE), U256::ZERO);
        prop_assert_eq!(a.checked_add(b.into()).is_none(), a.wrapping_add(b.into()) < a);
    }

    #[test]
    fn shifts_multiply_and_divide(a in any_u256(), shift in 0u32..256) {
        let power = U256::ONE << shift;
        prop_assert_eq!(a << shift, a.wrapping_mul(power));
        prop_assert_eq!(Some(a >> shift), a.div_rem(power).map(|(quotient, _)| quotient));
    }

    #[test]
    fn compact_is_stable_and_never_rounds_up(a in any_u256()) {
        let compact = a.to_compact();
        let back = U256::from_compact(compact);
        prop_assert!(!back.negative && !back.overflow && back.value <= a);
        prop_assert_eq!(back.value.to_compact(), compact);
        let theirs = Target::from_be_bytes(a.to_be_bytes());
        prop_assert_eq!(theirs.to_compact_lossy(), CompactTarget::from_consensus(compact));
    }

    #[test]
    fn compact_decodes_like_rust_bitcoin(size in 0u32..=32, mantissa in 0u32..=0x7f_ffff) {
        // Theirs gives zero for a negative number and has no notion of overflow.
        let bits = size << 24 | mantissa;
        let ours = U256::from_compact(bits);
        prop_assert!(!ours.negative && !ours.overflow);
        let theirs = Target::from_compact(CompactTarget::from_consensus(bits));
        prop_assert_eq!(ours.value.to_be_bytes(), theirs.to_be_bytes());
    }
}
