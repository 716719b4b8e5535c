//! The notation of the vectors, and the pair of transactions that script vectors imagine.

use bitcoin::hashes::Hash;
use bitcoin::hex::FromHex;
use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, absolute, consensus, transaction,
};
use serde_json::Value;

/// The text that a value is.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is not text"))
}

/// The bytes that hexadecimal text stands for.
pub fn bytes(value: &Value) -> Vec<u8> {
    Vec::from_hex(text(value)).unwrap()
}

/// The 32 bytes that hexadecimal text stands for.
pub fn array32(value: &Value) -> [u8; 32] {
    bytes(value).try_into().unwrap()
}

/// The script that text stands for.
pub fn parse(value: &Value) -> ScriptBuf {
    script::asm::parse_script(text(value)).unwrap_or_else(|error| panic!("{value}: {error}"))
}

/// The transaction that hexadecimal text stands for.
pub fn transaction(hex: &Value) -> Transaction {
    consensus::deserialize(&bytes(hex)).unwrap_or_else(|error| panic!("{hex}: {error}"))
}

/// The rows of a file that are cases and not comments.
pub fn cases(file: &Value) -> Vec<&Vec<Value>> {
    file.as_array().unwrap().iter().map(|row| row.as_array().unwrap()).filter(|row| row.len() > 1).collect()
}

/// The transaction that the script vectors imagine: it spends the only output of a coinbase with this script.
pub fn spend(script_sig: ScriptBuf, witness: Witness, spent: &TxOut) -> Transaction {
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

/// A transaction id as text shows it.
pub fn txid(value: &Value) -> Txid {
    let mut bytes = array32(value);
    bytes.reverse();
    Txid::from_byte_array(bytes)
}

/// An amount in satoshis.
pub fn sats(value: &Value) -> Amount {
    Amount::from_sat(value.as_u64().unwrap())
}
