//! A PSBT as bytes. The order of records is the daemon's.

use std::collections::BTreeMap;

use primitives::{WitnessMode, compact_len, encode_output, put_bytes, put_compact_size};

use crate::model::MuSig2Key;
use crate::read::LOCK_HEIGHT;
use crate::{Input, KeyOrigin, Output, Proprietary, Psbt, Records, TaprootOrigin, Version};

const SEPARATOR: u8 = 0;

/// Appends a record.
fn put(out: &mut Vec<u8>, kind: u8, key: &[u8], value: &[u8]) {
    put_compact_size(out, key.len() + 1);
    out.push(kind);
    out.extend_from_slice(key);
    put_bytes(out, value);
}

fn put_script(out: &mut Vec<u8>, kind: u8, script: &bitcoin::Script) {
    if !script.is_empty() {
        put(out, kind, &[], script.as_bytes());
    }
}

fn put_u32(out: &mut Vec<u8>, kind: u8, value: Option<u32>) {
    if let Some(value) = value {
        put(out, kind, &[], &value.to_le_bytes());
    }
}

fn put_count(out: &mut Vec<u8>, kind: u8, count: usize) {
    let mut value = Vec::with_capacity(compact_len(count));
    put_compact_size(&mut value, count);
    put(out, kind, &[], &value);
}

fn origin_bytes(origin: &KeyOrigin) -> Vec<u8> {
    origin.fingerprint.into_iter().chain(origin.path.iter().flat_map(|step| step.to_le_bytes())).collect()
}

fn put_origins(out: &mut Vec<u8>, kind: u8, origins: &BTreeMap<Vec<u8>, KeyOrigin>) {
    for (key, origin) in origins {
        put(out, kind, key, &origin_bytes(origin));
    }
}

fn put_taproot_origins(out: &mut Vec<u8>, kind: u8, origins: &BTreeMap<[u8; 32], TaprootOrigin>) {
    for (key, TaprootOrigin { leaves, origin }) in origins {
        let mut value = Vec::new();
        put_compact_size(&mut value, leaves.len());
        for leaf in leaves {
            value.extend_from_slice(leaf);
        }
        value.extend(origin_bytes(origin));
        put(out, kind, key, &value);
    }
}

fn put_participants(out: &mut Vec<u8>, kind: u8, participants: &BTreeMap<Vec<u8>, Vec<Vec<u8>>>) {
    for (aggregate, keys) in participants {
        put(out, kind, aggregate, &keys.concat());
    }
}

fn put_musig2(out: &mut Vec<u8>, kind: u8, records: &BTreeMap<MuSig2Key, Records>) {
    for ((aggregate, leaf), values) in records {
        for (participant, value) in values {
            let leaf = leaf.as_ref().map_or(&[][..], |leaf| leaf.as_slice());
            put(out, kind, &[participant.as_slice(), aggregate, leaf].concat(), value);
        }
    }
}

fn put_proprietary(out: &mut Vec<u8>, records: &BTreeMap<Vec<u8>, Proprietary>) {
    for (key, record) in records {
        put_bytes(out, key);
        put_bytes(out, &record.value);
    }
}

fn put_unknown(out: &mut Vec<u8>, records: &Records) {
    for (key, value) in records {
        put_bytes(out, key);
        put_bytes(out, value);
    }
}

impl Psbt {
    /// The bytes. A PSBT of version 0 holds no inputs that could disagree about its lock time.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = b"psbt\xff".to_vec();
        if self.version == Version::V0
            && let Some(tx) = self.unsigned_tx()
        {
            let tx = self.codec.new_tx(tx, self.lock_height);
            put(&mut out, 0x00, &[], &tx.to_bytes(WitnessMode::Strip));
        }
        for (origin, xpubs) in &self.xpubs {
            for xpub in xpubs {
                put(&mut out, 0x01, &xpub.0, &origin_bytes(origin));
            }
        }
        if self.version == Version::V2 {
            put_u32(&mut out, 0x02, Some(self.tx_version));
            put_u32(&mut out, 0x03, self.fallback_locktime);
            put_count(&mut out, 0x04, self.inputs.len());
            put_count(&mut out, 0x05, self.outputs.len());
            if let Some(bits) = self.modifiable {
                put(&mut out, 0x06, &[], &[bits]);
            }
            put_u32(&mut out, 0xfb, Some(self.version.number()));
            if self.codec.tx_format().has_lock_height() {
                put(&mut out, 0xfc, LOCK_HEIGHT, &self.lock_height.to_le_bytes());
            }
        }
        put_proprietary(&mut out, &self.proprietary);
        put_unknown(&mut out, &self.unknown);
        out.push(SEPARATOR);
        self.inputs.iter().for_each(|input| put_input(&mut out, input, self.version));
        self.outputs.iter().for_each(|output| put_output(&mut out, output, self.version));
        out
    }

    /// The bytes in base64.
    pub fn to_base64(&self) -> String {
        primitives::base64::encode(&self.to_bytes())
    }
}

