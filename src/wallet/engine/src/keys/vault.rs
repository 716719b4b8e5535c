//! Private keys by descriptor, in the clear or encrypted.

use std::collections::BTreeMap;
use std::time::Duration;

use bitcoin::PublicKey;
use descriptors::Notation;
use signer::{KeyRing, MasterKey, PrivateKey, SALT_SIZE, SealedMasterKey};
use walletdb::{DescriptorId, Key, KeySecret, MasterKeyRecord, Record};

/// Why a vault does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VaultFault {
    /// No master key opens with it.
    #[error("Error: The wallet passphrase entered was incorrect.")]
    Passphrase,
    /// The file is damaged.
    #[error("Error unlocking wallet: some keys decrypt but not all. Your wallet file may be corrupt.")]
    Corrupt,
}

/// An encrypted key and the public key that it belongs to.
type Sealed = BTreeMap<Vec<u8>, (PublicKey, Vec<u8>)>;

/// The private keys of a wallet.
#[derive(Debug)]
pub struct Vault {
    notation: Notation,
    plain: BTreeMap<DescriptorId, KeyRing>,
    sealed: BTreeMap<DescriptorId, Sealed>,
    masters: BTreeMap<u32, SealedMasterKey>,
    open: Option<MasterKey>,
}

impl Vault {
    /// Without keys.
    pub fn new(notation: Notation) -> Self {
        Self { notation, plain: BTreeMap::new(), sealed: BTreeMap::new(), masters: BTreeMap::new(), open: None }
    }

    /// Whether keys are encrypted.
    pub fn is_encrypted(&self) -> bool {
        !self.masters.is_empty()
    }

    /// Whether keys are encrypted and nobody has said the passphrase.
    pub fn is_locked(&self) -> bool {
        self.is_encrypted() && self.open.is_none()
    }

    /// Whether there are private keys of a descriptor.
    pub fn has_keys(&self, id: &DescriptorId) -> bool {
        self.plain.get(id).is_some_and(|ring| !ring.is_empty())
            || self.sealed.get(id).is_some_and(|keys| !keys.is_empty())
    }

    /// Whether there is the private key of a public one.
    pub fn has_key(&self, id: &DescriptorId, key: &PublicKey) -> bool {
        self.plain.get(id).is_some_and(|ring| ring.of(key).is_some())
            || self.sealed.get(id).is_some_and(|keys| keys.contains_key(&key.to_bytes()))
    }

    /// The private keys of a descriptor. Empty while locked.
    pub fn ring(&self, id: &DescriptorId) -> KeyRing {
        if let Some(ring) = self.plain.get(id) {
            return ring.clone();
        }
        let mut ring = KeyRing::new(self.notation);
        if let (Some(master), Some(keys)) = (&self.open, self.sealed.get(id)) {
            for (public, sealed) in keys.values() {
                if let Some(key) = master.decrypt(sealed, public) {
                    ring.insert(key);
                }
            }
        }
        ring
    }

    // From the file.

    /// A key in the clear. False if it is not the private key of the public one.
    pub fn restore_plain(&mut self, id: DescriptorId, public_key: &[u8], secret: &KeySecret) -> bool {
        let key = PrivateKey::from_bytes(secret.as_bytes(), public_key.len() == 33);
        let Some(key) = key.filter(|key| key.public().to_bytes() == public_key) else { return false };
        self.plain.entry(id).or_insert_with(|| KeyRing::new(self.notation)).insert(key);
        true
    }

    /// An encrypted key.
    pub fn restore_sealed(&mut self, id: DescriptorId, public_key: &[u8], sealed: Vec<u8>) -> bool {
        let Ok(public) = PublicKey::from_slice(public_key) else { return false };
        self.sealed.entry(id).or_default().insert(public_key.to_vec(), (public, sealed));
        true
    }

    /// A master key.
    pub fn restore_master(&mut self, number: u32, record: MasterKeyRecord) {
        self.masters.insert(number, sealed_master(record));
    }

    /// Whether some keys are encrypted and others are not, which no wallet has.
    pub fn is_mixed(&self) -> bool {
        !self.sealed.is_empty() && !self.plain.is_empty()
    }

    /// Whether there are master keys and nothing that they encrypt.
    pub fn is_needless(&self) -> bool {
        self.is_encrypted() && self.sealed.values().all(BTreeMap::is_empty)
    }

    /// Forgets the master keys. Returns what is to be erased.
    pub fn forget_masters(&mut self) -> Vec<Key> {
        self.open = None;
        std::mem::take(&mut self.masters).into_keys().map(Key::MasterKey).collect()
    }

    // Changes.

