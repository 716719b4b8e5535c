//! The curve: verifying signatures and taproot tweaks. Nothing here signs.

use std::sync::LazyLock;

use secp256k1::{Message, Parity, PublicKey, Scalar, Secp256k1, VerifyOnly, XOnlyPublicKey, ecdsa, schnorr};

use crate::encoding::is_valid_pubkey_size;
use crate::hashing::Digest;

static SECP: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

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
    SECP.verify_ecdsa(&Message::from_digest(*hash), &signature, &key).is_ok()
}

/// Verifies a BIP340 signature.
pub fn verify_schnorr(signature: &[u8; 64], key: &[u8; 32], hash: &Digest) -> bool {
    let (Ok(key), Ok(signature)) = (XOnlyPublicKey::from_slice(key), schnorr::Signature::from_slice(signature)) else {
        return false;
    };
    SECP.verify_schnorr(&signature, &Message::from_digest(*hash), &key).is_ok()
}

/// Whether `output` is the internal key, tweaked, with this parity.
pub(crate) fn is_tweaked_key(output: &[u8], internal: &[u8; 32], tweak: Digest, odd: bool) -> bool {
    let (Ok(internal), Ok(tweak)) = (XOnlyPublicKey::from_slice(internal), Scalar::from_be_bytes(tweak)) else {
        return false;
    };
    internal
        .add_tweak(&*SECP, &tweak)
        .is_ok_and(|(key, parity)| key.serialize() == output && parity == if odd { Parity::Odd } else { Parity::Even })
}
