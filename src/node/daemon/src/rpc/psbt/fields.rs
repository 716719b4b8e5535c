//! The fields of decoded PSBTs.

use ::rpc::Res;

use crate::render;

fn list(key: &'static str, fields: Vec<Res>) -> Res {
    Res::arr(key, "", [Res::obj("", "", fields)]).optional()
}

/// `what` is the script's part in the transaction.
fn script(key: &'static str, what: &str) -> Res {
    let fields = [
        Res::str("asm", format!("Disassembly of the {what} script")),
        Res::hex("hex", format!("The raw {what} script bytes, hex-encoded")),
        Res::str("type", "The type, eg 'pubkeyhash'"),
    ];
    Res::obj(key, "", fields).optional()
}

fn origin(pubkey: &'static str) -> Vec<Res> {
    vec![
        Res::str("pubkey", pubkey),
        Res::str("master_fingerprint", "The fingerprint of the master key"),
        Res::str("path", "The path"),
    ]
}

fn taproot_origins() -> Res {
    let mut fields = origin("The x-only public key this path corresponds to");
    let hash = Res::hex("hash", "The hash of a leaf this pubkey appears in");
    fields.push(Res::arr("leaf_hashes", "The hashes of the leaves this pubkey appears in", [hash]));
    list("taproot_bip32_derivs", fields)
}

fn participants() -> Res {
    let key = Res::hex("pubkey", "The compressed public keys that are aggregated for aggregate_pubkey.");
    let aggregate = "The compressed aggregate public key for which the participants create.";
    list(
        "musig2_participant_pubkeys",
        vec![Res::hex("aggregate_pubkey", aggregate), Res::arr("participant_pubkeys", "", [key])],
    )
}

fn musig2(key: &'static str, value: &'static str, what: &str) -> Res {
    let fields = vec![
        Res::hex("participant_pubkey", format!("The compressed public key of the participant that created this {what}.")),
        Res::hex("aggregate_pubkey", format!("The compressed aggregate public key for which this {what} is for.")),
        Res::hex("leaf_hash", "The hash of the leaf script that contains the aggregate pubkey being signed for. Omitted when signing for the internal key.").optional(),
        Res::hex(value, format!("The {what} itself.")),
    ];
    list(key, fields)
}

pub(super) fn proprietary(whose: &'static str) -> Res {
    let fields = [
        Res::hex("identifier", "The hex string for the proprietary identifier"),
        Res::num("subtype", "The number for the subtype"),
        Res::hex("key", "The hex for the key"),
        Res::hex("value", "The hex for the value"),
    ];
    Res::arr("proprietary", format!("The {whose} proprietary map"), [Res::obj("", "", fields)])
}

pub(super) fn unknown(whose: &'static str) -> Res {
    let pair = Res::hex("key", "(key-value pair) An unknown key-value pair");
    Res::obj_dyn("unknown", format!("The unknown {whose} fields"), [pair])
}

