//! Signatures that several people make together: the secret halves of nonces, from the first round to the second.
//!
//! Who signs twice with one nonce gives the private key away. So a secret nonce is in memory only, never in a file or a
//! backup; it is taken out before it is used; and it serves only the key, the transaction and the public half that it was
//! made for. A wallet that is closed in between has to begin again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libsecp::Keypair;
use libsecp::musig::{SecretNonce, SessionSecretRand, new_nonce_pair};
use platform::entropy::random_bytes;
use platform::{Entropy, LockedBytes};
use psbt::Records;
use psbt::joint::Joint;
use zeroize::Zeroize;

use crate::PrivateKey;

/// Nonces that wait at most. With one more the oldest is forgotten.
const MAX_OPEN: usize = 10_000;

/// What a secret nonce is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Purpose {
    signer: Vec<u8>,
    participant: [u8; 33],
    hash: [u8; 32],
    public: [u8; 66],
}

#[derive(Debug, Default)]
struct Open {
    secrets: HashMap<Purpose, LockedBytes>,
    /// From the oldest to the newest. Some may be used up.
    order: VecDeque<Purpose>,
}

/// The nonces of one wallet.
#[derive(Debug)]
pub struct Sessions {
    entropy: Arc<dyn Entropy>,
    open: Mutex<Open>,
}

impl Sessions {
    /// None yet.
    pub fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy, open: Mutex::default() }
    }

    /// How many nonces wait.
    pub fn len(&self) -> usize {
        self.lock().secrets.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A change is one insertion or removal, so what a panic left behind is whole.
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a nonce, keeps its secret half, and says the public one.
    pub(crate) fn begin(&self, joint: &Joint, key: &PrivateKey, hash: &[u8; 32]) -> Option<[u8; 66]> {
        let mut random = random_bytes::<32>(&*self.entropy).ok().filter(|random| *random != [0; 32])?;
        let mut pair = keypair(key)?;
        let mut secret = pair.secret_key();
        let (nonce, public) = new_nonce_pair(
            SessionSecretRand::assume_uniformly_random(random),
            Some(joint.untweaked()),
            Some(secret),
            pair.public_key(),
            Some(hash),
            None,
        );
        random.zeroize();
        secret.non_secure_erase();
        pair.non_secure_erase();
        let public = public.serialize();
        let mut bytes = nonce.dangerous_into_bytes();
        let kept = LockedBytes::copy_of(&bytes);
        bytes.zeroize();
        let purpose = purpose(joint, key, hash, public);
        let mut open = self.lock();
        open.order.push_back(purpose.clone());
        open.secrets.insert(purpose, kept);
        while open.order.len() > MAX_OPEN {
            if let Some(oldest) = open.order.pop_front() {
                open.secrets.remove(&oldest);
            }
        }
        Some(public)
    }

    /// Makes a part of a signature, if the nonce of this participant was made here and for this, and all others are there.
    pub(crate) fn finish(
        &self,
        joint: &Joint,
        key: &PrivateKey,
        hash: &[u8; 32],
        nonces: &Records,
    ) -> Option<[u8; 32]> {
        let public = nonces.get(&key.public().inner.serialize()[..])?.as_slice().try_into().ok()?;
        let (session, keys) = joint.second_round(hash, nonces)?;
        let kept = self.lock().secrets.remove(&purpose(joint, key, hash, public))?;
        let mut bytes: [u8; 132] = (*kept).try_into().ok()?;
        drop(kept);
        let mut pair = keypair(key)?;
        let part = session.partial_sign(SecretNonce::dangerous_from_bytes(bytes), &pair, keys);
        bytes.zeroize();
        pair.non_secure_erase();
        // A wrong signature may tell the key to whoever sees it.
        joint.is_by(&session, &key.public(), nonces, &part).then(|| part.serialize())
    }
}

fn purpose(joint: &Joint, key: &PrivateKey, hash: &[u8; 32], public: [u8; 66]) -> Purpose {
    let (signer, _) = joint.place();
    Purpose { signer: signer.clone(), participant: key.public().inner.serialize(), hash: *hash, public }
}

fn keypair(key: &PrivateKey) -> Option<Keypair> {
    let mut bytes: [u8; 32] = key.expose().try_into().ok()?;
    let pair = Keypair::from_secret_bytes(bytes).ok();
    bytes.zeroize();
    pair
}
