//! The short forms of amounts and scripts in the UTXO set and in undo records.
//!
//! Amounts lose their trailing zeros. The scripts that pay to a key hash, a script hash or a public key lose everything
//! but the hash or the key's abscissa; others are kept behind their length plus six.

use bitcoin::opcodes::all::{OP_CHECKSIG, OP_DUP, OP_EQUAL, OP_EQUALVERIFY, OP_HASH160, OP_RETURN};
use bitcoin::{Amount, ScriptBuf, TxOut};
use secp256k1::PublicKey;

use crate::writer::{put_varint, wide};
use crate::{DecodeError, Reader};

/// How many numbers in the place of a length stand for a kind of script.
const KINDS: u32 = 6;
/// A longer script can never run, so it is not kept.
const MAX_SCRIPT_SIZE: usize = 10_000;

/// The short form of an amount: one digit tells how many zeros follow, up to nine.
pub fn compress_amount(amount: u64) -> u64 {
    if amount == 0 {
        return 0;
    }
    let mut rest = amount;
    let mut zeros = 0;
    while rest.is_multiple_of(10) && zeros < 9 {
        rest /= 10;
        zeros += 1;
    }
    // Wrapping, because an amount beyond any supply must not stop a process.
    if zeros < 9 {
        let digit = rest % 10;
        1 + (rest / 10).wrapping_mul(9).wrapping_add(digit - 1).wrapping_mul(10).wrapping_add(zeros)
    } else {
        1 + (rest - 1).wrapping_mul(10).wrapping_add(9)
    }
}

/// The amount of a short form.
pub fn decompress_amount(short: u64) -> u64 {
    let Some(rest) = short.checked_sub(1) else { return 0 };
    let zeros = rest % 10;
    let rest = rest / 10;
    let mantissa = if zeros < 9 { (rest / 9).wrapping_mul(10).wrapping_add(rest % 9 + 1) } else { rest + 1 };
    (0..zeros).fold(mantissa, |amount, _| amount.wrapping_mul(10))
}

/// Appends an output in its short form.
pub(crate) fn put_output(out: &mut Vec<u8>, output: &TxOut) {
    put_varint(out, compress_amount(output.value.to_sat()));
    put_script(out, output.script_pubkey.as_bytes());
}

/// Reads an output in its short form.
pub(crate) fn read_output(reader: &mut Reader<'_>) -> Result<TxOut, DecodeError> {
    let value = Amount::from_sat(decompress_amount(reader.varint_u64()?));
    Ok(TxOut { value, script_pubkey: ScriptBuf::from_bytes(read_script(reader)?) })
}

fn put_script(out: &mut Vec<u8>, script: &[u8]) {
    let dup = OP_DUP.to_u8();
    let hash160 = OP_HASH160.to_u8();
    let equalverify = OP_EQUALVERIFY.to_u8();
    let equal = OP_EQUAL.to_u8();
    let checksig = OP_CHECKSIG.to_u8();
    match script {
        [a, b, 20, hash @ .., c, d]
            if hash.len() == 20 && (*a, *b, *c, *d) == (dup, hash160, equalverify, checksig) =>
        {
            out.push(0);
            out.extend_from_slice(hash);
        }
        [a, 20, hash @ .., b] if hash.len() == 20 && (*a, *b) == (hash160, equal) => {
            out.push(1);
            out.extend_from_slice(hash);
        }
        [33, parity @ (2 | 3), x @ .., last] if x.len() == 32 && *last == checksig => {
            out.push(*parity);
            out.extend_from_slice(x);
        }
        [65, key @ .., last] if key.len() == 65 && key[0] == 4 && *last == checksig && is_on_curve(key) => {
            out.push(4 | key[64] & 1);
            out.extend_from_slice(&key[1..33]);
        }
        _ => {
            put_varint(out, wide(script.len()) + u64::from(KINDS));
            out.extend_from_slice(script);
        }
    }
}

fn is_on_curve(key: &[u8]) -> bool {
    PublicKey::from_slice(key).is_ok()
}

fn read_script(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    let kind = reader.varint_u32()?;
    Ok(match kind {
        0 => {
            let hash = reader.array::<20>()?;
            let (before, after) =
                ([OP_DUP.to_u8(), OP_HASH160.to_u8(), 20], [OP_EQUALVERIFY.to_u8(), OP_CHECKSIG.to_u8()]);
            [before.as_slice(), &hash, &after].concat()
        }
        1 => [[OP_HASH160.to_u8(), 20].as_slice(), &reader.array::<20>()?, &[OP_EQUAL.to_u8()]].concat(),
        2 | 3 => {
            let parity = if kind == 2 { 2 } else { 3 };
            [[33, parity].as_slice(), &reader.array::<32>()?, &[OP_CHECKSIG.to_u8()]].concat()
        }
        4 | 5 => {
            let mut short = [if kind == 4 { 2 } else { 3 }; 33];
            short[1..].copy_from_slice(&reader.array::<32>()?);
            let key = PublicKey::from_slice(&short).map_err(|_| DecodeError::BadPublicKey)?;
            [[65].as_slice(), &key.serialize_uncompressed(), &[OP_CHECKSIG.to_u8()]].concat()
        }
        length => {
            let length = usize::try_from(length - KINDS).map_err(|_| DecodeError::EndOfData)?;
            let script = reader.take(length)?;
            if length > MAX_SCRIPT_SIZE { vec![OP_RETURN.to_u8()] } else { script.to_vec() }
        }
    })
}

#[cfg(test)]
mod tests;
