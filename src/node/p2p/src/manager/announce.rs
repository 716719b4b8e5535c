//! Telling peers of new blocks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bitcoin::BlockHash;
use bitcoin::hashes::Hash;
use primitives::{Block, Header, Tx};

use super::PeerManager;
use crate::PeerId;
use crate::compact;
use crate::message::{CompactBlock, Inv, Message, SHORT_IDS_BLOCKS_VERSION};
use crate::view::{BlockInfo, ChainAccess, TxAccess};

/// So many headers are told at a time; who lacks more asks for them.
const MAX_ANNOUNCED: usize = 8;

/// The newest block in the forms in which it will be asked for.
#[derive(Debug)]
pub(super) struct RecentBlock {
    pub(super) hash: BlockHash,
    pub(super) block: Arc<Block>,
    pub(super) compact: CompactBlock,
    /// Its transactions by txid and wtxid: they have left the pool, but were just announced.
    pub(super) txs: HashMap<[u8; 32], Arc<Tx>>,
}

/// How a peer is told of the blocks that wait.
enum Telling {
    Nothing,
    ByHash,
    ByHeaders(Vec<Header>, BlockHash),
}

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// Keeps a block at hand.
    pub(super) fn remember_recent(&mut self, block: &Arc<Block>) {
        let hash = block.hash();
        if self.recent.as_ref().is_some_and(|recent| recent.hash == hash) {
            return;
        }
        let nonce = self.chance.u64();
        let mut txs = HashMap::with_capacity(2 * block.txs.len());
        for tx in &block.txs {
            txs.insert(tx.txid().to_byte_array(), tx.clone());
            txs.insert(tx.wtxid().to_byte_array(), tx.clone());
        }
        let compact = compact::shorten(block, nonce);
        self.recent = Some(RecentBlock { hash, block: block.clone(), compact, txs });
    }

    /// A block that follows the tip has passed all checks that do not need the outputs that it spends. It is passed on
    /// before it is connected to those who want compact blocks unasked: the next hop need not wait for us.
    pub fn block_accepted(&mut self, block: &Arc<Block>) {
        let hash = block.hash();
        let Some(info) = self.chain.info(&hash) else { return };
        if info.height <= self.highest_early || !self.chain.commits_to_witnesses(info.height) {
            return;
        }
        self.highest_early = info.height;
        self.remember_recent(block);
        let Some(message) = self.recent.as_ref().map(|recent| Message::CmpctBlock(Box::new(recent.compact.clone())))
        else {
            return;
        };
        let wants = |peer: &&crate::peer::Peer| {
            peer.high_bandwidth_from && !peer.closing && peer.common_version >= SHORT_IDS_BLOCKS_VERSION
        };
        let ids: Vec<_> = self.peers.values().filter(wants).map(|peer| peer.id).collect();
        for id in ids {
            self.settle_unknown(id);
            if self.peer_has(id, &info) || !self.has_prev(id, &info) {
                continue;
            }
            tracing::debug!(
                target: "net", "PeerManager::NewPoWValidBlock sending header-and-ids {hash} to peer={id}"
            );
            self.send(id, message.clone());
            self.now_sent(id, hash);
        }
    }

    /// The tip has moved, and stays there for now: the peers will be told. The owner calls this when it has settled, not
    /// in the middle of a reorganisation, so that they are told of the whole of it.
    pub fn notice_tip(&mut self, now: Duration) {
        let tip = self.chain.tip();
        if tip.hash == self.seen_tip {
            return;
        }
        let old = self.chain.info(&self.seen_tip).unwrap_or(tip);
        self.seen_tip = tip.hash;
        self.tip_changed = Some(now);
        for _ in old.height..tip.height {
            self.shorten_stalling_timeout();
        }
        if self.chain.is_initial_download() {
            return;
        }
        // What was refused before may be fine now, as with a lock time.
        self.rejected.clear();
        self.reconsiderable.clear();
        let from = self.common(old, &tip).map_or(tip.height, |fork| fork.height + 1);
        let most = u32::try_from(MAX_ANNOUNCED).unwrap_or(u32::MAX);
        let from = from.max((tip.height + 1).saturating_sub(most));
        let fresh: Vec<_> = (from..=tip.height).filter_map(|height| self.chain.ancestor(&tip.hash, height)).collect();
        for peer in self.peers.values_mut() {
            peer.blocks_to_announce.extend(&fresh);
        }
    }

    /// Tells a peer of new blocks: by headers or a compact block if it wants them and can connect them, else by the last
    /// one's hash.
    pub(super) fn announce_blocks(&mut self, id: PeerId) {
        self.settle_unknown(id);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let fresh = std::mem::take(&mut peer.blocks_to_announce);
        let Some(last) = fresh.last().copied() else { return };
        let (prefers, compact) = (peer.prefers_headers, peer.high_bandwidth_from);
        let by_hash = (!prefers && (!compact || fresh.len() > 1)) || fresh.len() > MAX_ANNOUNCED;
        let telling = if by_hash { Telling::ByHash } else { self.telling(id, &fresh) };
        match telling {
            Telling::Nothing => {}
            Telling::ByHeaders(headers, best) if headers.len() == 1 && compact => self.send_compact(id, best),
            Telling::ByHeaders(headers, best) if prefers => {
                log_headers(id, &headers);
                self.send(id, Message::Headers(headers));
                self.now_sent(id, best);
            }
            Telling::ByHeaders(..) | Telling::ByHash => self.announce_hash(id, last),
        }
    }

    /// The headers that a peer lacks, if they connect to what it has.
    fn telling(&self, id: PeerId, fresh: &[BlockHash]) -> Telling {
        let (mut headers, mut before): (Vec<Header>, Option<BlockHash>) = (Vec::new(), None);
        for hash in fresh {
            let Some(info) = self.chain.info(hash).filter(|info| info.active) else { return Telling::ByHash };
            let Some(header) = self.chain.header(hash) else { return Telling::ByHash };
            if before.is_some_and(|before| before != header.prev()) {
                // The same block can come and go several times.
                return Telling::ByHash;
            }
            before = Some(*hash);
            if headers.is_empty() && self.peer_has(id, &info) {
                continue;
            }
            if headers.is_empty() && info.height > 0 && !self.has_prev(id, &info) {
                return Telling::ByHash;
            }
            headers.push(header);
        }
        match before {
            Some(best) if !headers.is_empty() => Telling::ByHeaders(headers, best),
            _ => Telling::Nothing,
        }
    }

    fn send_compact(&mut self, id: PeerId, hash: BlockHash) {
        let recent = self.recent.as_ref().filter(|recent| recent.hash == hash).map(|recent| recent.compact.clone());
        let compact = recent.or_else(|| {
            let block = self.chain.block(&hash)?;
            Some(compact::shorten(&block, self.chance.u64()))
        });
        let Some(compact) = compact else { return };
        tracing::debug!(target: "net", "SendMessages sending header-and-ids {hash} to peer={id}");
        self.send(id, Message::CmpctBlock(Box::new(compact)));
        self.now_sent(id, hash);
    }

    fn announce_hash(&mut self, id: PeerId, hash: BlockHash) {
        let Some(info) = self.chain.info(&hash) else { return };
        if !info.active {
            let tip = self.chain.tip().hash;
            tracing::debug!(target: "net", "Announcing block {hash} not on main chain (tip={tip})");
        }
        if !self.peer_has(id, &info) {
            tracing::debug!(target: "net", "SendMessages: sending inv peer={id} hash={hash}");
            self.send(id, Message::Inv(vec![Inv::block(hash)]));
        }
    }

    pub(super) fn now_sent(&mut self, id: PeerId, hash: BlockHash) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.best_sent = Some(hash);
        }
    }

    /// Whether a peer has told us, or was told, of a block or one behind it.
    fn peer_has(&self, id: PeerId, block: &BlockInfo) -> bool {
        let Some(peer) = self.peers.get(&id) else { return false };
        let is_behind = |best: BlockHash| self.chain.ancestor(&best, block.height) == Some(block.hash);
        peer.best_known.is_some_and(is_behind) || peer.best_sent.is_some_and(is_behind)
    }

    /// The same of the block before.
    fn has_prev(&self, id: PeerId, block: &BlockInfo) -> bool {
        let prev = block.height.checked_sub(1).and_then(|height| self.chain.ancestor(&block.hash, height));
        prev.and_then(|hash| self.chain.info(&hash)).is_some_and(|prev| self.peer_has(id, &prev))
    }
}

fn log_headers(id: PeerId, headers: &[Header]) {
    match headers {
        [only] => tracing::debug!(target: "net", "SendMessages: sending header {} to peer={id}", only.hash()),
        [first, .., last] => tracing::debug!(
            target: "net", "SendMessages: {} headers, range ({}, {}), to peer={id}",
            headers.len(), first.hash(), last.hash()
        ),
        [] => {}
    }
}
