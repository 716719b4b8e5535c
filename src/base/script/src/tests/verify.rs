//! Verifying, where the vectors say nothing: caches, dialects, sigops of a transaction, the interpreter's edges.

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{
    Amount, OutPoint, Script, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness, absolute, transaction,
};
use proptest::prelude::*;
use secp256k1::{Message, Scalar, Secp256k1, SecretKey};

use crate::checker::SignatureChecker;
use crate::taproot::{LEAF_TAPSCRIPT, leaf_hash, tweak_hash};
use crate::{
    BITCOIN, Dialect, ExecutionData, Flags, Keep, Limits, NoTransaction, ScriptError, SigVersion, SignatureCache,
    TxData, TxSignatureChecker, WitnessProgram, WitnessRules, eval_script, sighash, sigops, verify_script,
    verify_script_in,
};

fn run(script: &[u8], version: SigVersion, flags: Flags) -> Result<Vec<Vec<u8>>, ScriptError> {
    let mut stack = Vec::new();
    let mut exec = ExecutionData::default();
    eval_script(&mut stack, Script::from_bytes(script), flags, &NoTransaction, version, &mut exec)?;
    Ok(stack)
}

#[test]
fn a_failed_script_leaves_the_stack_alone() {
    let mut stack = vec![vec![1, 2, 3]];
    let mut exec = ExecutionData::default();
    let script = Script::from_bytes(&[0x51, 0x6a]);
    let result = eval_script(&mut stack, script, Flags::NONE, &NoTransaction, SigVersion::Base, &mut exec);
    assert_eq!(result, Err(ScriptError::OpReturn));
    assert_eq!(stack, [[1, 2, 3]]);
}

#[test]
fn limits_hold_to_the_unit() {
    let nops = |count: usize| vec![0x61; count];
    assert!(run(&nops(201), SigVersion::Base, Flags::NONE).is_ok());
    assert_eq!(run(&nops(202), SigVersion::Base, Flags::NONE), Err(ScriptError::OpCount));
    assert!(run(&nops(202), SigVersion::Tapscript, Flags::NONE).is_ok());
    let pushes = |count: usize| vec![0x51; count];
    assert_eq!(run(&pushes(1000), SigVersion::Base, Flags::NONE).unwrap().len(), 1000);
    assert_eq!(run(&pushes(1001), SigVersion::Base, Flags::NONE), Err(ScriptError::StackSize));
    // Both stacks count.
    let moved = [pushes(1000), vec![0x6b, 0x51, 0x51]].concat();
    assert_eq!(run(&moved, SigVersion::Base, Flags::NONE), Err(ScriptError::StackSize));
    let long = vec![0x50; 10_001];
    assert_eq!(run(&long, SigVersion::WitnessV0, Flags::NONE), Err(ScriptError::ScriptSize));
    assert_eq!(run(&long, SigVersion::Tapscript, Flags::NONE), Err(ScriptError::BadOpcode));
    let push = |len: usize| [&[0x4d][..], &u16::try_from(len).unwrap().to_le_bytes(), &vec![0; len]].concat();
    assert!(run(&push(520), SigVersion::Base, Flags::NONE).is_ok());
    assert_eq!(run(&push(521), SigVersion::Base, Flags::NONE), Err(ScriptError::PushSize));
    // Even where nothing runs.
    let skipped = [&[0x00, 0x63][..], &push(521), &[0x68]].concat();
    assert_eq!(run(&skipped, SigVersion::Tapscript, Flags::NONE), Err(ScriptError::PushSize));
}

#[test]
fn conditions_nest_and_toggle() {
    // 0 IF 1 IF 2 ELSE 3 ENDIF ELSE 4 ELSE 5 ELSE 6 ENDIF: the inner ELSE is not seen, the outer ones alternate.
    let script = [0x00, 0x63, 0x51, 0x63, 0x52, 0x67, 0x53, 0x68, 0x67, 0x54, 0x67, 0x55, 0x67, 0x56, 0x68];
    assert_eq!(run(&script, SigVersion::Base, Flags::NONE).unwrap(), [[4], [6]]);
    for unbalanced in [&[0x68][..], &[0x67], &[0x51, 0x63], &[0x51, 0x63, 0x68, 0x68]] {
        assert_eq!(run(unbalanced, SigVersion::Base, Flags::NONE), Err(ScriptError::UnbalancedConditional));
    }
    // VERIF fails even where nothing runs; VER does not.
    assert_eq!(run(&[0x00, 0x63, 0x65, 0x68], SigVersion::Base, Flags::NONE), Err(ScriptError::BadOpcode));
    assert!(run(&[0x00, 0x63, 0x62, 0x68], SigVersion::Base, Flags::NONE).is_ok());
}

