//! Compact blocks: a block by short ids of its transactions, and a block put together again.

use std::collections::HashMap;
use std::sync::Arc;

use bitcoin::Wtxid;
use bitcoin::hashes::{Hash, HashEngine, sha256, siphash24};
use primitives::{Block, Header, Tx, WitnessMode};

use crate::message::{CompactBlock, Prefilled};

/// No block has more transactions: each has at least 60 bytes, of which each weighs four.
const MAX_TXS: usize = 4_000_000 / 240;

/// What the short ids of a block are salted with.
#[derive(Debug, Clone, Copy)]
pub struct ShortIds(u64, u64);

impl ShortIds {
    /// For a block and a number that its sender chose.
    pub fn new(header: &Header, nonce: u64) -> Self {
        let mut bytes = Vec::new();
        header.encode(&mut bytes, WitnessMode::Include);
        let mut engine = sha256::Hash::engine();
        engine.input(&bytes);
        engine.input(&nonce.to_le_bytes());
        let digest = sha256::Hash::from_engine(engine).to_byte_array();
        let (first, rest) = digest.split_first_chunk::<8>().expect("a digest has 32 bytes");
        let second = rest.first_chunk::<8>().expect("24 bytes are left");
        Self(u64::from_le_bytes(*first), u64::from_le_bytes(*second))
    }

    /// The short id of a transaction: 48 bits.
    pub fn of(&self, wtxid: &Wtxid) -> u64 {
        siphash24::Hash::hash_to_u64_with_keys(self.0, self.1, wtxid.as_byte_array()) & 0xffff_ffff_ffff
    }
}

/// A block as a compact block, with its coinbase prefilled.
pub fn shorten(block: &Block, nonce: u64) -> CompactBlock {
    let salt = ShortIds::new(&block.header, nonce);
    CompactBlock {
        header: block.header.clone(),
        nonce,
        short_ids: block.txs.iter().skip(1).map(|tx| salt.of(&tx.wtxid())).collect(),
        prefilled: block.txs.first().map(|tx| Prefilled { index: 0, tx: tx.clone() }).into_iter().collect(),
    }
}

/// Why a compact block cannot become a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CompactError {
    /// No honest peer sends this.
    #[error("invalid compact block")]
    Invalid,
    /// Short ids collide, which happens by chance: the whole block is needed.
    #[error("short ids collide")]
    Collision,
}

/// A block of which some transactions are missing.
#[derive(Debug)]
pub struct PartialBlock {
    header: Header,
    txs: Vec<Option<Arc<Tx>>>,
    prefilled: usize,
    from_pool: usize,
    from_extra: usize,
}

/// Where a transaction for a short id was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Pool,
    Extra,
    /// Two transactions have this short id, so neither is taken.
    Collided,
}

impl PartialBlock {
    /// Fills a block with what is known: transactions of the pool, of which `get` gives one, and others.
    pub fn new(
        compact: &CompactBlock,
        pool: impl Iterator<Item = Wtxid>,
        get: impl Fn(&Wtxid) -> Option<Arc<Tx>>,
        extra: &[Arc<Tx>],
    ) -> Result<Self, CompactError> {
        let count = compact.tx_count();
        if count == 0 || count > MAX_TXS {
            return Err(CompactError::Invalid);
        }
        let mut txs: Vec<Option<Arc<Tx>>> = vec![None; count];
        for Prefilled { index, tx } in &compact.prefilled {
            if tx.inputs().is_empty() && tx.outputs().is_empty() {
                return Err(CompactError::Invalid);
            }
            *txs.get_mut(usize::from(*index)).ok_or(CompactError::Invalid)? = Some(tx.clone());
        }
        let free = txs.iter().enumerate().filter(|(_, tx)| tx.is_none()).map(|(place, _)| place);
        let places: HashMap<u64, usize> = compact.short_ids.iter().copied().zip(free).collect();
        if places.len() != compact.short_ids.len() {
            return Err(CompactError::Collision);
        }
        let salt = ShortIds::new(&compact.header, compact.nonce);
        let prefilled = compact.prefilled.len();
        let mut it = Self { header: compact.header.clone(), txs, prefilled, from_pool: 0, from_extra: 0 };
        let mut sources: HashMap<usize, Source> = HashMap::new();
        for wtxid in pool {
            let Some(place) = places.get(&salt.of(&wtxid)) else { continue };
            it.put(*place, get(&wtxid), Source::Pool, &mut sources);
            // To look on for collisions would cost more than the rare request that it saves.
            if it.from_pool == places.len() {
                break;
            }
        }
        for tx in extra {
            if it.from_pool + it.from_extra == places.len() {
                break;
            }
            if let Some(place) = places.get(&salt.of(&tx.wtxid())) {
                it.put(*place, Some(tx.clone()), Source::Extra, &mut sources);
            }
        }
        Ok(it)
    }