    /// Adds keys to a descriptor. False if they would have to be encrypted, and the vault is locked.
    pub fn add(&mut self, id: &DescriptorId, ring: &KeyRing, out: &mut Vec<Record>) -> bool {
        for key in ring.keys() {
            let public = key.public();
            if self.has_key(id, &public) {
                continue;
            }
            let public_key = public.to_bytes();
            if self.is_encrypted() {
                let Some(master) = &self.open else { return false };
                let sealed = master.encrypt(key);
                let ciphertext = sealed.clone();
                out.push(Record::DescriptorCryptedKey { id: *id, public_key: public_key.clone(), ciphertext });
                self.sealed.entry(*id).or_default().insert(public_key, (public, sealed));
            } else {
                if let Some(secret) = secret_of(key) {
                    out.push(Record::DescriptorKey { id: *id, public_key, secret });
                }
                self.plain.entry(*id).or_insert_with(|| KeyRing::new(self.notation)).insert(key.clone());
            }
        }
        true
    }

    /// Encrypts everything. The records in the clear are to be erased.
    pub fn encrypt(
        &mut self,
        passphrase: &str,
        entropy: &[u8; 32],
        salt: [u8; SALT_SIZE],
        clock: &mut dyn FnMut() -> Duration,
        out: &mut Vec<Record>,
        erase: &mut Vec<Key>,
    ) {
        let master = MasterKey::new(entropy);
        let sealed = master.seal(passphrase.as_bytes(), salt, clock);
        tracing::info!("Encrypting Wallet with an nDeriveIterations of {}", sealed.rounds);
        let number = self.masters.keys().last().copied().unwrap_or(0) + 1;
        out.push(Record::MasterKey { number, key: master_record(&sealed) });
        self.masters.insert(number, sealed);
        for (id, ring) in std::mem::take(&mut self.plain) {
            for key in ring.keys() {
                let public = key.public();
                let (public_key, sealed) = (public.to_bytes(), master.encrypt(key));
                let ciphertext = sealed.clone();
                out.push(Record::DescriptorCryptedKey { id, public_key: public_key.clone(), ciphertext });
                erase.push(Key::DescriptorKey { id, public_key: public_key.clone() });
                self.sealed.entry(id).or_default().insert(public_key, (public, sealed));
            }
        }
        self.open = Some(master);
    }

    /// Forgets the master key.
    pub fn lock(&mut self) {
        self.open = None;
    }

    /// Opens the vault.
    pub fn unlock(&mut self, passphrase: &str) -> Result<(), VaultFault> {
        for sealed in self.masters.values() {
            let Some(master) = sealed.open(passphrase.as_bytes()) else { continue };
            if self.fits(&master)? {
                self.open = Some(master);
                return Ok(());
            }
        }
        Err(VaultFault::Passphrase)
    }

    /// Whether a master key opens every key.
    fn fits(&self, master: &MasterKey) -> Result<bool, VaultFault> {
        let (mut opened, mut failed) = (0_usize, 0_usize);
        for (public, sealed) in self.sealed.values().flat_map(BTreeMap::values) {
            if master.decrypt(sealed, public).is_some() {
                opened += 1;
            } else {
                failed += 1;
            }
            if failed > 0 && opened == 0 {
                return Ok(false);
            }
            if failed > 0 {
                tracing::warn!("The wallet is probably corrupted: Some keys decrypt but not all.");
                return Err(VaultFault::Corrupt);
            }
        }
        Ok(true)
    }

    /// Seals the master key with another passphrase. The vault stays open or shut as it was.
    pub fn change_passphrase(
        &mut self,
        old: &str,
        new: &str,
        clock: &mut dyn FnMut() -> Duration,
        out: &mut Vec<Record>,
    ) -> Result<(), VaultFault> {
        let mut found = None;
        for (number, sealed) in &self.masters {
            if let Some(master) = sealed.open(old.as_bytes())
                && self.fits(&master)?
            {
                found = Some((*number, master, sealed.salt.clone()));
                break;
            }
        }
        let (number, master, salt) = found.ok_or(VaultFault::Passphrase)?;
        let salt: [u8; SALT_SIZE] = salt.try_into().map_err(|_| VaultFault::Passphrase)?;
        let sealed = master.seal(new.as_bytes(), salt, clock);
        tracing::info!("Wallet passphrase changed to an nDeriveIterations of {}", sealed.rounds);
        out.push(Record::MasterKey { number, key: master_record(&sealed) });
        self.masters.insert(number, sealed);
        Ok(())
    }
}

fn secret_of(key: &PrivateKey) -> Option<KeySecret> {
    let mut bytes = zeroize::Zeroizing::new([0; 32]);
    (key.expose().len() == bytes.len()).then(|| {
        bytes.copy_from_slice(key.expose());
        KeySecret::copy_of(&bytes)
    })
}

fn sealed_master(record: MasterKeyRecord) -> SealedMasterKey {
    SealedMasterKey {
        crypted: record.encrypted_key,
        salt: record.salt,
        method: record.derivation_method,
        rounds: record.iterations,
        other: record.other_parameters,
    }
}

fn master_record(sealed: &SealedMasterKey) -> MasterKeyRecord {
    MasterKeyRecord {
        encrypted_key: sealed.crypted.clone(),
        salt: sealed.salt.clone(),
        derivation_method: sealed.method,
        iterations: sealed.rounds,
        other_parameters: sealed.other.clone(),
    }
}
