//! Headers and lists of blocks that peers ask of us.

use bitcoin::BlockHash;
use bitcoin::hashes::Hash;

use super::PeerManager;
use crate::PeerId;
use crate::message::{Inv, Locator, MAX_HEADERS, Message};
use crate::view::{BlockInfo, ChainAccess, TxAccess};

/// How many blocks are announced for one `getblocks`.
const MAX_GETBLOCKS: usize = 500;
/// How many of its newest blocks a node that keeps only those has for sure.
const KEPT_BLOCKS: u32 = 288;

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// The last block of the active chain that a peer has, by its locator.
    fn fork_with(&self, have: &[BlockHash]) -> Option<BlockInfo> {
        let tip = self.chain.tip();
        let known = have.iter().filter_map(|hash| self.chain.info(hash)).find_map(|info| {
            if info.active {
                return Some(info);
            }
            // It is ahead of us on the same chain.
            (self.chain.ancestor(&info.hash, tip.height) == Some(tip.hash)).then_some(tip)
        });
        known.or_else(|| self.chain.info(&self.chain.ancestor(&tip.hash, 0)?))
    }

    pub(super) fn on_getheaders(&mut self, id: PeerId, locator: &Locator) {
        let allowed = self.peers.get(&id).is_some_and(|peer| peer.permissions.download);
        let tip = self.chain.tip();
        if tip.work < self.chain.minimum_work() && !allowed {
            tracing::debug!(
                target: "net",
                "Ignoring getheaders from peer={id} because active chain has too little work; sending empty response"
            );
            self.send(id, Message::Headers(Vec::new()));
            return;
        }
        let start = if locator.have.is_empty() {
            let Some(info) = self.chain.info(&locator.stop) else { return };
            if !self.is_public(&info) {
                tracing::debug!(
                    target: "net",
                    "ProcessMessage: ignoring request from peer={id} for old block header that isn't in the main chain"
                );
                return;
            }
            if !info.active {
                self.send_headers(id, &[info.hash], tip.hash);
                return;
            }
            info.height
        } else {
            self.fork_with(&locator.have).map_or(0, |fork| fork.height + 1)
        };
        let shown = if start > tip.height { -1 } else { i64::from(start) };
        tracing::debug!(target: "net", "getheaders {shown} to {} from peer={id}", end(&locator.stop));
        let mut list = Vec::new();
        for height in start..=tip.height {
            let Some(hash) = self.chain.ancestor(&tip.hash, height) else { break };
            list.push(hash);
            if hash == locator.stop || list.len() == MAX_HEADERS {
                break;
            }
        }
        self.send_headers(id, &list, tip.hash);
    }

    fn send_headers(&mut self, id: PeerId, list: &[BlockHash], tip: BlockHash) {
        let headers: Vec<_> = list.iter().map_while(|hash| self.chain.header(hash)).collect();
        // This may be less than it was told before, if it asks because it could not use what it was told. Then it is
        // told again.
        self.now_sent(id, list.last().copied().unwrap_or(tip));
        self.send(id, Message::Headers(headers));
    }

    pub(super) fn on_getblocks(&mut self, id: PeerId, locator: &Locator) {
        let tip = self.chain.tip();
        let start = self.fork_with(&locator.have).map_or(0, |fork| fork.height + 1);
        let shown = if start > tip.height { -1 } else { i64::from(start) };
        tracing::debug!(
            target: "net", "getblocks {shown} to {} limit {MAX_GETBLOCKS} from peer={id}", end(&locator.stop)
        );
        let hour = 3600 / self.options.block_spacing.max(1);
        let kept_from = tip.height.saturating_sub(KEPT_BLOCKS.saturating_sub(hour));
        let mut list = Vec::new();
        for height in start..=tip.height {
            let Some(info) = self.chain.ancestor(&tip.hash, height).and_then(|hash| self.chain.info(&hash)) else {
                break;
            };
            if info.hash == locator.stop {
                tracing::debug!(target: "net", " getblocks stopping at {height} {}", info.hash);
                break;
            }
            if self.options.prunes && (!info.has_data || height <= kept_from) {
                tracing::debug!(
                    target: "net", " getblocks stopping, pruned or too old block at {height} {}", info.hash
                );
                break;
            }
            list.push(Inv::block(info.hash));
            if list.len() == MAX_GETBLOCKS {
                // When the peer asks for this one, it is told where to go on.
                tracing::debug!(target: "net", " getblocks stopping at limit {height} {}", info.hash);
                if let Some(peer) = self.peers.get_mut(&id) {
                    peer.continue_from = Some(info.hash);
                }
                break;
            }
        }
        if !list.is_empty() {
            self.send(id, Message::Inv(list));
        }
    }
}

/// How the log shows where a question ends.
fn end(stop: &BlockHash) -> String {
    if *stop == BlockHash::all_zeros() { "end".to_owned() } else { stop.to_string() }
}
