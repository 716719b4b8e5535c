//! A private key in memory, and in the form that the file has it in.

use std::fmt;

use bitcoin::hashes::{Hash, HashEngine, sha256d};
use bitcoin::secp256k1::SecretKey;
use platform::LockedBytes;
use primitives::{Reader, put_bytes};
use zeroize::Zeroizing;

use crate::RecordError;

/// A private key: a number of 32 bytes, most significant first. It lives in locked memory and never prints itself.
pub struct KeySecret(LockedBytes);

impl KeySecret {
    /// Copies a private key here. The caller still has to wipe the original.
    pub fn copy_of(bytes: &[u8; 32]) -> Self {
        Self(LockedBytes::copy_of(bytes))
    }

    /// The number.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Clone for KeySecret {
    fn clone(&self) -> Self {
        Self(LockedBytes::copy_of(&self.0))
    }
}

impl PartialEq for KeySecret {
    fn eq(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }
}

impl Eq for KeySecret {}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// Whether the length of a public key is the one that its first byte announces.
pub(crate) fn is_public_key(bytes: &[u8]) -> bool {
    match bytes.first() {
        Some(2 | 3) => bytes.len() == 33,
        Some(4 | 6 | 7) => bytes.len() == 65,
        _ => false,
    }
}

/// The value of a private key's record: the key in DER, and a hash of public and private key behind it, so that a wallet
/// can be loaded without a multiplication on the curve for each key.
pub(crate) fn encode(public_key: &[u8], secret: &KeySecret, out: &mut Vec<u8>) {
    let der = to_der(public_key, secret);
    put_bytes(out, &der);
    out.extend_from_slice(&pair_hash(public_key, &der));
}

/// Reads what [`encode`] has written.
pub(crate) fn decode(public_key: &[u8], reader: &mut Reader<'_>) -> Result<KeySecret, RecordError> {
    if !is_public_key(public_key) {
        return Err(RecordError::PublicKey);
    }
    let der = reader.bytes()?;
    if reader.array()? != pair_hash(public_key, der) {
        return Err(RecordError::KeyPair);
    }
    from_der(der).ok_or(RecordError::PrivateKey)
}

fn pair_hash(public_key: &[u8], der: &[u8]) -> [u8; 32] {
    let mut engine = sha256d::Hash::engine();
    engine.input(public_key);
    engine.input(der);
    sha256d::Hash::from_engine(engine).to_byte_array()
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const BITS: u8 = 0x03;
const OBJECT: u8 = 0x06;

/// secp256k1 as X9.62 writes a curve: the field, the two coefficients, the generator, its order. There is a name for all
/// this, but the first wallets spelled it out.
const FIELD_KIND: [u8; 7] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 1, 1];
const FIELD: [u8; 32] = bitcoin::secp256k1::constants::FIELD_SIZE;
const ORDER: [u8; 32] = bitcoin::secp256k1::constants::CURVE_ORDER;

/// A private key as an `ECPrivateKey` of RFC 5915 with explicit parameters. Points are compressed if the public key is.
fn to_der(public_key: &[u8], secret: &KeySecret) -> Zeroizing<Vec<u8>> {
    let compressed = public_key.len() == 33;
    let generator_x = bitcoin::secp256k1::constants::GENERATOR_X;
    let generator_y = bitcoin::secp256k1::constants::GENERATOR_Y;
    let generator = if compressed {
        [&[2 + (generator_y[31] & 1)], generator_x.as_slice()].concat()
    } else {
        [&[4], generator_x.as_slice(), generator_y.as_slice()].concat()
    };
    let field = [tagged(OBJECT, &FIELD_KIND), positive(&FIELD)].concat();
    let coefficients = [tagged(OCTETS, &[0]), tagged(OCTETS, &[7])].concat();
    let curve = [
        tagged(INTEGER, &[1]),
        tagged(SEQUENCE, &field),
        tagged(SEQUENCE, &coefficients),
        tagged(OCTETS, &generator),
        positive(&ORDER),
        tagged(INTEGER, &[1]),
    ]
    .concat();
    let public = [&[0], public_key].concat();
    // The room is reserved first, so that no copy of the key is left behind in memory.
    let mut body = Zeroizing::new(Vec::with_capacity(300));
    body.extend_from_slice(&tagged(INTEGER, &[1]));
    put_tagged(&mut body, OCTETS, secret.as_bytes());
    put_tagged(&mut body, 0xa0, &tagged(SEQUENCE, &curve));
    put_tagged(&mut body, 0xa1, &tagged(BITS, &public));
    let mut der = Zeroizing::new(Vec::with_capacity(300));
    put_tagged(&mut der, SEQUENCE, &body);
    der
}