pub(super) fn input() -> Vec<Res> {
    let preimages = |key: &'static str| {
        Res::obj_dyn(key, "", [Res::str("hash", "The hash and preimage that corresponds to it.")]).optional()
    };
    let utxo =
        [Res::num("amount", "The value in {ticker}"), Res::obj("scriptPubKey", "", render::script_pubkey_fields())];
    let signature = Res::str("pubkey", "The public key and signature that corresponds to it.");
    let script_sig = [
        Res::str("asm", "Disassembly of the final signature script"),
        Res::hex("hex", "The raw final signature script bytes, hex-encoded"),
    ];
    let control = Res::hex("control_block", "A hex-encoded control block for this script");
    vec![
        Res::obj(
            "non_witness_utxo",
            "Decoded network transaction for non-witness UTXOs",
            render::tx_fields("{ticker}", false, false, false),
        )
        .optional(),
        Res::obj("witness_utxo", "Transaction output for witness UTXOs", utxo).optional(),
        Res::obj_dyn("partial_signatures", "", [signature]).optional(),
        Res::str("sighash", "The sighash type to be used").optional(),
        script("redeem_script", "redeem"),
        script("witness_script", "witness"),
        list("bip32_derivs", origin("The public key with the derivation path as the value.")),
        Res::obj("final_scriptSig", "", script_sig).optional(),
        Res::arr("final_scriptwitness", "", [Res::hex("", "hex-encoded witness data (if any)")]).optional(),
        preimages("ripemd160_preimages"),
        preimages("sha256_preimages"),
        preimages("hash160_preimages"),
        preimages("hash256_preimages"),
        Res::hex("previous_txid", "TXID of the transaction containing the output being spent by this input").optional(),
        Res::num("previous_vout", "Index of the output being spent").optional(),
        Res::num("sequence", "Sequence number for this input").optional(),
        Res::num("time_locktime", "Time-based locktime required for this input").optional(),
        Res::num("height_locktime", "Height-based locktime required for this input").optional(),
        Res::hex("taproot_key_path_sig", "hex-encoded signature for the Taproot key path spend").optional(),
        list(
            "taproot_script_path_sigs",
            vec![
                Res::str("pubkey", "The x-only pubkey for this signature"),
                Res::str("leaf_hash", "The leaf hash for this signature"),
                Res::str("sig", "The signature itself"),
            ],
        ),
        list(
            "taproot_scripts",
            vec![
                Res::hex("script", "A leaf script"),
                Res::num("leaf_ver", "The version number for the leaf script"),
                Res::arr("control_blocks", "The control blocks for this script", [control]),
            ],
        ),
        taproot_origins(),
        Res::hex("taproot_internal_key", "The hex-encoded Taproot x-only internal key").optional(),
        Res::hex("taproot_merkle_root", "The hex-encoded Taproot merkle root").optional(),
        participants(),
        musig2("musig2_pubnonces", "pubnonce", "public nonce"),
        musig2("musig2_partial_sigs", "partial_sig", "partial signature"),
        unknown("input").optional(),
        proprietary("input").optional(),
    ]
}

pub(super) fn output() -> Vec<Res> {
    vec![
        script("redeem_script", "redeem"),
        script("witness_script", "witness"),
        list("bip32_derivs", origin("The public key this path corresponds to")),
        Res::num("amount", "The amount (nValue) for this output").optional(),
        Res::obj("script", "The output script (scriptPubKey) for this output", render::script_pubkey_fields())
            .optional(),
        Res::hex("taproot_internal_key", "The hex-encoded Taproot x-only internal key").optional(),
        list(
            "taproot_tree",
            vec![
                Res::num("depth", "The depth of this element in the tree"),
                Res::num("leaf_ver", "The version of this leaf"),
                Res::str("script", "The hex-encoded script itself"),
            ],
        ),
        taproot_origins(),
        participants(),
        unknown("output").optional(),
        proprietary("output").optional(),
    ]
}

pub(super) fn global() -> Vec<Res> {
    let mut xpub = vec![Res::str("xpub", "The extended public key this path corresponds to")];
    xpub.push(Res::hex("master_fingerprint", "The fingerprint of the master key"));
    xpub.push(Res::str("path", "The path"));
    vec![
        Res::obj(
            "tx",
            "The decoded network-serialized unsigned transaction.",
            render::tx_fields("{ticker}", false, false, false),
        )
        .optional(),
        Res::arr("global_xpubs", "", [Res::obj("", "", xpub)]),
        Res::num("tx_version", "The version number of the unsigned transaction. Not to be confused with PSBT version")
            .optional(),
        Res::num("fallback_locktime", "The locktime to fallback to if no inputs specify a required locktime.")
            .optional(),
        Res::num("input_count", "The number of inputs in this psbt").optional(),
        Res::num("output_count", "The number of outputs in this psbt.").optional(),
        Res::bool("inputs_modifiable", "Whether inputs can be modified").optional(),
        Res::bool("outputs_modifiable", "Whether outputs can be modified").optional(),
        Res::bool("has_sighash_single", "Whether this PSBT has SIGHASH_SINGLE inputs").optional(),
        Res::num("psbt_version", "The PSBT version number. Not to be confused with the unsigned transaction version")
            .optional(),
        proprietary("global"),
        unknown("global"),
        Res::arr("inputs", "", [Res::obj("", "", input())]),
        Res::arr("outputs", "", [Res::obj("", "", output())]),
        Res::amount("fee", "The transaction fee paid if all UTXOs slots in the PSBT have been filled.").optional(),
    ]
}
