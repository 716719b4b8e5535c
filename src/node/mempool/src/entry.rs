//! A transaction in the pool.

use std::{mem::size_of, sync::Arc};

use bitcoin::{TxIn, TxOut};
use primitives::Tx;

use crate::{FeeRate, feerate::signed};

/// Names an entry for as long as it is in the pool.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct EntryId(u32);

impl EntryId {
    pub(crate) fn new(index: usize) -> Option<Self> {
        u32::try_from(index).ok().map(Self)
    }

    pub(crate) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// A transaction in the pool and what is known about it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The transaction.
    pub tx: Arc<Tx>,
    /// What it pays.
    pub fee: i64,
    /// What it pays, with what the operator pretends that it pays.
    pub modified_fee: i64,
    /// When it came, in seconds since 1970.
    pub time: i64,
    /// The height of the chain when it came.
    pub height: u32,
    /// The sequence number of the pool when it came; 0 if a reorganisation brought it back.
    pub sequence: u64,
    /// Whether it spends a coinbase, whose maturity a reorganisation may take back.
    pub spends_coinbase: bool,
    /// Its signature operations, weighted.
    pub sigops: u64,
    /// Its virtual size, signature operations counted.
    pub vsize: i64,
    /// Its weight, signature operations counted.
    pub weight: i64,
    /// Whether it has relative locks, which a reorganisation may close.
    pub(crate) relative_locks: bool,
    pub(crate) usage: usize,
    pub(crate) parents: Vec<EntryId>,
    pub(crate) children: Vec<EntryId>,
    /// Its cluster, and its chunk in there.
    pub(crate) cluster: u32,
    pub(crate) chunk: usize,
}

impl Entry {
    /// An entry of which nothing is known but the transaction.
    pub(crate) fn blank(tx: Arc<Tx>) -> Self {
        let (weight, vsize, usage) = (signed(tx.weight()), signed(tx.vsize()), heap_of(&tx));
        Self {
            tx,
            fee: 0,
            modified_fee: 0,
            time: 0,
            height: 0,
            sequence: 0,
            spends_coinbase: false,
            sigops: 0,
            vsize,
            weight,
            relative_locks: false,
            usage,
            parents: Vec::new(),
            children: Vec::new(),
            cluster: u32::MAX,
            chunk: 0,
        }
    }

    /// What it directly spends in the pool.
    pub fn parents(&self) -> &[EntryId] {
        &self.parents
    }

    /// What directly spends it.
    pub fn children(&self) -> &[EntryId] {
        &self.children
    }

    /// What it pays for its virtual size, as miners see it.
    pub fn fee_rate(&self) -> FeeRate {
        FeeRate::new(self.modified_fee, self.vsize)
    }

    /// The same by weight, which is what chunks are made of.
    pub(crate) fn rate(&self) -> FeeRate {
        FeeRate::new(self.modified_fee, self.weight)
    }
}

/// What an allocator adds to a piece of memory.
const ALLOCATION: usize = 16;

/// Bytes that a transaction takes on the heap.
pub(crate) fn heap_of(tx: &Tx) -> usize {
    let piece = |len: usize| if len == 0 { 0 } else { len + ALLOCATION };
    let inputs: usize = tx
        .inputs()
        .iter()
        .map(|input| {
            // A witness keeps its items in one buffer, with an index of four bytes each.
            let items: usize = input.witness.iter().map(|item| item.len() + 9).sum();
            size_of::<TxIn>() + piece(input.script_sig.len()) + piece(items)
        })
        .sum();
    let outputs: usize = tx.outputs().iter().map(|output| size_of::<TxOut>() + piece(output.script_pubkey.len())).sum();
    size_of::<Tx>() + ALLOCATION + inputs + outputs
}
