//! Block filters that peers ask of us (BIP157).

use bitcoin::BlockHash;

use super::PeerManager;
use crate::PeerId;
use crate::message::{CFHeaders, CFilter, FilterCheckpoint, FilterRange, Message};
use crate::peer::NODE_COMPACT_FILTERS;
use crate::view::{BlockInfo, ChainAccess, TxAccess};

/// The only kind of filter there is.
const BASIC: u8 = 0;
/// How many filters, and how many hashes of filters, may be asked for at a time.
const MAX_FILTERS: u32 = 1000;
const MAX_HASHES: u32 = 2000;
/// How far checkpoints are apart.
const CHECKPOINT_INTERVAL: u32 = 1000;

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// The last block of a question that may be asked. Whoever asks others does not know the protocol.
    fn filter_range(&mut self, id: PeerId, range: &FilterRange, most: u32) -> Option<BlockInfo> {
        let offers = self.peers.get(&id).is_some_and(|peer| peer.our_services & NODE_COMPACT_FILTERS != 0);
        let stop = self.chain.info(&range.stop).filter(|info| self.is_public(info));
        let problem = match stop {
            _ if range.kind != BASIC || !offers => {
                format!("peer requested unsupported block filter type: {}", range.kind)
            }
            None => format!("peer requested invalid block hash: {}", range.stop),
            Some(stop) if range.start > stop.height => format!(
                "peer sent invalid getcfilters/getcfheaders with start height {} and stop height {}",
                range.start, stop.height
            ),
            Some(stop) if stop.height - range.start >= most => {
                format!("peer requested too many cfilters/cfheaders: {} / {most}", stop.height - range.start + 1)
            }
            Some(stop) => return Some(stop),
        };
        tracing::debug!(target: "net", "{problem}, disconnecting peer={id}");
        self.disconnect(id);
        None
    }

    /// The blocks of a range, in order.
    fn blocks_of(&self, start: u32, stop: &BlockInfo) -> Vec<BlockHash> {
        (start..=stop.height).map_while(|height| self.chain.ancestor(&stop.hash, height)).collect()
    }

    pub(super) fn on_getcfilters(&mut self, id: PeerId, range: &FilterRange) {
        let Some(stop) = self.filter_range(id, range, MAX_FILTERS) else { return };
        let blocks = self.blocks_of(range.start, &stop);
        let read = |block: &BlockHash| {
            let filter = self.filters.as_ref()?.filter(block)?;
            Some(CFilter { kind: BASIC, block: *block, filter })
        };
        let Some(list) = blocks.iter().map(read).collect::<Option<Vec<_>>>() else {
            log_missing("block filter", range);
            return;
        };
        for filter in list {
            self.send(id, Message::CFilter(filter));
        }
    }

    pub(super) fn on_getcfheaders(&mut self, id: PeerId, range: &FilterRange) {
        let Some(stop) = self.filter_range(id, range, MAX_HASHES) else { return };
        let prev = match range.start.checked_sub(1) {
            None => Some([0; 32]),
            Some(height) => self.chain.ancestor(&stop.hash, height).and_then(|block| self.filter_header(&block)),
        };
        let Some(prev) = prev else {
            log_missing("block filter header", range);
            return;
        };
        let blocks = self.blocks_of(range.start, &stop);
        let read = |block: &BlockHash| self.filters.as_ref()?.filter_hash(block);
        let Some(hashes) = blocks.iter().map(read).collect::<Option<Vec<_>>>() else {
            log_missing("block filter hashes", range);
            return;
        };
        self.send(id, Message::CFHeaders(CFHeaders { kind: BASIC, stop: stop.hash, prev, hashes }));
    }

    pub(super) fn on_getcfcheckpt(&mut self, id: PeerId, range: &FilterRange) {
        let Some(stop) = self.filter_range(id, range, u32::MAX) else { return };
        let heights = (1..=stop.height / CHECKPOINT_INTERVAL).map(|number| number * CHECKPOINT_INTERVAL);
        let read = |height| self.filter_header(&self.chain.ancestor(&stop.hash, height)?);
        let Some(headers) = heights.map(read).collect::<Option<Vec<_>>>() else {
            log_missing("block filter header", range);
            return;
        };
        self.send(id, Message::CFCheckpt(FilterCheckpoint { kind: BASIC, stop: stop.hash, headers }));
    }

    fn filter_header(&self, block: &BlockHash) -> Option<[u8; 32]> {
        self.filters.as_ref()?.filter_header(block)
    }
}

fn log_missing(what: &str, range: &FilterRange) {
    tracing::debug!(
        target: "net",
        "Failed to find {what} in index: filter_type=basic, start_height={}, stop_hash={}", range.start, range.stop
    );
}