    fn put(&mut self, place: usize, tx: Option<Arc<Tx>>, source: Source, sources: &mut HashMap<usize, Source>) {
        let Some(tx) = tx else { return };
        match sources.get(&place) {
            None => {
                self.txs[place] = Some(tx);
                *self.count(source) += 1;
                sources.insert(place, source);
            }
            Some(Source::Collided) => {}
            Some(old) => {
                if self.txs[place].as_ref().is_some_and(|found| found.wtxid() != tx.wtxid()) {
                    self.txs[place] = None;
                    *self.count(*old) -= 1;
                    sources.insert(place, Source::Collided);
                }
            }
        }
    }

    fn count(&mut self, source: Source) -> &mut usize {
        if source == Source::Pool { &mut self.from_pool } else { &mut self.from_extra }
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The places of the missing transactions.
    pub fn missing(&self) -> Vec<u16> {
        let empty = self.txs.iter().enumerate().filter(|(_, tx)| tx.is_none());
        empty.filter_map(|(place, _)| u16::try_from(place).ok()).collect()
    }

    /// Puts the missing transactions in their places. There must be exactly as many; whether they are the right ones is
    /// seen only in the block.
    pub fn fill(self, missing: &[Arc<Tx>]) -> Result<Block, CompactError> {
        let mut rest = missing.iter();
        let txs: Option<Vec<_>> = self.txs.into_iter().map(|tx| tx.or_else(|| rest.next().cloned())).collect();
        let txs = txs.ok_or(CompactError::Invalid)?;
        if rest.next().is_some() {
            return Err(CompactError::Invalid);
        }
        let size: usize = missing.iter().map(|tx| tx.total_size()).sum();
        let hash = self.header.hash();
        tracing::debug!(
            target: "cmpctblock",
            "Successfully reconstructed block {hash} with {} txn prefilled, {} txn from mempool \
             (incl at least {} from extra pool) and {} txn ({size} bytes) requested",
            self.prefilled, self.from_pool + self.from_extra, self.from_extra, missing.len()
        );
        Ok(Block { header: self.header, txs, tail: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{mine, spend};
    use bitcoin::OutPoint;

    fn block(txs: u64) -> Block {
        let mut block = (*mine(bitcoin::BlockHash::all_zeros(), 1, 1)).clone();
        block.txs.extend((0..txs).map(|value| spend(OutPoint::null(), value, 1)));
        block
    }

    fn begin(compact: &CompactBlock, pool: &[Arc<Tx>], extra: &[Arc<Tx>]) -> Result<PartialBlock, CompactError> {
        let get = |wtxid: &Wtxid| pool.iter().find(|tx| tx.wtxid() == *wtxid).cloned();
        PartialBlock::new(compact, pool.iter().map(|tx| tx.wtxid()), get, extra)
    }

    #[test]
    fn what_is_known_is_put_in_its_place_and_the_rest_is_asked_for() {
        let block = block(6);
        let partial = begin(&shorten(&block, 7), &block.txs[2..4], &block.txs[5..6]).unwrap();
        assert_eq!(partial.missing(), [1, 4, 6]);
        let missing: Vec<_> = [1, 4, 6].map(|place| block.txs[place].clone()).to_vec();
        assert_eq!(partial.fill(&missing), Ok(block.clone()));
        for wrong in [&missing[..2], &block.txs[..4]] {
            let partial = begin(&shorten(&block, 7), &block.txs[2..4], &block.txs[5..6]).unwrap();
            assert_eq!(partial.fill(wrong), Err(CompactError::Invalid));
        }
        assert_eq!(begin(&shorten(&block, 9), &block.txs, &block.txs).unwrap().fill(&[]), Ok(block));
    }

    #[test]
    fn what_no_honest_peer_sends() {
        let block = block(3);
        let good = shorten(&block, 1);
        let bad = CompactBlock { short_ids: vec![], prefilled: vec![], ..good.clone() };
        assert_eq!(begin(&bad, &[], &[]).err(), Some(CompactError::Invalid));
        let prefilled = vec![Prefilled { index: 4, tx: block.txs[0].clone() }];
        let bad = CompactBlock { prefilled, ..good.clone() };
        assert_eq!(begin(&bad, &[], &[]).err(), Some(CompactError::Invalid));
        let bad = CompactBlock { short_ids: vec![0; MAX_TXS], ..good.clone() };
        assert_eq!(begin(&bad, &[], &[]).err(), Some(CompactError::Invalid));
        let bad = CompactBlock { short_ids: vec![5, 5, 6], ..good };
        assert_eq!(begin(&bad, &[], &[]).err(), Some(CompactError::Collision));
    }

    #[test]
    fn a_prefilled_transaction_moves_the_others() {
        let block = block(3);
        let mut compact = shorten(&block, 1);
        compact.prefilled.push(Prefilled { index: 2, tx: block.txs[2].clone() });
        compact.short_ids.remove(1);
        let partial = begin(&compact, &block.txs, &[]).unwrap();
        assert_eq!(partial.missing(), [] as [u16; 0]);
        assert_eq!(partial.fill(&[]), Ok(block));
    }
}
