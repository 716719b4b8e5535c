//! `-coinstatsindex`: how many coins there were after every block, what they were worth, and their hash.

use std::path::Path;
use std::sync::Arc;

use bitcoin::{BlockHash, OutPoint};
use chainstate::{MuHash, Node, bogo_size, digest_bytes};
use consensus::{Rules, is_bip30_unspendable};
use primitives::{Reader, TxOutEntry};
use script::templates::is_unspendable;
use store::{Access, Kv, KvBatch, KvOptions};

use crate::{
    Index, IndexError, IndexedBlock, heights,
    index::{STATE, families},
};

/// Where the running hash is kept.
const MUHASH: &[u8] = b"M";

/// What has been counted up to and with a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// The hash of all coins.
    pub muhash: [u8; 32],
    /// Unspent outputs.
    pub outputs: u64,
    /// A size that does not depend on the database.
    pub bogo_size: u64,
    /// The sum of unspent outputs.
    pub amount: i64,
    /// What could have been created by coinbases.
    pub subsidy: i64,
    /// The sum of outputs that were spent.
    pub spent: i128,
    /// The sum of outputs that were created by other transactions than coinbases.
    pub created: i128,
    /// The sum of outputs that coinbases created.
    pub coinbase: i128,
    /// Lost in genesis.
    pub lost_genesis: i64,
    /// Lost in coinbases that later ones overwrote.
    pub lost_bip30: i64,
    /// Sent to scripts that nothing satisfies.
    pub lost_scripts: i64,
    /// Not claimed by miners.
    pub lost_unclaimed: i64,
}

impl Totals {
    fn encode(&self) -> Vec<u8> {
        let mut out = self.muhash.to_vec();
        for number in [self.outputs, self.bogo_size] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.amount, self.subsidy] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.spent, self.created, self.coinbase] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.lost_genesis, self.lost_bip30, self.lost_scripts, self.lost_unclaimed] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut r = Reader::new(bytes);
        let totals = Self {
            muhash: r.array().ok()?,
            outputs: r.u64().ok()?,
            bogo_size: r.u64().ok()?,
            amount: r.i64().ok()?,
            subsidy: r.i64().ok()?,
            spent: i128::from_le_bytes(r.array().ok()?),
            created: i128::from_le_bytes(r.array().ok()?),
            coinbase: i128::from_le_bytes(r.array().ok()?),
            lost_genesis: r.i64().ok()?,
            lost_bip30: r.i64().ok()?,
            lost_scripts: r.i64().ok()?,
            lost_unclaimed: r.i64().ok()?,
        };
        r.finish().ok()?;
        Some(totals)
    }

    /// Everything that can never be spent.
    pub fn lost(&self) -> i64 {
        self.lost_genesis + self.lost_bip30 + self.lost_scripts + self.lost_unclaimed
    }
}

/// Finds totals.
#[derive(Debug, Clone)]
pub struct CoinStatsIndex {
    kv: Kv,
    rules: Arc<dyn Rules>,
    set: MuHash,
    totals: Totals,
}

impl CoinStatsIndex {
    /// Opens the index in `dir`.
    pub fn open(dir: &Path, options: KvOptions, rules: Arc<dyn Rules>) -> Result<Self, IndexError> {
        let kv = Kv::open(dir, &families(Access::Scan), options, Vec::new())?;
        Ok(Self { kv, rules, set: MuHash::default(), totals: Totals::default() })
    }

    /// The totals after a block of this hash and height.
    pub fn find(&self, height: u32, hash: &BlockHash) -> Result<Option<Totals>, IndexError> {
        let Some(value) = heights::get(&self.kv, height, hash)? else { return Ok(None) };
        Totals::decode(&value).map(Some).ok_or_else(|| self.corrupt())
    }

    fn corrupt(&self) -> IndexError {
        IndexError::Corrupt { index: self.name().to_owned() }
    }

