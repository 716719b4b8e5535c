//! Transactions by themselves: the same bytes are read, they have the same id, they are well-formed to both or to neither,
//! and every input is judged alike under any of the consensus flags.

use ::consensus::{ChainParams, Rules, rules_for};
use bitcoin::hashes::Hash as _;
use bitcoin::{Transaction, consensus};
use bitcoinkernel::prelude::*;
use bitcoinkernel::{
    KernelError, PrecomputedTransactionData, ScriptPubkey, ScriptVerifyError, TxCheckResult, TxOut, VERIFY_ALL, verify,
};
use coin::ChainKind;
use oracle::ours::CACHE;
use primitives::{Codec, Reader, Tx, WitnessMode};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use script::{Flags, Keep, TxData, TxSignatureChecker, verify_script};
use spends::{Bend, Change, Subject, changes, generate, search, subjects};

const CASES: u32 = 20_000;

/// The flags that consensus knows, which are the ones that the kernel takes.
const CONSENSUS: Flags = Flags::P2SH
    .with(Flags::DERSIG)
    .with(Flags::NULLDUMMY)
    .with(Flags::CHECKLOCKTIMEVERIFY)
    .with(Flags::CHECKSEQUENCEVERIFY)
    .with(Flags::WITNESS)
    .with(Flags::TAPROOT);

fn rules() -> impl std::ops::Deref<Target = dyn Rules> {
    let bitcoin = coin::by_id("bitcoin").expect("there is a Bitcoin");
    rules_for(ChainParams::new(bitcoin, bitcoin.chain(ChainKind::Main).expect("it has a main chain"))).unwrap()
}

fn flags() -> impl Strategy<Value = Flags> {
    prop_oneof![
        1 => Just(CONSENSUS),
        1 => any::<u32>().prop_map(|bits| {
            let flags = CONSENSUS & Flags::from_bits(bits.into());
            if flags.has(Flags::P2SH) { flags } else { flags.without(Flags::WITNESS) }
        }),
    ]
}

/// Bytes that somebody says are a transaction. The answer is whether they are a well-formed one.
fn judge_bytes(rules: &dyn Rules, bytes: &[u8]) -> Result<bool, TestCaseError> {
    let ours = Codec::BITCOIN.read_tx(&mut Reader::new(bytes), WitnessMode::Include);
    let theirs = bitcoinkernel::Transaction::new(bytes);
    prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "ours reads {:?}", ours);
    let (Ok(ours), Ok(theirs)) = (ours, theirs) else { return Ok(false) };
    prop_assert_eq!(ours.txid().to_byte_array(), theirs.txid().to_bytes());
    prop_assert_eq!(ours.to_bytes(WitnessMode::Include), theirs.consensus_encode().unwrap());
    let verdict = rules.check_transaction(&ours);
    prop_assert_eq!(verdict.is_ok(), theirs.check() == TxCheckResult::Valid, "ours says {:?}", verdict);
    Ok(verdict.is_ok())
}

/// Every input of a transaction whose spent outputs are known. The answer is whether the one in question may be spent.
fn judge_inputs(subject: &Subject, flags: Flags) -> Result<bool, TestCaseError> {
    let Subject { tx, spent, .. } = subject;
    let theirs = bitcoinkernel::Transaction::new(&consensus::serialize(tx)).expect("it was read before");
    let outputs: Vec<TxOut> = spent
        .iter()
        .map(|output| {
            let script = ScriptPubkey::new(output.script_pubkey.as_bytes()).expect("any bytes are a script");
            TxOut::new(&script, output.value.to_sat().cast_signed())
        })
        .collect();
    let shared = PrecomputedTransactionData::new(&theirs, &outputs).expect("as many outputs as inputs");
    let data = TxData::new(tx, spent);
    let mut answer = false;
    for (index, (input, output)) in tx.input.iter().zip(spent).enumerate() {
        let checker = TxSignatureChecker::new(&data, index, output.value);
        let ours = verify_script(&input.script_sig, &output.script_pubkey, &input.witness, flags, &checker);
        let checker = TxSignatureChecker::new(&data, index, output.value).with_cache(&CACHE, Keep::Forget);
        let remembering = verify_script(&input.script_sig, &output.script_pubkey, &input.witness, flags, &checker);
        prop_assert_eq!(ours, remembering, "input {}: what is remembered changes the verdict", index);
        let amount = Some(output.value.to_sat().cast_signed());
        let bits = u32::try_from(flags.bits()).expect("consensus flags are low bits");
        let verdict = verify(&outputs[index].script_pubkey(), amount, &theirs, index, Some(bits), &shared);
        let valid = match verdict {
            Ok(()) => true,
            Err(KernelError::ScriptVerify(ScriptVerifyError::Invalid)) => false,
            Err(error) => return Err(TestCaseError::fail(format!("the kernel could not judge: {error}"))),
        };
        prop_assert_eq!(ours.is_ok(), valid, "input {}: ours says {:?} under {}", index, ours, flags);
        answer |= index == subject.index && valid;
    }
    Ok(answer)
}

/// The forms that a transaction has as bytes, some of them bent.
fn bytes_of(tx: &Transaction, strip: bool, bends: &[Bend]) -> Vec<u8> {
    let mode = if strip { WitnessMode::Strip } else { WitnessMode::Include };
    let mut bytes = Tx::new(tx.clone(), None).to_bytes(mode);
    for bend in bends {
        bend.apply(&mut bytes);
    }
    bytes
}

fn bends() -> impl Strategy<Value = Vec<Bend>> {
    prop_oneof![1 => Just(Vec::new()), 3 => prop::collection::vec(Bend::strategy(), 1..4)]
}

fn bent(mut subject: Subject, changes: &[Change]) -> Subject {
    for change in changes {
        change.apply(&mut subject);
    }
    subject
}

#[test]
fn the_kernel_knows_the_same_flags() {
    assert_eq!(u64::from(VERIFY_ALL), CONSENSUS.bits());
}

#[test]
fn bytes_are_read_alike() {
    let rules = rules();
    let all: Vec<Transaction> = subjects().into_iter().map(|subject| subject.tx).collect();
    search("transactions as bytes", CASES, &(0..all.len(), any::<bool>(), bends()), |(which, strip, bends)| {
        judge_bytes(&*rules, &bytes_of(&all[which], strip, &bends))
    });
}

#[test]
fn bent_vectors_are_judged_alike() {
    let all = subjects();
    search("bent vectors", CASES, &(0..all.len(), changes(), flags()), |(which, changes, flags)| {
        judge_inputs(&bent(all[which].clone(), &changes), flags)
    });
}

#[test]
fn generated_spends_are_judged_alike() {
    search("generated spends", CASES, &(generate::spend(), changes(), flags()), |(spend, changes, flags)| {
        judge_inputs(&bent(spend.build(), &changes), flags)
    });
}
