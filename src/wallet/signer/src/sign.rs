//! Signatures of transactions, made with a key ring.

use std::sync::Arc;

use bitcoin::{Amount, PublicKey, Script, TxOut, XOnlyPublicKey};
use descriptors::{Cache, Descriptor, Expansion, Known};
use psbt::Records;
use psbt::finalize::{Signers, schnorr_hash};
use psbt::joint::Joint;
use psbt::spend::{Creator, Id, Tweak};
use script::sighash;
use script::{SigVersion, SignatureChecker, TxData, TxSignatureChecker};

use crate::{KeyRing, Sessions};

/// What may be used for signing: scripts and public keys, and the private keys for them.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Scripts, public keys and where they come from.
    pub known: Known,
    /// Private keys.
    pub keys: KeyRing,
    /// Where the secrets of signatures are kept that several people make together. Without it none is begun.
    pub sessions: Option<Arc<Sessions>>,
}

impl Provider {
    /// Nothing.
    pub fn new(notation: descriptors::Notation) -> Self {
        Self { known: Known::default(), keys: KeyRing::new(notation), sessions: None }
    }

    /// Adds what a descriptor has at an index: the scripts and keys of its expansion there, and the private keys that
    /// `ring` has for them.
    pub fn add(&mut self, descriptor: &Descriptor, index: u32, expansion: Expansion, ring: &KeyRing) {
        self.known.merge(expansion.known);
        self.keys.merge(ring.expand(descriptor, index));
    }

    /// Adds what a descriptor has at all indexes from the first to the last. False if a hardened step cannot be taken.
    pub fn add_all(&mut self, descriptor: &Descriptor, first: u32, last: u32, ring: &KeyRing) -> bool {
        let mut cache = Cache::default();
        for index in first..=last {
            let Some(expansion) = descriptor.expand_into(index, ring, &mut cache, &mut drop) else { return false };
            self.known.merge(expansion.known);
        }
        self.keys.merge(ring.expand_all(descriptor, first, last));
        true
    }

    /// As [`Provider::add`], with the expansion made from a cache. False if that lacks a key.
    pub fn add_from(&mut self, descriptor: &Descriptor, index: u32, cache: &Cache, ring: &KeyRing) -> bool {
        let expansion = descriptor.expand_from(index, cache);
        let found = expansion.is_some();
        if let Some(expansion) = expansion {
            self.add(descriptor, index, expansion, ring);
        }
        found
    }
}

/// Signs inputs with the keys that somebody provides.
#[derive(Debug, Clone, Copy)]
pub struct SignsWithKeys<'a>(pub &'a Provider);

impl Signers for SignsWithKeys<'_> {
    fn creator<'d>(
        &'d self,
        data: &'d TxData<'d>,
        input: usize,
        utxo: &TxOut,
        hash_type: i32,
    ) -> Box<dyn Creator + 'd> {
        Box::new(InputSigner::new(self.0, data, input, utxo.value, hash_type))
    }
}

/// Signs one input.
pub(crate) struct InputSigner<'a> {
    provider: &'a Provider,
    data: &'a TxData<'a>,
    input: usize,
    amount: Amount,
    hash_type: i32,
    checker: TxSignatureChecker<'a>,
}

impl<'a> InputSigner<'a> {
    pub(crate) fn new(
        provider: &'a Provider,
        data: &'a TxData<'a>,
        input: usize,
        amount: Amount,
        hash_type: i32,
    ) -> Self {
        Self { provider, data, input, amount, hash_type, checker: TxSignatureChecker::new(data, input, amount) }
    }
}

impl Creator for InputSigner<'_> {
    fn ecdsa(&self, key: &Id, script_code: &Script, version: SigVersion) -> Option<Vec<u8>> {
        let key = self.provider.keys.get(key)?;
        // Only taproot has a default.
        let hash_type = if self.hash_type == i32::from(sighash::DEFAULT) { 1 } else { self.hash_type };
        let (data, code) = (self.data, script_code.as_bytes());
        let hash = match version {
            SigVersion::Base => sighash::legacy(data, self.input, code, hash_type),
            SigVersion::WitnessV0 if key.public().compressed => {
                sighash::segwit_v0(data, self.input, code, self.amount, hash_type)
            }
            _ => None,
        }?;
        let mut signature = key.sign_ecdsa(hash);
        signature.push(u8::try_from(hash_type).ok()?);
        Some(signature)
    }

    fn schnorr(&self, key: &[u8; 32], tweak: Tweak, leaf: Option<&[u8; 32]>) -> Option<Vec<u8>> {
        let key = self.provider.keys.of_x_only(&XOnlyPublicKey::from_slice(key).ok()?)?;
        let (hash, hash_type) = self.schnorr_hash(leaf)?;
        Some(key.sign_schnorr(hash, tweak).into_iter().chain(hash_type).collect())
    }

    fn schnorr_hash(&self, leaf: Option<&[u8; 32]>) -> Option<([u8; 32], Option<u8>)> {
        schnorr_hash(self.data, self.input, self.hash_type, leaf)
    }

    fn nonce(&self, joint: &Joint, participant: &PublicKey, hash: &[u8; 32]) -> Option<[u8; 66]> {
        self.provider.sessions.as_ref()?.begin(joint, self.provider.keys.of(participant)?, hash)
    }

    fn partial_signature(
        &self,
        joint: &Joint,
        participant: &PublicKey,
        hash: &[u8; 32],
        nonces: &Records,
    ) -> Option<[u8; 32]> {
        self.provider.sessions.as_ref()?.finish(joint, self.provider.keys.of(participant)?, hash, nonces)
    }

    fn checker(&self) -> &dyn SignatureChecker {
        &self.checker
    }
}
