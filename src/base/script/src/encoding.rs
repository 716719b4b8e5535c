//! How signatures and public keys may be written, under which flags.

use crate::error::ScriptError;
use crate::eval::SigVersion;
use crate::flags::Flags;

/// Whether the bytes have the length that a public key's first byte announces. Says nothing about the curve.
pub fn is_valid_pubkey_size(key: &[u8]) -> bool {
    match key.first() {
        Some(2 | 3) => key.len() == 33,
        Some(4 | 6 | 7) => key.len() == 65,
        _ => false,
    }
}

fn is_compressed(key: &[u8]) -> bool {
    key.len() == 33 && matches!(key[0], 2 | 3)
}

fn is_compressed_or_uncompressed(key: &[u8]) -> bool {
    is_compressed(key) || (key.len() == 65 && key[0] == 4)
}

/// BIP66: `30 len 02 len-R R 02 len-S S hashtype`, both numbers positive and as short as can be.
pub fn is_strict_der(signature: &[u8]) -> bool {
    // Without the hash type, between the shortest and the longest form.
    let Some((_, der)) = signature.split_last().filter(|(_, der)| (8..=72).contains(&der.len())) else {
        return false;
    };
    let [0x30, len, body @ ..] = der else { return false };
    if usize::from(*len) != body.len() {
        return false;
    }
    der_integer(body).and_then(der_integer).is_some_and(<[u8]>::is_empty)
}

/// Reads one strict integer and returns what follows it.
fn der_integer(bytes: &[u8]) -> Option<&[u8]> {
    let [0x02, len, rest @ ..] = bytes else { return None };
    let (number, rest) = rest.split_at_checked(usize::from(*len))?;
    match number {
        [] | [0x80..=0xff, ..] | [0, 0..=0x7f, ..] => None,
        _ => Some(rest),
    }
}

fn has_low_s(der: &[u8]) -> bool {
    libsecp::ecdsa::Signature::from_der_lax(der).is_ok_and(|signature| {
        let mut normal = signature;
        normal.normalize_s();
        normal == signature
    })
}

/// Checks how a signature, hash type included, is written. An empty one is always fine: it is the shortest failure.
pub fn check_signature_encoding(signature: &[u8], flags: Flags) -> Result<(), ScriptError> {
    let Some((hash_type, der)) = signature.split_last() else {
        return Ok(());
    };
    if flags.intersects(Flags::DERSIG | Flags::LOW_S | Flags::STRICTENC) && !is_strict_der(signature) {
        return Err(ScriptError::SigDer);
    }
    if flags.has(Flags::LOW_S) && !has_low_s(der) {
        return Err(ScriptError::SigHighS);
    }
    if flags.has(Flags::STRICTENC) && !(1..=3).contains(&(hash_type & 0x7f)) {
        return Err(ScriptError::SigHashtype);
    }
    Ok(())
}

/// Checks how a public key is written.
pub(crate) fn check_pubkey_encoding(key: &[u8], flags: Flags, version: SigVersion) -> Result<(), ScriptError> {
    if flags.has(Flags::STRICTENC) && !is_compressed_or_uncompressed(key) {
        return Err(ScriptError::PubkeyType);
    }
    if flags.has(Flags::WITNESS_PUBKEYTYPE) && version == SigVersion::WitnessV0 && !is_compressed(key) {
        return Err(ScriptError::WitnessPubkeyType);
    }
    Ok(())
}