    /// Calls `change` for every coin that the block made (`true`) or spent (`false`), in order, and adds up what can never
    /// be spent.
    fn walk(
        block: &IndexedBlock,
        subsidy: i64,
        lost: &mut Totals,
        mut change: impl FnMut(bool, OutPoint, &TxOutEntry),
    ) -> Result<(), IndexError> {
        let (node, undo) = (&block.node, block.undo.as_ref().ok_or(IndexError::NoUndo(block.node.hash))?);
        for (index, tx) in block.block.txs.iter().enumerate() {
            let coinbase = index == 0;
            if coinbase && is_bip30_unspendable(&node.hash, node.height) {
                lost.lost_bip30 += subsidy;
                continue;
            }
            for (vout, output) in (0..).zip(tx.outputs()) {
                if is_unspendable(&output.script_pubkey) {
                    lost.lost_scripts += amount(output.value);
                    continue;
                }
                let coin =
                    TxOutEntry { out: output.clone(), height: node.height, coinbase, tail: primitives::CoinTail::None };
                change(true, OutPoint { txid: tx.txid(), vout }, &coin);
            }
            let Some(spent) = index.checked_sub(1) else { continue };
            let spent = undo.txs.get(spent).ok_or(IndexError::NoUndo(node.hash))?;
            for (input, coin) in tx.inputs().iter().zip(&spent.spent) {
                change(false, input.previous_output, coin);
            }
        }
        Ok(())
    }
}

fn amount(value: bitcoin::Amount) -> i64 {
    i64::try_from(value.to_sat()).expect("validated amounts are far below the limit")
}

impl Index for CoinStatsIndex {
    fn name(&self) -> &'static str {
        "coinstatsindex"
    }

    fn thread(&self) -> &'static str {
        "coinstatsidx"
    }

    fn kv(&self) -> &Kv {
        &self.kv
    }

    fn wants_undo(&self) -> bool {
        true
    }

    fn resume(&mut self, best: Option<&Node>) -> Result<(), IndexError> {
        let Some(node) = best else {
            (self.set, self.totals) = (MuHash::default(), Totals::default());
            return Ok(());
        };
        self.totals = self.find(node.height, &node.hash)?.ok_or_else(|| self.corrupt())?;
        let state = self.kv.get(STATE, MUHASH)?.ok_or_else(|| self.corrupt())?;
        self.set = MuHash::decode(state.as_slice().try_into().map_err(|_| self.corrupt())?);
        if self.set.digest() != self.totals.muhash {
            return Err(self.corrupt());
        }
        Ok(())
    }

    fn append(&mut self, block: &IndexedBlock, batch: &mut KvBatch) -> Result<(), IndexError> {
        let height = block.node.height;
        let subsidy = self.rules.subsidy(height);
        let mut totals = self.totals;
        totals.subsidy += subsidy;
        if height == 0 {
            totals.lost_genesis += subsidy;
        } else {
            let (mut lost, mut bytes) = (Totals::default(), Vec::new());
            Self::walk(block, subsidy, &mut lost, |made, out, coin| {
                digest_bytes(&out, coin, &mut bytes);
                let value = amount(coin.out.value);
                if made {
                    self.set.insert(&bytes);
                    totals.outputs += 1;
                    totals.bogo_size += bogo_size(coin);
                    totals.amount += value;
                    *(if coin.coinbase { &mut totals.coinbase } else { &mut totals.created }) += i128::from(value);
                } else {
                    self.set.remove(&bytes);
                    totals.outputs -= 1;
                    totals.bogo_size -= bogo_size(coin);
                    totals.amount -= value;
                    totals.spent += i128::from(value);
                }
            })?;
            totals.lost_bip30 += lost.lost_bip30;
            totals.lost_scripts += lost.lost_scripts;
        }
        // What came in and did not go out again was left by the miner.
        let came = totals.spent + i128::from(totals.subsidy);
        let went = totals.created + totals.coinbase + i128::from(totals.lost());
        totals.lost_unclaimed += i64::try_from(came - went).map_err(|_| self.corrupt())?;
        totals.muhash = self.set.digest();
        self.totals = totals;
        heights::put(&self.kv, batch, height, &block.node.hash, &totals.encode());
        Ok(())
    }

    fn remove(&mut self, block: &IndexedBlock, batch: &mut KvBatch) -> Result<(), IndexError> {
        heights::retire(&self.kv, batch, block.node.height)?;
        let parent = block.node.height.checked_sub(1).ok_or_else(|| self.corrupt())?;
        let mut bytes = Vec::new();
        Self::walk(block, 0, &mut Totals::default(), |made, out, coin| {
            digest_bytes(&out, coin, &mut bytes);
            if made { self.set.remove(&bytes) } else { self.set.insert(&bytes) }
        })?;
        self.totals = self.find(parent, &block.node.header.prev_blockhash)?.ok_or_else(|| self.corrupt())?;
        if self.set.digest() == self.totals.muhash { Ok(()) } else { Err(self.corrupt()) }
    }

    fn save(&self, batch: &mut KvBatch) {
        self.kv.put(batch, STATE, MUHASH, &self.set.encode());
    }
}
