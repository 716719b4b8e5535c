//! Encryption of private keys, as wallet files have it.
//!
//! A passphrase, stretched by many rounds of SHA-512, opens the [`SealedMasterKey`] in the file. The [`MasterKey`] behind
//! it encrypts each private key with AES-256 in CBC mode; the start vector comes from the public key.

use std::fmt;
use std::time::Duration;

use aes::Aes256;
use bitcoin::PublicKey;
use bitcoin::hashes::{Hash, sha256d};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use platform::LockedBytes;
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, Zeroizing};

use crate::PrivateKey;

/// The fewest rounds that a new passphrase gets.
pub const MIN_ROUNDS: u32 = 25_000;

/// Bytes of salt.
pub const SALT_SIZE: usize = 8;

/// How long it should take to try a passphrase.
const TARGET: Duration = Duration::from_millis(100);

/// The only known way to stretch a passphrase.
const METHOD_SHA512: u32 = 0;

/// The key that encrypts the keys of a wallet.
#[derive(Clone)]
pub struct MasterKey(LockedBytes);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

/// A master key as it lies in a wallet file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedMasterKey {
    /// The encrypted key.
    pub crypted: Vec<u8>,
    /// What makes equal passphrases different.
    pub salt: Vec<u8>,
    /// How the passphrase is stretched; only 0 is known.
    pub method: u32,
    /// How often.
    pub rounds: u32,
    /// Not used.
    pub other: Vec<u8>,
}

impl MasterKey {
    /// A new key of random bytes, which the caller wipes.
    pub fn new(entropy: &[u8; 32]) -> Self {
        Self(LockedBytes::copy_of(entropy))
    }

    /// Encrypts a private key.
    pub fn encrypt(&self, key: &PrivateKey) -> Vec<u8> {
        encrypt(&self.0, &start_vector(&key.public()), key.expose())
    }

    /// Decrypts the private key of a public one. None if what comes out is another key.
    pub fn decrypt(&self, crypted: &[u8], public: &PublicKey) -> Option<PrivateKey> {
        let secret = decrypt(&self.0, &start_vector(public), crypted)?;
        PrivateKey::from_bytes(&secret, public.compressed).filter(|key| key.public() == *public)
    }

    /// Seals it with a passphrase. `clock` says how much time has passed since any fixed moment; by it the number of
    /// rounds is chosen, so that trying a passphrase takes a tenth of a second.
    pub fn seal(
        &self,
        passphrase: &[u8],
        salt: [u8; SALT_SIZE],
        clock: &mut dyn FnMut() -> Duration,
    ) -> SealedMasterKey {
        let mut rounds = MIN_ROUNDS;
        for earlier in 0..2_u64 {
            let start = clock();
            drop(stretch(passphrase, &salt, rounds));
            let took = clock().saturating_sub(start);
            if took.is_zero() {
                rounds = MIN_ROUNDS;
                break;
            }
            let possible = u128::from(rounds) * TARGET.as_nanos() / took.as_nanos();
            let possible = u64::from(u32::try_from(possible).unwrap_or(u32::MAX));
            let average = (u64::from(rounds) * earlier + possible) / (earlier + 1);
            rounds = u32::try_from(average).unwrap_or(u32::MAX);
            rounds = rounds.max(1);
        }
        let rounds = rounds.max(MIN_ROUNDS);
        let (key, start) = stretch(passphrase, &salt, rounds);
        let crypted = encrypt(&key, &start, &self.0);
        SealedMasterKey { crypted, salt: salt.to_vec(), method: METHOD_SHA512, rounds, other: Vec::new() }
    }
}

impl SealedMasterKey {
    /// Opens it. A wrong passphrase mostly gives none, but one in some hundred gives a wrong key: see whether that
    /// decrypts a private key.
    pub fn open(&self, passphrase: &[u8]) -> Option<MasterKey> {
        if self.rounds == 0 || self.salt.len() != SALT_SIZE || self.method != METHOD_SHA512 {
            return None;
        }
        let (key, start) = stretch(passphrase, &self.salt, self.rounds);
        decrypt(&key, &start, &self.crypted).filter(|key| key.len() == 32).map(MasterKey)
    }
}

/// The key and the start vector that a passphrase stands for. `rounds` is not zero.
pub(crate) fn stretch(passphrase: &[u8], salt: &[u8], rounds: u32) -> (LockedBytes, [u8; 16]) {
    let mut hasher = Sha512::new();
    hasher.update(passphrase);
    hasher.update(salt);
    let mut hash = Zeroizing::new([0_u8; 64]);
    hash.copy_from_slice(&hasher.finalize());
    for _ in 1..rounds {
        let mut next = Sha512::digest(hash.as_slice());
        hash.copy_from_slice(&next);
        next.as_mut_slice().zeroize();
    }
    let mut start = [0; 16];
    start.copy_from_slice(&hash[32..48]);
    (LockedBytes::copy_of(&hash[..32]), start)
}

fn start_vector(key: &PublicKey) -> [u8; 16] {
    let hash = sha256d::Hash::hash(&key.to_bytes()).to_byte_array();
    let mut start = [0; 16];
    start.copy_from_slice(&hash[..16]);
    start
}

fn encrypt(key: &[u8], start: &[u8; 16], plain: &[u8]) -> Vec<u8> {
    let cipher = cbc::Encryptor::<Aes256>::new_from_slices(key, start).expect("the key has 32 bytes, the vector 16");
    cipher.encrypt_padded_vec::<Pkcs7>(plain)
}

fn decrypt(key: &[u8], start: &[u8; 16], crypted: &[u8]) -> Option<LockedBytes> {
    let cipher = cbc::Decryptor::<Aes256>::new_from_slices(key, start).expect("the key has 32 bytes, the vector 16");
    // Decrypted in place, so that no copy is left in memory that is not locked.
    let mut plain = LockedBytes::copy_of(crypted);
    let length = cipher.decrypt_padded::<Pkcs7>(&mut plain).ok()?.len();
    Some(LockedBytes::copy_of(&plain[..length]))
}
