//! What the signature hashes of one transaction have in common, computed once.
//!
//! [`TxData`] borrows the transaction and the outputs it spends. Each group of hashes is computed when the first input
//! asks for it, whichever thread that is, so a transaction pays only for the kinds of input that it has. It is `Send`
//! and `Sync`: the inputs of a transaction may be checked on several threads. Where these threads cannot share one
//! borrow, they share the hashes: [`SharedHashes`] belongs to nobody.

use std::sync::OnceLock;

use bitcoin::{Amount, Script, Transaction, TxOut};
use primitives::{Tx, TxOutEntry};

use crate::dialect::{BITCOIN, Dialect, MAST};
use crate::hashing::{Digest, Engine, Piece, finish, sha256_again};
use crate::sighash::TAP_SIGHASH;

/// An output that an input spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prevout<'a> {
    /// Its value.
    pub amount: Amount,
    /// Its script.
    pub script_pubkey: &'a Script,
    /// The height that the value was written for, on a chain whose values change with height.
    pub reference_height: Option<u32>,
}

impl<'a> From<&'a TxOut> for Prevout<'a> {
    fn from(output: &'a TxOut) -> Self {
        Self { amount: output.value, script_pubkey: &output.script_pubkey, reference_height: None }
    }
}

impl<'a> From<&'a TxOutEntry> for Prevout<'a> {
    fn from(coin: &'a TxOutEntry) -> Self {
        Self { reference_height: coin.refheight(), ..Self::from(&coin.out) }
    }
}

/// A transaction, what it spends, and the hashes that its signatures share.
#[derive(Debug)]
pub struct TxData<'a> {
    pub(crate) tx: &'a Transaction,
    pub(crate) lock_height: Option<u32>,
    spent: Spent<'a>,
    own: SharedHashes,
    shared: Option<&'a SharedHashes>,
}

/// What a transaction spends. Coins are looked at where they lie, so that a part of a large transaction costs no more
/// than its own inputs.
#[derive(Debug)]
enum Spent<'a> {
    List(Vec<Prevout<'a>>),
    Coins(&'a [TxOutEntry]),
}

/// The hashes that the signatures of one transaction share, for whoever checks a part of its inputs. They must not be
/// given to another transaction, or to the same one with other coins.
#[derive(Debug, Default)]
pub struct SharedHashes {
    parts: OnceLock<Parts>,
    segwit: OnceLock<Segwit>,
    taproot: OnceLock<Taproot>,
    legacy: OnceLock<Legacy>,
}

/// Single hashes of the parts of the transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub(crate) prevouts: Digest,
    pub(crate) sequences: Digest,
    pub(crate) outputs: Digest,
}

/// BIP143: the double hashes.
#[derive(Clone, Debug)]
pub(crate) struct Segwit {
    pub(crate) prevouts: Digest,
    pub(crate) outputs: Digest,
    /// Version, prevouts and sequences, already fed: the whole first block of a message that signs all inputs.
    pub(crate) prefix: Engine,
}

/// BIP341: the hashes of what is spent.
#[derive(Clone, Debug)]
pub(crate) struct Taproot {
    pub(crate) amounts: Digest,
    pub(crate) scripts: Digest,
    /// The message up to the outputs for the default hash type, already fed.
    pub(crate) prefix: Engine,
}

/// The message of old, for transactions with many inputs.
#[derive(Clone, Debug)]
pub(crate) struct Legacy {
    /// Every input with an empty script: [`BLANK_INPUT`] bytes each.
    pub(crate) blank_inputs: Vec<u8>,
    /// The message before each input, already fed.
    pub(crate) prefixes: Vec<Engine>,
}

/// The size of an input without a script.
pub(crate) const BLANK_INPUT: usize = 41;

/// With fewer inputs than this, feeding them again is cheaper than remembering.
const MANY_INPUTS: usize = 4;

