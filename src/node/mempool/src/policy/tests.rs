//! Tables of what is standard and what is not.

use std::sync::Arc;

use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, absolute::LockTime, hashes::Hash,
    transaction::Version,
};
use primitives::{Tx, TxOutEntry};

use super::*;
use crate::{FeeRate, Options, PackageReason, Reason, reason::InputProblem};

fn script(bytes: &[u8]) -> ScriptBuf {
    ScriptBuf::from_bytes(bytes.to_vec())
}

fn p2pkh() -> ScriptBuf {
    let mut bytes = vec![0x76, 0xa9, 20];
    bytes.extend([7; 20]);
    bytes.extend([0x88, 0xac]);
    ScriptBuf::from_bytes(bytes)
}

fn program(version: u8, len: u8) -> ScriptBuf {
    let mut bytes = vec![if version == 0 { 0 } else { 0x50 + version }, len];
    bytes.extend(vec![9; usize::from(len)]);
    ScriptBuf::from_bytes(bytes)
}

fn anchor() -> ScriptBuf {
    script(&[0x51, 2, 0x4e, 0x73])
}

fn p2sh() -> ScriptBuf {
    let mut bytes = vec![0xa9, 20];
    bytes.extend([5; 20]);
    bytes.push(0x87);
    ScriptBuf::from_bytes(bytes)
}

fn multisig(required: u8, keys: usize) -> ScriptBuf {
    script::templates::multisig(required, &vec![[2u8; 33]; keys])
}

fn output(value: u64, script_pubkey: ScriptBuf) -> TxOut {
    TxOut { value: Amount::from_sat(value), script_pubkey }
}

fn build(version: i32, inputs: Vec<(ScriptBuf, Witness)>, outputs: Vec<TxOut>) -> Arc<Tx> {
    let input = (0u8..).zip(inputs).map(|(n, (script_sig, witness))| TxIn {
        previous_output: OutPoint { txid: Txid::from_byte_array([n + 1; 32]), vout: 0 },
        script_sig,
        sequence: Sequence::MAX,
        witness,
    });
    let inner =
        Transaction { version: Version(version), lock_time: LockTime::ZERO, input: input.collect(), output: outputs };
    Arc::new(Tx::new(inner, None))
}

fn paying(outputs: Vec<TxOut>) -> Arc<Tx> {
    build(2, vec![(ScriptBuf::new(), Witness::new())], outputs)
}

fn coin_of(script_pubkey: ScriptBuf) -> TxOutEntry {
    TxOutEntry::new(output(100_000, script_pubkey), 1, false, None)
}

#[test]
fn forms_of_transactions() {
    let options = Options::default();
    let good = || output(10_000, p2pkh());
    let with_sig = |sig: ScriptBuf| build(2, vec![(sig, Witness::new())], vec![good()]);
    let data = |len: usize| {
        let mut bytes = vec![0x6a, 0x4d];
        bytes.extend(u16::try_from(len).unwrap().to_le_bytes());
        bytes.extend(vec![0; len]);
        output(0, ScriptBuf::from_bytes(bytes))
    };
    let small = Options { max_datacarrier: Some(83), ..Options::default() };
    let none = Options { max_datacarrier: None, ..Options::default() };
    let bare = Options { permit_bare_multisig: false, ..Options::default() };
    let heavy = paying(vec![output(10_000, p2pkh()); 3000]);
    assert!(heavy.weight() > MAX_STANDARD_TX_WEIGHT);
    let table = [
        (paying(vec![good()]), &options, Ok(())),
        (build(0, vec![(ScriptBuf::new(), Witness::new())], vec![good()]), &options, Err(Reason::Version)),
        (build(3, vec![(ScriptBuf::new(), Witness::new())], vec![good()]), &options, Ok(())),
        (build(4, vec![(ScriptBuf::new(), Witness::new())], vec![good()]), &options, Err(Reason::Version)),
        (heavy, &options, Err(Reason::TxSize)),
        (with_sig(script(&[0; 1650])), &options, Ok(())),
        (with_sig(script(&[0; 1651])), &options, Err(Reason::ScriptSigSize)),
        (with_sig(script(&[0x51, 0x61])), &options, Err(Reason::ScriptSigNotPushOnly)),
        (paying(vec![output(10_000, script(&[0x51]))]), &options, Err(Reason::ScriptPubKey)),
        (paying(vec![output(10_000, anchor())]), &options, Ok(())),
        (paying(vec![output(10_000, multisig(1, 3))]), &options, Ok(())),
        (paying(vec![output(10_000, multisig(1, 4))]), &options, Err(Reason::ScriptPubKey)),
        (paying(vec![output(10_000, multisig(2, 2))]), &bare, Err(Reason::BareMultisig)),
        (paying(vec![good(), data(79)]), &small, Ok(())),
        (paying(vec![good(), data(80)]), &small, Err(Reason::DataCarrier)),
        (paying(vec![good(), data(30), data(50)]), &small, Err(Reason::DataCarrier)),
        (paying(vec![good(), data(60_000), data(30_000)]), &options, Ok(())),
        (paying(vec![good(), output(0, script(&[0x6a]))]), &none, Err(Reason::DataCarrier)),
        (paying(vec![good(), output(1, p2pkh())]), &options, Ok(())),
        (paying(vec![output(1, p2pkh()), output(0, p2pkh())]), &options, Err(Reason::Dust)),
    ];
    for (n, (tx, options, expected)) in table.into_iter().enumerate() {
        assert_eq!(check_standard(&tx, options), expected, "row {n}");
    }
}

