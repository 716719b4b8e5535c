//! The same verdict as `libbitcoinconsensus`, on inputs that are made up and on vectors that are bent.
//!
//! `BULKHEAD_DIFF_CASES` sets the number of cases of each of the two tests, `BULKHEAD_DIFF_SEED` where they start.

mod generate;

use bitcoin::{Amount, ScriptBuf, Transaction, TxOut, Witness, consensus};
use bitcoinconsensus::Utxo;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use script::{Flags, TxData};

use crate::common::{spend, trim, verify_input};
use crate::{script_tests, tx_tests};

/// The flags that the other engine knows.
const SHARED: Flags = Flags::P2SH
    .with(Flags::DERSIG)
    .with(Flags::NULLDUMMY)
    .with(Flags::CHECKLOCKTIMEVERIFY)
    .with(Flags::CHECKSEQUENCEVERIFY)
    .with(Flags::WITNESS)
    .with(Flags::TAPROOT);

/// One input to be judged.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) tx: Transaction,
    pub(crate) index: usize,
    pub(crate) spent: Vec<TxOut>,
}

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

fn number(variable: &str, default: u64) -> u64 {
    #[expect(clippy::disallowed_methods, reason = "how long to search is for who runs the test to say")]
    let value = std::env::var(variable);
    value.map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{variable}={value} is not a number")))
}

/// Runs a property on as many cases as asked for and reports what came out.
#[expect(clippy::print_stdout, reason = "seed and count are what a reader of the test's output looks for")]
fn search<S: Strategy>(name: &str, strategy: &S, mut judged: impl FnMut(S::Value) -> Result<bool, TestCaseError>) {
    let cases = u32::try_from(number("BULKHEAD_DIFF_CASES", 10_000)).unwrap();
    let seed = number("BULKHEAD_DIFF_SEED", 0x0042_756c_6b68_6561);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..][..name.len().min(24)].copy_from_slice(&name.as_bytes()[..name.len().min(24)]);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 4096, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let valid = std::cell::Cell::new(0_u32);
    let judged = std::cell::RefCell::new(&mut judged);
    let outcome = runner.run(strategy, |value| {
        if (judged.borrow_mut())(value)? {
            valid.set(valid.get() + 1);
        }
        Ok(())
    });
    println!("{name}: {cases} cases from seed {seed}, {} of them valid", valid.get());
    if let Err(error) = outcome {
        panic!("{name}, seed {seed}: {error}");
    }
    // A search among nothing but failures would find nothing.
    assert!(valid.get() * 20 > cases, "{name}: too few valid cases to be worth anything");
}

/// A set of the shared flags; often all of them.
fn flags() -> impl Strategy<Value = Flags> {
    prop_oneof![
        2 => Just(SHARED),
        1 => any::<u32>().prop_map(|bits| trim(SHARED & Flags::from_bits(u64::from(bits)))),
    ]
}

/// One change to a string of bytes. The place is scaled to the length.
#[derive(Clone, Debug)]
enum Bend {
    Set(u16, u8),
    Flip(u16, u8),
    Insert(u16, u8),
    Remove(u16),
    Cut(u16),
    Repeat(u16, u16),
}

impl Bend {
    fn strategy() -> impl Strategy<Value = Self> {
        let place = any::<u16>;
        prop_oneof![
            (place(), any::<u8>()).prop_map(|(place, byte)| Self::Set(place, byte)),
            (place(), 0..8_u8).prop_map(|(place, bit)| Self::Flip(place, bit)),
            (place(), generate::opcode()).prop_map(|(place, byte)| Self::Insert(place, byte)),
            place().prop_map(Self::Remove),
            place().prop_map(Self::Cut),
            (place(), place()).prop_map(|(from, to)| Self::Repeat(from, to)),
        ]
    }

    fn apply(&self, bytes: &mut Vec<u8>) {
        let len = bytes.len();
        let at = |place: u16, len: usize| usize::from(place) * len / 65_536;
        match *self {
            Self::Insert(place, byte) => bytes.insert(at(place, len + 1), byte),
            _ if len == 0 => {}
            Self::Set(place, byte) => bytes[at(place, len)] = byte,
            Self::Flip(place, bit) => bytes[at(place, len)] ^= 1 << bit,
            Self::Remove(place) => drop(bytes.remove(at(place, len))),
            Self::Cut(place) => bytes.truncate(at(place, len)),
            Self::Repeat(from, to) => {
                let (from, to) = (at(from.min(to), len), at(from.max(to), len));
                let part = bytes[from..to].to_vec();
                bytes.extend_from_slice(&part);
            }
        }
    }
}