/// A number whose first bit is set: a zero byte in front says that it is not negative.
fn positive(number: &[u8]) -> Vec<u8> {
    tagged(INTEGER, &[&[0], number].concat())
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_tagged(&mut out, tag, content);
    out
}

fn put_tagged(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    let length = u16::try_from(content.len()).expect("a key and its curve take less than 300 bytes").to_be_bytes();
    match length {
        [0, short @ 0..=0x7f] => out.push(short),
        [0, long] => out.extend_from_slice(&[0x81, long]),
        both => out.extend_from_slice(&[0x82, both[0], both[1]]),
    }
    out.extend_from_slice(content);
}

/// The number in a DER private key, whatever curve and public key stand behind it.
fn from_der(der: &[u8]) -> Option<KeySecret> {
    let mut reader = Reader::new(der);
    if reader.u8().ok()? != SEQUENCE {
        return None;
    }
    let length = match reader.u8().ok()? {
        0x81 => usize::from(reader.u8().ok()?),
        0x82 => usize::from(u16::from_be_bytes(reader.array().ok()?)),
        _ => return None,
    };
    if reader.remaining() < length || reader.array().ok()? != [INTEGER, 1, 1] || reader.u8().ok()? != OCTETS {
        return None;
    }
    let size = usize::from(reader.u8().ok()?);
    let number = reader.take(size).ok()?;
    let mut padded = Zeroizing::new([0; 32]);
    padded.get_mut(32_usize.checked_sub(size)?..)?.copy_from_slice(number);
    SecretKey::from_slice(padded.as_slice()).ok()?.non_secure_erase();
    Some(KeySecret::copy_of(&padded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitcoin::secp256k1::Secp256k1;

    fn key(byte: u8) -> (Vec<u8>, Vec<u8>, KeySecret) {
        let secret = SecretKey::from_slice(&[byte; 32]).unwrap();
        let public = secret.public_key(&Secp256k1::signing_only());
        (public.serialize().to_vec(), public.serialize_uncompressed().to_vec(), KeySecret::copy_of(&[byte; 32]))
    }

    #[test]
    fn lengths_are_those_that_every_wallet_has() {
        let (short, long, secret) = key(7);
        assert_eq!(to_der(&short, &secret).len(), 214);
        assert_eq!(to_der(&long, &secret).len(), 279);
        assert_eq!(to_der(&short, &secret)[..8], [0x30, 0x81, 0xd3, 2, 1, 1, 4, 0x20]);
        assert_eq!(to_der(&long, &secret)[..9], [0x30, 0x82, 1, 0x13, 2, 1, 1, 4, 0x20]);
    }

    #[test]
    fn keys_round_trip_and_damage_is_named() {
        for byte in [1, 77, 254] {
            let (short, long, secret) = key(byte);
            for public in [short, long] {
                let mut value = Vec::new();
                encode(&public, &secret, &mut value);
                assert_eq!(decode(&public, &mut Reader::new(&value)), Ok(secret.clone()));
                assert_eq!(decode(&public[1..], &mut Reader::new(&value)), Err(RecordError::PublicKey));
                value[20] ^= 1;
                assert_eq!(decode(&public, &mut Reader::new(&value)), Err(RecordError::KeyPair));
            }
        }
    }

    #[test]
    fn a_number_that_is_no_key_is_refused() {
        let (public, _, _) = key(1);
        for number in [[0; 32], [0xff; 32]] {
            let mut value = Vec::new();
            encode(&public, &KeySecret::copy_of(&number), &mut value);
            assert_eq!(decode(&public, &mut Reader::new(&value)), Err(RecordError::PrivateKey));
        }
    }

    #[test]
    fn short_numbers_and_foreign_curves_are_read() {
        let der = [0x30, 0x81, 6, 2, 1, 1, 4, 1, 9];
        let mut nine = [0; 32];
        nine[31] = 9;
        assert_eq!(from_der(&der), Some(KeySecret::copy_of(&nine)));
        assert_eq!(from_der(&der[..8]), None);
        assert_eq!(from_der(&[0x30, 0x81, 200, 2, 1, 1, 4, 1, 9]), None);
        let mut long = vec![0x30, 0x81, 38, 2, 1, 1, 4, 33];
        long.extend_from_slice(&[1; 33]);
        assert_eq!(from_der(&long), None);
    }

    #[test]
    fn secrets_do_not_print() {
        assert_eq!(format!("{:?}", key(5).2), "<redacted>");
    }
}
