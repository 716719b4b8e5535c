//! Transactions that need no keys: all outputs go to a witness script that is true, which is standard to pay to and to
//! spend from.

use bitcoin::absolute::LockTime;
use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::opcodes::all::OP_PUSHBYTES_0;
use bitcoin::script::Builder;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};

/// The script: `OP_TRUE`.
const TRUE: [u8; 1] = [0x51];
/// Its address on regtest.
pub(crate) const ADDRESS: &str = "bcrt1qft5p2uhsdcdc3l2ua4ap5qqfg4pjaqlp250x7us7a8qqhrxrxfsqseac85";

/// An output of this value to the script.
fn output(value: u64) -> TxOut {
    let mut script = vec![0, 32];
    script.extend(sha256::Hash::hash(&TRUE).to_byte_array());
    TxOut { value: Amount::from_sat(value), script_pubkey: ScriptBuf::from_bytes(script) }
}

/// A transaction from some outputs to outputs of these values.
pub(crate) fn spend(from: &[OutPoint], values: &[u64]) -> Transaction {
    spend_to(from, values.iter().map(|value| output(*value)).collect())
}

/// A transaction from some outputs to these.
pub(crate) fn spend_to(from: &[OutPoint], outputs: Vec<TxOut>) -> Transaction {
    let input = |previous_output: &OutPoint| TxIn {
        previous_output: *previous_output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::from_slice(&[TRUE]),
    };
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: from.iter().map(input).collect(),
        output: outputs,
    }
}

/// What pays the miner of the block at `height`.
pub(crate) fn coinbase(height: u32, value: u64) -> Transaction {
    let script = Builder::new().push_int(height.into()).push_opcode(OP_PUSHBYTES_0).into_script();
    let mut tx = spend_to(&[OutPoint::null()], vec![output(value)]);
    (tx.input[0].script_sig, tx.input[0].witness) = (script, Witness::new());
    tx
}

/// The first output of a transaction.
pub(crate) fn first(txid: Txid) -> OutPoint {
    OutPoint { txid, vout: 0 }
}

/// As methods take it.
pub(crate) fn hex(tx: &Transaction) -> String {
    serialize_hex(tx)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_that_of_the_script() {
        let address: bitcoin::Address<_> = ADDRESS.parse::<bitcoin::Address<_>>().unwrap().assume_checked();
        assert_eq!(address.script_pubkey(), output(1).script_pubkey);
    }
}