/// What to bend: the input's script, the output's script, or an element of the witness; or fields of the transaction.
#[derive(Clone, Debug)]
enum Change {
    ScriptSig(Bend),
    ScriptPubkey(Bend),
    Element(u8, Bend),
    DropElement(u8),
    AddElement(u8, Vec<u8>),
    LockTime(u32),
    Sequence(u32),
    Version(i32),
    Amount(u32),
}

impl Change {
    fn strategy() -> impl Strategy<Value = Self> {
        prop_oneof![
            4 => Bend::strategy().prop_map(Self::ScriptSig),
            4 => Bend::strategy().prop_map(Self::ScriptPubkey),
            4 => (any::<u8>(), Bend::strategy()).prop_map(|(which, bend)| Self::Element(which, bend)),
            1 => any::<u8>().prop_map(Self::DropElement),
            1 => (any::<u8>(), prop::collection::vec(any::<u8>(), 0..4))
                .prop_map(|(which, bytes)| Self::AddElement(which, bytes)),
            1 => generate::lock_time().prop_map(Self::LockTime),
            1 => generate::sequence().prop_map(Self::Sequence),
            1 => (-1..4).prop_map(Self::Version),
            1 => any::<u32>().prop_map(Self::Amount),
        ]
    }

    fn apply(&self, subject: &mut Subject) {
        let input = &mut subject.tx.input[subject.index];
        let mut elements = input.witness.to_vec();
        match self {
            Self::ScriptSig(bend) => bend_script(&mut input.script_sig, bend),
            Self::ScriptPubkey(bend) => bend_script(&mut subject.spent[subject.index].script_pubkey, bend),
            Self::Element(which, bend) if !elements.is_empty() => {
                let which = usize::from(*which) % elements.len();
                bend.apply(&mut elements[which]);
            }
            Self::DropElement(which) if !elements.is_empty() => {
                let which = usize::from(*which) % elements.len();
                elements.remove(which);
            }
            Self::AddElement(which, bytes) => {
                let which = usize::from(*which) % (elements.len() + 1);
                elements.insert(which, bytes.clone());
            }
            Self::LockTime(time) => subject.tx.lock_time = bitcoin::absolute::LockTime::from_consensus(*time),
            Self::Sequence(sequence) => input.sequence = bitcoin::Sequence(*sequence),
            Self::Version(version) => subject.tx.version = bitcoin::transaction::Version(*version),
            Self::Amount(sats) => subject.spent[subject.index].value = Amount::from_sat(u64::from(*sats)),
            Self::Element(..) | Self::DropElement(_) => {}
        }
        subject.tx.input[subject.index].witness = Witness::from_slice(&elements);
    }
}

fn bend_script(script: &mut ScriptBuf, bend: &Bend) {
    let mut bytes = std::mem::take(script).into_bytes();
    bend.apply(&mut bytes);
    *script = ScriptBuf::from_bytes(bytes);
}

/// Mostly none, else a few.
fn changes() -> impl Strategy<Value = Vec<Change>> {
    prop_oneof![
        2 => Just(Vec::new()),
        2 => prop::collection::vec(Change::strategy(), 1..2),
        1 => prop::collection::vec(Change::strategy(), 1..5),
    ]
}

/// Every input of every vector.
fn subjects() -> Vec<Subject> {
    let mut subjects: Vec<Subject> = script_tests::pairs()
        .into_iter()
        .map(|(script_sig, witness, spent)| Subject {
            tx: spend(script_sig, witness, &spent),
            index: 0,
            spent: vec![spent],
        })
        .collect();
    // The transactions are fewer but richer, so each of their inputs comes four times.
    for _ in 0..4 {
        for case in tx_tests::read_all("tx_valid.json").into_iter().chain(tx_tests::read_all("tx_invalid.json")) {
            if let Some(spent) = case.prevouts() {
                let inputs = 0..case.tx.input.len();
                subjects.extend(inputs.map(|index| Subject { tx: case.tx.clone(), index, spent: spent.clone() }));
            }
        }
    }
    // What the other engine cannot be told: values that are no amounts.
    subjects.retain(|subject| subject.spent.iter().all(|output| i64::try_from(output.value.to_sat()).is_ok()));
    subjects
}

#[test]
fn bent_vectors_are_judged_alike() {
    let subjects = subjects();
    assert!(subjects.len() > 1500, "only {} subjects", subjects.len());
    let strategy = (0..subjects.len(), changes(), flags());
    search("bent vectors", &strategy, |(which, changes, flags)| {
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
    search("generated spends", &strategy, |(spend, changes, flags)| {
        let mut subject = spend.build();
        for change in &changes {
            change.apply(&mut subject);
        }
        judge(&subject, flags)
    });
}
