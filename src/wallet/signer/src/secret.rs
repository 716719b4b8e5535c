//! One private key.

use std::fmt;

use bitcoin::PublicKey;
use bitcoin::hashes::{Hash, hash160};
use bitcoin::key::TapTweak;
use bitcoin::secp256k1::ecdsa::RecoverableSignature;
use bitcoin::secp256k1::{self, Keypair, Message, Scalar};
use bitcoin::taproot::TapNodeHash;
use platform::LockedBytes;
use primitives::{SecretText, decode_secret, encode_secret};
use psbt::spend::{Id, Tweak};
use zeroize::{Zeroize, Zeroizing};

use crate::CURVE;

/// A wrong signature may tell the key to whoever sees it, so none leaves before it was verified.
const BROKEN: &str = "this machine computes wrong signatures";

/// A private key. It lies in locked memory, is wiped when dropped, and never prints.
#[derive(Clone)]
pub struct PrivateKey {
    secret: LockedBytes,
    public: PublicKey,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl PartialEq for PrivateKey {
    fn eq(&self, other: &Self) -> bool {
        self.public == other.public
    }
}

impl Eq for PrivateKey {}

impl PrivateKey {
    /// The key that is this number, unless the curve has no such key.
    pub fn from_bytes(secret: &[u8], compressed: bool) -> Option<Self> {
        let mut key = secp256k1::SecretKey::from_slice(secret).ok()?;
        let inner = key.public_key(&CURVE);
        key.non_secure_erase();
        Some(Self { secret: LockedBytes::copy_of(secret), public: PublicKey { compressed, inner } })
    }

    /// Reads the wallet import format with a chain's prefix.
    pub fn from_text(text: &str, prefix: u8) -> Option<Self> {
        let key = decode_secret(text, prefix)?;
        Self::from_bytes(&*key.secret, key.compressed)
    }

    /// The wallet import format.
    pub fn text(&self, prefix: u8) -> Zeroizing<String> {
        let mut secret = Zeroizing::new([0; 32]);
        secret.copy_from_slice(&self.secret);
        encode_secret(&SecretText { secret, compressed: self.public.compressed }, prefix)
    }

    /// The number. Whoever copies it wipes it.
    pub fn expose(&self) -> &[u8] {
        &self.secret
    }

    /// The public key.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// The hash that the public key is found by.
    pub fn id(&self) -> Id {
        key_id(&self.public)
    }

    fn with<R>(&self, work: impl FnOnce(&secp256k1::SecretKey) -> R) -> R {
        let mut key = secp256k1::SecretKey::from_slice(&self.secret).expect("it was a key when it was made");
        let done = work(&key);
        key.non_secure_erase();
        done
    }

    /// A signature in DER whose R is low, so that it has at most 70 bytes. The same message always gets the same one.
    pub fn sign_ecdsa(&self, hash: [u8; 32]) -> Vec<u8> {
        let message = Message::from_digest(hash);
        let signature = self.with(|key| CURVE.sign_ecdsa_low_r(&message, key));
        assert!(CURVE.verify_ecdsa(&message, &signature, &self.public.inner).is_ok(), "{BROKEN}");
        signature.serialize_der().to_vec()
    }

    /// A signature from which the public key can be recovered.
    pub fn sign_recoverable(&self, hash: [u8; 32]) -> RecoverableSignature {
        let message = Message::from_digest(hash);
        let signature = self.with(|key| CURVE.sign_ecdsa_recoverable(&message, key));
        assert!(CURVE.recover_ecdsa(&message, &signature) == Ok(self.public.inner), "{BROKEN}");
        signature
    }

    /// A Schnorr signature by the key, tweaked or not. The same message always gets the same one.
    pub fn sign_schnorr(&self, hash: [u8; 32], tweak: Tweak) -> [u8; 64] {
        let message = Message::from_digest(hash);
        let mut pair = self.with(|key| Keypair::from_secret_key(&CURVE, key));
        pair = match tweak {
            Tweak::None => pair,
            Tweak::KeyOnly => pair.tap_tweak(&CURVE, None).to_keypair(),
            Tweak::Tree(root) => pair.tap_tweak(&CURVE, Some(TapNodeHash::assume_hidden(root))).to_keypair(),
        };
        let signature = CURVE.sign_schnorr_with_aux_rand(&message, &pair, &[0; 32]);
        let key = pair.x_only_public_key().0;
        pair.non_secure_erase();
        assert!(CURVE.verify_schnorr(&signature, &message, &key).is_ok(), "{BROKEN}");
        signature.serialize()
    }

    /// The key plus a number, if that is a key.
    pub(crate) fn add_tweak(&self, tweak: &[u8; 32]) -> Option<Self> {
        let mut scalar = Scalar::from_be_bytes(*tweak).ok()?;
        let sum = self.with(|key| key.add_tweak(&scalar));
        scalar.non_secure_erase();
        let mut sum = sum.ok()?;
        let mut bytes = sum.secret_bytes();
        sum.non_secure_erase();
        let key = Self::from_bytes(&bytes, true);
        bytes.zeroize();
        key
    }
}

/// The hash that a public key is found by.
pub fn key_id(key: &PublicKey) -> Id {
    hash160::Hash::hash(&key.to_bytes()).to_byte_array()
}
