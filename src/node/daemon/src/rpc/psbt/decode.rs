//! PSBTs shown.

use std::collections::BTreeMap;

use ::rpc::{Arg, Json, Method, Object, Request, Res, RpcError, method};
use bitcoin::ScriptBuf;
use config::Config;
use consensus::{in_range, value_of};
use descriptors::Notation;
use primitives::base58;
use primitives::hex;
use script::asm::{sighash_name, to_asm};

use super::{fields, max_money, read};
use crate::render::{self};
use ::psbt::{Input, KeyOrigin, Output, Proprietary, Psbt, Records, TaprootOrigin, Version};

pub(super) fn decode() -> Method<Config> {
    method(
        "rawtransactions",
        "decodepsbt",
        "Return a JSON object representing the serialized, base64-encoded partially signed {Coin} transaction.",
    )
    .arg(Arg::str("psbt", "The PSBT base64 string"))
    .result(Res::obj("", "", fields::global()))
    .example_cli("\"psbt\"")
    .run(answer)
}

fn answer(config: &Config, request: &Request) -> Result<Json, RpcError> {
    let psbt = read(config, request.str("psbt")?)?;
    let notation = Notation::new(config.coin(), config.chain());
    let mut answer = Object::new();
    if psbt.version == Version::V0
        && let Some(tx) = psbt.unsigned_tx()
    {
        let tx = psbt.codec.new_tx(tx, psbt.lock_height);
        answer.push("tx", render::tx(&tx, None, &notation, render::Prevouts::Unknown, false));
    }
    let xpubs = psbt.xpubs.iter().flat_map(|(origin, xpubs)| {
        xpubs.iter().map(|xpub| {
            Object::new()
                .with("xpub", base58::encode_check(&xpub.0))
                .with("master_fingerprint", hex::encode(&origin.fingerprint))
                .with("path", origin.path_text())
        })
    });
    answer.push("global_xpubs", xpubs.collect::<Json>());
    if psbt.version == Version::V2 {
        answer.push("tx_version", psbt.tx_version);
        if let Some(locktime) = psbt.fallback_locktime {
            answer.push("fallback_locktime", locktime);
        }
        answer.push("input_count", psbt.inputs.len());
        answer.push("output_count", psbt.outputs.len());
        if let Some(bits) = psbt.modifiable {
            answer.push("inputs_modifiable", bits & 1 != 0);
            answer.push("outputs_modifiable", bits & 2 != 0);
            answer.push("has_sighash_single", bits & 4 != 0);
        }
    }
    let inputs: Json = psbt.inputs.iter().map(|i| input(i, psbt.version, &notation)).collect();
    let outputs: Json = psbt.outputs.iter().map(|o| output(o, psbt.version, &notation)).collect();
    let mut answer = answer
        .with("psbt_version", psbt.version.number())
        .with("proprietary", proprietary(&psbt.proprietary))
        .with("unknown", pairs(&psbt.unknown))
        .with("inputs", inputs)
        .with("outputs", outputs);
    if let Some(fee) = fee(&psbt, max_money(config)) {
        answer.push("fee", Json::amount(fee));
    }
    Ok(answer.into())
}

/// What the transaction pays, if all that it spends is known and all amounts are in range.
fn fee(psbt: &Psbt, max: i64) -> Option<i64> {
    let add = |sum: i64, value: i64| {
        let next = sum.checked_add(value)?;
        (in_range(value, max) && in_range(next, max)).then_some(next)
    };
    let paid = psbt.inputs.iter().try_fold(0, |sum, input| add(sum, value_of(&input.utxo()?)))?;
    let made = psbt.outputs.iter().try_fold(0, |sum, output| add(sum, output.amount))?;
    Some(paid - made)
}

