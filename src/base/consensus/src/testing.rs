//! What the tests of this crate build their cases from.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::Arc;

use bitcoin::absolute::LockTime;
use bitcoin::block::Version as BlockVersion;
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut, Witness,
};
use coin::ChainKind;
use primitives::{Block, Header, Tx, TxOutEntry};

use crate::block::height_script;
use crate::view::HeaderVec;
use crate::{ChainParams, CoinView, HeaderView, Rules, is_proven, rules_for};

/// 1 coin.
pub(crate) const COIN: i64 = 100_000_000;

pub(crate) fn params(id: &str, kind: ChainKind) -> ChainParams {
    let coin = coin::by_id(id).expect("a coin of this name");
    ChainParams::new(coin, coin.chain(kind).expect("a chain of this kind"))
}

pub(crate) fn rules(id: &str, kind: ChainKind) -> Arc<dyn Rules> {
    rules_for(params(id, kind)).expect("its rules are implemented")
}

pub(crate) fn regtest() -> Arc<dyn Rules> {
    rules("bitcoin", ChainKind::Regtest)
}

pub(crate) fn output(value: i64, script: &[u8]) -> TxOut {
    TxOut { value: Amount::from_sat(value.cast_unsigned()), script_pubkey: ScriptBuf::from_bytes(script.to_vec()) }
}

pub(crate) fn input(previous_output: OutPoint) -> TxIn {
    TxIn { previous_output, script_sig: ScriptBuf::new(), sequence: Sequence::MAX, witness: Witness::new() }
}

/// An outpoint that differs from those of other numbers.
pub(crate) fn outpoint(number: u8) -> OutPoint {
    OutPoint { txid: bitcoin::Txid::from_byte_array([number; 32]), vout: number.into() }
}

pub(crate) fn transaction(input: Vec<TxIn>, output: Vec<TxOut>) -> Transaction {
    Transaction { version: Version(2), lock_time: LockTime::ZERO, input, output }
}

/// A transaction that spends one coin of two and pays one coin to anyone.
pub(crate) fn simple() -> Transaction {
    transaction(vec![input(outpoint(1))], vec![output(COIN, &[0x51])])
}

pub(crate) fn tx(inner: Transaction) -> Tx {
    Tx::new(inner, None)
}

pub(crate) fn coin(value: i64, script: &[u8], height: u32, coinbase: bool) -> TxOutEntry {
    TxOutEntry::new(output(value, script), height, coinbase, None)
}

pub(crate) fn coinbase(height: u32, outputs: Vec<TxOut>) -> Transaction {
    let mut script = height_script(height);
    script.push(0x51);
    let input = TxIn { script_sig: ScriptBuf::from_bytes(script), ..input(OutPoint::null()) };
    Transaction { version: Version(1), lock_time: LockTime::ZERO, input: vec![input], output: outputs }
}

/// Unspent outputs in a map.
#[derive(Default)]
pub(crate) struct Coins(pub(crate) HashMap<OutPoint, TxOutEntry>);

impl CoinView for Coins {
    fn coin(&self, outpoint: &OutPoint) -> Option<TxOutEntry> {
        self.0.get(outpoint).cloned()
    }
}

pub(crate) fn raw_header(prev: BlockHash, time: u32, bits: u32) -> bitcoin::block::Header {
    bitcoin::block::Header {
        version: BlockVersion::from_consensus(0x2000_0000),
        prev_blockhash: prev,
        merkle_root: TxMerkleNode::all_zeros(),
        time,
        bits: CompactTarget::from_consensus(bits),
        nonce: 0,
    }
}

pub(crate) fn header(inner: bitcoin::block::Header) -> Header {
    Header::new(inner)
}

/// A block with the right Merkle root and, on easy chains, proof of work.
pub(crate) fn mined(rules: &dyn Rules, mut inner: bitcoin::block::Header, txs: Vec<Transaction>) -> Block {
    let txs: Vec<_> = txs.into_iter().map(|inner| Arc::new(tx(inner))).collect();
    inner.merkle_root = block(inner, txs.clone()).merkle_root().0;
    while !is_proven(&inner.block_hash(), inner.bits.to_consensus(), rules.params().pow()) {
        inner.nonce += 1;
    }
    block(inner, txs)
}

pub(crate) fn block(inner: bitcoin::block::Header, txs: Vec<Arc<Tx>>) -> Block {
    Block { header: header(inner), txs, tail: None }
}

/// A branch of `count` blocks on the genesis block, ten minutes apart.
pub(crate) fn branch(rules: &dyn Rules, count: u32) -> HeaderVec {
    let params = rules.params();
    let genesis = &params.chain().genesis;
    let mut chain = HeaderVec::new(params.genesis_hash(), genesis.version, genesis.time, genesis.bits);
    for height in 1..=count {
        let time = genesis.time + 600 * height;
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&height.to_le_bytes());
        chain.push(BlockHash::from_byte_array(hash), 0x2000_0000, time, genesis.bits);
    }
    chain
}

/// The header that would follow a branch.
pub(crate) fn next_header(branch: &HeaderVec) -> bitcoin::block::Header {
    let tip = branch.at(branch.height()).expect("a branch has a tip");
    raw_header(tip.hash, tip.time + 600, tip.bits)
}

pub(crate) fn one() -> NonZeroUsize {
    NonZeroUsize::MIN
}
