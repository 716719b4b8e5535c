//! Reading, printing and parsing scripts; flags and names.

use bitcoin::Script;
use bitcoin::hex::FromHex;
use proptest::prelude::*;

use crate::asm::{ParseError, parse_script, to_asm};
use crate::instruction::{Cursor, is_minimal_push, push_data, push_num};
use crate::{Flags, Opcode, ScriptError, find_and_delete, sigops};

fn script(hex: &str) -> Vec<u8> {
    Vec::from_hex(hex).unwrap()
}

#[test]
fn a_broken_push_ends_the_script_behind_its_length() {
    for (bytes, position) in [("0501", 1), ("4c", 1), ("4c05", 2), ("4d01", 1), ("4d0200ff", 3), ("4effffffff", 5)] {
        let bytes = script(bytes);
        let mut cursor = Cursor::new(&bytes);
        assert_eq!(cursor.next_op(), None);
        assert_eq!(cursor.position(), position, "{bytes:?}");
    }
}

#[test]
fn minimal_pushes() {
    assert!(is_minimal_push(Opcode::ZERO, &[]));
    assert!(!is_minimal_push(Opcode(1), &[5]));
    assert!(!is_minimal_push(Opcode(1), &[0x81]));
    assert!(is_minimal_push(Opcode(1), &[17]));
    assert!(is_minimal_push(Opcode(75), &[0; 75]));
    assert!(!is_minimal_push(Opcode::PUSHDATA1, &[0; 75]));
    assert!(is_minimal_push(Opcode::PUSHDATA1, &[0; 255]));
    assert!(!is_minimal_push(Opcode::PUSHDATA2, &[0; 255]));
    assert!(is_minimal_push(Opcode::PUSHDATA2, &vec![0; 65_535]));
    assert!(!is_minimal_push(Opcode::PUSHDATA4, &vec![0; 65_535]));
    assert!(is_minimal_push(Opcode::PUSHDATA4, &vec![0; 65_536]));
}

#[test]
fn opcodes_have_the_daemon_s_names() {
    let names = [
        (0x00, "0"),
        (0x4f, "-1"),
        (0x60, "16"),
        (0x75, "OP_DROP"),
        (0xac, "OP_CHECKSIG"),
        (0xb1, "OP_CHECKLOCKTIMEVERIFY"),
    ];
    for (byte, name) in names {
        assert_eq!(Opcode(byte).name(), name);
    }
    assert_eq!(Opcode(0x20).name(), "OP_UNKNOWN");
    assert_eq!(Opcode(0xbb).name(), "OP_UNKNOWN");
    assert_eq!((0..=255).filter(|byte| Opcode(*byte).is_success()).count(), 87);
    assert_eq!((0..=255).filter(|byte| Opcode(*byte).is_disabled()).count(), 15);
}

#[test]
fn asm_as_rpc_prints_it() {
    let der = "304402207174775824bec6c2700023309a168231ec80b82c6069282f5133e6f11cbb0446\
               0220570edc55c7c5da2ca687ebd0372d3546ebc3f810516a002350cac72dfe192dfb";
    let push = |tail: &str| format!("47{der}{tail}");
    let cases = [
        ("", "", ""),
        ("51", "1", "1"),
        ("4f00", "-1 0", "-1 0"),
        ("0102", "2", "2"),
        ("0201ff", "-32513", "-32513"),
        ("04ffffff7f", "2147483647", "2147483647"),
        ("050102030405", "0102030405", "0102030405"),
        (
            "76a95188ac",
            "OP_DUP OP_HASH160 1 OP_EQUALVERIFY OP_CHECKSIG",
            "OP_DUP OP_HASH160 1 OP_EQUALVERIFY OP_CHECKSIG",
        ),
        ("5105ff", "1 [error]", "1 [error]"),
        ("ff", "OP_INVALIDOPCODE", "OP_INVALIDOPCODE"),
        ("bb", "OP_UNKNOWN", "OP_UNKNOWN"),
        (&push("01"), &format!("{der}01"), &format!("{der}[ALL]")),
        (&push("83"), &format!("{der}83"), &format!("{der}[SINGLE|ANYONECANPAY]")),
        (&push("04"), &format!("{der}04"), &format!("{der}04")),
        // What looks like a signature behind OP_RETURN is data.
        (&format!("6a{}", push("01")), &format!("OP_RETURN {der}01"), &format!("OP_RETURN {der}01")),
    ];
    for (hex, plain, decoded) in cases {
        let bytes = script(hex);
        assert_eq!(to_asm(Script::from_bytes(&bytes), false), plain, "{hex}");
        assert_eq!(to_asm(Script::from_bytes(&bytes), true), decoded, "{hex}");
    }
}

