//! A transaction whose ids and sizes were computed once.

use std::fmt;

use bitcoin::hashes::{Hash, HashEngine, sha256d};
use bitcoin::{Transaction, TxIn, TxOut, Txid, Wtxid};

use crate::writer::{put_bytes, put_compact_size, wide};

/// Whether witnesses are read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WitnessMode {
    /// With witnesses, where there are any.
    Include,
    /// Without: the form that the txid is the hash of.
    Strip,
}

/// A transaction. It never changes, so its ids and sizes are part of it.
#[derive(Clone)]
pub struct Tx {
    inner: Transaction,
    lock_height: Option<u32>,
    txid: Txid,
    wtxid: Wtxid,
    total_size: usize,
    stripped_size: usize,
}

/// Where the parts of a serialized transaction lie. Its version is always the first four bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    /// Where the inputs start: behind the version, or behind marker and flags.
    pub(crate) body: usize,
    /// Where the witnesses start, and where the lock time does.
    pub(crate) witness: (usize, usize),
    /// Whether there are witnesses.
    pub(crate) has_witness: bool,
}

impl Tx {
    /// From its fields. `lock_height` is the trailing field of Freicoin's transactions, and absent elsewhere.
    pub fn new(inner: Transaction, lock_height: Option<u32>) -> Self {
        let mut raw = Vec::new();
        let layout = encode(&inner, lock_height, &mut raw, WitnessMode::Include);
        Self::from_raw(inner, lock_height, &raw, layout)
    }

    /// From its fields and the bytes that they were read from.
    pub(crate) fn from_raw(inner: Transaction, lock_height: Option<u32>, raw: &[u8], layout: Layout) -> Self {
        let Layout { body, witness: (witness, tail), has_witness } = layout;
        let mut stripped = sha256d::Hash::engine();
        stripped.input(&raw[..4]);
        stripped.input(&raw[body..witness]);
        stripped.input(&raw[tail..]);
        let txid = sha256d::Hash::from_engine(stripped);
        let stripped_size = 4 + (witness - body) + (raw.len() - tail);
        let (wtxid, total_size) = if has_witness {
            (Wtxid::from_raw_hash(sha256d::Hash::hash(raw)), raw.len())
        } else {
            (Wtxid::from_raw_hash(txid), stripped_size)
        };
        Self { inner, lock_height, txid: Txid::from_raw_hash(txid), wtxid, total_size, stripped_size }
    }

    /// The fields.
    pub fn inner(&self) -> &Transaction {
        &self.inner
    }

    /// The fields, given away.
    pub fn into_inner(self) -> Transaction {
        self.inner
    }

    /// The inputs.
    pub fn inputs(&self) -> &[TxIn] {
        &self.inner.input
    }

    /// The outputs.
    pub fn outputs(&self) -> &[TxOut] {
        &self.inner.output
    }

    /// The version as the daemon shows it.
    pub fn version(&self) -> u32 {
        self.inner.version.0.cast_unsigned()
    }

    /// The lock time as a number.
    pub fn lock_time(&self) -> u32 {
        self.inner.lock_time.to_consensus_u32()
    }

    /// Freicoin's lock height. A version 1 coinbase counts as 0.
    pub fn lock_height(&self) -> Option<u32> {
        self.lock_height
    }

    /// The hash without witnesses.
    pub fn txid(&self) -> Txid {
        self.txid
    }

    /// The hash with witnesses.
    pub fn wtxid(&self) -> Wtxid {
        self.wtxid
    }

    /// The size with witnesses.
    pub fn total_size(&self) -> usize {
        self.total_size
    }

    /// The size without witnesses.
    pub fn stripped_size(&self) -> usize {
        self.stripped_size
    }

    /// The weight: three times the size without witnesses, and once the size with them.
    pub fn weight(&self) -> u64 {
        wide(self.stripped_size) * 3 + wide(self.total_size)
    }

    /// A quarter of the weight, rounded up.
    pub fn vsize(&self) -> u64 {
        self.weight().div_ceil(4)
    }

    /// Whether any input has a witness.
    pub fn has_witness(&self) -> bool {
        self.total_size != self.stripped_size
    }

    /// Whether this is a coinbase: one input, which spends nothing.
    pub fn is_coinbase(&self) -> bool {
        is_coinbase(&self.inner)
    }

    /// Appends the serialization.
    pub fn encode(&self, out: &mut Vec<u8>, mode: WitnessMode) {
        out.reserve(match mode {
            WitnessMode::Include => self.total_size,
            WitnessMode::Strip => self.stripped_size,
        });
        encode(&self.inner, self.lock_height, out, mode);
    }

    /// The serialization.
    pub fn to_bytes(&self, mode: WitnessMode) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out, mode);
        out
    }
}

impl PartialEq for Tx {
    /// Two transactions are the same if their bytes are, witnesses included.
    fn eq(&self, other: &Self) -> bool {
        self.wtxid == other.wtxid
    }
}

impl Eq for Tx {}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Tx");
        shown.field("txid", &self.txid).field("inner", &self.inner);
        if let Some(height) = self.lock_height {
            shown.field("lock_height", &height);
        }
        shown.finish_non_exhaustive()
    }
}

/// Whether a transaction has one input, which spends nothing.
pub(crate) fn is_coinbase(tx: &Transaction) -> bool {
    matches!(tx.input.as_slice(), [input] if input.previous_output.is_null())
}

/// Whether the wire form of a Freicoin transaction ends with its lock height: all do but version 1 coinbases.
pub(crate) fn has_lock_height(tx: &Transaction) -> bool {
    tx.version.0 != 1 || !is_coinbase(tx)
}

/// Appends a transaction and tells where its parts lie, counted from where it starts.
fn encode(tx: &Transaction, lock_height: Option<u32>, out: &mut Vec<u8>, mode: WitnessMode) -> Layout {
    let start = out.len();
    let has_witness = mode == WitnessMode::Include && tx.input.iter().any(|input| !input.witness.is_empty());
    out.extend_from_slice(&tx.version.0.to_le_bytes());
    if has_witness {
        out.extend_from_slice(if lock_height.is_some() { &[0xff, 1] } else { &[0, 1] });
    }
    let body = out.len() - start;
    put_compact_size(out, tx.input.len());
    for input in &tx.input {
        out.extend_from_slice(input.previous_output.txid.as_byte_array());
        out.extend_from_slice(&input.previous_output.vout.to_le_bytes());
        put_bytes(out, input.script_sig.as_bytes());
        out.extend_from_slice(&input.sequence.0.to_le_bytes());
    }
    put_compact_size(out, tx.output.len());
    for output in &tx.output {
        encode_output(output, out);
    }
    let witness = out.len() - start;
    if has_witness {
        for input in &tx.input {
            put_compact_size(out, input.witness.len());
            for item in &input.witness {
                put_bytes(out, item);
            }
        }
    }
    let tail = out.len() - start;
    out.extend_from_slice(&tx.lock_time.to_consensus_u32().to_le_bytes());
    if let Some(height) = lock_height
        && has_lock_height(tx)
    {
        out.extend_from_slice(&height.to_le_bytes());
    }
    Layout { body, witness: (witness, tail), has_witness }
}

/// Appends an output: its amount and its script.
pub fn encode_output(output: &TxOut, out: &mut Vec<u8>) {
    out.extend_from_slice(&output.value.to_sat().to_le_bytes());
    put_bytes(out, output.script_pubkey.as_bytes());
}
