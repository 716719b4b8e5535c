//! Trees of scripts: programs, proofs, opcodes that end a script, hints.

use bitcoin::{Script, ScriptBuf, Witness};
use proptest::prelude::*;

use super::*;
use crate::{MAST, NoTransaction, verify_script_in};

fn output(program: &[u8]) -> ScriptBuf {
    let size = u8::try_from(program.len()).unwrap();
    ScriptBuf::from_bytes([&[0, size][..], program].concat())
}

fn run_in(script: &[u8], stack: &[&[u8]], flags: Flags) -> Result<(), ScriptError> {
    let root = mast_leaf(script);
    let script = [&[0], script].concat();
    let mut items: Vec<Vec<u8>> = stack.iter().map(|item| item.to_vec()).collect();
    items.extend([script, Vec::new()]);
    let witness = Witness::from_slice(&items);
    let results = [output(&root), output(&mast_short(&root))].map(|output| {
        verify_script_in(&MAST, Script::new(), &output, &witness, flags | Flags::P2SH | Flags::WITNESS, &NoTransaction)
    });
    assert_eq!(results[0], results[1], "both forms of a program");
    results[0]
}

fn run(script: &[u8], stack: &[&[u8]]) -> Result<(), ScriptError> {
    run_in(script, stack, Flags::NONE)
}

#[test]
fn a_script_in_a_tree() {
    assert_eq!(run(&[0x51], &[]), Ok(()));
    assert_eq!(run(&[0x00], &[]), Err(ScriptError::EvalFalse));
    // What else is on the stack does not matter.
    assert_eq!(run(&[0x51], &[b"x", b"y"]), Ok(()));
    let scripts: Vec<Vec<u8>> = (0x51..=0x58).map(|number| vec![0x51, number, 0x87]).collect();
    let leaves: Vec<Digest> = scripts.iter().map(|script| mast_leaf(script)).collect();
    let program = fast_merkle::root(leaves.clone());
    for (at, script) in scripts.iter().enumerate() {
        let (branch, path) = fast_merkle::branch(leaves.clone(), at);
        let path = if path == 0 { Vec::new() } else { vec![u8::try_from(path).unwrap()] };
        let verify = |proof: Vec<u8>| {
            let witness = Witness::from_slice(&[[&[0], &script[..]].concat(), proof]);
            let flags = Flags::P2SH | Flags::WITNESS;
            verify_script_in(&MAST, Script::new(), &output(&program), &witness, flags, &NoTransaction)
        };
        let good = [&path[..], &branch.concat()].concat();
        assert_eq!(verify(good.clone()), if at == 0 { Ok(()) } else { Err(ScriptError::EvalFalse) });
        // The longer form of a path is another one, and a shorter branch leads elsewhere.
        let longer = [&path[..], &[0], &branch.concat()].concat();
        assert_eq!(verify(longer), Err(ScriptError::WitnessProgramInvalidProof));
        assert_eq!(verify([&[8][..], &branch.concat()].concat()), Err(ScriptError::WitnessProgramInvalidProof));
        let shorter = [&path[..], &branch[..branch.len() - 1].concat()].concat();
        assert!(verify(shorter).is_err());
    }
}

#[test]
fn witnesses_that_are_none() {
    let flags = Flags::P2SH | Flags::WITNESS;
    let verify = |output: &ScriptBuf, items: &[Vec<u8>], flags: Flags| {
        verify_script_in(&MAST, Script::new(), output, &Witness::from_slice(items), flags, &NoTransaction)
    };
    let program = output(&[7; 32]);
    assert_eq!(verify(&program, &[], flags), Err(ScriptError::WitnessProgramWitnessEmpty));
    assert_eq!(verify(&program, &[vec![0]], flags), Err(ScriptError::WitnessProgramWitnessEmpty));
    assert_eq!(verify(&program, &[vec![0, 0x51], vec![]], flags), Err(ScriptError::WitnessProgramMismatch));
    assert_eq!(verify(&program, &[vec![0, 0x51], vec![0; 1029]], flags), Err(ScriptError::WitnessProgramInvalidProof));
    // Another inner version, another size, another outer version: all left to later rules.
    let root = sha256d::Hash::hash(&[1, 0x00]).to_byte_array();
    for (output, items) in [
        (output(&root), vec![vec![1, 0x00], vec![]]),
        (output(&[1; 33]), vec![]),
        (ScriptBuf::from_bytes([&[0x51, 32][..], &[1; 32]].concat()), vec![]),
    ] {
        assert_eq!(verify(&output, &items, flags), Ok(()));
        let refused = Err(ScriptError::DiscourageUpgradableWitnessProgram);
        assert_eq!(verify(&output, &items, flags | Flags::DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM), refused);
    }
}