#[test]
fn dust_thresholds() {
    let rate = FeeRate::per_kvb(3000);
    for (script, threshold) in [
        (p2pkh(), 546),
        (p2sh(), 540),
        (program(0, 20), 294),
        (program(0, 32), 330),
        (program(1, 32), 330),
        (anchor(), 240),
        (script(&[0x6a, 1, 1]), 0),
    ] {
        let at = |value: i64| is_dust(&output(u64::try_from(value).unwrap(), script.clone()), rate);
        assert_eq!(dust_threshold(&output(0, script.clone()), rate), threshold);
        assert!(!at(threshold) && (threshold == 0 || at(threshold - 1)));
    }
    assert_eq!(dust_threshold(&output(0, p2pkh()), FeeRate::per_kvb(0)), 0);
}

#[test]
fn dust_must_be_free_and_spent() {
    let rate = FeeRate::per_kvb(3000);
    let parent = build(3, vec![(ScriptBuf::new(), Witness::new())], vec![output(0, anchor()), output(9999, p2pkh())]);
    assert_eq!(check_ephemeral_tx(&parent, rate, 0, 0), Ok(()));
    assert_eq!(check_ephemeral_tx(&parent, rate, 1, 1), Err(Reason::DustNotFree));
    assert_eq!(check_ephemeral_tx(&parent, rate, 0, 1), Err(Reason::DustNotFree));
    let child = |vouts: &[u32]| {
        let input = vouts.iter().map(|vout| TxIn {
            previous_output: OutPoint { txid: parent.txid(), vout: *vout },
            script_sig: ScriptBuf::new(),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        });
        let output = vec![output(9000, p2pkh())];
        let inner = Transaction { version: Version(3), lock_time: LockTime::ZERO, input: input.collect(), output };
        Arc::new(Tx::new(inner, None))
    };
    let (good, bad) = (child(&[0, 1]), child(&[1]));
    assert!(check_ephemeral_spends(&[Arc::clone(&parent), good], rate, |_| None).is_ok());
    let package = [Arc::clone(&parent), Arc::clone(&bad)];
    let (who, reason) = check_ephemeral_spends(&package, rate, |_| None).unwrap_err();
    assert_eq!((who.txid(), reason.to_string()), (bad.txid(), "missing-ephemeral-spends".to_owned()));
    assert!(check_ephemeral_spends(&package[1..], rate, |_| None).is_ok(), "the parent is confirmed");
    assert!(check_ephemeral_spends(&package[1..], rate, |_| Some(Arc::clone(&parent))).is_err());
}

#[test]
fn forms_of_what_is_spent() {
    let push = |bytes: &[u8]| {
        let mut script = vec![u8::try_from(bytes.len()).unwrap()];
        script.extend(bytes);
        ScriptBuf::from_bytes(script)
    };
    let spending = |sig: ScriptBuf| build(2, vec![(sig, Witness::new())], vec![output(1, p2pkh())]);
    let table = [
        (p2pkh(), ScriptBuf::new(), Ok(())),
        (script(&[0x51]), ScriptBuf::new(), Err(InputProblem::Unknown(0))),
        (program(2, 32), ScriptBuf::new(), Err(InputProblem::UndefinedProgram(0))),
        (anchor(), ScriptBuf::new(), Ok(())),
        (p2sh(), ScriptBuf::new(), Err(InputProblem::NoRedeemScript(0))),
        (p2sh(), push(&[0xac; 15]), Ok(())),
        (p2sh(), push(&[0xac; 16]), Err(InputProblem::P2shSigops(0, 16))),
    ];
    for (n, (spent, sig, expected)) in table.into_iter().enumerate() {
        assert_eq!(check_inputs_standard(&spending(sig), &[coin_of(spent)]), expected, "row {n}");
    }
    let malformed = check_inputs_standard(&spending(script(&[0x88])), &[coin_of(p2sh())]);
    assert!(matches!(malformed, Err(InputProblem::Malformed(0, _))));
    // 125 bare multisigs of twenty are 2500 operations; one more is too much.
    let many = |count: usize| {
        let tx = build(2, vec![(ScriptBuf::new(), Witness::new()); count], vec![output(1, p2pkh())]);
        check_inputs_standard(&tx, &vec![coin_of(multisig(1, 20)); count])
    };
    assert_eq!(many(125), Ok(()));
    assert_eq!(many(126), Err(InputProblem::LegacySigops));
}

