//! Copies of one PSBT made one, and different ones joined.

use std::collections::BTreeMap;

use bitcoin::ScriptBuf;

use crate::{Input, Output, Psbt};

/// The bit that says that some input signs one output only.
const SIGHASH_SINGLE: u8 = 4;

impl Psbt {
    /// Adds what another copy of the same PSBT knows. What is known here stays. `None` if it is no copy.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Option<Self> {
        let (id, other_id) = (self.unique_id()?, other.unique_id()?);
        if id != other_id || self.version != other.version {
            return None;
        }
        for (input, other) in self.inputs.iter_mut().zip(other.inputs) {
            merge_input(input, other);
        }
        for (output, other) in self.outputs.iter_mut().zip(other.outputs) {
            merge_output(output, other);
        }
        for (origin, xpubs) in other.xpubs {
            for xpub in xpubs {
                if !self.xpubs.values().any(|known| known.contains(&xpub)) {
                    self.xpubs.entry(origin.clone()).or_default().insert(xpub);
                }
            }
        }
        self.fallback_locktime = self.fallback_locktime.or(other.fallback_locktime);
        if self.modifiable.is_some() || other.modifiable.is_some() {
            // All must allow a change, but one signature over a single output is enough to say so.
            let (mine, theirs) = (self.modifiable.unwrap_or(0), other.modifiable.unwrap_or(0));
            self.modifiable = Some(mine & theirs | (mine | theirs) & SIGHASH_SINGLE);
        }
        add(&mut self.proprietary, other.proprietary);
        add(&mut self.unknown, other.unknown);
        Some(self)
    }
}

fn add<K: Ord, V>(known: &mut BTreeMap<K, V>, more: BTreeMap<K, V>) {
    for (key, value) in more {
        known.entry(key).or_insert(value);
    }
}

fn add_script(known: &mut ScriptBuf, other: ScriptBuf) {
    if known.is_empty() {
        *known = other;
    }
}

fn merge_input(input: &mut Input, other: Input) {
    input.non_witness_utxo = input.non_witness_utxo.take().or(other.non_witness_utxo);
    input.witness_utxo = input.witness_utxo.take().or(other.witness_utxo);
    add(&mut input.signatures, other.signatures);
    for (known, more) in input.preimages.iter_mut().zip(other.preimages) {
        add(known, more);
    }
    add(&mut input.origins, other.origins);
    add(&mut input.proprietary, other.proprietary);
    add(&mut input.unknown, other.unknown);
    add(&mut input.taproot_script_signatures, other.taproot_script_signatures);
    add(&mut input.taproot_scripts, other.taproot_scripts);
    add(&mut input.taproot_origins, other.taproot_origins);
    add_script(&mut input.redeem_script, other.redeem_script);
    add_script(&mut input.witness_script, other.witness_script);
    add_script(&mut input.final_script_sig, other.final_script_sig);
    if input.final_witness.is_empty() {
        input.final_witness = other.final_witness;
    }
    input.taproot_signature = input.taproot_signature.take().or(other.taproot_signature);
    input.taproot_internal_key = input.taproot_internal_key.or(other.taproot_internal_key);
    input.taproot_merkle_root = input.taproot_merkle_root.or(other.taproot_merkle_root);
    add(&mut input.musig2_participants, other.musig2_participants);
    for (whose, nonces) in other.musig2_nonces {
        add(input.musig2_nonces.entry(whose).or_default(), nonces);
    }
    for (whose, signatures) in other.musig2_signatures {
        add(input.musig2_signatures.entry(whose).or_default(), signatures);
    }
    input.sequence = input.sequence.or(other.sequence);
    input.time_locktime = input.time_locktime.or(other.time_locktime);
    input.height_locktime = input.height_locktime.or(other.height_locktime);
}

fn merge_output(output: &mut Output, other: Output) {
    add(&mut output.origins, other.origins);
    add(&mut output.proprietary, other.proprietary);
    add(&mut output.unknown, other.unknown);
    add(&mut output.taproot_origins, other.taproot_origins);
    add_script(&mut output.redeem_script, other.redeem_script);
    add_script(&mut output.witness_script, other.witness_script);
    output.taproot_internal_key = output.taproot_internal_key.or(other.taproot_internal_key);
    if output.taproot_tree.is_empty() {
        output.taproot_tree = other.taproot_tree;
    }
    add(&mut output.musig2_participants, other.musig2_participants);
}
