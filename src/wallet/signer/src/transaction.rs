//! Signing transactions that are not PSBTs.

use std::collections::BTreeMap;

use bitcoin::{OutPoint, Script, Transaction, TxOut, Witness};
use primitives::{Codec, Tx};
use psbt::extract::extract;
use psbt::produce::produce;
use psbt::spend::STANDARD;
use script::{Prevout, ScriptError, TxData, TxSignatureChecker, verify_script_in};

use crate::sign::{InputSigner, Provider};

/// What an input spends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coin {
    /// The output.
    pub out: TxOut,
    /// The height that the value was written for, on a chain whose values change with height.
    pub reference_height: Option<u32>,
}

impl From<TxOut> for Coin {
    fn from(out: TxOut) -> Self {
        Self { out, reference_height: None }
    }
}

impl<'a> From<&'a Coin> for Prevout<'a> {
    fn from(coin: &'a Coin) -> Self {
        Self {
            amount: coin.out.value,
            script_pubkey: Script::from_bytes(coin.out.script_pubkey.as_bytes()),
            reference_height: coin.reference_height,
        }
    }
}

/// Why an input is not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Nobody knows what it spends.
    #[error("Input not found or already spent")]
    NotFound,
    /// A witness was made for an amount that nobody has said.
    #[error("Missing amount")]
    MissingAmount,
    /// A part of the script is missing, likely because a key is.
    #[error("Unable to sign input, invalid stack size (possibly missing key)")]
    StackSize,
    /// Some signatures of a multisig are missing.
    #[error("CHECK(MULTI)SIG failing with non-zero signature (possibly need more signatures)")]
    MoreSignatures,
    /// The script fails otherwise.
    #[error("{0}")]
    Script(ScriptError),
}

/// A transaction with signatures.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The transaction.
    pub tx: Tx,
    /// What is wrong with inputs, by their position. None of them: it is complete.
    pub errors: BTreeMap<usize, InputError>,
}

impl Signed {
    /// Whether every input is signed.
    pub fn is_complete(&self) -> bool {
        self.errors.is_empty()
    }
}

/// Signs all inputs that `provider` has keys for, with this hash type. Signatures that are there already are kept. An
/// amount of `max_money` says that the amount is not known.
pub fn sign_transaction(
    codec: Codec,
    tx: &Tx,
    coins: &BTreeMap<OutPoint, Coin>,
    provider: &Provider,
    hash_type: i32,
    max_money: u64,
) -> Signed {
    let spent: Option<Vec<&Coin>> = tx.inputs().iter().map(|input| coins.get(&input.previous_output)).collect();
    let data = TxData::of(tx, spent.unwrap_or_default());
    let mut signed: Transaction = tx.inner().clone();
    let mut errors = BTreeMap::new();
    let outputs = signed.output.len();
    // Signing the output at an input's position needs one there.
    let is_single = hash_type & !0x80 == 3;
    for (index, input) in signed.input.iter_mut().enumerate() {
        let Some(coin) = coins.get(&input.previous_output) else {
            errors.insert(index, InputError::NotFound);
            continue;
        };
        let output = &coin.out;
        let mut spend = extract(&data, index, input, output);
        if !is_single || index < outputs {
            let signer = InputSigner::new(provider, &data, index, output.value, hash_type);
            produce(&output.script_pubkey, &provider.known, &signer, &mut spend);
        }
        input.script_sig = spend.script_sig;
        input.witness = Witness::from_slice(&spend.witness);
        if output.value.to_sat() == max_money && !input.witness.is_empty() {
            errors.insert(index, InputError::MissingAmount);
            continue;
        }
        if spend.complete {
            continue;
        }
        let checker = TxSignatureChecker::new(&data, index, output.value);
        let run = verify_script_in(
            &data.dialect(),
            &input.script_sig,
            &output.script_pubkey,
            &input.witness,
            STANDARD,
            &checker,
        );
        if let Err(error) = run {
            let error = match error {
                ScriptError::InvalidStackOperation => InputError::StackSize,
                ScriptError::SigNullFail => InputError::MoreSignatures,
                other => InputError::Script(other),
            };
            errors.insert(index, error);
        }
    }
    Signed { tx: codec.new_tx(signed, tx.lock_height().unwrap_or(0)), errors }
}
