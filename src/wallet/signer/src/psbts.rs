//! Signing PSBTs.

use psbt::Psbt;
use psbt::finalize::{Keyless, Manner, Means, Problem, Signers};
use psbt::process::Outcome;

use crate::sign::{Provider, SignsWithKeys};

/// What is done with a PSBT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PsbtManner {
    /// Whether inputs are signed, or only the scripts and keys are added.
    pub sign: bool,
    /// The hash type of signatures; none for the usual one.
    pub sighash: Option<i32>,
    /// Whether inputs that have all they need are finished.
    pub finalize: bool,
    /// Whether it is told where keys come from.
    pub bip32_derivs: bool,
}

/// Adds what a wallet knows to a PSBT and signs the inputs that it has keys for, as `walletprocesspsbt` does. Inputs
/// that lack something are left as far as they came; any other problem ends the work.
pub fn fill_psbt(psbt: &mut Psbt, provider: &Provider, manner: PsbtManner) -> Result<Outcome, Problem> {
    work(psbt, provider, manner, &|problem| problem != Problem::Incomplete)
}

/// The same for somebody who brings descriptors, as `descriptorprocesspsbt` does: only a hash type that does not fit
/// ends the work. Whether all inputs are finished, and right, is the answer.
pub fn process_psbt(psbt: &mut Psbt, provider: &Provider, manner: PsbtManner) -> Result<bool, Problem> {
    let outcome = work(psbt, provider, manner, &|problem| problem == Problem::SighashMismatch)?;
    Ok(outcome.complete)
}

fn work(
    psbt: &mut Psbt,
    provider: &Provider,
    manner: PsbtManner,
    is_fatal: &dyn Fn(Problem) -> bool,
) -> Result<Outcome, Problem> {
    let keys = SignsWithKeys(provider);
    let signers: &dyn Signers = if manner.sign { &keys } else { &Keyless };
    let each = Manner { sighash: manner.sighash, finalize: manner.finalize };
    if manner.bip32_derivs {
        return psbt.process(&Means { known: &provider.known, signers, manner: each }, is_fatal);
    }
    let mut known = provider.known.clone();
    known.origins.clear();
    psbt.process(&Means { known: &known, signers, manner: each }, is_fatal)
}
