//! The curve: verifying signatures and taproot tweaks. Nothing here signs.
//!
//! Keys and signatures come in as bytes, so the library behind is a matter of this file alone. It is a newer one than that
//! of rust-bitcoin's types, because it verifies a tenth faster.

use libsecp::{Message, PublicKey, Scalar, XOnlyPublicKey, ecdsa, schnorr};

use crate::encoding::is_valid_pubkey_size;
use crate::hashing::Digest;
use crate::keys::KeyCache;

/// Verifies an ECDSA signature without its hash type byte.
///
/// Any DER that the network ever accepted is read, S may be in either half of the order, and hybrid keys are keys.
pub(crate) fn verify_ecdsa(der: &[u8], key: &[u8], hash: &Digest, known: Option<&KeyCache>) -> bool {
    if !is_valid_pubkey_size(key) {
        return false;
    }
    let point = match (known, key.try_into()) {
        (Some(known), Ok(compressed)) => known.parse(compressed),
        _ => PublicKey::from_slice(key).ok(),
    };
    let (Some(point), Ok(mut signature)) = (point, ecdsa::Signature::from_der_lax(der)) else {
        return false;
    };
    signature.normalize_s();
    ecdsa::verify(&signature, Message::from_digest(*hash), &point).is_ok()
}

/// Verifies a BIP340 signature.
pub(crate) fn verify_schnorr(signature: &[u8; 64], key: &[u8; 32], hash: &Digest, known: Option<&KeyCache>) -> bool {
    let point = match known {
        Some(known) => known.parse(&even(key)).map(|point| point.x_only_public_key().0),
        None => XOnlyPublicKey::from_byte_array(*key).ok(),
    };
    point.is_some_and(|point| schnorr::verify(&schnorr::Signature::from_byte_array(*signature), hash, &point).is_ok())
}

/// The key with this X and an even Y.
fn even(x: &[u8; 32]) -> [u8; 33] {
    let mut key = [2; 33];
    key[1..].copy_from_slice(x);
    key
}

/// Whether `output` is the internal key, tweaked, with this parity.
pub(crate) fn is_tweaked_key(output: &[u8], internal: &[u8; 32], tweak: Digest, odd: bool) -> bool {
    let internal = PublicKey::from_byte_array_compressed(even(internal));
    let (Ok(internal), Ok(tweak)) = (internal, Scalar::from_be_bytes(tweak)) else {
        return false;
    };
    internal.add_exp_tweak(&tweak).is_ok_and(|key| {
        let [head, x @ ..] = key.serialize();
        head == 2 | u8::from(odd) && x == output
    })
}
