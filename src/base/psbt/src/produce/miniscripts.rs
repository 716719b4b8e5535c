//! Scripts of any shape, in a witness or in a taproot leaf: what `miniscript` can read.

use std::collections::BTreeMap;

use bitcoin::hashes::{Hash, hash160, ripemd160, sha256};
use bitcoin::{PublicKey, Script, TapLeafHash, XOnlyPublicKey, absolute, ecdsa, relative, taproot};
use miniscript::{
    ExtParams, Miniscript, MiniscriptKey, Preimage32, Satisfier, ScriptContext, Segwitv0, Tap, Terminal, hash256,
};
use script::{SigVersion, SignatureChecker};

use super::Producer;
use crate::Records;
use crate::spend::Id;

impl Producer<'_> {
    /// What satisfies the script behind a witness script hash, if it is miniscript and enough is known.
    pub(super) fn satisfy_witness_script(&mut self, script: &Script) -> Option<Vec<Vec<u8>>> {
        let tree = Miniscript::<PublicKey, Segwitv0>::decode_with_ext(script, &ExtParams::allow_all()).ok()?;
        let tree = self.with_keys(&tree, |this, id| PublicKey::from_slice(&this.key(id)?).ok())?;
        let mut signatures = BTreeMap::new();
        for key in tree.iter_pk() {
            let made = self.ecdsa(&key.to_bytes(), script, SigVersion::WitnessV0);
            if let Some(signature) = made.and_then(|bytes| ecdsa::Signature::from_slice(&bytes).ok()) {
                signatures.insert(key, signature);
            }
        }
        tree.satisfy(InWitness { signatures, rest: self.rest() }).ok()
    }

    /// What satisfies the script of a taproot leaf.
    pub(super) fn satisfy_leaf(&mut self, script: &Script, leaf: &[u8; 32]) -> Option<Vec<Vec<u8>>> {
        let (script, _) = descriptors::without_padding(script);
        let tree = Miniscript::<XOnlyPublicKey, Tap>::decode_with_ext(script, &ExtParams::allow_all()).ok()?;
        let tree = self.with_keys(&tree, Self::x_only_key)?;
        let mut signatures = BTreeMap::new();
        for key in tree.iter_pk() {
            let made = self.leaf_signature(&key, leaf);
            if let Some(signature) = made.and_then(|bytes| taproot::Signature::from_slice(&bytes).ok()) {
                signatures.insert(key, signature);
            }
        }
        tree.satisfy(InLeaf { signatures, rest: self.rest() }).ok()
    }

    /// Puts keys in the place of their hashes. A script whose keys are not all known is not satisfied.
    fn with_keys<Pk, Ctx>(
        &mut self,
        tree: &Miniscript<Pk, Ctx>,
        find: impl Fn(&Self, &Id) -> Option<Pk>,
    ) -> Option<Miniscript<Pk, Ctx>>
    where
        Pk: MiniscriptKey,
        Ctx: ScriptContext,
    {
        let mut found = BTreeMap::new();
        let mut all = true;
        for part in tree.iter() {
            let Terminal::RawPkH(hash) = &part.node else { continue };
            if let Some(key) = find(self, &hash.to_byte_array()) {
                found.insert(*hash, key);
            } else {
                self.spend.missing.keys.push(hash.to_byte_array());
                all = false;
            }
        }
        all.then(|| tree.substitute_raw_pkh(&found))
    }

    fn rest(&self) -> Rest<'_> {
        Rest { preimages: &self.spend.preimages, checker: self.creator.checker() }
    }
}

/// What is known besides signatures.
struct Rest<'a> {
    preimages: &'a [Records; 4],
    checker: &'a dyn SignatureChecker,
}

impl Rest<'_> {
    fn preimage(&self, kind: usize, hash: &[u8]) -> Option<Preimage32> {
        self.preimages.get(kind)?.get(hash)?.as_slice().try_into().ok()
    }

    fn is_old(&self, lock: relative::LockTime) -> bool {
        self.checker.check_sequence(i64::from(lock.to_consensus_u32()))
    }

    fn is_after(&self, lock: absolute::LockTime) -> bool {
        self.checker.check_lock_time(i64::from(lock.to_consensus_u32()))
    }
}

struct InWitness<'a> {
    signatures: BTreeMap<PublicKey, ecdsa::Signature>,
    rest: Rest<'a>,
}

struct InLeaf<'a> {
    signatures: BTreeMap<XOnlyPublicKey, taproot::Signature>,
    rest: Rest<'a>,
}

impl Satisfier<PublicKey> for InWitness<'_> {
    fn lookup_ecdsa_sig(&self, key: &PublicKey) -> Option<ecdsa::Signature> {
        self.signatures.get(key).copied()
    }

    fn lookup_sha256(&self, hash: &sha256::Hash) -> Option<Preimage32> {
        self.rest.preimage(1, hash.as_byte_array())
    }

    fn lookup_hash256(&self, hash: &hash256::Hash) -> Option<Preimage32> {
        self.rest.preimage(3, hash.as_byte_array())
    }

    fn lookup_ripemd160(&self, hash: &ripemd160::Hash) -> Option<Preimage32> {
        self.rest.preimage(0, hash.as_byte_array())
    }

    fn lookup_hash160(&self, hash: &hash160::Hash) -> Option<Preimage32> {
        self.rest.preimage(2, hash.as_byte_array())
    }

    fn check_older(&self, lock: relative::LockTime) -> bool {
        self.rest.is_old(lock)
    }

    fn check_after(&self, lock: absolute::LockTime) -> bool {
        self.rest.is_after(lock)
    }
}

impl Satisfier<XOnlyPublicKey> for InLeaf<'_> {
    fn lookup_tap_leaf_script_sig(&self, key: &XOnlyPublicKey, _: &TapLeafHash) -> Option<taproot::Signature> {
        self.signatures.get(key).copied()
    }

    fn lookup_sha256(&self, hash: &sha256::Hash) -> Option<Preimage32> {
        self.rest.preimage(1, hash.as_byte_array())
    }

    fn lookup_hash256(&self, hash: &hash256::Hash) -> Option<Preimage32> {
        self.rest.preimage(3, hash.as_byte_array())
    }

    fn lookup_ripemd160(&self, hash: &ripemd160::Hash) -> Option<Preimage32> {
        self.rest.preimage(0, hash.as_byte_array())
    }

    fn lookup_hash160(&self, hash: &hash160::Hash) -> Option<Preimage32> {
        self.rest.preimage(2, hash.as_byte_array())
    }

    fn check_older(&self, lock: relative::LockTime) -> bool {
        self.rest.is_old(lock)
    }

    fn check_after(&self, lock: absolute::LockTime) -> bool {
        self.rest.is_after(lock)
    }
}
