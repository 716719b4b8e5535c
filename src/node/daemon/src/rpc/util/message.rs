//! Messages that were signed with the key of an address.

use ::rpc::{Arg, Code, Json, Method, Request, Res, RpcError, base64, method};
use bitcoin::PublicKey;
use bitcoin::hashes::{Hash, HashEngine, hash160, sha256d};
use bitcoin::secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use bitcoin::secp256k1::{Message, Secp256k1};
use config::Config;
use primitives::{Addresses, Destination, put_bytes};

pub(super) fn verify() -> Method<Config> {
    let address = "\"1D1ZrZNe3JUo7ZycKEYQQiQAWd9y54F4XX\"";
    method("util", "verifymessage", "Verify a signed message.")
        .arg(Arg::str("address", "The {coin} address to use for the signature."))
        .arg(Arg::str("signature", "The signature provided by the signer in base 64 encoding (see signmessage)."))
        .arg(Arg::str("message", "The message that was signed."))
        .result(Res::bool("", "If the signature is verified or not."))
        .example_text("\nVerify the signature\n")
        .example_cli(format!("{address} \"signature\" \"my message\""))
        .example_text("\nAs a JSON-RPC call\n")
        .example_rpc(format!("{address}, \"signature\", \"my message\""))
        .run(answer)
}

fn answer(config: &Config, request: &Request) -> Result<Json, RpcError> {
    let destination = Addresses::new(config.coin(), config.chain())
        .decode(request.str("address")?)
        .map_err(|_| RpcError::new(Code::INVALID_ADDRESS_OR_KEY, "Invalid address"))?;
    let Destination::PubKeyHash(wanted) = destination else {
        return Err(RpcError::wrong_type("Address does not refer to key"));
    };
    let signature = base64::decode(request.str("signature")?.as_bytes())
        .ok_or_else(|| RpcError::wrong_type("Malformed base64 encoding"))?;
    let signer = signer(&signature, message_hash(config.coin().message_magic, request.str("message")?));
    let matches = signer.is_some_and(|key| hash160::Hash::hash(&key.to_bytes()).to_byte_array() == wanted);
    Ok(matches.into())
}

/// What is signed of a message: the coin's words go first, so that no transaction can be signed by mistake.
fn message_hash(magic: &str, message: &str) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(magic.len() + message.len() + 10);
    put_bytes(&mut bytes, magic.as_bytes());
    put_bytes(&mut bytes, message.as_bytes());
    let mut engine = sha256d::Hash::engine();
    engine.input(&bytes);
    sha256d::Hash::from_engine(engine).to_byte_array()
}

/// The key that made a signature whose first byte says which of the candidates it is, and how it is written.
fn signer(signature: &[u8], hash: [u8; 32]) -> Option<PublicKey> {
    let (header, compact) = signature.split_first()?;
    if compact.len() != 64 {
        return None;
    }
    let header = header.wrapping_sub(27);
    let recovery = RecoveryId::from_i32(i32::from(header & 3)).ok()?;
    let signature = RecoverableSignature::from_compact(compact, recovery).ok()?;
    let inner = Secp256k1::verification_only().recover_ecdsa(&Message::from_digest(hash), &signature).ok()?;
    Some(PublicKey { compressed: header & 4 != 0, inner })
}