fn put_input(out: &mut Vec<u8>, input: &Input, version: Version) {
    if let Some(tx) = &input.non_witness_utxo {
        put(out, 0x00, &[], &tx.to_bytes(WitnessMode::Strip));
    }
    if let Some(utxo) = &input.witness_utxo {
        let mut value = Vec::new();
        encode_output(utxo, &mut value);
        put(out, 0x01, &[], &value);
    }
    if !input.is_final() {
        put_unfinished(out, input);
    }
    put_script(out, 0x07, &input.final_script_sig);
    if !input.final_witness.is_empty() {
        let mut value = Vec::new();
        put_compact_size(&mut value, input.final_witness.len());
        input.final_witness.iter().for_each(|element| put_bytes(&mut value, element));
        put(out, 0x08, &[], &value);
    }
    if version == Version::V2 {
        put(out, 0x0e, &[], input.prevout.txid.as_ref());
        put_u32(out, 0x0f, Some(input.prevout.vout));
        put_u32(out, 0x10, input.sequence);
        put_u32(out, 0x11, input.time_locktime);
        put_u32(out, 0x12, input.height_locktime);
    }
    put_proprietary(out, &input.proprietary);
    put_unknown(out, &input.unknown);
    out.push(SEPARATOR);
}

/// What is of no use once the input is finished.
fn put_unfinished(out: &mut Vec<u8>, input: &Input) {
    for signature in input.signatures.values() {
        put(out, 0x02, &signature.key, &signature.signature);
    }
    if let Some(kind) = input.sighash {
        put(out, 0x03, &[], &kind.to_le_bytes());
    }
    put_script(out, 0x04, &input.redeem_script);
    put_script(out, 0x05, &input.witness_script);
    put_origins(out, 0x06, &input.origins);
    for (kind, preimages) in (0x0a..).zip(&input.preimages) {
        for (hash, preimage) in preimages {
            put(out, kind, hash, preimage);
        }
    }
    if let Some(signature) = &input.taproot_signature {
        put(out, 0x13, &[], signature);
    }
    for ((key, leaf), signature) in &input.taproot_script_signatures {
        put(out, 0x14, &[*key, *leaf].concat(), signature);
    }
    for ((script, version), controls) in &input.taproot_scripts {
        for (_, control) in controls {
            put(out, 0x15, control, &[script.as_slice(), &[*version]].concat());
        }
    }
    put_taproot_origins(out, 0x16, &input.taproot_origins);
    if let Some(key) = &input.taproot_internal_key {
        put(out, 0x17, &[], key);
    }
    if let Some(root) = &input.taproot_merkle_root {
        put(out, 0x18, &[], root);
    }
    put_participants(out, 0x1a, &input.musig2_participants);
    put_musig2(out, 0x1b, &input.musig2_nonces);
    put_musig2(out, 0x1c, &input.musig2_signatures);
}

fn put_output(out: &mut Vec<u8>, output: &Output, version: Version) {
    put_script(out, 0x00, &output.redeem_script);
    put_script(out, 0x01, &output.witness_script);
    put_origins(out, 0x02, &output.origins);
    if version == Version::V2 {
        put(out, 0x03, &[], &output.amount.to_le_bytes());
        put(out, 0x04, &[], output.script.as_bytes());
    }
    put_proprietary(out, &output.proprietary);
    if let Some(key) = &output.taproot_internal_key {
        put(out, 0x05, &[], key);
    }
    if !output.taproot_tree.is_empty() {
        let mut value = Vec::new();
        for (depth, leaf, script) in &output.taproot_tree {
            value.extend_from_slice(&[*depth, *leaf]);
            put_bytes(&mut value, script);
        }
        put(out, 0x06, &[], &value);
    }
    put_taproot_origins(out, 0x07, &output.taproot_origins);
    put_participants(out, 0x08, &output.musig2_participants);
    put_unknown(out, &output.unknown);
    out.push(SEPARATOR);
}
