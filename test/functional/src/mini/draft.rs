//! A block before it is found: right in every respect, unless the scenario makes it wrong.

use anyhow::{Context as _, Result};
use bitcoin::absolute::LockTime;
use bitcoin::block::{Header, Version as BlockVersion};
use bitcoin::hashes::Hash as _;
use bitcoin::script::Builder;
use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut,
    Witness, WitnessMerkleNode, transaction,
};

use super::script;
use crate::node::Node;

/// What every block of the first epoch makes.
const SUBSIDY: u64 = 50 * 100_000_000;
/// After so many blocks it is half of that.
const HALVING: u32 = 150;
/// What the first bytes of an output that commits to witnesses are.
const COMMITMENT: [u8; 6] = [0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed];

/// A block in the making, of a chain with Bitcoin's headers and the easiest work.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The block before.
    pub previous: BlockHash,
    /// Its own height.
    pub height: u32,
    /// Its time.
    pub time: u32,
    /// How hard it is.
    pub bits: CompactTarget,
    /// What the coinbase takes.
    pub reward: u64,
    /// Transactions behind the coinbase.
    pub txs: Vec<Transaction>,
    /// Makes the coinbase, and so the block, another one.
    pub salt: i64,
}

impl Draft {
    /// On top of the daemon's chain.
    pub fn on_tip(node: &mut Node) -> Result<Draft> {
        let tip = node.tip()?;
        Draft::on(node, &tip)
    }

    /// On top of a block that the daemon knows.
    pub fn on(node: &mut Node, block: &str) -> Result<Draft> {
        let header = node.call("getblockheader", &[block.into()])?;
        let height: u32 = header.get("height").as_int()?;
        let bits = u32::from_str_radix(header.get("bits").as_str()?, 16)?;
        let time: u32 = header.get("time").as_int()?;
        Ok(Draft {
            previous: block.parse()?,
            height: height + 1,
            time: time + 1,
            bits: CompactTarget::from_consensus(bits),
            reward: SUBSIDY >> ((height + 1) / HALVING),
            txs: Vec::new(),
            salt: 0,
        })
    }

    /// The one behind this one.
    #[must_use]
    pub fn next(&self, block: &Block) -> Draft {
        let (height, time) = (self.height + 1, self.time + 1);
        let reward = SUBSIDY >> (height / HALVING);
        Draft { previous: block.block_hash(), height, time, reward, txs: Vec::new(), ..self.clone() }
    }

    /// With a transaction that pays a fee.
    #[must_use]
    pub fn with(mut self, tx: Transaction, fee: u64) -> Draft {
        self.txs.push(tx);
        self.reward += fee;
        self
    }

    fn coinbase(&self, commitment: Option<&[u8; 32]>) -> Transaction {
        let begin = Builder::new().push_int(i64::from(self.height)).push_int(self.salt).into_script();
        let mut output = vec![TxOut { value: Amount::from_sat(self.reward), script_pubkey: script() }];
        if let Some(hash) = commitment {
            let bytes = [&COMMITMENT[..], hash].concat();
            output.push(TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::from_bytes(bytes) });
        }
        let witness = if commitment.is_some() { Witness::from_slice(&[[0; 32]]) } else { Witness::new() };
        let input = TxIn { previous_output: OutPoint::null(), script_sig: begin, sequence: Sequence::MAX, witness };
        Transaction { version: transaction::Version::TWO, lock_time: LockTime::ZERO, input: vec![input], output }
    }

    /// The block, with its work done.
    pub fn build(&self) -> Result<Block> {
        let mut block = self.unsolved()?;
        solve(&mut block.header)?;
        Ok(block)
    }

    /// The block, with no work in it.
    pub fn unsolved(&self) -> Result<Block> {
        // The coinbase's own hash counts as zero in the tree of witnesses, so it can be filled in afterwards.
        let empty = [vec![self.coinbase(None)], self.txs.clone()].concat();
        let mut block = Block { header: self.header(TxMerkleNode::all_zeros()), txdata: empty };
        let root: WitnessMerkleNode = block.witness_root().context("a block has a transaction")?;
        let commitment = Block::compute_witness_commitment(&root, &[0; 32]).to_byte_array();
        if let Some(first) = block.txdata.first_mut() {
            *first = self.coinbase(Some(&commitment));
        }
        block.header.merkle_root = block.compute_merkle_root().context("a block has a transaction")?;
        Ok(block)
    }

    fn header(&self, merkle_root: TxMerkleNode) -> Header {
        let version = BlockVersion::from_consensus(0x2000_0000);
        let Draft { previous, time, bits, .. } = *self;
        Header { version, prev_blockhash: previous, merkle_root, time, bits, nonce: 0 }
    }
}

/// Does the work of a header, which must be next to nothing.
pub fn solve(header: &mut Header) -> Result<()> {
    let target = header.target();
    for nonce in 0..u32::MAX {
        header.nonce = nonce;
        if target.is_met_by(header.block_hash()) {
            return Ok(());
        }
    }
    anyhow::bail!("no nonce is good enough")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_whole() {
        let draft = Draft {
            previous: BlockHash::all_zeros(),
            height: 200,
            time: 1_700_000_000,
            bits: CompactTarget::from_consensus(0x207f_ffff),
            reward: SUBSIDY,
            txs: Vec::new(),
            salt: 0,
        };
        let tx = super::super::spend(&[OutPoint::new(bitcoin::Txid::from_byte_array([3; 32]), 1)], &[5, 6]);
        let block = draft.clone().with(tx, 7).build().unwrap();
        assert!(block.check_merkle_root() && block.check_witness_commitment());
        assert!(block.header.validate_pow(block.header.target()).is_ok());
        assert_eq!(block.bip34_block_height().unwrap(), 200);
        assert_eq!(block.txdata[0].output[0].value.to_sat(), SUBSIDY + 7);
        let second = draft.next(&block).build().unwrap();
        assert_eq!(second.header.prev_blockhash, block.block_hash());
        assert_ne!(
            Draft { salt: 1, ..draft.clone() }.build().unwrap().block_hash(),
            draft.build().unwrap().block_hash()
        );
    }
}
