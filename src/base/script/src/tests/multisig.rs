//! A guess at who has signed changes what is looked at, and nothing else.

use std::cell::Cell;

use bitcoin::Script;
use proptest::prelude::*;
use proptest::sample::select;

use crate::checker::SignatureChecker;
use crate::signers::Signers;
use crate::{ExecutionData, Flags, ScriptError, SigVersion, eval_script};

/// A checker for which a signature is good if its R is the number in the key.
#[derive(Default)]
struct Guessing {
    guess: Option<Signers>,
    checked: Cell<usize>,
    signed: Cell<Option<(usize, usize, Signers)>>,
}

impl SignatureChecker for Guessing {
    fn check_ecdsa(&self, signature: &[u8], key: &[u8], _: &[u8], _: SigVersion) -> bool {
        self.checked.set(self.checked.get() + 1);
        signature.len() == 9 && signature.get(4) == key.get(1)
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

    fn usual_signers(&self, _: usize, _: usize) -> Option<Signers> {
        self.guess
    }

    fn have_signed(&self, signatures: usize, keys: usize, signers: Signers) {
        self.signed.set(Some((signatures, keys, signers)));
    }
}

/// A signature of this number: DER, with a hash type. Zero is none, and 255 is badly encoded.
fn signature(n: u8) -> Vec<u8> {
    match n {
        0 => Vec::new(),
        255 => vec![0x30, 6, 2, 1, 255, 2, 1, 1, 1],
        n => vec![0x30, 6, 2, 1, n, 2, 1, 1, 1],
    }
}

/// A key of this number. 255 is badly encoded.
fn key(n: u8) -> Vec<u8> {
    if n == 255 { vec![5, n] } else { [&[2, n][..], &[0; 31]].concat() }
}

/// What a multisig comes to, and how many signatures were looked at.
fn run(
    signatures: &[u8],
    keys: &[u8],
    flags: Flags,
    checker: &Guessing,
) -> (Result<Vec<Vec<u8>>, ScriptError>, Option<usize>) {
    let number = |n: usize| if n == 0 { Vec::new() } else { vec![u8::try_from(n).unwrap()] };
    let mut stack = vec![Vec::new()];
    stack.extend(signatures.iter().map(|n| signature(*n)));
    stack.push(number(signatures.len()));
    stack.extend(keys.iter().map(|n| key(*n)));
    stack.push(number(keys.len()));
    let (script, mut exec) = (Script::from_bytes(&[0xae]), ExecutionData::default());
    let result = eval_script(&mut stack, script, flags, checker, SigVersion::WitnessV0, &mut exec);
    (result.map(|()| stack), Some(checker.checked.get()))
}

#[test]
fn a_right_guess_spares_the_others() {
    let plain = Guessing::default();
    assert_eq!(run(&[1, 3], &[1, 2, 3], Flags::NULLFAIL, &plain), (Ok(vec![vec![1]]), Some(3)));
    assert_eq!(plain.signed.get(), Some((2, 3, 0b101)));
    let right = Guessing { guess: Some(0b101), ..Guessing::default() };
    assert_eq!(run(&[1, 3], &[1, 2, 3], Flags::NULLFAIL, &right), (Ok(vec![vec![1]]), Some(2)));
    assert_eq!(right.signed.get(), Some((2, 3, 0b101)));
    // What was found on the way to a wrong guess is not looked for again.
    let wrong = Guessing { guess: Some(0b011), ..Guessing::default() };
    assert_eq!(run(&[1, 3], &[1, 2, 3], Flags::NULLFAIL, &wrong), (Ok(vec![vec![1]]), Some(3)));
    assert_eq!(wrong.signed.get(), Some((2, 3, 0b101)));
    let wrong = Guessing { guess: Some(0b101), ..Guessing::default() };
    assert_eq!(run(&[2, 3], &[1, 2, 3], Flags::NULLFAIL, &wrong), (Ok(vec![vec![1]]), Some(3)));
    assert_eq!(run(&[2, 1], &[1, 2, 3], Flags::NULLFAIL, &plain).0, Err(ScriptError::SigNullFail));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn no_guess_changes_what_a_multisig_comes_to(
        keys in prop::collection::vec(prop_oneof![20 => 1u8..5, 1 => Just(255)], 1..7),
        signatures in prop::collection::vec(prop_oneof![20 => 1u8..5, 1 => Just(0), 1 => Just(255)], 0..5),
        sorted in any::<bool>(),
        guess in any::<u8>(),
        flags in select(vec![
            Flags::NONE,
            Flags::DERSIG,
            Flags::NULLFAIL,
            Flags::STRICTENC,
            Flags::STRICTENC | Flags::NULLFAIL,
            Flags::WITNESS_PUBKEYTYPE | Flags::DERSIG,
        ]),
    ) {
        let (mut keys, mut signatures) = (keys, signatures);
        if sorted {
            keys.sort_unstable();
            signatures.sort_unstable();
        }
        let plain = Guessing::default();
        let guessing = Guessing { guess: Some(u32::from(guess)), ..Guessing::default() };
        let (expected, found) = (run(&signatures, &keys, flags, &plain), run(&signatures, &keys, flags, &guessing));
        prop_assert_eq!(&expected.0, &found.0);
        prop_assert_eq!(plain.signed.get().is_some(), guessing.signed.get().is_some());
        // At worst each guess but the last was right and served nothing.
        prop_assert!(found.1.unwrap() <= expected.1.unwrap() + signatures.len());
    }
}
