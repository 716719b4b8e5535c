//! What a PSBT holds.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bitcoin::{
    OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, absolute::LockTime, transaction,
};
use descriptors::Origin;
use primitives::{Codec, Tx};

use crate::spend::{Id, KeySignature};

/// Which version of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// BIP174.
    V0,
    /// BIP370.
    V2,
}

impl Version {
    /// The number.
    pub fn number(self) -> u32 {
        match self {
            Self::V0 => 0,
            Self::V2 => 2,
        }
    }
}

/// Records that nobody knows: key and value, the type included in the key.
pub type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// A record that one program understands. Its whole key is what it is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proprietary {
    /// Whose it is.
    pub identifier: Vec<u8>,
    /// What it is to them.
    pub subtype: u64,
    /// The value.
    pub value: Vec<u8>,
}

/// Where a key comes from: the fingerprint of the first key and the way from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyOrigin {
    /// The fingerprint of the master key.
    pub fingerprint: [u8; 4],
    /// The way; the top bit says hardened.
    pub path: Vec<u32>,
}

impl Ord for KeyOrigin {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = |o: &Self| (o.fingerprint, o.path.len());
        order(self).cmp(&order(other)).then_with(|| self.path.cmp(&other.path))
    }
}

impl From<&Origin> for KeyOrigin {
    fn from(origin: &Origin) -> Self {
        Self { fingerprint: origin.fingerprint, path: origin.path.clone() }
    }
}

impl PartialOrd for KeyOrigin {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl KeyOrigin {
    /// The way as text: `m/84h/0h/5`.
    pub fn path_text(&self) -> String {
        let steps = self.path.iter().map(|step| {
            let hardened = if step >> 31 == 1 { "h" } else { "" };
            format!("/{}{hardened}", step & 0x7fff_ffff)
        });
        std::iter::once("m".to_owned()).chain(steps).collect()
    }
}

/// An extended public key with its version bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xpub(pub [u8; 78]);

impl Ord for Xpub {
    fn cmp(&self, other: &Self) -> Ordering {
        // By key, then by chain code, then by the rest.
        let order = |x: &Self| (x.0[45..].to_vec(), x.0[13..45].to_vec());
        order(self).cmp(&order(other)).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Xpub {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Where a taproot key comes from, and the leaves that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaprootOrigin {
    /// Hashes of leaves.
    pub leaves: BTreeSet<[u8; 32]>,
    /// The origin.
    pub origin: KeyOrigin,
}

/// An aggregate key and the leaf that it signs for, if it signs for one.
pub type MuSig2Key = (Vec<u8>, Option<[u8; 32]>);

/// A taproot leaf: its script and its version.
pub type Leaf = (Vec<u8>, u8);

/// Control blocks behind their lengths, so that the shortest comes first.
pub type ControlBlocks = BTreeSet<(usize, Vec<u8>)>;

/// An input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    /// What it spends.
    pub prevout: OutPoint,
    /// Its sequence number.
    pub sequence: Option<u32>,
    /// The lowest time that the lock time must be.
    pub time_locktime: Option<u32>,
    /// The lowest height that the lock time must be.
    pub height_locktime: Option<u32>,
    /// The whole transaction that made what it spends.
    pub non_witness_utxo: Option<Arc<Tx>>,
    /// What it spends.
    pub witness_utxo: Option<TxOut>,
    /// Signatures by the id of their key.
    pub signatures: BTreeMap<Id, KeySignature>,
    /// The hash type that signatures should have.
    pub sighash: Option<i32>,
    /// The script behind the script hash; empty if unknown.
    pub redeem_script: ScriptBuf,
    /// The script behind the witness script hash; empty if unknown.
    pub witness_script: ScriptBuf,
    /// Where keys come from.
    pub origins: BTreeMap<Vec<u8>, KeyOrigin>,
    /// The finished script.
    pub final_script_sig: ScriptBuf,
    /// The finished witness.
    pub final_witness: Vec<Vec<u8>>,
    /// Preimages by hash, for RIPEMD160, SHA256, HASH160 and HASH256.
    pub preimages: [Records; 4],
    /// The signature by the taproot output key.
    pub taproot_signature: Option<Vec<u8>>,
    /// Signatures in taproot leaves, by key and leaf.
    pub taproot_script_signatures: BTreeMap<([u8; 32], [u8; 32]), Vec<u8>>,
    /// Taproot leaves with their version, and control blocks, shortest first.
    pub taproot_scripts: BTreeMap<Leaf, ControlBlocks>,
    /// Where taproot keys come from.
    pub taproot_origins: BTreeMap<[u8; 32], TaprootOrigin>,
    /// The taproot internal key.
    pub taproot_internal_key: Option<[u8; 32]>,
    /// The root of the taproot tree.
    pub taproot_merkle_root: Option<[u8; 32]>,
    /// Keys that are aggregated, by their aggregate.
    pub musig2_participants: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
    /// Public nonces by participant.
    pub musig2_nonces: BTreeMap<MuSig2Key, Records>,
    /// Partial signatures by participant.
    pub musig2_signatures: BTreeMap<MuSig2Key, Records>,
    /// Records of one program.
    pub proprietary: BTreeMap<Vec<u8>, Proprietary>,
    /// Records that nobody knows.
    pub unknown: Records,
}

impl Input {
    /// What it spends, if that is known and fits.
    pub fn utxo(&self) -> Option<TxOut> {
        match &self.non_witness_utxo {
            Some(tx) if tx.txid() == self.prevout.txid => {
                usize::try_from(self.prevout.vout).ok().and_then(|n| tx.outputs().get(n)).cloned()
            }
            Some(_) => None,
            None => self.witness_utxo.clone(),
        }
    }

    /// The height that the value of what it spends was written for, on a chain whose values change with height.
    pub fn reference_height(&self) -> Option<u32> {
        self.non_witness_utxo.as_ref().and_then(|tx| tx.lock_height())
    }

    /// Whether it is finished; nobody has looked whether it is right.
    pub fn is_final(&self) -> bool {
        !self.final_script_sig.is_empty() || !self.final_witness.is_empty()
    }
}

/// An output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Its amount.
    pub amount: i64,
    /// Its script.
    pub script: ScriptBuf,
    /// The script behind the script hash; empty if unknown.
    pub redeem_script: ScriptBuf,
    /// The script behind the witness script hash; empty if unknown.
    pub witness_script: ScriptBuf,
    /// Where keys come from.
    pub origins: BTreeMap<Vec<u8>, KeyOrigin>,
    /// The taproot internal key.
    pub taproot_internal_key: Option<[u8; 32]>,
    /// The leaves of the taproot tree: depth, version, script.
    pub taproot_tree: Vec<(u8, u8, Vec<u8>)>,
    /// Where taproot keys come from.
    pub taproot_origins: BTreeMap<[u8; 32], TaprootOrigin>,
    /// Keys that are aggregated, by their aggregate.
    pub musig2_participants: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
    /// Records of one program.
    pub proprietary: BTreeMap<Vec<u8>, Proprietary>,
    /// Records that nobody knows.
    pub unknown: Records,
}

/// A partially signed transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Psbt {
    /// The formats of the coin.
    pub codec: Codec,
    /// The version of the format.
    pub version: Version,
    /// The version of the transaction.
    pub tx_version: u32,
    /// The lock time, unless inputs ask for another one.
    pub fallback_locktime: Option<u32>,
    /// The lock height, in coins that have one.
    pub lock_height: u32,
    /// Bits that say what may be changed: inputs, outputs, and whether there is a SIGHASH_SINGLE.
    pub modifiable: Option<u8>,
    /// Extended keys by their origin.
    pub xpubs: BTreeMap<KeyOrigin, BTreeSet<Xpub>>,
    /// The inputs.
    pub inputs: Vec<Input>,
    /// The outputs.
    pub outputs: Vec<Output>,
    /// Records of one program.
    pub proprietary: BTreeMap<Vec<u8>, Proprietary>,
    /// Records that nobody knows.
    pub unknown: Records,
}

impl Psbt {
    /// An unsigned transaction as a PSBT. Signatures that it has are left out.
    pub fn new(codec: Codec, version: Version, tx: &Tx) -> Self {
        let inputs = tx.inputs().iter().map(|input| Input {
            prevout: input.previous_output,
            sequence: Some(input.sequence.0),
            ..Input::default()
        });
        let outputs = tx.outputs().iter().map(|output| Output {
            amount: consensus::value_of(output),
            script: output.script_pubkey.clone(),
            ..Output::default()
        });
        Self {
            codec,
            version,
            tx_version: tx.version(),
            fallback_locktime: Some(tx.lock_time()),
            lock_height: tx.lock_height().unwrap_or(0),
            modifiable: None,
            xpubs: BTreeMap::new(),
            inputs: inputs.collect(),
            outputs: outputs.collect(),
            proprietary: BTreeMap::new(),
            unknown: Records::new(),
        }
    }