#[test]
fn programs() {
    let version = |script: &[u8]| program_of(script).map(|program| program.version);
    let push = |first: u8, size: u8| [&[first, size][..], &vec![0xee; usize::from(size)]].concat();
    for (first, expected) in
        [(0, 0), (0x4f, 1), (0x51, 2), (0x60, 17), (0x61, 18), (0x74, 19), (0xab, 20), (0xb0, 21), (0xb9, 30)]
    {
        assert_eq!(version(&push(first, 20)), Some(expected));
    }
    assert_eq!(version(&push(0x6a, 20)), None);
    assert_eq!((version(&push(0, 1)), version(&push(0, 2)), version(&push(0, 75))), (None, Some(0), Some(0)));
    assert_eq!(version(&[0, 3, 1, 2]), None);
    // A number, a push, or both may follow.
    let with = |rest: &[u8]| version(&[&push(0, 20)[..], rest].concat());
    for good in [&[0x51][..], &[0x4f], &[1, 0x10], &[2, 0, 0], &[0x60, 2, 0, 0], &[1, 0x7f, 3, 1, 2, 3]] {
        assert_eq!(with(good), Some(0), "{good:?}");
    }
    for bad in [&[0][..], &[1], &[1, 0x0f], &[1, 0x80], &[0x50], &[2, 0], &[1, 0x10, 1, 1], &[0x51, 0x51]] {
        assert_eq!(with(bad), None, "{bad:?}");
    }
}

#[test]
fn opcodes_without_a_meaning_succeed() {
    for opcode in [0x50u8, 0x62, 0x65, 0x66, 0x7a, 0x7e, 0x89, 0x95, 0xa7, 0xb0, 0xb4, 0xb9, 0xba, 0xbb, 0xff] {
        assert_eq!(run(&[opcode, 0x6a], &[b"x"]), Ok(()), "{opcode:x}");
        assert_eq!(
            run_in(&[opcode, 0x6a], &[b"x"], Flags::DISCOURAGE_OP_SUCCESS),
            Err(ScriptError::DiscourageOpSuccess),
            "{opcode:x}"
        );
        // Where nothing runs it is nothing.
        assert_eq!(run(&[0x00, 0x63, opcode, 0x68, 0x51], &[]), Ok(()), "{opcode:x}");
    }
    assert_eq!(run(&[0x6a], &[]), Err(ScriptError::OpReturn));
    // Pushes and numbers are as short as can be, always.
    assert_eq!(run(&[1, 1], &[]), Err(ScriptError::MinimalData));
    // The limits of old are gone; what is left is the size of the stack.
    assert_eq!(run(&vec![0x61; 20_000], &[&[1; 600]]), Ok(()));
    assert_eq!(run(&vec![0x51; MAX_STACK], &[]), Ok(()));
    assert_eq!(run(&vec![0x51; MAX_STACK + 1], &[]), Err(ScriptError::StackSize));
}

#[test]
fn outside_of_witnesses_the_clean_up_opens_scripts() {
    let run = |script: &[u8], flags| {
        let script = ScriptBuf::from_bytes(script.to_vec());
        verify_script_in(&MAST, Script::new(), &script, &Witness::new(), flags, &NoTransaction)
    };
    for opcode in [0x50u8, 0x62, 0x7e, 0xba] {
        assert!(run(&[opcode], Flags::P2SH).is_err());
        assert_eq!(run(&[opcode], Flags::P2SH | Flags::PROTOCOL_CLEANUP), Ok(()));
    }
    // Locks are nothing, whatever the flags say, and then they succeed.
    let locks = Flags::CHECKLOCKTIMEVERIFY | Flags::CHECKSEQUENCEVERIFY | Flags::DISCOURAGE_UPGRADABLE_NOPS;
    for opcode in [0xb1u8, 0xb2, 0xb3] {
        assert_eq!(run(&[0x00, opcode], locks), Err(ScriptError::EvalFalse));
        assert_eq!(run(&[0x00, opcode], Flags::PROTOCOL_CLEANUP), Ok(()));
    }
    // ROLL and SHA1 are still what they were.
    assert_eq!(run(&[0x51, 0x00, 0x00, 0x7a, 0x75], Flags::PROTOCOL_CLEANUP), Ok(()));
}

#[test]
fn locks_take_their_operand() {
    // Nothing has a lock that this checker knows.
    assert_eq!(run(&[0xb1], &[]), Err(ScriptError::InvalidStackOperation));
    assert_eq!(run(&[0x51, 0x4f, 0xb1], &[]), Err(ScriptError::NegativeLocktime));
    assert_eq!(run(&[0x51, 0x51, 0xb1], &[]), Err(ScriptError::UnsatisfiedLocktime));
    assert_eq!(run(&[0x51, 0x51, 0xb2], &[]), Err(ScriptError::UnsatisfiedLocktime));
    // The bit that leaves the operand to later rules, positive and negative.
    assert_eq!(run(&[0x51, 5, 0, 0, 0, 0x80, 0, 0xb2], &[]), Ok(()));
    assert_eq!(run(&[0x51, 5, 0, 0, 0, 0x80, 0x80, 0xb2], &[]), Ok(()));
    assert_eq!(run(&[5, 0, 0, 0, 0x80, 0, 0xb2], &[]), Err(ScriptError::EvalFalse), "it was taken away");
}