fn proprietary(records: &BTreeMap<Vec<u8>, Proprietary>) -> Json {
    let shown = records.iter().map(|(key, record)| {
        Object::new()
            .with("identifier", hex::encode(&record.identifier))
            .with("subtype", record.subtype)
            .with("key", hex::encode(key))
            .with("value", hex::encode(&record.value))
    });
    shown.collect()
}

fn pairs(records: &Records) -> Object {
    records.iter().map(|(key, value)| (hex::encode(key), hex::encode(value))).collect()
}

/// Adds a list or an object unless it is empty.
fn push_some(object: &mut Object, key: &'static str, value: impl Into<Json>) {
    let value = value.into();
    if !value.is_empty() {
        object.push(key, value);
    }
}

fn origin(pubkey: &[u8], origin: &KeyOrigin) -> Object {
    Object::new()
        .with("pubkey", hex::encode(pubkey))
        .with("master_fingerprint", hex::encode(&origin.fingerprint))
        .with("path", origin.path_text())
}

fn origins(origins: &BTreeMap<Vec<u8>, KeyOrigin>) -> Json {
    origins.iter().map(|(pubkey, from)| origin(pubkey, from)).collect()
}

fn taproot_origins(origins: &BTreeMap<[u8; 32], TaprootOrigin>) -> Json {
    let shown = origins.iter().map(|(pubkey, from)| {
        let leaves: Json = from.leaves.iter().map(|leaf| hex::encode(leaf)).collect();
        origin(pubkey, &from.origin).with("leaf_hashes", leaves)
    });
    shown.collect()
}

fn participants(participants: &BTreeMap<Vec<u8>, Vec<Vec<u8>>>) -> Json {
    let shown = participants.iter().map(|(aggregate, keys)| {
        let keys: Json = keys.iter().map(|key| hex::encode(key)).collect();
        Object::new().with("aggregate_pubkey", hex::encode(aggregate)).with("participant_pubkeys", keys)
    });
    shown.collect()
}

fn musig2(records: &BTreeMap<(Vec<u8>, Option<[u8; 32]>), Records>, name: &'static str) -> Json {
    let shown = records.iter().flat_map(|((aggregate, leaf), values)| {
        values.iter().map(move |(participant, value)| {
            let mut object = Object::new()
                .with("participant_pubkey", hex::encode(participant))
                .with("aggregate_pubkey", hex::encode(aggregate));
            if let Some(leaf) = leaf {
                object.push("leaf_hash", hex::encode(leaf));
            }
            object.with(name, hex::encode(value))
        })
    });
    shown.collect()
}

fn push_scripts(object: &mut Object, redeem: &ScriptBuf, witness: &ScriptBuf) {
    for (key, script) in [("redeem_script", redeem), ("witness_script", witness)] {
        if !script.is_empty() {
            object.push(key, render::inner_script(script));
        }
    }
}

