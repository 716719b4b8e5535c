//! Addresses that some of several keys may spend from.

use ::rpc::{Arg, Code, Json, Method, Object, Request, Res, RpcError, method};
use bitcoin::ScriptBuf;
use bitcoin::hashes::{Hash, hash160, sha256};
use bitcoin::secp256k1::PublicKey;
use config::Config;
use descriptors::Notation;
use primitives::{Destination, hex};
use script::{MAX_PUBKEYS_PER_MULTISIG, templates};

use crate::render;

/// Scripts behind a script hash are pushed, and a push is at most this long.
const MAX_ELEMENT: usize = 520;
const COMPRESSED: usize = 33;

pub(super) fn create() -> Method<Config> {
    let keys = "03789ed0bb717d88f7d321a368d905e7430207ebbd82bd342cf11ae157a7ace5fd 03dbc6764b8884a92e871274b87583e6d5c2a58819473e17e107ef3f6aa5a61626";
    let keys: Vec<&str> = keys.split(' ').collect();
    let (quoted, escaped) = (keys.join("\",\""), keys.join("\\\",\\\""));
    method(
        "util",
        "createmultisig",
        "Creates a multi-signature address with n signatures of m keys required.\n\
         It returns a json object with the address and redeemScript.\n",
    )
    .arg(Arg::num("nrequired", "The number of required signatures out of the m keys."))
    .arg(Arg::arr("keys", "The hex-encoded public keys.", [Arg::hex("key", "The hex-encoded public key").optional()]))
    .arg(
        Arg::str("address_type", "The address type to use. Options are \"legacy\", \"p2sh-segwit\", and \"bech32\".")
            .default("legacy"),
    )
    .result(Res::obj(
        "",
        "",
        [
            Res::str("address", "The value of the new multisig address."),
            Res::hex("redeemScript", "The string value of the hex-encoded redemption script."),
            Res::str("descriptor", "The descriptor for this multisig"),
            Res::arr("warnings", "Any warnings resulting from the creation of this multisig", [Res::str("", "")])
                .optional(),
        ],
    ))
    .example_text("\nCreate a multisig address from 2 public keys\n")
    .example_cli(format!("2 \"[\\\"{escaped}\\\"]\""))
    .example_text("\nAs a JSON-RPC call\n")
    .example_rpc(format!("2, [\"{quoted}\"]"))
    .run(answer)
}

/// How an address hides the script.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Legacy,
    P2shSegwit,
    Bech32,
}

fn answer(config: &Config, request: &Request) -> Result<Json, RpcError> {
    let required: i32 = request.int("nrequired")?;
    let keys = request.arg("keys").as_arr()?;
    let keys: Vec<Vec<u8>> = keys.iter().map(|key| read_key(key.as_str()?)).collect::<Result<_, RpcError>>()?;
    let wrong_kind = |text: String| Err(RpcError::new(Code::INVALID_ADDRESS_OR_KEY, text));
    let wanted = match request.str("address_type")? {
        "legacy" => Kind::Legacy,
        "p2sh-segwit" => Kind::P2shSegwit,
        "bech32" => Kind::Bech32,
        "bech32m" => return wrong_kind("createmultisig cannot create bech32m multisig addresses".to_owned()),
        other => return wrong_kind(format!("Unknown address type '{other}'")),
    };
    let script = multisig(required, &keys)?;
    // Segwit knows no uncompressed keys.
    let kind = if keys.iter().any(|key| key.len() != COMPRESSED) { Kind::Legacy } else { wanted };
    if kind == Kind::Legacy && script.len() > MAX_ELEMENT {
        let text = format!("redeemScript exceeds size limit: {} > {MAX_ELEMENT}", script.len());
        return Err(RpcError::invalid_parameter(text));
    }
    let notation = Notation::new(config.coin(), config.chain());
    let addresses = notation.addresses();
    let by_hash = |script: &ScriptBuf| Destination::ScriptHash(hash160::Hash::hash(script.as_bytes()).to_byte_array());
    let program = Destination::WitnessV0ScriptHash(sha256::Hash::hash(script.as_bytes()).to_byte_array());
    let program_script = addresses.script(&program);
    let destination = match kind {
        Kind::Legacy => by_hash(&script),
        Kind::P2shSegwit => by_hash(&program_script),
        Kind::Bech32 => program,
    };
    let output = addresses.script(&destination);
    let mut answer = Object::new()
        .with("address", addresses.encode(&destination))
        .with("redeemScript", hex::encode(script.as_bytes()))
        .with("descriptor", render::descriptor(&output, &[&script, &program_script], &notation));
    if kind != wanted {
        let warning = "Unable to make chosen address type, please ensure no uncompressed public keys are present.";
        answer.push("warnings", vec![warning]);
    }
    Ok(answer.into())
}

fn multisig(required: i32, keys: &[Vec<u8>]) -> Result<ScriptBuf, RpcError> {
    let Ok(needed @ 1..) = usize::try_from(required) else {
        let text = "a multisignature address must require at least one key to redeem";
        return Err(RpcError::invalid_parameter(text));
    };
    if keys.len() < needed {
        let text =
            format!("not enough keys supplied (got {} keys, but need at least {required} to redeem)", keys.len());
        return Err(RpcError::invalid_parameter(text));
    }
    let required = u8::try_from(needed).ok().filter(|_| keys.len() <= MAX_PUBKEYS_PER_MULTISIG);
    let required = required.ok_or_else(|| {
        let text = "Number of keys involved in the multisignature address creation";
        RpcError::invalid_parameter(format!("{text} > {MAX_PUBKEYS_PER_MULTISIG}\nReduce the number"))
    })?;
    Ok(templates::multisig(required, keys))
}

fn read_key(text: &str) -> Result<Vec<u8>, RpcError> {
    let problem = |why: &str| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, format!("Pubkey \"{text}\" must {why}"));
    let bytes = hex::decode(text).filter(|bytes| !bytes.is_empty()).ok_or_else(|| problem("be a hex string"))?;
    if ![33, 65].contains(&bytes.len()) {
        return Err(problem("have a length of either 33 or 65 bytes"));
    }
    PublicKey::from_slice(&bytes).map_err(|_| problem("be cryptographically valid."))?;
    Ok(bytes)
}
