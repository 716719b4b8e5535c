//! Inputs that have all they need become what goes on the wire.

use bitcoin::{Script, Transaction, TxOut, Witness};
use descriptors::Known;
use primitives::Tx;
use script::sighash::{self, Leaf, TaprootContext};
use script::{Prevout, SigVersion, SignatureChecker, TxData, TxSignatureChecker, TxoutType, solve, verify_script_in};

use crate::produce::produce;
use crate::spend::{Creator, Dummy, Id, Missing, STANDARD, Tweak};
use crate::{Input, Psbt};

const DEFAULT: i32 = 0;
const ALL: i32 = 1;

/// Why an input cannot be finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Nobody knows what it spends.
    #[error("Inputs missing or spent")]
    MissingUtxo,
    /// A signature has another hash type than was asked for.
    #[error("Specified sighash value does not match value stored in PSBT")]
    SighashMismatch,
    /// The parts of the PSBT contradict each other.
    #[error("The transaction cannot be valid")]
    Contradiction,
    /// Something is missing.
    #[error("Input needs additional signatures or other data")]
    Incomplete,
}

/// Who signs inputs.
pub trait Signers {
    /// Who signs one of them, with this hash type.
    fn creator<'d>(&'d self, data: &'d TxData<'d>, input: usize, utxo: &TxOut, hash_type: i32)
    -> Box<dyn Creator + 'd>;
}

/// Nobody does.
#[derive(Debug, Clone, Copy)]
pub struct Keyless;

impl Signers for Keyless {
    fn creator<'d>(
        &'d self,
        data: &'d TxData<'d>,
        input: usize,
        utxo: &TxOut,
        hash_type: i32,
    ) -> Box<dyn Creator + 'd> {
        Box::new(Onlooker { data, input, hash_type, checker: TxSignatureChecker::new(data, input, utxo.value) })
    }
}

/// Somebody without keys, who can add up what others have signed.
struct Onlooker<'d> {
    data: &'d TxData<'d>,
    input: usize,
    hash_type: i32,
    checker: TxSignatureChecker<'d>,
}

impl Creator for Onlooker<'_> {
    fn ecdsa(&self, _: &Id, _: &Script, _: SigVersion) -> Option<Vec<u8>> {
        None
    }

    fn schnorr(&self, _: &[u8; 32], _: Tweak, _: Option<&[u8; 32]>) -> Option<Vec<u8>> {
        None
    }

    fn schnorr_hash(&self, leaf: Option<&[u8; 32]>) -> Option<([u8; 32], Option<u8>)> {
        schnorr_hash(self.data, self.input, self.hash_type, leaf)
    }

    fn checker(&self) -> &dyn SignatureChecker {
        &self.checker
    }
}

/// What a Schnorr signature with this hash type signs, and the hash type if it stands behind the signature.
pub fn schnorr_hash(
    data: &TxData<'_>,
    input: usize,
    hash_type: i32,
    leaf: Option<&[u8; 32]>,
) -> Option<([u8; 32], Option<u8>)> {
    let hash_type = u8::try_from(hash_type).ok()?;
    let leaf = leaf.map(|hash| Leaf { hash: *hash, code_separator: u32::MAX });
    let hash = sighash::taproot(data, input, hash_type, &TaprootContext { annex_hash: None, leaf })?;
    Some((hash, (hash_type != sighash::DEFAULT).then_some(hash_type)))
}

/// Nobody does, but places are filled to measure the transaction.
#[derive(Debug, Clone, Copy)]
pub struct Measuring;

impl Signers for Measuring {
    fn creator<'d>(&'d self, _: &'d TxData<'d>, _: usize, _: &TxOut, _: i32) -> Box<dyn Creator + 'd> {
        Box::new(Dummy)
    }
}

/// How inputs are worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manner {
    /// The hash type of signatures; none for the usual one.
    pub sighash: Option<i32>,
    /// Whether an input that has all it needs is finished.
    pub finalize: bool,
}

/// What somebody brings to the work.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// Keys and scripts behind hashes, and where keys come from.
    pub known: &'a Known,
    /// Who signs.
    pub signers: &'a dyn Signers,
    /// How.
    pub manner: Manner,
}

impl std::fmt::Debug for Means<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Means").field("known", self.known).field("manner", &self.manner).finish_non_exhaustive()
    }
}

/// What all inputs of a PSBT share while they are worked on.
#[derive(Debug)]
pub struct Work {
    /// The transaction without signatures.
    pub tx: Tx,
    utxos: Vec<Option<TxOut>>,
    heights: Vec<Option<u32>>,
}

impl Work {
    /// None if the parts of the PSBT contradict each other.
    pub fn new(psbt: &Psbt) -> Option<Self> {
        let tx = psbt.codec.new_tx(psbt.unsigned_tx()?, psbt.lock_height);
        let utxos = psbt.inputs.iter().map(Input::utxo).collect();
        Some(Self { tx, utxos, heights: psbt.inputs.iter().map(Input::reference_height).collect() })
    }

