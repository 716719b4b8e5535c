//! Transactions that need no keys: all outputs go to a witness script that is true, which is standard to pay to and to
//! spend from.

use bitcoin::absolute::LockTime;
use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::{Hash as _, sha256};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};

/// The script: `OP_TRUE`.
const TRUE: [u8; 1] = [0x51];
/// Its address on regtest.
pub(super) const ADDRESS: &str = "bcrt1qft5p2uhsdcdc3l2ua4ap5qqfg4pjaqlp250x7us7a8qqhrxrxfsqseac85";

/// An output of this value to the script.
fn output(value: u64) -> TxOut {
    let mut script = vec![0, 32];
    script.extend(sha256::Hash::hash(&TRUE).to_byte_array());
    TxOut { value: Amount::from_sat(value), script_pubkey: ScriptBuf::from_bytes(script) }
}

/// A transaction from some outputs to outputs of these values.
pub(super) fn spend(from: &[OutPoint], values: &[u64]) -> Transaction {
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
        output: values.iter().map(|value| output(*value)).collect(),
    }
}

/// The first output of a transaction.
pub(super) fn first(txid: Txid) -> OutPoint {
    OutPoint { txid, vout: 0 }
}

/// As methods take it.
pub(super) fn hex(tx: &Transaction) -> String {
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