#[test]
fn the_notation_of_the_vectors() {
    let good = [
        ("", ""),
        (" 1  16\t17\n-1 ", "516001114f"),
        ("0x4c 0x0107 7 EQUAL", "4c01075787"),
        ("'Az' 'a'", "02417a0161"),
        ("OP_DUP DUP 2DUP 0NOTEQUAL RESERVED", "76766e9250"),
        ("4294967295 -4294967295 00", "05ffffffff0005ffffffff8000"),
    ];
    for (text, hex) in good {
        assert_eq!(parse_script(text).unwrap().into_bytes(), script(hex), "{text}");
    }
    assert_eq!(parse_script("4294967296"), Err(ParseError::NumberRange));
    assert_eq!(parse_script("99999999999999999999"), Err(ParseError::NumberRange));
    for word in ["NOSUCH", "0x", "0xabc", "PUSHDATA1", "OP_1", "CHECKSIGADD", "-", "'"] {
        assert_eq!(parse_script(word), Err(ParseError::UnknownOpcode), "{word}");
    }
}

/// What is deleted is a push that starts at an opcode, and it may follow itself.
#[test]
fn find_and_delete_works_on_opcodes() {
    assert_eq!(find_and_delete(&script("5152"), &script("aa")), None);
    assert_eq!(find_and_delete(&script("0302ff03"), &script("ff03")), None);
    // The pattern is a push of the data, so the data alone is not found, but its pushes are, all of them.
    assert_eq!(find_and_delete(&script("02aabb02aabb51"), &script("aabb")), Some(script("51")));
    assert_eq!(find_and_delete(&script("0302aabb02aabb"), &script("aabb")), Some(script("0302aabb")));
    // Deleting makes the next one start here, even where the opcodes were others before.
    assert_eq!(find_and_delete(&script("5102aabb53"), &script("aabb")), Some(script("5153")));
    // An empty push is the opcode 0.
    assert_eq!(find_and_delete(&script("00510051"), &[]), Some(script("5151")));
    // A script that breaks off keeps its tail.
    assert_eq!(find_and_delete(&script("02aabb05aa"), &script("aabb")), Some(script("05aa")));
}

#[test]
fn signature_operations() {
    let bytes = script("acad51ae6052ae00ae");
    let counted = Script::from_bytes(&bytes);
    assert_eq!(sigops::count(counted, false), 2 + 3 * 20);
    assert_eq!(sigops::count(counted, true), 2 + 1 + 2 + 20);
    // A script that breaks off counts up to there.
    assert_eq!(sigops::count(Script::from_bytes(&script("ac05ac")), true), 1);
}

#[test]
fn flags_have_names() {
    let flags: Flags = "P2SH,WITNESS".parse().unwrap();
    assert_eq!(flags.bits(), 1 | 1 << 11);
    assert_eq!(flags.to_string(), "P2SH,WITNESS");
    assert_eq!("NONE".parse(), Ok(Flags::NONE));
    assert_eq!("".parse(), Ok(Flags::NONE));
    assert_eq!(Flags::from_bits(1 << 40 | 1).names(), ["P2SH", "0x10000000000"]);
    assert!("P2SH,".parse::<Flags>().is_err());
    assert_eq!(Flags::ALL.bits(), (1 << 21) - 1);
    assert!(Flags::NAMED.is_sorted_by_key(|(name, _)| *name));
    for (name, flag) in Flags::NAMED {
        assert_eq!(name.parse(), Ok(*flag));
    }
}

#[test]
fn every_error_has_its_own_name() {
    for error in ScriptError::ALL {
        assert_eq!(ScriptError::from_name(error.name()), Some(*error));
    }
    assert_eq!(ScriptError::ALL.len(), 60);
    assert_eq!(ScriptError::SigPushOnly.to_string(), "Only push operators allowed in signatures");
}

proptest! {
    /// What is pushed is read back, in the shortest push.
    #[test]
    fn pushes_come_back(data in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut bytes = Vec::new();
        push_data(&mut bytes, &data);
        let mut cursor = Cursor::new(&bytes);
        let op = cursor.next_op().unwrap();
        prop_assert_eq!(op.data, &data[..]);
        prop_assert!(cursor.at_end());
        if data.len() > 1 {
            prop_assert!(is_minimal_push(op.opcode, op.data));
        }
    }

    /// A cursor covers every byte once, whatever the bytes.
    #[test]
    fn reading_never_goes_back(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut cursor = Cursor::new(&bytes);
        let mut position = 0;
        while let Some(op) = cursor.next_op() {
            prop_assert!(cursor.position() > position);
            prop_assert!(op.data.len() < cursor.position() - position);
            position = cursor.position();
        }
        prop_assert!(cursor.position() <= bytes.len());
    }

    /// `asm` of numbers and known opcodes can be read again.
    #[test]
    fn asm_of_simple_scripts_can_be_parsed(numbers in prop::collection::vec(-70_000_i64..70_000, 0..9)) {
        let mut bytes = Vec::new();
        for number in &numbers {
            push_num(&mut bytes, *number);
            bytes.push(Opcode::DUP.0);
        }
        let text = to_asm(Script::from_bytes(&bytes), false);
        prop_assert_eq!(parse_script(&text).unwrap().into_bytes(), bytes);
    }
}
