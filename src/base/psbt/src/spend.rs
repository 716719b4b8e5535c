//! What is known for spending one output, and what came of it.

use std::collections::BTreeMap;

use bitcoin::hashes::{Hash, hash160};
use bitcoin::{PublicKey, Script, ScriptBuf};
use descriptors::TaprootTree;
use script::{ExecutionData, Flags, ScriptError, SigVersion, SignatureChecker};

use crate::joint::{Joint, JointRecords};
use crate::model::{ControlBlocks, KeyOrigin, Leaf, Records, TaprootOrigin};

/// The flags under which transactions are relayed.
pub const STANDARD: Flags = Flags::ALL;

/// The 20 bytes that stand for a key or a script.
pub type Id = [u8; 20];

/// Keys and where they come from, by their id.
pub type Keys = BTreeMap<Id, (Vec<u8>, KeyOrigin)>;

/// Keys of 32 bytes by the id of those.
pub type XOnlyKeys = BTreeMap<Id, [u8; 32]>;

/// The id of a key or a script.
pub fn id_of(bytes: &[u8]) -> Id {
    hash160::Hash::hash(bytes).to_byte_array()
}

/// A key and a signature by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySignature {
    /// The key.
    pub key: Vec<u8>,
    /// The signature with its hash type.
    pub signature: Vec<u8>,
}

/// What is known for one input, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spend {
    /// Whether the two fields below spend the output.
    pub complete: bool,
    /// Whether the output is spent by a witness.
    pub by_witness: bool,
    /// The input's script.
    pub script_sig: ScriptBuf,
    /// The input's witness.
    pub witness: Vec<Vec<u8>>,
    /// The script behind a script hash.
    pub redeem_script: Option<ScriptBuf>,
    /// The script behind a witness script hash.
    pub witness_script: Option<ScriptBuf>,
    /// Signatures by the id of their key.
    pub signatures: BTreeMap<Id, KeySignature>,
    /// Other keys and where they come from, by their id.
    pub keys: Keys,
    /// What is known of a taproot output.
    pub taproot: TaprootSpend,
    /// What people who sign together have told one another.
    pub joint: JointRecords,
    /// Preimages by hash, for RIPEMD160, SHA256, HASH160 and HASH256.
    pub preimages: [Records; 4],
    /// What is missing.
    pub missing: Missing,
}

/// What is known of a taproot output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaprootSpend {
    /// The signature by the output key.
    pub signature: Option<Vec<u8>>,
    /// Signatures in leaves, by key and leaf.
    pub script_signatures: BTreeMap<([u8; 32], [u8; 32]), Vec<u8>>,
    /// Leaves with their version, and control blocks, shortest first.
    pub scripts: BTreeMap<Leaf, ControlBlocks>,
    /// Where keys come from, and the leaves that they are in.
    pub origins: BTreeMap<[u8; 32], TaprootOrigin>,
    /// The key before its tweak.
    pub internal_key: Option<[u8; 32]>,
    /// The root of the tree.
    pub merkle_root: Option<[u8; 32]>,
    /// The tree as a whole, if it is known.
    pub tree: Option<TaprootTree>,
    /// Keys by the id of their 32 bytes.
    pub keys: XOnlyKeys,
}

/// What is missing to spend an output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    /// Keys.
    pub keys: Vec<Id>,
    /// Signatures by these keys.
    pub signatures: Vec<Id>,
    /// The script with this hash.
    pub redeem_script: Option<Id>,
    /// The script with this hash.
    pub witness_script: Option<[u8; 32]>,
}

impl Spend {
    /// Adds what another copy of the same input knows.
    pub fn merge(&mut self, other: Self) {
        if self.complete {
            return;
        }
        if other.complete {
            *self = other;
            return;
        }
        self.redeem_script = self.redeem_script.take().or(other.redeem_script);
        self.witness_script = self.witness_script.take().or(other.witness_script);
        for (id, signature) in other.signatures {
            self.signatures.entry(id).or_insert(signature);
        }
    }
}

