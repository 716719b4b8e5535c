//! What the vectors have in common: notation, the pair of transactions around a script, random flags.

use bitcoin::hashes::Hash;
use bitcoin::hex::FromHex;
use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, absolute, consensus, transaction,
};
use script::{Flags, Prevout, TxData, TxSignatureChecker, verify_script};
use serde_json::Value;

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is not text"))
}

pub(crate) fn bytes(value: &Value) -> Vec<u8> {
    Vec::from_hex(text(value)).unwrap()
}

pub(crate) fn array32(value: &Value) -> [u8; 32] {
    bytes(value).try_into().unwrap()
}

pub(crate) fn parse(value: &Value) -> ScriptBuf {
    script::asm::parse_script(text(value)).unwrap_or_else(|error| panic!("{value}: {error}"))
}

pub(crate) fn transaction(hex: &Value) -> Transaction {
    consensus::deserialize(&bytes(hex)).unwrap_or_else(|error| panic!("{hex}: {error}"))
}

/// The rows of a file that are cases and not comments.
pub(crate) fn cases(file: &Value) -> Vec<&Vec<Value>> {
    file.as_array().unwrap().iter().map(|row| row.as_array().unwrap()).filter(|row| row.len() > 1).collect()
}

/// The transaction that the script vectors imagine: it spends the only output of a coinbase with this script.
pub(crate) fn spend(script_sig: ScriptBuf, witness: Witness, spent: &TxOut) -> Transaction {
    let credit = Transaction {
        version: transaction::Version::ONE,
        lock_time: absolute::LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::null(),
            script_sig: ScriptBuf::from_bytes(vec![0, 0]),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        }],
        output: vec![spent.clone()],
    };
    Transaction {
        version: transaction::Version::ONE,
        lock_time: absolute::LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::new(credit.compute_txid(), 0),
            script_sig,
            sequence: Sequence::MAX,
            witness,
        }],
        output: vec![TxOut { value: spent.value, script_pubkey: ScriptBuf::new() }],
    }
}

/// Verifies one input of a transaction whose spent outputs are known.
pub(crate) fn verify_input(data: &TxData<'_>, index: usize, flags: Flags) -> Result<(), script::ScriptError> {
    let Prevout { amount, script_pubkey, .. } = *data.prevout(index).unwrap();
    let input = &data.tx().input[index];
    let checker = TxSignatureChecker::new(data, index, amount);
    verify_script(&input.script_sig, script_pubkey, &input.witness, flags, &checker)
}

/// A small generator for choices that need no shrinking: xorshift.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn flags(&mut self) -> Flags {
        Flags::from_bits(self.roll() >> 20) & Flags::ALL
    }
}

/// Takes flags away until the rest is coherent.
pub(crate) fn trim(mut flags: Flags) -> Flags {
    if !flags.has(Flags::P2SH) {
        flags = flags.without(Flags::WITNESS);
    }
    if !flags.has(Flags::WITNESS) {
        flags = flags.without(Flags::CLEANSTACK);
    }
    flags
}

/// Adds flags until all are coherent.
pub(crate) fn fill(mut flags: Flags) -> Flags {
    if flags.has(Flags::CLEANSTACK) {
        flags |= Flags::WITNESS;
    }
    if flags.has(Flags::WITNESS) {
        flags |= Flags::P2SH;
    }
    flags
}

/// A transaction id as text shows it.
pub(crate) fn txid(value: &Value) -> Txid {
    let mut bytes = array32(value);
    bytes.reverse();
    Txid::from_byte_array(bytes)
}

pub(crate) fn sats(value: &Value) -> Amount {
    Amount::from_sat(value.as_u64().unwrap())
}
