//! Block filters as the peer logic sees them: what the index has.

use bitcoin::BlockHash;
use chainstate::Reader;
use indexes::{FilterIndex, FilterRecord};
use p2p::FilterAccess;

/// The way to the index of filters.
#[derive(Debug)]
pub(crate) struct PeerFilters {
    index: FilterIndex,
    reader: Reader,
}

impl PeerFilters {
    pub(crate) fn new(index: FilterIndex, reader: Reader) -> Self {
        Self { index, reader }
    }

    /// A filter that may be there. A disk that fails is told, and is as if it were not.
    fn find(&self, block: &BlockHash) -> Option<FilterRecord> {
        let (_, node) = self.reader.find(block)?;
        self.index.find(node.height, block).inspect_err(|error| tracing::error!("{error}")).ok()?
    }
}

impl FilterAccess for PeerFilters {
    fn filter(&self, block: &BlockHash) -> Option<Vec<u8>> {
        self.find(block).map(|record| record.filter.bytes)
    }

    fn filter_hash(&self, block: &BlockHash) -> Option<[u8; 32]> {
        self.find(block).map(|record| record.filter_hash)
    }

    fn filter_header(&self, block: &BlockHash) -> Option<[u8; 32]> {
        self.find(block).map(|record| record.header)
    }
}