/// How a taproot key is changed before it signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tweak {
    /// Not at all.
    None,
    /// As an internal key without scripts.
    KeyOnly,
    /// As an internal key with a tree of this root.
    Tree([u8; 32]),
}

/// Who makes the signatures that are not there yet.
pub trait Creator {
    /// An ECDSA signature by the key with this id, its hash type included.
    fn ecdsa(&self, key: &Id, script_code: &Script, version: SigVersion) -> Option<Vec<u8>>;

    /// A Schnorr signature by this key, its hash type included unless it is the default. In a script path, `leaf` is the
    /// leaf's hash.
    fn schnorr(&self, key: &[u8; 32], tweak: Tweak, leaf: Option<&[u8; 32]>) -> Option<Vec<u8>>;

    /// What a Schnorr signature signs, and the hash type that stands behind it, if one does. Nothing where nothing is
    /// signed.
    fn schnorr_hash(&self, _leaf: Option<&[u8; 32]>) -> Option<([u8; 32], Option<u8>)> {
        None
    }

    /// A new public nonce for a signature that a participant makes with others. Nothing where nobody signs with others.
    fn nonce(&self, _joint: &Joint, _participant: &PublicKey, _hash: &[u8; 32]) -> Option<[u8; 66]> {
        None
    }

    /// A participant's part of a signature, for which these are everybody's nonces.
    fn partial_signature(
        &self,
        _joint: &Joint,
        _participant: &PublicKey,
        _hash: &[u8; 32],
        _nonces: &Records,
    ) -> Option<[u8; 32]> {
        None
    }

    /// By whom the result is judged.
    fn checker(&self) -> &dyn SignatureChecker;
}

/// Nobody signs. The result is judged by the checker.
#[derive(Debug, Clone, Copy)]
pub struct Nobody<C>(pub C);

impl<C: SignatureChecker> Creator for Nobody<C> {
    fn ecdsa(&self, _: &Id, _: &Script, _: SigVersion) -> Option<Vec<u8>> {
        None
    }

    fn schnorr(&self, _: &[u8; 32], _: Tweak, _: Option<&[u8; 32]>) -> Option<Vec<u8>> {
        None
    }

    fn checker(&self) -> &dyn SignatureChecker {
        &self.0
    }
}

/// Nobody signs, but the places of signatures are filled to measure the transaction.
#[derive(Debug, Clone, Copy)]
pub struct Dummy;

/// 70 bytes of strict DER and a hash type: what signatures with a low R are as long as.
const DUMMY_SIGNATURE: [u8; 71] = {
    let mut bytes = [0; 71];
    bytes[0] = 0x30;
    bytes[1] = 68;
    bytes[2] = 0x02;
    bytes[3] = 32;
    bytes[4] = 0x01;
    bytes[36] = 0x02;
    bytes[37] = 32;
    bytes[38] = 0x01;
    bytes[70] = 0x01;
    bytes
};

/// As long as a Schnorr signature with the default hash type.
const DUMMY_SCHNORR: [u8; 64] = [0; 64];

impl Creator for Dummy {
    fn ecdsa(&self, _: &Id, _: &Script, _: SigVersion) -> Option<Vec<u8>> {
        Some(DUMMY_SIGNATURE.to_vec())
    }

    fn schnorr(&self, _: &[u8; 32], _: Tweak, _: Option<&[u8; 32]>) -> Option<Vec<u8>> {
        Some(DUMMY_SCHNORR.to_vec())
    }

    fn checker(&self) -> &dyn SignatureChecker {
        &AnySignature
    }
}

/// A checker for which every signature is good and every lock is open.
#[derive(Debug, Clone, Copy)]
pub struct AnySignature;

impl SignatureChecker for AnySignature {
    fn check_ecdsa(&self, signature: &[u8], _: &[u8], _: &[u8], _: SigVersion) -> bool {
        !signature.is_empty()
    }

    fn check_schnorr(&self, _: &[u8], _: &[u8; 32], _: &ExecutionData) -> Result<(), ScriptError> {
        Ok(())
    }

    fn check_lock_time(&self, _: i64) -> bool {
        true
    }

    fn check_sequence(&self, _: i64) -> bool {
        true
    }
}