proptest! {
    /// The stack opcodes against the same words done on a plain vector.
    #[test]
    fn stack_words(depth in 0..8_usize, opcode in 0x6d_u8..=0x7d, count in 0..8_u8) {
        prop_assume!(!matches!(opcode, 0x73 | 0x74));
        let mut script: Vec<u8> = (0..depth).flat_map(|at| [1, 0x20 + u8::try_from(at).unwrap()]).collect();
        let mut expected: Vec<Vec<u8>> = (0..depth).map(|at| vec![0x20 + u8::try_from(at).unwrap()]).collect();
        if matches!(opcode, 0x79 | 0x7a) {
            script.push(if count == 0 { 0 } else { 0x50 + count });
        }
        script.push(opcode);
        let model = word(&mut expected, opcode, usize::from(count));
        let ours = run(&script, SigVersion::Base, Flags::NONE);
        prop_assert_eq!(ours, model.map(|()| expected).ok_or(ScriptError::InvalidStackOperation));
    }

    /// Any bytes at all: an answer, never a panic, and the laws that the fuzzer holds it to.
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0_u8..4, 0x4c_u8..0xbb], 0..400)) {
        crate::fuzz::script_eval(&bytes);
    }
}

/// A stack word, by its textbook diagram: positions from the top, of what is taken and of what is put back.
fn word(stack: &mut Vec<Vec<u8>>, opcode: u8, count: usize) -> Option<()> {
    let pick: Vec<usize> = (0..=count).rev().chain([count]).collect();
    let roll: Vec<usize> = (0..count).rev().chain([count]).collect();
    let (takes, puts): (usize, &[usize]) = match opcode {
        0x6d => (2, &[]),
        0x6e => (2, &[1, 0, 1, 0]),
        0x6f => (3, &[2, 1, 0, 2, 1, 0]),
        0x70 => (4, &[3, 2, 1, 0, 3, 2]),
        0x71 => (6, &[3, 2, 1, 0, 5, 4]),
        0x72 => (4, &[1, 0, 3, 2]),
        0x75 => (1, &[]),
        0x76 => (1, &[0, 0]),
        0x77 => (2, &[0]),
        0x78 => (2, &[1, 0, 1]),
        0x79 => (count + 1, &pick),
        0x7a => (count + 1, &roll),
        0x7b => (3, &[1, 0, 2]),
        0x7c => (2, &[0, 1]),
        0x7d => (2, &[0, 1, 0]),
        _ => unreachable!("not a stack word: {opcode:x}"),
    };
    let taken = stack.split_off(stack.len().checked_sub(takes)?);
    stack.extend(puts.iter().map(|depth| taken[taken.len() - 1 - depth].clone()));
    Some(())
}

/// A transaction that spends one output, with a witness still to come.
fn spending(inputs: usize) -> Transaction {
    Transaction {
        version: transaction::Version::TWO,
        lock_time: absolute::LockTime::ZERO,
        input: (0..inputs)
            .map(|number| TxIn {
                previous_output: OutPoint::new(bitcoin::Txid::all_zeros(), u32::try_from(number).unwrap()),
                script_sig: ScriptBuf::new(),
                sequence: Sequence::ZERO,
                witness: Witness::new(),
            })
            .collect(),
        output: vec![TxOut { value: Amount::ONE_SAT, script_pubkey: ScriptBuf::new() }],
    }
}

