//! Output scripts.

use ::rpc::{Object, Res};
use bitcoin::Script;
use primitives::{Addresses, Destination};
use script::{TxoutType, asm::to_asm, solve};

use super::{hex, infer_with};

/// An output script: as text, as bytes, as a descriptor, as an address, and its kind.
pub fn script_pubkey(script: &Script, addresses: &Addresses) -> Object {
    script_pubkey_of(script, &[], addresses)
}

/// As [`script_pubkey`], when the scripts behind its hashes are known.
pub fn script_pubkey_of(script: &Script, known: &[&Script], addresses: &Addresses) -> Object {
    render(script, known, addresses, true)
}

/// Any script, without its bytes.
pub fn script(script: &Script, addresses: &Addresses) -> Object {
    render(script, &[], addresses, false)
}

/// A script that is behind a hash, so that it has no address.
pub fn inner_script(script: &Script) -> Object {
    Object::new()
        .with("asm", to_asm(script, false))
        .with("hex", hex(script.as_bytes()))
        .with("type", solve(script).kind().name())
}

fn render(script: &Script, known: &[&Script], addresses: &Addresses, with_hex: bool) -> Object {
    let kind = solve(script).kind();
    let mut object =
        Object::new().with("asm", to_asm(script, false)).with("desc", infer_with(script, known, addresses));
    if with_hex {
        object.push("hex", hex(script.as_bytes()));
    }
    let destination = addresses.destination(script);
    if kind != TxoutType::Pubkey
        && !matches!(destination, Destination::None(_))
        && let Some(address) = addresses.encode(&destination)
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
        Res::str("address", "The address (only if a well-defined address exists)").optional(),
        Res::str(
            "type",
            "The type (one of: nonstandard, anchor, pubkey, pubkeyhash, scripthash, multisig, nulldata, witness_v0_scripthash, witness_v0_keyhash, witness_v1_taproot, witness_unknown)",
        ),
    ]
}
