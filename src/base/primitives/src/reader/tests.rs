//! Integers at the edges of their forms.

use proptest::prelude::*;

use super::*;
use crate::{compact_len, put_compact_u64, put_varint};

fn varint(value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    put_varint(&mut out, value);
    out
}

#[test]
fn variable_length_integers_of_the_reference() {
    for (value, bytes) in [
        (0, vec![0x00]),
        (0x7f, vec![0x7f]),
        (0x80, vec![0x80, 0x00]),
        (0x1234, vec![0xa3, 0x34]),
        (0xffff, vec![0x82, 0xfe, 0x7f]),
        (0x12_3456, vec![0xc7, 0xe7, 0x56]),
        (0x8012_3456, vec![0x86, 0xff, 0xc7, 0xe7, 0x56]),
        (0xffff_ffff, vec![0x8e, 0xfe, 0xfe, 0xfe, 0x7f]),
        (0x7fff_ffff_ffff_ffff, vec![0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0x7f]),
        (u64::MAX, vec![0x80, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0x7f]),
    ] {
        assert_eq!(varint(value), bytes, "{value:x}");
        assert_eq!(Reader::new(&bytes).varint_u64(), Ok(value), "{value:x}");
    }
}

#[test]
fn variable_length_integers_have_limits() {
    assert_eq!(Reader::new(&varint(0xffff_ffff)).varint_u32(), Ok(0xffff_ffff));
    assert_eq!(Reader::new(&varint(0x1_0000_0000)).varint_u32(), Err(DecodeError::VarIntTooLarge));
    assert_eq!(Reader::new(&[0xff; 20]).varint_u64(), Err(DecodeError::VarIntTooLarge));
    assert_eq!(Reader::new(&[0x80]).varint_u64(), Err(DecodeError::EndOfData));
}

#[test]
fn compact_integers_have_one_form() {
    for long in
        [[0xfd, 252, 0, 0, 0, 0, 0, 0, 0], [0xfe, 255, 255, 0, 0, 0, 0, 0, 0], [0xff, 255, 255, 255, 255, 0, 0, 0, 0]]
    {
        assert_eq!(Reader::new(&long).compact_u64(), Err(DecodeError::NonCanonicalSize));
    }
    let mut bytes = Vec::new();
    put_compact_u64(&mut bytes, MAX_SIZE);
    assert_eq!(Reader::new(&bytes).compact_size(), Ok(0x200_0000));
    bytes.clear();
    put_compact_u64(&mut bytes, MAX_SIZE + 1);
    assert_eq!(Reader::new(&bytes).compact_size(), Err(DecodeError::SizeTooLarge));
    assert_eq!(Reader::new(&bytes).compact_u64(), Ok(MAX_SIZE + 1));
}

proptest! {
    #[test]
    fn integers_come_back(value in any::<u64>(), shift in 0_u32..64) {
        let value = value >> shift;
        prop_assert_eq!(Reader::new(&varint(value)).varint_u64(), Ok(value));
        let mut bytes = Vec::new();
        put_compact_u64(&mut bytes, value);
        prop_assert_eq!(Reader::new(&bytes).compact_u64(), Ok(value));
        prop_assert_eq!(bytes.len(), compact_len(usize::try_from(value).unwrap()));
    }
}