#[test]
fn a_cached_signature_is_not_verified_again() {
    let secp = Secp256k1::new();
    let secret = SecretKey::from_slice(&[3; 32]).unwrap();
    let key = secret.public_key(&secp).serialize();
    let tx = spending(1);
    let data = TxData::without_prevouts(&tx);
    let hash = sighash::segwit_v0(&data, 0, &[0xac], Amount::ONE_BTC, 1).unwrap();
    let mut signature = secp.sign_ecdsa(&Message::from_digest(hash), &secret).serialize_der().to_vec();
    signature.push(1);

    let cache = SignatureCache::new(1 << 16, &[4; 32]);
    let check = |keep, signature: &[u8]| {
        let checker = TxSignatureChecker::new(&data, 0, Amount::ONE_BTC).with_cache(&cache, keep);
        checker.check_ecdsa(signature, &key, &[0xac], SigVersion::WitnessV0)
    };
    let entry = cache.ecdsa_entry(&hash, &signature[..signature.len() - 1], &key);
    assert!(check(Keep::Forget, &signature));
    assert!(!cache.contains(&entry, false), "a block stores nothing");
    assert!(check(Keep::Store, &signature));
    assert!(cache.contains(&entry, false));
    assert!(check(Keep::Forget, &signature));
    assert!(!cache.contains(&entry, false), "a block takes the entry out");

    // What is in the cache is believed, so a bad signature must never get in.
    let mut bad = signature.clone();
    bad[20] ^= 1;
    assert!(!check(Keep::Store, &bad));
    assert!(!check(Keep::Store, &bad));
    cache.insert(&cache.ecdsa_entry(&hash, &bad[..bad.len() - 1], &key));
    assert!(check(Keep::Store, &bad));
}

/// The output and the control block of a tree that is one tapscript.
fn tapscript_output(script: &[u8]) -> (ScriptBuf, Vec<u8>) {
    let secp = Secp256k1::new();
    let internal = SecretKey::from_slice(&[5; 32]).unwrap().x_only_public_key(&secp).0;
    let tweak = tweak_hash(&internal.serialize(), Some(&leaf_hash(LEAF_TAPSCRIPT, script)));
    let (key, parity) = internal.add_tweak(&secp, &Scalar::from_be_bytes(tweak).unwrap()).unwrap();
    let control = [&[LEAF_TAPSCRIPT | parity.to_u8()], &internal.serialize()[..]].concat();
    (ScriptBuf::from_bytes([&[0x51, 32], &key.serialize()[..]].concat()), control)
}

/// BIP342: the witness's size and 50 more, 50 for each signature that is not empty, whatever its key.
#[test]
fn a_tapscript_may_check_as_many_signatures_as_its_witness_pays_for() {
    // A signature, and six times DUP, a key of an unknown kind, CHECKSIGVERIFY.
    let script = [0x76, 2, 7, 7, 0xad].repeat(6);
    let (output, control) = tapscript_output(&script);
    let verify = |annex: usize, flags| {
        let annex = vec![0x50; annex];
        let witness = Witness::from_slice(&[&[1][..], &script, &control, &annex]);
        verify_script(Script::new(), &output, &witness, flags, &NoTransaction)
    };
    let flags = Flags::P2SH | Flags::WITNESS | Flags::TAPROOT;
    // Count; signature, script and control with their lengths; the annex's length; and what is left for the annex.
    let spare = 6 * 50 - 50 - (1 + 2 + 31 + 34 + 1);
    assert_eq!(verify(spare, flags), Ok(()));
    assert_eq!(verify(spare - 1, flags), Err(ScriptError::TapscriptValidationWeight));
    let discouraged = flags | Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE;
    assert_eq!(verify(spare, discouraged), Err(ScriptError::DiscourageUpgradablePubkeyType));
}

#[test]
fn a_tapscript_starts_with_a_thousand_elements_at_most() {
    let flags = Flags::P2SH | Flags::WITNESS | Flags::TAPROOT;
    let verify = |elements: usize| {
        // One DROP for every element but the last.
        let script = vec![0x75; elements - 1];
        let (output, control) = tapscript_output(&script);
        let mut witness = Witness::from_slice(&vec![[1]; elements]);
        witness.push(&script);
        witness.push(&control);
        verify_script(Script::new(), &output, &witness, flags, &NoTransaction)
    };
    assert_eq!(verify(1000), Ok(()));
    assert_eq!(verify(1001), Err(ScriptError::StackSize));
}