#[test]
fn branches_of_trees_are_verified() {
    let leaf = |bytes: &[u8]| sha256d::Hash::hash(bytes).to_byte_array();
    let root = fast_merkle::pair(&leaf(b"a"), &leaf(b"b"));
    let script = [&[32][..], &root, &[0x51, 0xb3]].concat();
    let mut proof = vec![1, 0, 1];
    proof.extend(leaf(b"b"));
    assert_eq!(run(&script, &[b"a", &proof]), Ok(()));
    assert_eq!(run(&script, &[b"b", &proof]), Err(ScriptError::MerkleBranchVerify));
    assert_eq!(run(&script, &[b"a", &proof[..34]]), Err(ScriptError::InvalidMerkleProof));
    assert_eq!(run(&script, &[&proof]), Err(ScriptError::InvalidStackOperation));
    // With -1 the leaf is a hash already.
    let script = [&[32][..], &root, &[0x4f, 0xb3]].concat();
    assert_eq!(run(&script, &[&leaf(b"a"), &proof]), Ok(()));
    assert_eq!(run(&script, &[b"a", &proof]), Err(ScriptError::InvalidHashLength));
    assert_eq!(run(&[0x51, 0x51, 0x51, 0xb3], &[b"x"]), Err(ScriptError::InvalidHashLength));
    assert_eq!(run(&[0x51, 0x51, 3, 1, 0, 1, 0xb3], &[]), Err(ScriptError::MinimalData));
}

/// A checker for which a signature is good if it is the key with a one behind it.
struct Echo;

impl SignatureChecker for Echo {
    fn check_ecdsa(&self, signature: &[u8], key: &[u8], _: &[u8], _: SigVersion) -> bool {
        signature.strip_suffix(&[1]) == Some(key)
    }

    fn check_schnorr(&self, _: &[u8], _: &[u8; 32], _: &ExecutionData) -> Result<(), ScriptError> {
        Err(ScriptError::SchnorrSig)
    }

    fn check_lock_time(&self, _: i64) -> bool {
        false
    }

    fn check_sequence(&self, _: i64) -> bool {
        false
    }
}

#[test]
fn multisigs_name_the_keys_that_they_leave_out() {
    let keys: [[u8; 33]; 3] = [[2; 33], [3; 33], [4; 33]];
    let mut script = vec![0x52];
    for key in &keys {
        script.push(33);
        script.extend(key);
    }
    script.extend([0x53, 0xae]);
    let root = mast_leaf(&script);
    let full = [&[0], &script[..]].concat();
    let verify = |hint: &[u8], signers: &[usize]| {
        let mut items = vec![hint.to_vec()];
        items.extend(signers.iter().map(|at| [&keys[*at][..], &[1]].concat()));
        items.extend([full.clone(), Vec::new()]);
        let flags = Flags::P2SH | Flags::WITNESS;
        verify_script_in(&MAST, Script::new(), &output(&root), &Witness::from_slice(&items), flags, &Echo)
    };
    // The key nearest to the top, the last one, has the lowest bit.
    assert_eq!(verify(&[0b001], &[0, 1]), Ok(()));
    assert_eq!(verify(&[0b010], &[0, 2]), Ok(()));
    assert_eq!(verify(&[0b100], &[1, 2]), Ok(()));
    assert_eq!(verify(&[0b010], &[0, 1]), Err(ScriptError::FailedSignatureCheck));
    assert_eq!(verify(&[], &[0, 1]), Err(ScriptError::MultisigHint));
    assert_eq!(verify(&[0b011], &[0, 1]), Err(ScriptError::MultisigHint));
    assert_eq!(verify(&[0b1001], &[0, 1]), Err(ScriptError::MultisigHint));
    assert_eq!(verify(&[0x81], &[0, 1]), Err(ScriptError::MultisigHint));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(
        script in prop::collection::vec(any::<u8>(), 0..200),
        stack in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6),
        flags in any::<u32>(),
    ) {
        let items: Vec<&[u8]> = stack.iter().map(Vec::as_slice).collect();
        let flags = Flags::from_bits(u64::from(flags) & !(1 << 8));
        let _ = run_in(&script, &items, flags);
        let bare = ScriptBuf::from_bytes(script);
        let witness = Witness::from_slice(&stack);
        let flags = flags | Flags::P2SH | Flags::WITNESS;
        let _ = verify_script_in(&MAST, &bare, &bare, &witness, flags, &NoTransaction);
    }
}
