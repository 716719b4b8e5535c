//! The standard forms, and what is nearly one.

use bitcoin::Script;
use bitcoin::hex::FromHex;
use proptest::prelude::*;

use crate::templates::{
    has_valid_ops, is_p2sh, is_push_only, is_unspendable, match_multi_a, multisig, pay_to_pubkey, witness_program,
};
use crate::{Solution, TxoutType, WitnessProgram, solve};

fn script(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

fn kind(bytes: &[u8]) -> TxoutType {
    solve(Script::from_bytes(bytes)).kind()
}

#[test]
fn every_form_has_its_name() {
    let (hash20, hash32) = ([7; 20], [8; 32]);
    let mut key = [9; 33];
    key[0] = 2;
    let forms: &[(Vec<u8>, &str)] = &[
        (script(&[&[0xa9, 20], &hash20, &[0x87]]), "scripthash"),
        (script(&[&[0x76, 0xa9, 20], &hash20, &[0x88, 0xac]]), "pubkeyhash"),
        (script(&[&[33], &key, &[0xac]]), "pubkey"),
        (script(&[&[0, 20], &hash20]), "witness_v0_keyhash"),
        (script(&[&[0, 32], &hash32]), "witness_v0_scripthash"),
        (script(&[&[0x51, 32], &hash32]), "witness_v1_taproot"),
        (script(&[&[0x51, 2, 0x4e, 0x73]]), "anchor"),
        (script(&[&[0x52, 32], &hash32]), "witness_unknown"),
        (script(&[&[0x51, 20], &hash20]), "witness_unknown"),
        (script(&[&[0, 21], &[0; 21]]), "nonstandard"),
        (script(&[&[0x6a, 2, 1, 2]]), "nulldata"),
        (script(&[&[0x6a]]), "nulldata"),
        (script(&[&[0x6a, 2, 1]]), "nonstandard"),
        (script(&[&[0x6a, 0x61]]), "nonstandard"),
        (script(&[&[0x51, 33], &key, &[0x51, 0xae]]), "multisig"),
        (script(&[&[0x51, 33], &key, &[0x52, 0xae]]), "nonstandard"),
        (script(&[&[0x52, 33], &key, &[0x51, 0xae]]), "nonstandard"),
        (script(&[&[0x00, 33], &key, &[0x51, 0xae]]), "nonstandard"),
        (script(&[&[0x51, 33], &key, &[0x51, 0xae, 0xae]]), "nonstandard"),
        (script(&[&[33], &[5; 33], &[0xac]]), "nonstandard"),
        (Vec::new(), "nonstandard"),
    ];
    for (bytes, name) in forms {
        assert_eq!(kind(bytes).to_string(), *name, "{bytes:02x?}");
    }
}

#[test]
fn multisig_of_more_than_sixteen() {
    let keys: Vec<Vec<u8>> = (0..20_u8).map(|number| [&[3], &[number; 32][..]].concat()).collect();
    let built = multisig(17, &keys);
    let Solution::Multisig { required, keys: found } = solve(&built) else { panic!("{built}") };
    assert_eq!((required, found), (17, keys.iter().map(Vec::as_slice).collect()));
    // One key too many.
    let keys: Vec<Vec<u8>> = (0..21_u8).map(|number| [&[3], &[number; 32][..]].concat()).collect();
    assert_eq!(solve(&multisig(1, &keys)), Solution::Nonstandard);
    // Numbers that are longer than they need to be are not numbers here.
    let mut key = vec![2; 33];
    key[0] = 2;
    assert_eq!(kind(&script(&[&[1, 1, 33], &key, &[0x51, 0xae]])), TxoutType::Nonstandard);
    assert_eq!(solve(&pay_to_pubkey(&key)), Solution::Pubkey(&key));
}

#[test]
fn thresholds_of_signature_additions() {
    let build = |count: usize, threshold: &[u8]| {
        let mut bytes = Vec::new();
        for number in 0..count {
            bytes.push(32);
            bytes.extend_from_slice(&[u8::try_from(number % 251).unwrap(); 32]);
            bytes.push(if number == 0 { 0xac } else { 0xba });
        }
        bytes.extend_from_slice(threshold);
        bytes.push(0x9c);
        bytes
    };
    let matched =
        |bytes: &[u8]| match_multi_a(Script::from_bytes(bytes)).map(|(required, keys)| (required, keys.len()));
    assert_eq!(matched(&build(1, &[0x51])), Some((1, 1)));
    assert_eq!(matched(&build(3, &[0x52])), Some((2, 3)));
    assert_eq!(matched(&build(999, &[2, 0xe7, 3])), Some((999, 999)));
    assert_eq!(matched(&build(1000, &[0x51])), None);
    assert_eq!(matched(&build(3, &[0x54])), None);
    assert_eq!(matched(&build(3, &[0])), None);
    assert_eq!(matched(&build(0, &[0x51])), None);
    assert_eq!(matched(&[build(3, &[0x52]), vec![0x61]].concat()), None);
}

#[test]
fn witness_programs() {
    let read = |hex: &str| {
        let bytes = Vec::from_hex(hex).unwrap();
        witness_program(Script::from_bytes(&bytes)).map(|found| (found.version, found.program.len()))
    };
    assert_eq!(read("00020102"), Some((0, 2)));
    assert_eq!(read(&format!("6028{}", "00".repeat(40))), Some((16, 40)));
    assert_eq!(read("000101"), None);
    assert_eq!(read(&format!("6029{}", "00".repeat(41))), None);
    assert_eq!(read("4f020102"), None);
    assert_eq!(read("0003010200ff"), None);
    assert_eq!(read("004c020102"), None);
    assert!(WitnessProgram { version: 1, program: &[0x4e, 0x73] }.is_anchor());
    assert!(!WitnessProgram { version: 2, program: &[0x4e, 0x73] }.is_anchor());
}

#[test]
fn pushes_and_dead_ends() {
    let push_only = |bytes: &[u8]| is_push_only(Script::from_bytes(bytes));
    assert!(push_only(&[]));
    assert!(push_only(&[0x50, 0x60, 0x4f, 1, 1]));
    assert!(!push_only(&[0x61]));
    for broken in [&[1][..], &[0x4c], &[0x4d, 1], &[0x4e, 1, 0, 0], &[0x4c, 2, 1]] {
        assert!(!push_only(broken), "{broken:?}");
    }
    assert!(is_unspendable(Script::from_bytes(&[0x6a])));
    assert!(is_unspendable(Script::from_bytes(&[0; 10_001])));
    assert!(!is_unspendable(Script::from_bytes(&[0; 10_000])));
    assert!(has_valid_ops(Script::from_bytes(&[0x76, 0xb9])));
    assert!(!has_valid_ops(Script::from_bytes(&[0xba])));
    assert!(!has_valid_ops(Script::from_bytes(&[5, 1])));
    let mut long = vec![0x4d, 0x09, 0x02];
    long.extend_from_slice(&[0; 521]);
    assert!(!has_valid_ops(Script::from_bytes(&long)));
}

proptest! {
    /// rust-bitcoin's own tests of the forms agree, on bytes that are nearly one.
    #[test]
    fn forms_are_rust_bitcoins(
        head in prop::sample::select(vec![
            vec![0xa9, 20],
            vec![0x76, 0xa9, 20],
            vec![0, 20],
            vec![0, 32],
            vec![0x51, 32],
            vec![0x6a],
        ]),
        body in prop_oneof![Just(20_usize), Just(32), 0..45_usize],
        tail in prop::sample::select(vec![vec![], vec![0x87], vec![0x88, 0xac], vec![0xac]]),
    ) {
        let bytes = [head, vec![1; body], tail].concat();
        let script = Script::from_bytes(&bytes);
        prop_assert_eq!(is_p2sh(script), script.is_p2sh());
        prop_assert_eq!(kind(&bytes) == TxoutType::PubkeyHash, script.is_p2pkh());
        prop_assert_eq!(kind(&bytes) == TxoutType::WitnessV0KeyHash, script.is_p2wpkh());
        prop_assert_eq!(kind(&bytes) == TxoutType::WitnessV0ScriptHash, script.is_p2wsh());
        prop_assert_eq!(kind(&bytes) == TxoutType::WitnessV1Taproot, script.is_p2tr());
        prop_assert_eq!(witness_program(script).is_some(), script.is_witness_program());
        prop_assert_eq!(is_push_only(script), script.is_push_only());
    }
}