#[test]
fn forms_of_witnesses() {
    let with = |spent: ScriptBuf, items: &[Vec<u8>]| {
        let tx = build(2, vec![(ScriptBuf::new(), Witness::from_slice(items))], vec![output(1, p2pkh())]);
        is_witness_standard(&tx, &[coin_of(spent)])
    };
    let wsh = || program(0, 32);
    let tap = || program(1, 32);
    assert!(!with(p2pkh(), &[vec![1]]), "no witness where none belongs");
    assert!(!with(anchor(), &[vec![]]), "nor for an anchor");
    assert!(with(wsh(), &[vec![0; 80], vec![0; 3600]]));
    assert!(!with(wsh(), &[vec![0; 81], vec![0; 3600]]));
    assert!(!with(wsh(), &[vec![0; 3601]]));
    assert!(with(wsh(), &vec![vec![]; 101]) && !with(wsh(), &vec![vec![]; 102]));
    assert!(with(tap(), &[vec![0; 64]]));
    assert!(!with(tap(), &[vec![0; 64], vec![0x50]]), "no annex");
    assert!(with(tap(), &[vec![0; 80], vec![], vec![0xc0]]));
    assert!(!with(tap(), &[vec![0; 81], vec![], vec![0xc1]]));
    assert!(with(tap(), &[vec![0; 81], vec![], vec![0xc2]]), "other leaf versions are not known");
    assert!(!with(tap(), &[vec![], vec![]]), "an empty control block");
    assert!(spends_witness_program(&paying(vec![]), &[coin_of(wsh())]));
    assert!(!spends_witness_program(&paying(vec![]), &[coin_of(anchor())]));
    assert!(!spends_witness_program(&paying(vec![]), &[coin_of(p2pkh())]));
}

#[test]
fn forms_of_packages() {
    let parent = paying(vec![output(1000, p2pkh())]);
    let child_of = |parent: &Tx| {
        let inner = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output: OutPoint { txid: parent.txid(), vout: 0 },
                script_sig: ScriptBuf::new(),
                sequence: Sequence::MAX,
                witness: Witness::new(),
            }],
            output: vec![output(1, p2pkh())],
        };
        Arc::new(Tx::new(inner, None))
    };
    let child = child_of(&parent);
    let rival = paying(vec![output(999, p2pkh())]);
    let pair = [Arc::clone(&parent), Arc::clone(&child)];
    assert_eq!(check_well_formed(&pair), Ok(()));
    assert!(is_child_with_parents(&pair) && !is_child_with_parents(&pair[..1]));
    assert_eq!(check_well_formed(&[Arc::clone(&child), Arc::clone(&parent)]), Err(PackageReason::NotSorted));
    assert_eq!(check_well_formed(&[Arc::clone(&parent), Arc::clone(&parent)]), Err(PackageReason::Duplicates));
    assert_eq!(check_well_formed(&[Arc::clone(&parent), rival]), Err(PackageReason::Conflict));
    assert_eq!(check_well_formed(&vec![parent; 26]), Err(PackageReason::TooManyTransactions));
    let heavy = |n: u64| build(2, vec![(ScriptBuf::new(), Witness::new())], vec![output(n, p2pkh()); 1600]);
    assert_eq!(check_well_formed(&[heavy(1), heavy(2)]), Err(PackageReason::TooLarge));
    assert_eq!(check_well_formed(&[heavy(1)]), Ok(()));
    assert_ne!(package_hash(&pair), package_hash(&pair[..1]));
    assert_eq!(package_hash(&pair), package_hash(&[Arc::clone(&pair[1]), Arc::clone(&pair[0])]));
}
