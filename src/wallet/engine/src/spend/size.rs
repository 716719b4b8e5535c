//! Sizes of transactions that are not signed yet, and what is too small to send.

use bitcoin::{Script, Transaction, TxOut};
use descriptors::{AddressType, Descriptor};
use primitives::compact_len;
use script::TxoutType;
use script::templates::{is_unspendable, witness_program};

use crate::select::{FeeRate, Kind, WITNESS_SCALE};

/// The input that spends a P2WPKH output inside P2SH, for change that the wallet cannot spend itself.
pub(super) const NESTED_INPUT_VSIZE: i64 = 91;

/// What it takes to satisfy a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Satisfaction {
    /// The weight of script signature and witness, without their counts.
    pub weight: i64,
    /// How many elements the witness has; of the stack that a script signature makes, if there is no witness.
    pub elements: usize,
    /// Whether there is a witness.
    pub segwit: bool,
}

impl Satisfaction {
    /// What a descriptor says, if it says how to spend.
    pub fn of(descriptor: &Descriptor, high_r: bool) -> Option<Self> {
        let most = descriptor.satisfaction(high_r)?;
        let segwit = descriptor.address_type().is_some_and(|kind| kind != AddressType::Legacy);
        Some(Self { weight: signed(most.weight), elements: most.elements, segwit })
    }

    /// What the input weighs when it is signed. If any input has a witness, every input has a count of elements.
    pub fn input_weight(&self, tx_is_segwit: bool) -> i64 {
        let script_sig_len = if self.segwit {
            1
        } else {
            signed(compact_len(usize::try_from(self.weight / WITNESS_SCALE).unwrap_or(0)))
        };
        let witness_len = if self.segwit { signed(compact_len(self.elements)) } else { i64::from(tx_is_segwit) };
        (32 + 4 + 4 + script_sig_len) * WITNESS_SCALE + witness_len + self.weight
    }

    /// The size of the input that spends it, among others that may have witnesses.
    pub fn input_vsize(&self) -> u32 {
        u32::try_from(vsize(self.input_weight(true))).unwrap_or(u32::MAX)
    }
}

/// The size of a signed transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TxSize {
    /// In virtual bytes.
    pub vsize: i64,
    /// In weight units.
    pub weight: i64,
}

/// How an input will be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputSize {
    /// As its script demands.
    Script(Satisfaction),
    /// As somebody said.
    Weight {
        /// All of the input.
        weight: i64,
        /// Whether its script asks for a witness, if that is known.
        segwit: bool,
    },
}

/// The size of a transaction once its inputs are signed. `tail` is what the coin writes behind the lock time.
pub fn signed_size(tx: &Transaction, inputs: &[InputSize], tail: i64) -> TxSize {
    let is_segwit = inputs.iter().any(|input| match input {
        InputSize::Script(satisfaction) => satisfaction.segwit,
        InputSize::Weight { segwit, .. } => *segwit,
    });
    let counts = signed(compact_len(tx.input.len()) + compact_len(tx.output.len()));
    let outputs: i64 = tx.output.iter().map(output_size).sum();
    let mut weight = (4 + 4 + tail + counts + outputs) * WITNESS_SCALE + if is_segwit { 2 } else { 0 };
    for input in inputs {
        weight = weight.saturating_add(match input {
            InputSize::Script(satisfaction) => satisfaction.input_weight(is_segwit),
            InputSize::Weight { weight, .. } => *weight,
        });
    }
    TxSize { vsize: vsize(weight), weight }
}

/// A quarter of a weight, rounded up.
pub(super) fn vsize(weight: i64) -> i64 {
    weight.saturating_add(WITNESS_SCALE - 1) / WITNESS_SCALE
}

/// How many bytes an output takes.
pub(super) fn output_size(output: &TxOut) -> i64 {
    script_output_size(&output.script_pubkey)
}

/// How many bytes an output with this script takes.
pub(super) fn script_output_size(script: &Script) -> i64 {
    signed(8 + compact_len(script.len()) + script.len())
}

/// What an output with this script must be worth, lest spending it costs more at this rate.
pub fn dust_threshold(script: &Script, rate: FeeRate) -> i64 {
    if is_unspendable(script) {
        return 0;
    }
    // Outpoint, count and sequence number, and the 107 bytes of a key and its signature, in a witness a quarter of that.
    let input = if witness_program(script).is_some() { 32 + 4 + 1 + 107 / 4 + 4 } else { 32 + 4 + 1 + 107 + 4 };
    rate.fee(script_output_size(script) + input)
}

/// The family of a script's coins.
pub(super) fn kind(script: &Script, satisfaction: Option<&Satisfaction>) -> Kind {
    match script::solve(script).kind() {
        TxoutType::WitnessV1Taproot => Some(AddressType::Bech32m),
        TxoutType::WitnessV0KeyHash | TxoutType::WitnessV0ScriptHash => Some(AddressType::Bech32),
        TxoutType::ScriptHash if satisfaction.is_some_and(|found| found.segwit) => Some(AddressType::P2shSegwit),
        // What is inside has no address of its own.
        TxoutType::ScriptHash if satisfaction.is_some() => None,
        TxoutType::ScriptHash | TxoutType::PubkeyHash => Some(AddressType::Legacy),
        _ => None,
    }
}

/// A length as a signed number, in which fees are counted too.
pub(super) fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
