//! `-blockfilterindex`: the basic filter of every block, its hash, and the chain of filter headers.

use std::path::Path;

use bitcoin::BlockHash;
use chainstate::Node;
use store::{Access, Kv, KvBatch, KvOptions};

use crate::{BlockFilter, Index, IndexError, IndexedBlock, filter_header, heights, index::families};

/// What is kept of a block besides its filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterRecord {
    /// The hash of the filter.
    pub filter_hash: [u8; 32],
    /// The filter's header.
    pub header: [u8; 32],
    /// The filter.
    pub filter: BlockFilter,
}

/// Finds filters. Cheap to clone.
#[derive(Debug, Clone)]
pub struct FilterIndex {
    kv: Kv,
    /// The header of the filter where the index stands.
    last: [u8; 32],
}

impl FilterIndex {
    /// Opens the index in `dir`.
    pub fn open(dir: &Path, options: KvOptions) -> Result<Self, IndexError> {
        Ok(Self { kv: Kv::open(dir, &families(Access::Scan), options, Vec::new())?, last: [0; 32] })
    }

    /// What is known of a block of this hash and height.
    pub fn find(&self, height: u32, hash: &BlockHash) -> Result<Option<FilterRecord>, IndexError> {
        let Some(value) = heights::get(&self.kv, height, hash)? else { return Ok(None) };
        let corrupt = || IndexError::Corrupt { index: self.name().to_owned() };
        let (filter_hash, rest) = value.split_first_chunk::<32>().ok_or_else(corrupt)?;
        let (header, bytes) = rest.split_first_chunk::<32>().ok_or_else(corrupt)?;
        let filter = BlockFilter { block: *hash, bytes: bytes.to_vec() };
        if filter.hash() != *filter_hash {
            tracing::error!("Checksum mismatch in filter decode.");
            return Err(corrupt());
        }
        Ok(Some(FilterRecord { filter_hash: *filter_hash, header: *header, filter }))
    }
}

impl Index for FilterIndex {
    fn name(&self) -> &'static str {
        "basic block filter index"
    }

    fn thread(&self) -> &'static str {
        "blkfltbscidx"
    }

    fn kv(&self) -> &Kv {
        &self.kv
    }

    fn wants_undo(&self) -> bool {
        true
    }

    fn resume(&mut self, best: Option<&Node>) -> Result<(), IndexError> {
        self.last = match best {
            None => [0; 32],
            Some(node) => {
                let record = self.find(node.height, &node.hash)?;
                record.ok_or_else(|| IndexError::Corrupt { index: self.name().to_owned() })?.header
            }
        };
        Ok(())
    }

    fn append(&mut self, block: &IndexedBlock, batch: &mut KvBatch) -> Result<(), IndexError> {
        let filter = BlockFilter::basic(block.node.hash, &block.block, block.undo.as_ref());
        let filter_hash = filter.hash();
        self.last = filter_header(&filter_hash, &self.last);
        let mut value = Vec::with_capacity(64 + filter.bytes.len());
        value.extend_from_slice(&filter_hash);
        value.extend_from_slice(&self.last);
        value.extend_from_slice(&filter.bytes);
        heights::put(&self.kv, batch, block.node.height, &block.node.hash, &value);
        Ok(())
    }

    fn remove(&mut self, block: &IndexedBlock, batch: &mut KvBatch) -> Result<(), IndexError> {
        heights::retire(&self.kv, batch, block.node.height)?;
        let parent = block.node.height.checked_sub(1);
        let record = parent.map(|height| self.find(height, &block.node.header.prev_blockhash)).transpose()?.flatten();
        self.last = record.map_or([0; 32], |record| record.header);
        Ok(())
    }
}
