//! Which blocks are asked of whom.

use std::sync::Arc;
use std::time::Duration;

use bitcoin::BlockHash;
use primitives::Block;

use super::PeerManager;
use crate::PeerId;
use crate::message::{Inv, Message};
use crate::peer::{InFlight, NODE_WITNESS};
use crate::view::{BlockInfo, ChainAccess, TxAccess};

/// How many blocks a peer is asked for at a time.
pub(super) const MAX_IN_FLIGHT: usize = 16;
/// How far beyond the last common block a peer is asked for blocks.
const WINDOW: u32 = 1024;
/// How long a peer may hold up the window at first, and at most.
pub(super) const STALLING_TIMEOUT: Duration = Duration::from_secs(2);
pub(super) const STALLING_TIMEOUT_MAX: Duration = Duration::from_secs(64);
/// How many of its newest blocks a limited peer is trusted to have: two fewer than it promises.
const LIMITED_BLOCKS: u32 = 286;

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// Asks a peer for blocks that it has and we lack.
    pub(super) fn request_blocks(&mut self, id: PeerId, now: Duration) {
        self.settle_unknown(id);
        let Some(peer) = self.peers.get(&id) else { return };
        let room = MAX_IN_FLIGHT.saturating_sub(peer.in_flight.len());
        // While we catch up, those that we chose ourselves are enough; a peer that called us is only a last resort.
        let catching_up = self.chain.is_initial_download();
        let alone = !self.peers.values().any(|other| other.established && other.is_preferred());
        if room == 0 || !peer.established || peer.closing || !peer.can_serve_blocks() {
            return;
        }
        if catching_up && !peer.is_preferred() && !alone {
            return;
        }
        let witness = peer.services() & NODE_WITNESS != 0;
        let (found, staller) = self.missing_blocks(id, room);
        let mut list = Vec::with_capacity(found.len());
        for block in found {
            list.push(if witness { Inv::witness_block(block.hash) } else { Inv::block(block.hash) });
            self.mark_in_flight(id, block, now);
        }
        if !list.is_empty() {
            self.send(id, Message::GetData(list));
        } else if let Some(peer) = staller.and_then(|slow| self.peers.get_mut(&slow))
            && peer.stalling_since.is_none()
        {
            tracing::debug!(target: "net", "Stall started peer={}", peer.id);
            peer.stalling_since = Some(now);
        }
    }

    /// Up to `room` blocks, and the peer that holds the window up if there are none.
    fn missing_blocks(&mut self, id: PeerId, room: usize) -> (Vec<InFlight>, Option<PeerId>) {
        let nothing = (Vec::new(), None);
        let Some(peer) = self.peers.get(&id) else { return nothing };
        let Some(best) = peer.best_known.and_then(|hash| self.chain.info(&hash)) else { return nothing };
        let tip = self.chain.tip();
        if best.work < tip.work || best.work < self.chain.minimum_work() || best.invalid {
            return nothing;
        }
        let limited = peer.is_limited();
        let common = peer.last_common.and_then(|hash| self.chain.info(&hash));
        let Some(mut common) = self.common(common.unwrap_or(tip), &best) else { return nothing };
        let window_end = common.height.saturating_add(WINDOW);
        let last = best.height.min(window_end.saturating_add(1));
        let (mut found, mut holder, mut staller) = (Vec::new(), None, None);
        let mut unbroken = true;
        for height in common.height + 1..=last {
            let Some(info) = self.chain.ancestor(&best.hash, height).and_then(|hash| self.chain.info(&hash)) else {
                break;
            };
            if info.invalid {
                break;
            }
            if info.has_data || info.active {
                if unbroken {
                    common = info;
                }
                continue;
            }
            unbroken = false;
            if let Some(owner) = self.in_flight.get(&info.hash) {
                holder = holder.or(Some(*owner));
                continue;
            }
            if height > window_end {
                if found.is_empty() && holder != Some(id) {
                    staller = holder;
                }
                break;
            }
            if limited && best.height - height >= LIMITED_BLOCKS {
                continue;
            }
            found.push(InFlight { hash: info.hash, height });
            if found.len() == room {
                break;
            }
        }
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.last_common = Some(common.hash);
        }
        (found, staller)
    }

    /// The last block that two chains have in common.
    fn common(&self, one: BlockInfo, two: &BlockInfo) -> Option<BlockInfo> {
        let same = |height| {
            let (a, b) = (self.chain.ancestor(&one.hash, height)?, self.chain.ancestor(&two.hash, height)?);
            Some((a == b).then_some(a))
        };
        // Once they part they never meet again, so the place can be found by halving.
        let (mut low, mut high) = (0, one.height.min(two.height));
        if let Some(hash) = same(high)? {
            return self.chain.info(&hash);
        }
        while low + 1 < high {
            let middle = low + (high - low) / 2;
            if same(middle)?.is_some() { low = middle } else { high = middle }
        }
        self.chain.ancestor(&one.hash, low).and_then(|hash| self.chain.info(&hash))
    }

    fn mark_in_flight(&mut self, id: PeerId, block: InFlight, now: Duration) {
        self.in_flight.insert(block.hash, id);
        if let Some(peer) = self.peers.get_mut(&id) {
            if peer.in_flight.is_empty() {
                peer.downloading_since = now;
            }
            peer.in_flight.push_back(block);
            tracing::debug!(target: "net", "Requesting block {} ({}) peer={id}", block.hash, block.height);
        }
    }

    /// A block is no longer on its way. Tells whether this peer was asked for it.
    fn landed(&mut self, id: PeerId, hash: &BlockHash, now: Duration) -> bool {
        let Some(owner) = self.in_flight.remove(hash) else { return false };
        if let Some(peer) = self.peers.get_mut(&owner) {
            if peer.in_flight.front().is_some_and(|first| first.hash == *hash) {
                // The next one has the whole time for itself.
                peer.downloading_since = peer.downloading_since.max(now);
            }
            peer.in_flight.retain(|block| block.hash != *hash);
            peer.stalling_since = None;
        }
        owner == id
    }

    pub(super) fn on_block(&mut self, id: PeerId, block: &Arc<Block>, now: Duration) {
        let hash = block.hash();
        tracing::debug!(target: "net", "received block {hash} peer={id}");
        let requested = self.landed(id, &hash, now);
        if self.chain.info(&block.header.prev()).is_none() {
            // A block without its parent cannot be judged. The headers in between can.
            let headers = [block.header.clone()];
            self.on_headers(id, &headers, now);
            return;
        }
        let (root, mutated) = block.merkle_root();
        if mutated || root != block.header.merkle_root() {
            self.misbehaving(id, "mutated block");
            return;
        }
        let worthy = self
            .chain
            .info(&block.header.prev())
            .is_some_and(|prev| prev.work + block.header.raw().work() >= self.work_threshold());
        if !requested && !worthy {
            tracing::debug!(target: "net", "Ignoring low-work block {hash} from peer={id}");
            return;
        }
        match self.chain.submit_block(block.clone(), requested) {
            Ok(new) => {
                self.announced_block(id, hash);
                if let Some(peer) = self.peers.get_mut(&id).filter(|_| new) {
                    peer.last_block = Some(now);
                }
                // Every block that comes gives slow peers a little less time again.
                self.stalling_timeout = self.stalling_timeout.mul_f64(0.85).max(STALLING_TIMEOUT);
            }
            Err(refusal) if refusal.punish => self.misbehaving(id, &refusal.reason),
            Err(refusal) => tracing::debug!(target: "net", "block {hash} refused: {} peer={id}", refusal.reason),
        }
        self.notice_tip(now);
        self.request_blocks(id, now);
    }

    /// Looks whether the tip has moved, and if so prepares to tell the peers. The owner calls this after blocks of its own.
    pub fn notice_tip(&mut self, _now: Duration) {
        let tip = self.chain.tip();
        if tip.hash == self.seen_tip {
            return;
        }
        let old = self.chain.info(&self.seen_tip).unwrap_or(tip);
        self.seen_tip = tip.hash;
        self.rejected.clear();
        self.reconsiderable.clear();
        if self.chain.is_initial_download() {
            return;
        }
        let from = self.common(old, &tip).map_or(tip.height, |fork| fork.height + 1);
        // Nobody is told more than the last eight blocks; who lacks more asks for headers.
        let from = from.max(tip.height.saturating_sub(7));
        let fresh: Vec<_> = (from..=tip.height).filter_map(|height| self.chain.ancestor(&tip.hash, height)).collect();
        for peer in self.peers.values_mut() {
            peer.blocks_to_announce.extend(&fresh);
        }
    }
}
