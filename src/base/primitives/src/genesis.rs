//! A chain's first block, built from the fields in its profile.

use std::sync::Arc;

use bitcoin::absolute::LockTime;
use bitcoin::block::{Header as RawHeader, Version as BlockVersion};
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version as TxVersion;
use bitcoin::{
    Amount, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut, Witness,
};
use coin::Chain;

use crate::{Block, Header, Tx};

/// The genesis block of a chain. Its hash and Merkle root come from its fields, not from the profile: comparing them with
/// [`coin::Genesis::hash`] is a check that is worth making.
pub fn genesis_block(chain: &Chain) -> Block {
    let genesis = &chain.genesis;
    let output = |output: &coin::GenesisOutput| TxOut {
        value: Amount::from_sat(output.value),
        script_pubkey: ScriptBuf::from_bytes(output.script.to_vec()),
    };
    let coinbase = Transaction {
        version: TxVersion(genesis.tx_version),
        lock_time: LockTime::from_consensus(genesis.tx_lock_time),
        input: vec![TxIn {
            previous_output: OutPoint::null(),
            script_sig: ScriptBuf::from_bytes(genesis.script_sig.to_vec()),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        }],
        output: genesis.outputs.iter().map(output).collect(),
    };
    let coinbase = Tx::new(coinbase, genesis.tx_lock_height);
    let header = Header::new(RawHeader {
        version: BlockVersion::from_consensus(genesis.version),
        prev_blockhash: BlockHash::all_zeros(),
        merkle_root: TxMerkleNode::from_byte_array(coinbase.txid().to_byte_array()),
        time: genesis.time,
        bits: CompactTarget::from_consensus(genesis.bits),
        nonce: genesis.nonce,
    });
    Block { header, txs: vec![Arc::new(coinbase)], tail: None }
}

#[cfg(test)]
mod tests;
