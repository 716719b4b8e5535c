//! The commitment to witnesses (BIP141).
//!
//! The last output of the coinbase that starts with the magic bytes commits to the Merkle root of all witness ids,
//! hashed together with a value that the coinbase's own witness reserves for future commitments.

use bitcoin::hashes::{Hash, HashEngine, sha256d};
use bitcoin::{Amount, ScriptBuf, TxOut};
use primitives::{Block, Tx};

use super::body::BlockChecks;
use crate::reason::BlockReason;

/// What miners put as the reserved value.
pub const WITNESS_RESERVED_VALUE: [u8; 32] = [0; 32];

/// `OP_RETURN`, a push of 36 bytes, and the magic of BIP141.
const HEADER: [u8; 6] = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];
const SIZE: usize = 38;

/// Which output of a coinbase is the commitment: the last one that looks like it.
pub fn commitment_index(coinbase: &Tx) -> Option<usize> {
    coinbase.outputs().iter().rposition(|output| {
        let script = output.script_pubkey.as_bytes();
        script.len() >= SIZE && script.starts_with(&HEADER)
    })
}

/// What stands behind the commitment in the script of an output that has one.
pub fn behind_commitment(output: &TxOut) -> &[u8] {
    output.script_pubkey.as_bytes().get(SIZE..).unwrap_or_default()
}

/// The root that a commitment holds, for this block and reserved value.
pub fn commitment_root(block: &Block, reserved: &[u8; 32]) -> [u8; 32] {
    let mut engine = sha256d::Hash::engine();
    engine.input(&block.witness_merkle_root().to_byte_array());
    engine.input(reserved);
    sha256d::Hash::from_engine(engine).to_byte_array()
}

/// The output that commits to the witnesses of a block, with the usual reserved value. Its script ends with `behind`.
pub fn commitment_output(block: &Block, behind: &[u8]) -> TxOut {
    let mut script = HEADER.to_vec();
    script.extend(commitment_root(block, &WITNESS_RESERVED_VALUE));
    script.extend(behind);
    TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from_bytes(script) }
}

/// Checks that the witnesses are those that the coinbase commits to, if a commitment is `expected`; without one there
/// may be no witnesses at all, since anybody could add them.
pub(crate) fn check_witness(block: &Block, expected: bool, checks: &mut BlockChecks) -> Result<(), BlockReason> {
    let commitment = block.txs.first().filter(|_| expected).and_then(|tx| Some((tx, commitment_index(tx)?)));
    let Some((coinbase, index)) = commitment else {
        let clean = block.txs.iter().all(|tx| !tx.has_witness());
        return if clean { Ok(()) } else { Err(BlockReason::UnexpectedWitness) };
    };
    if checks.witness {
        return Ok(());
    }
    let witness = coinbase.inputs().first().map(|input| &input.witness).filter(|witness| witness.len() == 1);
    let reserved = witness.and_then(|witness| witness.nth(0)?.try_into().ok());
    let reserved: [u8; 32] = reserved.ok_or(BlockReason::WitnessNonceSize)?;
    let script = coinbase.outputs()[index].script_pubkey.as_bytes();
    if script[HEADER.len()..SIZE] != commitment_root(block, &reserved) {
        return Err(BlockReason::WitnessMerkleMatch);
    }
    checks.witness = true;
    Ok(())
}
