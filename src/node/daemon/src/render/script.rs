//! Output scripts.

use ::rpc::{Object, Res};
use bitcoin::Script;
use descriptors::{Known, Notation};
use primitives::{Destination, hex};
use script::{TxoutType, asm::to_asm, solve};

/// An output script: as text, as bytes, as a descriptor, as an address, and its kind.
pub fn script_pubkey(script: &Script, notation: &Notation) -> Object {
    script_pubkey_of(script, &[], notation)
}

/// As [`script_pubkey`], when the scripts behind its hashes are known.
pub fn script_pubkey_of(script: &Script, known: &[&Script], notation: &Notation) -> Object {
    render(script, known, notation, true)
}

/// Any script, without its bytes.
pub fn script(script: &Script, notation: &Notation) -> Object {
    render(script, &[], notation, false)
}

/// A script that is behind a hash, so that it has no address.
pub fn inner_script(script: &Script) -> Object {
    Object::new()
        .with("asm", to_asm(script, false))
        .with("hex", hex::encode(script.as_bytes()))
        .with("type", solve(script).kind().name())
}

/// The descriptor of a script, with its checksum, when the scripts behind its hashes are among `known`.
pub fn descriptor(script: &Script, known: &[&Script], notation: &Notation) -> String {
    let mut all = Known::default();
    for script in known {
        all.add_script((*script).to_owned());
    }
    descriptors::infer(script, &all, notation).to_string()
}

fn render(script: &Script, known: &[&Script], notation: &Notation, with_hex: bool) -> Object {
    let kind = solve(script).kind();
    let mut object = Object::new().with("asm", to_asm(script, false)).with("desc", descriptor(script, known, notation));
    if with_hex {
        object.push("hex", hex::encode(script.as_bytes()));
    }
    let destination = notation.addresses().destination(script);
    if kind != TxoutType::Pubkey
        && !matches!(destination, Destination::None(_))
        && let Some(address) = notation.addresses().encode(&destination)
    {
        object.push("address", address);
    }
    object.with("type", kind.name())
}

/// The fields of [`script_pubkey`].
pub fn script_pubkey_fields() -> Vec<Res> {
    vec![
        Res::str("asm", "Disassembly of the output script"),
        Res::str("desc", "Inferred descriptor for the output"),
        Res::hex("hex", "The raw output script bytes, hex-encoded"),
        Res::str("address", "The {Coin} address (only if a well-defined address exists)").optional(),
        Res::str(
            "type",
            "The type (one of: nonstandard, anchor, pubkey, pubkeyhash, scripthash, multisig, nulldata, witness_v0_scripthash, witness_v0_keyhash, witness_v1_taproot, witness_unknown)",
        ),
    ]
}
