//! What a PSBT lacks, and who should get it next.

use bitcoin::Script;
use consensus::{in_range, value_of};
use descriptors::Known;
use script::{TxData, sigops, templates};

use crate::Psbt;
use crate::finalize::{Keyless, Manner, Means, Measuring, Signers, Work, extract_tx};
use crate::spend::{Missing, STANDARD};

/// Transactions with many signature operations count as larger.
const BYTES_PER_SIGOP: u64 = 20;

/// Nothing is asked for, and what can be finished is.
fn means<'a>(known: &'a Known, signers: &'a dyn Signers) -> Means<'a> {
    Means { known, signers, manner: Manner { sighash: None, finalize: true } }
}

/// Who works on a PSBT, in the order of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Makes it.
    Creator,
    /// Adds what is spent, scripts and keys.
    Updater,
    /// Signs.
    Signer,
    /// Puts signatures in place.
    Finalizer,
    /// Takes the transaction out.
    Extractor,
}

impl Role {
    /// The name that RPC prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::Creator => "creator",
            Self::Updater => "updater",
            Self::Signer => "signer",
            Self::Finalizer => "finalizer",
            Self::Extractor => "extractor",
        }
    }
}

/// What is to be said of one input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputStatus {
    /// Whether it is known what it spends.
    pub has_utxo: bool,
    /// Whether it is finished.
    pub is_final: bool,
    /// What is missing.
    pub missing: Missing,
    /// Who is next.
    pub next: Role,
}

/// What is to be said of a PSBT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Analysis {
    /// Of each input.
    pub inputs: Vec<InputStatus>,
    /// How large the transaction will be.
    pub vsize: Option<u64>,
    /// What it pays.
    pub fee: Option<i64>,
    /// Who is next.
    pub next: Role,
}

/// Why a PSBT can never become a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Hopeless {
    /// Its inputs want different kinds of lock times.
    #[error("PSBT cannot be made into a valid transaction")]
    Contradiction,
    /// An input's amount, or the sum so far, is out of range.
    #[error("PSBT is not valid. Input {0} has invalid value")]
    InputValue(usize),
    /// An input spends an output that its transaction does not have.
    #[error("PSBT is not valid. Input {0} specifies invalid prevout")]
    NoSuchOutput(usize),
    /// An input spends what nobody can spend.
    #[error("PSBT is not valid. Input {0} spends unspendable output")]
    Unspendable(usize),
    /// The outputs' amounts are out of range.
    #[error("PSBT is not valid. Output amount invalid")]
    OutputValue,
}

/// Looks a PSBT over. It is worked on, so a copy is asked for.
pub fn analyze(mut psbt: Psbt, max_money: i64) -> Result<Analysis, Hopeless> {
    let work = Work::new(&psbt).ok_or(Hopeless::Contradiction)?;
    let data = work.data();
    let mut paid = Some(0_i64);
    let mut inputs = Vec::with_capacity(psbt.inputs.len());
    for index in 0..psbt.inputs.len() {
        let input = &psbt.inputs[index];
        let utxo = input.utxo();
        if let Some(utxo) = &utxo {
            let value = value_of(utxo);
            let sum = paid.unwrap_or(0).checked_add(value).filter(|sum| in_range(*sum, max_money));
            let sum = sum.filter(|_| in_range(value, max_money)).ok_or(Hopeless::InputValue(index))?;
            paid = paid.map(|_| sum);
            if templates::is_unspendable(&utxo.script_pubkey) {
                return Err(Hopeless::Unspendable(index));
            }
        } else {
            let outputs = input.non_witness_utxo.as_ref().map(|tx| tx.outputs().len());
            let vout = usize::try_from(input.prevout.vout).unwrap_or(usize::MAX);
            if outputs.is_some_and(|count| vout >= count) {
                return Err(Hopeless::NoSuchOutput(index));
            }
            paid = None;
        }
        inputs.push(status(&work, &data, &mut psbt, index, utxo.is_some()));
    }
    let next = inputs.iter().map(|input| input.next).min().unwrap_or(Role::Extractor);
    let mut analysis = Analysis { inputs, vsize: None, fee: None, next };
    if let Some(paid) = paid {
        let made = psbt.outputs.iter().try_fold(0_i64, |sum, output| {
            let sum = sum.checked_add(output.amount)?;
            (in_range(output.amount, max_money) && in_range(sum, max_money)).then_some(sum)
        });
        analysis.fee = Some(paid - made.ok_or(Hopeless::OutputValue)?);
        analysis.vsize = vsize(&work, &data, psbt);
    }
    Ok(analysis)
}

fn status(work: &Work, data: &TxData<'_>, psbt: &mut Psbt, index: usize, has_utxo: bool) -> InputStatus {
    let mut missing = Missing::default();
    if work.is_verified(data, psbt, index) {
        return InputStatus { has_utxo, is_final: has_utxo, missing, next: Role::Extractor };
    }
    let next = if work.fill(data, psbt, index, &means(&Known::default(), &Keyless), &mut missing).is_ok() {
        Role::Finalizer
    } else {
        let Missing { keys, signatures, redeem_script, witness_script } = &missing;
        let only_signatures = keys.is_empty() && redeem_script.is_none() && witness_script.is_none();
        if only_signatures && !signatures.is_empty() { Role::Signer } else { Role::Updater }
    };
    InputStatus { has_utxo, is_final: false, missing, next }
}

/// How large the transaction will be, if every input could be signed.
fn vsize(work: &Work, data: &TxData<'_>, mut psbt: Psbt) -> Option<u64> {
    for index in 0..psbt.inputs.len() {
        work.fill(data, &mut psbt, index, &means(&Known::default(), &Measuring), &mut Missing::default()).ok()?;
    }
    let spent: Option<Vec<_>> = psbt.inputs.iter().map(crate::Input::utxo).collect();
    let spent = spent?;
    let tx = extract_tx(&psbt)?;
    let scripts = spent.iter().map(|out| -> &Script { &out.script_pubkey });
    let cost = u64::try_from(sigops::cost(tx.inner(), scripts, STANDARD)).ok()?;
    Some(tx.weight().max(cost * BYTES_PER_SIGOP).div_ceil(4))
}