fn input(input: &Input, version: Version, notation: &Notation) -> Object {
    let mut object = Object::new();
    if let Some(utxo) = &input.witness_utxo {
        let shown = Object::new()
            .with("amount", Json::amount(value_of(utxo)))
            .with("scriptPubKey", render::script_pubkey(&utxo.script_pubkey, notation));
        object.push("witness_utxo", shown);
    }
    if let Some(tx) = &input.non_witness_utxo {
        object.push("non_witness_utxo", render::tx(tx, None, notation, render::Prevouts::Unknown, false));
    }
    let signatures: Object =
        input.signatures.values().map(|s| (hex::encode(&s.key), hex::encode(&s.signature))).collect();
    push_some(&mut object, "partial_signatures", signatures);
    if let Some(kind) = input.sighash {
        // Only the last byte has a name.
        object.push("sighash", sighash_name(kind.to_le_bytes()[0]).unwrap_or(""));
    }
    push_scripts(&mut object, &input.redeem_script, &input.witness_script);
    push_some(&mut object, "bip32_derivs", origins(&input.origins));
    if !input.final_script_sig.is_empty() {
        let shown = Object::new()
            .with("asm", to_asm(&input.final_script_sig, true))
            .with("hex", hex::encode(input.final_script_sig.as_bytes()));
        object.push("final_scriptSig", shown);
    }
    push_some(
        &mut object,
        "final_scriptwitness",
        input.final_witness.iter().map(|element| hex::encode(element)).collect::<Json>(),
    );
    let names = ["ripemd160_preimages", "sha256_preimages", "hash160_preimages", "hash256_preimages"];
    for (name, preimages) in names.into_iter().zip(&input.preimages) {
        push_some(&mut object, name, pairs(preimages));
    }
    if version == Version::V2 {
        object.push("previous_txid", input.prevout.txid.to_string());
        object.push("previous_vout", input.prevout.vout);
        let locks = [
            ("sequence", input.sequence),
            ("time_locktime", input.time_locktime),
            ("height_locktime", input.height_locktime),
        ];
        for (key, value) in locks {
            if let Some(value) = value {
                object.push(key, value);
            }
        }
    }
    push_taproot(&mut object, input);
    push_some(&mut object, "proprietary", proprietary(&input.proprietary));
    push_some(&mut object, "unknown", pairs(&input.unknown));
    object
}

fn push_taproot(object: &mut Object, input: &Input) {
    if let Some(signature) = &input.taproot_signature {
        object.push("taproot_key_path_sig", hex::encode(signature));
    }
    let signatures = input.taproot_script_signatures.iter().map(|((pubkey, leaf), signature)| {
        Object::new()
            .with("pubkey", hex::encode(pubkey))
            .with("leaf_hash", hex::encode(leaf))
            .with("sig", hex::encode(signature))
    });
    push_some(object, "taproot_script_path_sigs", signatures.collect::<Json>());
    let scripts = input.taproot_scripts.iter().map(|((script, version), controls)| {
        let controls: Json = controls.iter().map(|(_, control)| hex::encode(control)).collect();
        Object::new().with("script", hex::encode(script)).with("leaf_ver", *version).with("control_blocks", controls)
    });
    push_some(object, "taproot_scripts", scripts.collect::<Json>());
    push_some(object, "taproot_bip32_derivs", taproot_origins(&input.taproot_origins));
    if let Some(key) = &input.taproot_internal_key {
        object.push("taproot_internal_key", hex::encode(key));
    }
    if let Some(root) = &input.taproot_merkle_root {
        object.push("taproot_merkle_root", hex::encode(root));
    }
    push_some(object, "musig2_participant_pubkeys", participants(&input.musig2_participants));
    push_some(object, "musig2_pubnonces", musig2(&input.musig2_nonces, "pubnonce"));
    push_some(object, "musig2_partial_sigs", musig2(&input.musig2_signatures, "partial_sig"));
}

fn output(output: &Output, version: Version, notation: &Notation) -> Object {
    let mut object = Object::new();
    push_scripts(&mut object, &output.redeem_script, &output.witness_script);
    push_some(&mut object, "bip32_derivs", origins(&output.origins));
    if version == Version::V2 {
        object.push("amount", Json::amount(output.amount));
        object.push("script", render::script_pubkey(&output.script, notation));
    }
    if let Some(key) = &output.taproot_internal_key {
        object.push("taproot_internal_key", hex::encode(key));
    }
    let tree = output.taproot_tree.iter().map(|(depth, version, script)| {
        Object::new().with("depth", *depth).with("leaf_ver", *version).with("script", hex::encode(script))
    });
    push_some(&mut object, "taproot_tree", tree.collect::<Json>());
    push_some(&mut object, "taproot_bip32_derivs", taproot_origins(&output.taproot_origins));
    push_some(&mut object, "musig2_participant_pubkeys", participants(&output.musig2_participants));
    push_some(&mut object, "proprietary", proprietary(&output.proprietary));
    push_some(&mut object, "unknown", pairs(&output.unknown));
    object
}