#[test]
fn a_leaf_is_found_only_with_the_right_control_block() {
    let (output, control) = tapscript_output(&[0x51]);
    let flags = Flags::P2SH | Flags::WITNESS | Flags::TAPROOT;
    let verify = |control: &[u8], flags| {
        let witness = Witness::from_slice(&[&[0x51][..], control]);
        verify_script(Script::new(), &output, &witness, flags, &NoTransaction)
    };
    assert_eq!(verify(&control, flags), Ok(()));
    for bent in [0, 1, 32] {
        let mut other = control.clone();
        // In the first byte, this is the parity of the output key.
        other[bent] ^= 1;
        assert_eq!(verify(&other, flags), Err(ScriptError::WitnessProgramMismatch), "byte {bent}");
    }
    for size in [0, 32, 34, 64, 33 + 32 * 129] {
        assert_eq!(verify(&vec![0xc0; size], flags), Err(ScriptError::TaprootWrongControlSize), "{size} bytes");
    }
    assert_eq!(verify(&[], flags.without(Flags::TAPROOT)), Ok(()));
}

#[test]
fn tapscript_conditions_are_minimal() {
    for (condition, expected) in [
        (&[][..], Ok(())),
        (&[1], Ok(())),
        (&[2], Err(ScriptError::TapscriptMinimalIf)),
        (&[0], Err(ScriptError::TapscriptMinimalIf)),
        (&[1, 0], Err(ScriptError::TapscriptMinimalIf)),
    ] {
        let script = [&[u8::try_from(condition.len()).unwrap()], condition, &[0x63, 0x68, 0x51]].concat();
        let ran = run(&script, SigVersion::Tapscript, Flags::NONE);
        assert_eq!(ran.map(|_| ()), expected, "{condition:?}");
        let v0 = run(&script, SigVersion::WitnessV0, Flags::MINIMALIF).map(|_| ());
        assert_eq!(v0, expected.map_err(|_| ScriptError::MinimalIf));
        assert!(run(&script, SigVersion::WitnessV0, Flags::NONE).is_ok());
    }
}

/// What a tapscript signs about CODESEPARATORs is a position in opcodes, of which skipped ones are some too.
#[test]
fn separators_are_counted_in_opcodes() {
    let mut exec = ExecutionData::default();
    // 0 IF NOP CODESEPARATOR ENDIF <7> CODESEPARATOR
    let script = [0x00, 0x63, 0x61, 0xab, 0x68, 1, 7, 0xab];
    let script = Script::from_bytes(&script);
    let version = SigVersion::Tapscript;
    assert_eq!(eval_script(&mut Vec::new(), script, Flags::NONE, &NoTransaction, version, &mut exec), Ok(()));
    assert_eq!(exec.code_separator, 6);
    let none = Script::from_bytes(&[0x51]);
    assert_eq!(eval_script(&mut Vec::new(), none, Flags::NONE, &NoTransaction, version, &mut exec), Ok(()));
    assert_eq!(exec.code_separator, u32::MAX);
}

/// A chain that lifts the limits and reads witness programs in its own way.
struct Other;

impl WitnessRules for Other {
    fn program<'s>(&self, script: &'s [u8]) -> Option<WitnessProgram<'s>> {
        script.strip_prefix(&[0xb9, 3]).map(|program| WitnessProgram { version: 30, program })
    }

    fn nests_in_p2sh(&self) -> bool {
        false
    }

    fn verify(
        &self,
        program: WitnessProgram<'_>,
        witness: &Witness,
        nested: bool,
        _: Flags,
        _: &Limits,
        _: &dyn SignatureChecker,
    ) -> Result<(), ScriptError> {
        assert!(!nested);
        if witness.last() == Some(program.program) { Ok(()) } else { Err(ScriptError::WitnessProgramMismatch) }
    }
}