impl<'a> TxData<'a> {
    /// A transaction and the outputs that its inputs spend, in their order.
    ///
    /// If the number of outputs differs from that of the inputs, what is spent counts as unknown: taproot signatures
    /// fail then.
    pub fn new<P: Into<Prevout<'a>>>(tx: &'a Transaction, prevouts: impl IntoIterator<Item = P>) -> Self {
        let prevouts: Vec<_> = prevouts.into_iter().map(Into::into).collect();
        let known = if prevouts.len() == tx.input.len() { prevouts } else { Vec::new() };
        Self { spent: Spent::List(known), ..Self::without_prevouts(tx) }
    }

    /// A transaction and the coins that it spends, with hashes that others may have computed before. The number of coins
    /// is treated as in [`TxData::new`].
    pub fn sharing(tx: &'a Tx, coins: &'a [TxOutEntry], hashes: &'a SharedHashes) -> Self {
        let known = if coins.len() == tx.inputs().len() { coins } else { &[] };
        let lock_height = tx.lock_height();
        Self { lock_height, spent: Spent::Coins(known), shared: Some(hashes), ..Self::without_prevouts(tx.inner()) }
    }

    /// As [`TxData::new`], with the lock height that the transaction carries, if its chain has one.
    pub fn of<P: Into<Prevout<'a>>>(tx: &'a Tx, prevouts: impl IntoIterator<Item = P>) -> Self {
        Self { lock_height: tx.lock_height(), ..Self::new(tx.inner(), prevouts) }
    }

    /// A transaction of which nobody says what it spends. Amounts are named to each checker; taproot signatures fail.
    pub fn without_prevouts(tx: &'a Transaction) -> Self {
        Self { tx, lock_height: None, spent: Spent::List(Vec::new()), own: SharedHashes::default(), shared: None }
    }

    /// The Script that its inputs are run with: transactions with a lock height have another one.
    pub const fn dialect(&self) -> Dialect {
        if self.lock_height.is_some() { MAST } else { BITCOIN }
    }

    /// The transaction.
    pub const fn tx(&self) -> &'a Transaction {
        self.tx
    }

    /// What one input spends, if that is known.
    pub fn prevout(&self, input: usize) -> Option<Prevout<'a>> {
        match &self.spent {
            Spent::List(prevouts) => prevouts.get(input).copied(),
            Spent::Coins(coins) => coins.get(input).map(Prevout::from),
        }
    }

    fn hashes(&self) -> &SharedHashes {
        self.shared.unwrap_or(&self.own)
    }

    pub(crate) fn parts(&self) -> &Parts {
        self.hashes().parts.get_or_init(|| {
            let (mut prevouts, mut sequences, mut outputs) = (Engine::default(), Engine::default(), Engine::default());
            for input in &self.tx.input {
                prevouts.outpoint(&input.previous_output);
                sequences.input(&input.sequence.0.to_le_bytes());
            }
            for output in &self.tx.output {
                outputs.output(output);
            }
            Parts { prevouts: finish(prevouts), sequences: finish(sequences), outputs: finish(outputs) }
        })
    }

    pub(crate) fn segwit(&self) -> &Segwit {
        self.hashes().segwit.get_or_init(|| {
            let parts = self.parts();
            let prevouts = sha256_again(&parts.prevouts);
            let mut start = Piece::<68>::default();
            start.put(&self.tx.version.0.to_le_bytes());
            start.put(&prevouts);
            start.put(&sha256_again(&parts.sequences));
            let mut prefix = Engine::default();
            prefix.input(start.as_slice());
            Segwit { prevouts, outputs: sha256_again(&parts.outputs), prefix }
        })
    }

    /// The taproot hashes, if it is known what is spent.
    pub(crate) fn taproot(&self) -> Option<&Taproot> {
        self.prevout(0)?;
        Some(self.hashes().taproot.get_or_init(|| {
            let (mut amounts, mut scripts) = (Engine::default(), Engine::default());
            for prevout in (0..self.tx.input.len()).filter_map(|input| self.prevout(input)) {
                amounts.input(&prevout.amount.to_sat().to_le_bytes());
                scripts.with_len(prevout.script_pubkey.as_bytes());
            }
            let (amounts, scripts) = (finish(amounts), finish(scripts));
            let parts = self.parts();
            let mut start = Piece::<170>::default();
            start.put(&[0, 0]);
            start.put(&self.tx.version.0.to_le_bytes());
            start.put(&self.tx.lock_time.to_consensus_u32().to_le_bytes());
            for hash in [&parts.prevouts, &amounts, &scripts, &parts.sequences, &parts.outputs] {
                start.put(hash);
            }
            let mut prefix = crate::hashing::tagged(&TAP_SIGHASH);
            prefix.input(start.as_slice());
            Taproot { amounts, scripts, prefix }
        }))
    }

    /// The shared parts of the old message, if the transaction has enough inputs to make them pay.
    pub(crate) fn legacy(&self) -> Option<&Legacy> {
        if self.tx.input.len() < MANY_INPUTS {
            return None;
        }
        Some(self.hashes().legacy.get_or_init(|| {
            let mut engine = Engine::default();
            engine.input(&self.tx.version.0.to_le_bytes());
            engine.compact_size(self.tx.input.len());
            let mut blank_inputs = Vec::with_capacity(self.tx.input.len() * BLANK_INPUT);
            let mut prefixes = Vec::with_capacity(self.tx.input.len());
            for input in &self.tx.input {
                prefixes.push(engine.clone());
                let start = blank_inputs.len();
                blank_inputs.extend_from_slice(input.previous_output.txid.as_ref());
                blank_inputs.extend_from_slice(&input.previous_output.vout.to_le_bytes());
                blank_inputs.push(0);
                blank_inputs.extend_from_slice(&input.sequence.0.to_le_bytes());
                engine.input(&blank_inputs[start..]);
            }
            Legacy { blank_inputs, prefixes }
        }))
    }
}
