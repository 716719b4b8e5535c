//! Private keys with children (BIP32).

use bitcoin::hashes::{Hash, HashEngine, Hmac, HmacEngine, sha512};
use descriptors::{ExtendedKey, Notation};
use primitives::{EXTENDED_KEY_SIZE, decode_extended, encode_extended};
use zeroize::{Zeroize, Zeroizing};

use crate::PrivateKey;

/// The first index of hardened children.
pub const HARDENED: u32 = 1 << 31;

/// A private key with children.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtendedPrivateKey {
    key: PrivateKey,
    public: ExtendedKey,
}

impl ExtendedPrivateKey {
    /// The root that a seed stands for. One seed in 2^127 stands for none.
    pub fn from_seed(seed: &[u8]) -> Option<Self> {
        let mut mixed = hmac(b"Bitcoin seed", &[seed]);
        let (secret, chain_code) = mixed.split_first_chunk::<32>()?;
        let key = PrivateKey::from_bytes(secret, true);
        let public = key.as_ref().and_then(|key| extended(0, [0; 4], 0, chain_code, key));
        mixed.zeroize();
        Some(Self { key: key?, public: public? })
    }

    /// The root whose private part this is.
    pub fn from_parts(key: PrivateKey, public: ExtendedKey) -> Option<Self> {
        (key.public() == public.public_key()).then_some(Self { key, public })
    }

    /// Reads the text form of a chain.
    pub fn from_text(text: &str, notation: &Notation) -> Option<Self> {
        let bytes = decode_extended(text, notation.extended_secret_prefix())?;
        let (fields, secret) = bytes.split_at_checked(41)?;
        let (zero, secret) = secret.split_first()?;
        if *zero != 0 {
            return None;
        }
        let key = PrivateKey::from_bytes(secret, true)?;
        let mut public = [0; EXTENDED_KEY_SIZE];
        public[..41].copy_from_slice(fields);
        public[41..].copy_from_slice(&key.public().inner.serialize());
        Some(Self { public: ExtendedKey::from_bytes(&public)?, key })
    }

    /// The text form of a chain.
    pub fn text(&self, notation: &Notation) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new(self.public.to_bytes());
        bytes[41] = 0;
        bytes[42..].copy_from_slice(self.key.expose());
        encode_extended(&bytes, notation.extended_secret_prefix())
    }

    /// The public part.
    pub fn public(&self) -> &ExtendedKey {
        &self.public
    }

    /// The key itself.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }

    /// The key itself, without the rest.
    pub fn into_key(self) -> PrivateKey {
        self.key
    }

    /// The child with an index. One in 2^127 does not exist, nor do those of a key that is too deep.
    pub fn child(&self, index: u32) -> Option<Self> {
        let parent = self.public.to_bytes();
        let (depth, chain_code) = (parent[0].checked_add(1)?, &parent[9..41]);
        let index_bytes = index.to_be_bytes();
        let mut mixed = if index & HARDENED == 0 {
            hmac(chain_code, &[&parent[41..], &index_bytes])
        } else {
            hmac(chain_code, &[&[0], self.key.expose(), &index_bytes])
        };
        let child = mixed.split_first_chunk::<32>().and_then(|(tweak, chain_code)| {
            let key = self.key.add_tweak(tweak)?;
            let public = extended(depth, self.public.fingerprint(), index, chain_code, &key)?;
            Some(Self { key, public })
        });
        mixed.zeroize();
        child
    }

    /// The descendant at the end of a path.
    pub fn descendant(&self, path: &[u32]) -> Option<Self> {
        path.iter().try_fold(self.clone(), |key, index| key.child(*index))
    }
}

fn extended(depth: u8, parent: [u8; 4], index: u32, chain_code: &[u8], key: &PrivateKey) -> Option<ExtendedKey> {
    let key = key.public().inner.serialize();
    let bytes = [&[depth][..], &parent, &index.to_be_bytes(), chain_code, &key].concat();
    ExtendedKey::from_bytes(bytes.as_slice().try_into().ok()?)
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 64] {
    let mut engine = HmacEngine::<sha512::Hash>::new(key);
    for part in parts {
        engine.input(part);
    }
    Hmac::from_engine(engine).to_byte_array()
}
