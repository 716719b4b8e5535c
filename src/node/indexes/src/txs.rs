//! `-txindex`: from a transaction's id to the block that holds it.

use std::path::Path;

use bitcoin::{Txid, hashes::Hash};
use chainstate::Reader;
use store::{Access, Kv, KvBatch, KvOptions};

use crate::{
    FoundTx, Index, IndexError, IndexedBlock,
    index::{RECORDS, families},
    place::Place,
};

/// So much of an id tells transactions apart: finding two that share it would take 2^80 hashes, and gain one lookup that
/// finds the other.
const KEY: usize = 20;

/// Finds transactions. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TxIndex {
    kv: Kv,
}

impl TxIndex {
    /// Opens the index in `dir`.
    pub fn open(dir: &Path, options: KvOptions) -> Result<Self, IndexError> {
        Ok(Self { kv: Kv::open(dir, &families(Access::Point), options, Vec::new())? })
    }

    /// The transaction with this id.
    pub fn find(&self, chain: &Reader, txid: Txid) -> Result<Option<FoundTx>, IndexError> {
        let Some(bytes) = self.kv.get(RECORDS, &txid.as_byte_array()[..KEY])? else { return Ok(None) };
        let place = Place::decode(&bytes).ok_or_else(|| IndexError::Corrupt { index: self.name().to_owned() })?;
        let found = place.read(chain)?;
        Ok((found.tx.txid() == txid).then_some(found))
    }
}

impl Index for TxIndex {
    fn name(&self) -> &'static str {
        "txindex"
    }

    fn thread(&self) -> &'static str {
        "txidx"
    }

    fn kv(&self) -> &Kv {
        &self.kv
    }

    fn append(&mut self, block: &IndexedBlock, batch: &mut KvBatch) -> Result<(), IndexError> {
        // The outputs of genesis cannot be spent, and the daemon never found its transaction.
        if block.node.height == 0 {
            return Ok(());
        }
        let places = Place::of(&block.node, &block.block)?;
        let mut value = Vec::with_capacity(16);
        for (tx, place) in block.block.txs.iter().zip(places) {
            value.clear();
            place.encode(&mut value);
            self.kv.put(batch, RECORDS, &tx.txid().as_byte_array()[..KEY], &value);
        }
        Ok(())
    }
}
