//! Inputs that have all they need become what goes on the wire.

use bitcoin::{ScriptBuf, Transaction, TxOut, Witness};
use primitives::Tx;
use script::{SignatureChecker, TxData, TxSignatureChecker, TxoutType, solve, verify_script};

use super::produce::{AnySignature, Known, Missing, STANDARD, Signer, produce};
use super::{Input, Psbt};

const DEFAULT: i32 = 0;
const ALL: i32 = 1;

/// Why an input cannot be finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Nobody knows what it spends.
    #[error("Missing inputs")]
    MissingUtxo,
    /// A signature has another hash type than was asked for.
    #[error("Specified sighash value does not match value stored in PSBT")]
    SighashMismatch,
    /// Something is missing.
    #[error("Input needs additional signatures or other data")]
    Incomplete,
}

/// What all inputs of a PSBT share while they are worked on.
#[derive(Debug)]
pub struct Work {
    /// The transaction without signatures.
    pub tx: Tx,
    utxos: Vec<Option<TxOut>>,
}

impl Work {
    /// None if the parts of the PSBT contradict each other.
    pub fn new(psbt: &Psbt) -> Option<Self> {
        let tx = psbt.codec.new_tx(psbt.unsigned_tx()?, psbt.lock_height);
        Some(Self { tx, utxos: psbt.inputs.iter().map(Input::utxo).collect() })
    }

    fn data(&self) -> TxData<'_> {
        let known: Option<Vec<&TxOut>> = self.utxos.iter().map(Option::as_ref).collect();
        TxData::of(&self.tx, known.unwrap_or_default())
    }

    /// Whether an input is finished, and right.
    pub fn is_verified(&self, psbt: &Psbt, index: usize) -> bool {
        let (Some(input), Some(Some(utxo))) = (psbt.inputs.get(index), self.utxos.get(index)) else { return false };
        let data = self.data();
        let checker = TxSignatureChecker::new(&data, index, utxo.value);
        let witness = Witness::from_slice(&input.final_witness);
        verify_script(&input.final_script_sig, &utxo.script_pubkey, &witness, STANDARD, &checker).is_ok()
    }

    /// Finishes an input if it has all it needs. What it lacks is added to `missing`.
    pub fn finish(
        &self,
        psbt: &mut Psbt,
        index: usize,
        sighash: Option<i32>,
        signer: Signer,
        missing: &mut Missing,
    ) -> Result<(), Problem> {
        if self.is_verified(psbt, index) {
            return Ok(());
        }
        let Some(utxo) = self.utxos.get(index).cloned().flatten() else { return Err(Problem::MissingUtxo) };
        let input = &mut psbt.inputs[index];
        let mut known = known(input);
        let is_taproot = solve(&utxo.script_pubkey).kind() == TxoutType::WitnessV1Taproot;
        check_sighash(input, sighash, is_taproot)?;
        let data = self.data();
        let real = TxSignatureChecker::new(&data, index, utxo.value);
        let checker: &dyn SignatureChecker = if signer == Signer::Dummy { &AnySignature } else { &real };
        let complete = produce(&utxo.script_pubkey, &mut known, signer, checker);
        // An amount that nobody can check is only good for signatures that say it.
        if input.non_witness_utxo.is_none() && !known.by_witness {
            return Err(Problem::Incomplete);
        }
        *missing = std::mem::take(&mut known.missing);
        if known.by_witness {
            input.witness_utxo = Some(utxo);
        }
        take(input, known);
        if complete { Ok(()) } else { Err(Problem::Incomplete) }
    }
}

/// Signatures must have the hash type that was asked for, or the usual one.
fn check_sighash(input: &mut Input, asked: Option<i32>, is_taproot: bool) -> Result<(), Problem> {
    let wanted = asked.unwrap_or(if is_taproot { DEFAULT } else { ALL });
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

fn known(input: &Input) -> Known {
    let script = |s: &ScriptBuf| Some(s.clone()).filter(|s| !s.is_empty());
    if input.is_final() {
        return Known {
            complete: true,
            script_sig: input.final_script_sig.clone(),
            witness: input.final_witness.clone(),
            ..Known::default()
        };
    }
    Known {
        redeem_script: script(&input.redeem_script),
        witness_script: script(&input.witness_script),
        signatures: input.signatures.clone(),
        keys: input.origins.keys().map(|key| (super::produce::id_of(key), key.clone())).collect(),
        taproot_signature: input.taproot_signature.clone(),
        ..Known::default()
    }
}

/// Writes back what came out.
fn take(input: &mut Input, known: Known) {
    if known.complete {
        input.signatures.clear();
        input.origins.clear();
        (input.redeem_script, input.witness_script) = (ScriptBuf::new(), ScriptBuf::new());
        input.final_script_sig = known.script_sig;
        input.final_witness = known.witness;
        return;
    }
    if let Some(script) = known.redeem_script {
        input.redeem_script = script;
    }
    if let Some(script) = known.witness_script {
        input.witness_script = script;
    }
}

/// Finishes all inputs that can be. Whether all are is the answer.
pub fn finalize(psbt: &mut Psbt) -> bool {
    let Some(work) = Work::new(psbt) else { return false };
    let mut complete = true;
    for index in 0..psbt.inputs.len() {
        let sighash = psbt.inputs[index].sighash;
        let done = work.finish(psbt, index, sighash, Signer::Nobody, &mut Missing::default());
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