#[test]
fn dialects_change_limits_and_witnesses() {
    let lifted = Dialect { limits: Limits { ops: usize::MAX, script_size: usize::MAX, ..Limits::BITCOIN }, ..BITCOIN };
    let other = Dialect { witness: &Other, ..lifted };
    let flags = Flags::P2SH | Flags::WITNESS;
    let verify = |dialect, script: &[u8], witness: &[&[u8]]| {
        let witness = Witness::from_slice(witness);
        verify_script_in(dialect, Script::new(), Script::from_bytes(script), &witness, flags, &NoTransaction)
    };
    let long = [vec![0x61; 20_000], vec![0x51]].concat();
    assert_eq!(verify(&BITCOIN, &long, &[]), Err(ScriptError::ScriptSize));
    assert_eq!(verify(&lifted, &long, &[]), Ok(()));
    let program = [0xb9, 3, 7, 8, 9];
    let program_with_push = [0xb9, 3, 7, 8, 9];
    assert_eq!(verify(&BITCOIN, &program, &[&[7, 8, 9]]), Err(ScriptError::WitnessUnexpected));
    assert_eq!(verify(&other, &program_with_push, &[&[7, 8, 9]]), Ok(()));
    assert_eq!(verify(&other, &program_with_push, &[&[7, 8]]), Err(ScriptError::WitnessProgramMismatch));
}

#[test]
fn anchors_need_nothing() {
    let anchor = Script::from_bytes(&[0x51, 2, 0x4e, 0x73]);
    let verify = |script: &Script, witness: &[&[u8]], flags| {
        verify_script(Script::new(), script, &Witness::from_slice(witness), flags, &NoTransaction)
    };
    assert_eq!(verify(anchor, &[], Flags::ALL), Ok(()));
    assert_eq!(verify(anchor, &[&[1]], Flags::ALL), Ok(()));
    let unknown = Script::from_bytes(&[0x52, 2, 0x4e, 0x73]);
    assert_eq!(verify(unknown, &[], Flags::ALL), Err(ScriptError::DiscourageUpgradableWitnessProgram));
    assert_eq!(verify(unknown, &[], Flags::P2SH | Flags::WITNESS), Ok(()));
}

#[test]
fn a_program_that_is_false_fails_before_its_witness_is_looked_at() {
    for version in [0, 0x51, 0x52, 0x60] {
        for last in [0, 0x80] {
            let program = [&[version, 20][..], &[0; 19], &[last]].concat();
            for flags in [Flags::P2SH, Flags::P2SH | Flags::WITNESS, Flags::ALL] {
                let script = Script::from_bytes(&program);
                let verified = verify_script(Script::new(), script, &Witness::new(), flags, &NoTransaction);
                assert_eq!(verified, Err(ScriptError::EvalFalse), "{version} {last}");
            }
        }
    }
}

#[test]
fn sigops_of_a_transaction() {
    let redeem = [0x52, 0xae];
    let mut tx = spending(4);
    tx.input[0].script_sig = ScriptBuf::from_bytes(vec![2, 0x52, 0xae]);
    tx.input[1].witness = Witness::from_slice(&[&[0xac, 0xac, 0xad][..]]);
    tx.input[2].script_sig = ScriptBuf::from_bytes([&[22, 0, 20][..], &[1; 20]].concat());
    tx.input[3].script_sig = ScriptBuf::from_bytes(vec![0xac]);
    tx.output[0].script_pubkey = ScriptBuf::from_bytes(vec![0xae]);
    let p2sh = ScriptBuf::from_bytes([&[0xa9, 20][..], &[0; 20], &[0x87]].concat());
    let wsh = ScriptBuf::from_bytes([&[0, 32][..], sha256::Hash::hash(&redeem).as_byte_array()].concat());
    let spent = [&*p2sh, &*wsh, &*p2sh, Script::new()];
    let cost = |flags| sigops::cost(&tx, spent, flags);
    // Own scripts: one CHECKSIG and a bare CHECKMULTISIG.
    assert_eq!(sigops::legacy(&tx), 21);
    assert_eq!(cost(Flags::NONE), 84);
    // The redeem script asks for two keys.
    assert_eq!(cost(Flags::P2SH), 84 + 8);
    // A witness script of three, and a key hash inside P2SH.
    assert_eq!(cost(Flags::P2SH | Flags::WITNESS), 84 + 8 + 3 + 1);
}