    /// The lock time that all inputs agree with; none if some want a time and others a height.
    pub fn lock_time(&self) -> Option<u32> {
        let (mut time, mut height) = (Some(0), Some(0));
        for input in &self.inputs {
            match (input.time_locktime, input.height_locktime) {
                (Some(_), None) => height = None,
                (None, Some(_)) => time = None,
                _ => {}
            }
            time = time.map(|t| t.max(input.time_locktime.unwrap_or(0)));
            height = height.map(|h| h.max(input.height_locktime.unwrap_or(0)));
        }
        let wanted = |lock: Option<u32>| lock.filter(|l| *l > 0);
        match (time, height) {
            (None, None) => None,
            _ => Some(wanted(height).or(wanted(time)).or(self.fallback_locktime).unwrap_or(0)),
        }
    }

    /// The transaction without signatures.
    pub fn unsigned_tx(&self) -> Option<Transaction> {
        let input = self.inputs.iter().map(|input| TxIn {
            previous_output: input.prevout,
            script_sig: ScriptBuf::new(),
            sequence: Sequence(input.sequence.unwrap_or(u32::MAX)),
            witness: Witness::new(),
        });
        let output = self.outputs.iter().map(|output| TxOut {
            // Negative amounts are kept in the same bits.
            value: bitcoin::Amount::from_sat(output.amount.cast_unsigned()),
            script_pubkey: output.script.clone(),
        });
        Some(Transaction {
            version: transaction::Version(self.tx_version.cast_signed()),
            lock_time: LockTime::from_consensus(self.lock_time()?),
            input: input.collect(),
            output: output.collect(),
        })
    }

    /// What all copies of the same PSBT have in common.
    pub fn unique_id(&self) -> Option<Txid> {
        let mut tx = self.unsigned_tx()?;
        if self.version == Version::V2 {
            for input in &mut tx.input {
                input.sequence = Sequence(0);
            }
        }
        Some(self.codec.new_tx(tx, self.lock_height).txid())
    }
}

/// 32 bytes that are not all zero.
pub(crate) fn some_hash(hash: [u8; 32]) -> Option<[u8; 32]> {
    Some(hash).filter(|h| *h != <[u8; 32]>::default())
}
