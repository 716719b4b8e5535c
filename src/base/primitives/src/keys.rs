//! Private and extended keys as text. Here they are bytes with a prefix; what they mean is for the wallet to know.

use zeroize::Zeroizing;

use crate::base58;

/// The bytes of an extended key behind its prefix (BIP32).
pub const EXTENDED_KEY_SIZE: usize = 74;

/// A private key, and whether its public key is used in compressed form. Both are wiped when dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretText {
    /// The key. Whether it is a number that the curve allows has not been checked.
    pub secret: Zeroizing<[u8; 32]>,
    /// Whether its public key is compressed.
    pub compressed: bool,
}

/// Reads a private key with the prefix of a chain, which is [`coin::Chain::base58_secret`].
pub fn decode_secret(text: &str, prefix: u8) -> Option<SecretText> {
    let bytes = Zeroizing::new(base58::decode_check(text, 34)?);
    let (first, rest) = bytes.split_first()?;
    let (secret, flag) = rest.split_first_chunk::<32>()?;
    let compressed = match flag {
        [] => false,
        [1] => true,
        _ => return None,
    };
    (*first == prefix).then(|| SecretText { secret: Zeroizing::new(*secret), compressed })
}

/// Writes a private key with the prefix of a chain.
pub fn encode_secret(key: &SecretText, prefix: u8) -> Zeroizing<String> {
    let flag: &[u8] = if key.compressed { &[1] } else { &[] };
    let bytes = Zeroizing::new([[prefix].as_slice(), key.secret.as_slice(), flag].concat());
    Zeroizing::new(base58::encode_check(&bytes))
}

/// Reads an extended key with a prefix: [`coin::Chain::ext_public`] or [`coin::Chain::ext_secret`].
pub fn decode_extended(text: &str, prefix: [u8; 4]) -> Option<Zeroizing<[u8; EXTENDED_KEY_SIZE]>> {
    let bytes = Zeroizing::new(base58::decode_check(text, 4 + EXTENDED_KEY_SIZE)?);
    let key = bytes.strip_prefix(prefix.as_slice())?;
    key.try_into().ok().map(Zeroizing::new)
}

/// Writes an extended key with a prefix.
pub fn encode_extended(key: &[u8; EXTENDED_KEY_SIZE], prefix: [u8; 4]) -> Zeroizing<String> {
    let bytes = Zeroizing::new([prefix.as_slice(), key].concat());
    Zeroizing::new(base58::encode_check(&bytes))
}
