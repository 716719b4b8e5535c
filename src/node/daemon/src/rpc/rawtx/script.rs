//! Scripts shown, and what they would be wrapped in others.

use ::rpc::{Arg, Json, Method, Object, Request, Res, RpcError, method, values};
use bitcoin::hashes::{Hash, hash160, sha256};
use bitcoin::{Script, ScriptBuf};
use config::Config;
use descriptors::Notation;
use primitives::{Addresses, Destination};
use script::{Opcode, Solution, instruction::Cursor, solve, templates};

use crate::render;

pub(super) fn decode() -> Method<Config> {
    let segwit = [
        Res::str("asm", "Disassembly of the output script"),
        Res::hex("hex", "The raw output script bytes, hex-encoded"),
        Res::str("type", "The type of the output script (e.g. witness_v0_keyhash or witness_v0_scripthash)"),
        Res::str("address", "The {Coin} address (only if a well-defined address exists)").optional(),
        Res::str("desc", "Inferred descriptor for the script"),
        Res::str("p2sh-segwit", "address of the P2SH script wrapping this witness redeem script"),
    ];
    let fields = [
        Res::str("asm", "Disassembly of the script"),
        Res::str("desc", "Inferred descriptor for the script"),
        Res::str("type", "The output type (e.g. nonstandard, anchor, pubkey, pubkeyhash, scripthash, multisig, nulldata, witness_v0_scripthash, witness_v0_keyhash, witness_v1_taproot, witness_unknown)"),
        Res::str("address", "The {Coin} address (only if a well-defined address exists)").optional(),
        Res::str("p2sh", "address of P2SH script wrapping this redeem script (not returned for types that should not be wrapped)").optional(),
        Res::obj("segwit", "Result of a witness output script wrapping this redeem script (not returned for types that should not be wrapped)", segwit).optional(),
    ];
    method("rawtransactions", "decodescript", "Decode a hex-encoded script.\n")
        .arg(Arg::hex("hexstring", "the hex-encoded script"))
        .result(Res::obj("", "", fields))
        .example_cli("\"hexstring\"")
        .example_rpc("\"hexstring\"")
        .run(answer)
}

fn answer(config: &Config, request: &Request) -> Result<Json, RpcError> {
    // An empty text is no hex but an empty script.
    let bytes = match request.str("hexstring")? {
        "" => Vec::new(),
        _ => values::bytes_from_value(request.arg("hexstring"), "argument")?,
    };
    let script = ScriptBuf::from_bytes(bytes);
    let notation = Notation::new(config.coin(), config.chain());
    let mut answer = render::script(&script, &notation);
    let solution = solve(&script);
    if is_wrappable(&script, &solution) {
        answer.push("p2sh", wrapped(&script, notation.addresses()));
        if let Some(segwit) = segwit(&script, &solution, &notation) {
            answer.push("segwit", segwit);
        }
    }
    Ok(answer.into())
}

/// The address of a script behind its hash.
fn wrapped(script: &Script, addresses: &Addresses) -> Option<String> {
    addresses.encode(&Destination::ScriptHash(hash160::Hash::hash(script.as_bytes()).to_byte_array()))
}

/// Whether a script makes sense behind its hash: known opcodes only, none of which mean something in tapscript alone.
fn is_wrappable(script: &Script, solution: &Solution<'_>) -> bool {
    let kind_fits = match solution {
        Solution::Multisig { .. }
        | Solution::Nonstandard
        | Solution::Pubkey(_)
        | Solution::PubkeyHash(_)
        | Solution::WitnessV0KeyHash(_)
        | Solution::WitnessV0ScriptHash(_) => true,
        Solution::NullData
        | Solution::ScriptHash(_)
        | Solution::WitnessUnknown(_)
        | Solution::WitnessV1Taproot(_)
        | Solution::Anchor => false,
    };
    kind_fits
        && templates::has_valid_ops(script)
        && !templates::is_unspendable(script)
        && Cursor::new(script.as_bytes()).all(|op| op.opcode != Opcode::CHECKSIGADD && !op.opcode.is_success())
}

/// The script as a witness program. Segwit knows compressed keys only, and no program inside a program.
fn segwit(script: &Script, solution: &Solution<'_>, notation: &Notation) -> Option<Object> {
    const COMPRESSED: usize = 33;
    let by_hash = || Destination::WitnessV0ScriptHash(sha256::Hash::hash(script.as_bytes()).to_byte_array());
    let destination = match solution {
        Solution::Pubkey(key) if key.len() == COMPRESSED => {
            Destination::WitnessV0KeyHash(hash160::Hash::hash(key).to_byte_array())
        }
        Solution::PubkeyHash(hash) => Destination::WitnessV0KeyHash(**hash),
        Solution::Multisig { keys, .. } if keys.iter().all(|key| key.len() == COMPRESSED) => by_hash(),
        Solution::Nonstandard => by_hash(),
        _ => return None,
    };
    let program = notation.addresses().script(&destination);
    let mut segwit = render::script_pubkey_of(&program, &[script], notation);
    segwit.push("p2sh-segwit", wrapped(&program, notation.addresses()));
    Some(segwit)
}
