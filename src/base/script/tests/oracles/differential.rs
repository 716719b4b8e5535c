//! The same verdict as `libbitcoinconsensus`, on inputs that are made up and on vectors that are bent.
//!
//! `cargo xtask fuzz --diff` runs more of it.

use bitcoin::consensus;
use bitcoinconsensus::Utxo;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use script::{Flags, TxData};
use spends::{Subject, changes, generate, search, subjects};

use crate::common::{trim, verify_input};

/// The flags that the other engine knows.
const SHARED: Flags = Flags::P2SH
    .with(Flags::DERSIG)
    .with(Flags::NULLDUMMY)
    .with(Flags::CHECKLOCKTIMEVERIFY)
    .with(Flags::CHECKSEQUENCEVERIFY)
    .with(Flags::WITNESS)
    .with(Flags::TAPROOT);

fn other_verdict(subject: &Subject, flags: Flags) -> Result<bool, bitcoinconsensus::Error> {
    let utxos: Vec<Utxo> = subject
        .spent
        .iter()
        .map(|output| Utxo {
            script_pubkey: output.script_pubkey.as_bytes().as_ptr(),
            script_pubkey_len: u32::try_from(output.script_pubkey.len()).unwrap(),
            value: i64::try_from(output.value.to_sat()).unwrap(),
        })
        .collect();
    let spent = &subject.spent[subject.index];
    let verdict = bitcoinconsensus::verify_with_flags(
        spent.script_pubkey.as_bytes(),
        spent.value.to_sat(),
        &consensus::serialize(&subject.tx),
        Some(&utxos),
        subject.index,
        u32::try_from(flags.bits()).unwrap(),
    );
    match verdict {
        Ok(()) => Ok(true),
        // This is "no error in calling": the script is invalid.
        Err(bitcoinconsensus::Error::ERR_SCRIPT) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Judges with both engines. The answer is the common verdict.
fn judge(subject: &Subject, flags: Flags) -> Result<bool, TestCaseError> {
    let data = TxData::new(&subject.tx, &subject.spent);
    let ours = verify_input(&data, subject.index, flags);
    let other = other_verdict(subject, flags)
        .map_err(|error| TestCaseError::fail(format!("the other engine could not judge: {error}")))?;
    prop_assert_eq!(ours.is_ok(), other, "ours says {:?} under {}", ours, flags);
    Ok(other)
}

/// A set of the shared flags; often all of them.
fn flags() -> impl Strategy<Value = Flags> {
    prop_oneof![
        2 => Just(SHARED),
        1 => any::<u32>().prop_map(|bits| trim(SHARED & Flags::from_bits(u64::from(bits)))),
    ]
}

#[test]
fn bent_vectors_are_judged_alike() {
    let subjects = subjects();
    assert!(subjects.len() > 1500, "only {} subjects", subjects.len());
    let strategy = (0..subjects.len(), changes(), flags());
    search("bent vectors", 10_000, &strategy, |(which, changes, flags)| {
        let mut subject = subjects[which].clone();
        for change in &changes {
            change.apply(&mut subject);
        }
        judge(&subject, flags)
    });
}

#[test]
fn generated_spends_are_judged_alike() {
    let strategy = (generate::spend(), changes(), flags());
    search("generated spends", 10_000, &strategy, |(spend, changes, flags)| {
        let mut subject = spend.build();
        for change in &changes {
            change.apply(&mut subject);
        }
        judge(&subject, flags)
    });
}