    /// What the signatures of all inputs share. Make it once.
    pub fn data(&self) -> TxData<'_> {
        let spent = self.utxos.iter().zip(&self.heights).map(|(utxo, reference_height)| {
            let known = Prevout::from(utxo.as_ref()?);
            Some(Prevout { reference_height: *reference_height, ..known })
        });
        let spent: Option<Vec<Prevout<'_>>> = spent.collect();
        TxData::of(&self.tx, spent.unwrap_or_default())
    }

    /// Whether an input is finished, and right.
    pub fn is_verified(&self, data: &TxData<'_>, psbt: &Psbt, index: usize) -> bool {
        let (Some(input), Some(Some(utxo))) = (psbt.inputs.get(index), self.utxos.get(index)) else { return false };
        let checker = TxSignatureChecker::new(data, index, utxo.value);
        let witness = Witness::from_slice(&input.final_witness);
        verify_script_in(&data.dialect(), &input.final_script_sig, &utxo.script_pubkey, &witness, STANDARD, &checker)
            .is_ok()
    }

    /// Adds what is known to an input and the signatures that are made for it, and finishes it if it has all it needs. What it lacks is added to `missing`. The error [`Problem::Incomplete`] leaves in the input what was added.
    pub fn fill(
        &self,
        data: &TxData<'_>,
        psbt: &mut Psbt,
        index: usize,
        means: &Means<'_>,
        missing: &mut Missing,
    ) -> Result<(), Problem> {
        if self.is_verified(data, psbt, index) {
            return Ok(());
        }
        let Some(utxo) = self.utxos.get(index).cloned().flatten() else { return Err(Problem::MissingUtxo) };
        let input = &mut psbt.inputs[index];
        let mut spend = input.to_spend();
        let is_taproot = solve(&utxo.script_pubkey).kind() == TxoutType::WitnessV1Taproot;
        let hash_type = means.manner.sighash.unwrap_or(if is_taproot { DEFAULT } else { ALL });
        check_sighash(input, hash_type, is_taproot)?;
        let creator = means.signers.creator(data, index, &utxo, hash_type);
        let complete = produce(&utxo.script_pubkey, means.known, &*creator, &mut spend);
        // An amount that nobody can check is only good for signatures that say it.
        if input.non_witness_utxo.is_none() && !spend.by_witness {
            return Err(Problem::Incomplete);
        }
        *missing = std::mem::take(&mut spend.missing);
        if spend.by_witness {
            input.witness_utxo = Some(utxo);
        }
        spend.complete &= means.manner.finalize;
        input.take_spend(spend);
        if complete { Ok(()) } else { Err(Problem::Incomplete) }
    }
}

/// Signatures must have the hash type that was asked for, or the usual one.
fn check_sighash(input: &mut Input, wanted: i32, is_taproot: bool) -> Result<(), Problem> {
    if input.sighash.is_some_and(|stated| stated != wanted) {
        return Err(Problem::SighashMismatch);
    }
    if wanted != DEFAULT && (is_taproot || wanted != ALL) {
        input.sighash = Some(wanted);
    }
    let mut schnorr = input.taproot_signature.iter().chain(input.taproot_script_signatures.values());
    let has_type = |signature: &Vec<u8>| signature.last().is_some_and(|last| i32::from(*last) == wanted);
    let fits = if wanted == DEFAULT {
        schnorr.all(|signature| signature.len() == 64)
    } else {
        schnorr.all(|signature| signature.len() == 65 && has_type(signature))
            && input.signatures.values().all(|s| has_type(&s.signature))
    };
    if fits { Ok(()) } else { Err(Problem::SighashMismatch) }
}

/// Finishes all inputs that can be. Whether all are is the answer.
pub fn finalize(psbt: &mut Psbt) -> bool {
    let Some(work) = Work::new(psbt) else { return false };
    let (data, known) = (work.data(), Known::default());
    let mut complete = true;
    for index in 0..psbt.inputs.len() {
        let manner = Manner { sighash: psbt.inputs[index].sighash, finalize: true };
        let done =
            work.fill(&data, psbt, index, &Means { known: &known, signers: &Keyless, manner }, &mut Missing::default());
        complete &= done.is_ok();
    }
    complete
}

/// The transaction with what the inputs show; none if the parts of the PSBT contradict each other.
pub fn extract_tx(psbt: &Psbt) -> Option<Tx> {
    let mut tx: Transaction = psbt.unsigned_tx()?;
    for (spender, input) in tx.input.iter_mut().zip(&psbt.inputs) {
        spender.script_sig = input.final_script_sig.clone();
        spender.witness = Witness::from_slice(&input.final_witness);
    }
    Some(psbt.codec.new_tx(tx, psbt.lock_height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unusual_hash_type_is_stated() {
        const NONE: i32 = 2;
        for (wanted, is_taproot, stated) in [
            (DEFAULT, true, None),
            (ALL, false, None),
            (ALL, true, Some(ALL)),
            (NONE, false, Some(NONE)),
            (NONE, true, Some(NONE)),
        ] {
            let mut input = Input::default();
            check_sighash(&mut input, wanted, is_taproot).unwrap();
            assert_eq!(input.sighash, stated, "{wanted} {is_taproot}");
        }
        let mut input = Input { sighash: Some(NONE), ..Input::default() };
        assert_eq!(check_sighash(&mut input, ALL, false), Err(Problem::SighashMismatch));
    }
}
