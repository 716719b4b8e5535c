//! The curve: verifying signatures and taproot tweaks. Nothing here signs.
//!
//! Keys and signatures come in as bytes, so the library behind is a matter of this file alone. It is a newer one than that
//! of rust-bitcoin's types, because it verifies a tenth faster.

use libsecp::{Message, PublicKey, Scalar, XOnlyPublicKey, ecdsa, schnorr};

use crate::encoding::is_valid_pubkey_size;
use crate::hashing::Digest;

/// Verifies an ECDSA signature without its hash type byte.
///
/// Any DER that the network ever accepted is read, S may be in either half of the order, and hybrid keys are keys.
pub fn verify_ecdsa(der: &[u8], key: &[u8], hash: &Digest) -> bool {
    if !is_valid_pubkey_size(key) {
        return false;
    }
    let (Ok(key), Ok(mut signature)) = (PublicKey::from_slice(key), ecdsa::Signature::from_der_lax(der)) else {
        return false;
    };
    signature.normalize_s();
    ecdsa::verify(&signature, Message::from_digest(*hash), &key).is_ok()
}

/// Verifies a BIP340 signature.
pub fn verify_schnorr(signature: &[u8; 64], key: &[u8; 32], hash: &Digest) -> bool {
    let Ok(key) = XOnlyPublicKey::from_byte_array(*key) else { return false };
    schnorr::verify(&schnorr::Signature::from_byte_array(*signature), hash, &key).is_ok()
}

/// Whether `output` is the internal key, tweaked, with this parity.
pub(crate) fn is_tweaked_key(output: &[u8], internal: &[u8; 32], tweak: Digest, odd: bool) -> bool {
    // The internal key is the one with an even Y.
    let mut even = [2; 33];
    even[1..].copy_from_slice(internal);
    let (Ok(internal), Ok(tweak)) = (PublicKey::from_byte_array_compressed(even), Scalar::from_be_bytes(tweak)) else {
        return false;
    };
    internal.add_exp_tweak(&tweak).is_ok_and(|key| {
        let [head, x @ ..] = key.serialize();
        head == 2 | u8::from(odd) && x == output
    })
}
