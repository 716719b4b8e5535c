//! Which headers a peer has, and getting those that we lack.

use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Work};
use primitives::Header;

use super::PeerManager;
use crate::PeerId;
use crate::message::{Locator, MAX_HEADERS, Message, PROTOCOL_VERSION};
use crate::presync::Presync;
use crate::view::{BlockInfo, ChainAccess, TxAccess};

/// How long a peer has to answer before it is asked for headers again.
const RESPONSE_TIME: Duration = Duration::from_mins(2);
/// How many blocks below the tip a fork may start and still be worth as much as the chain.
const FORK_DEPTH: u32 = 144;

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// Hashes from a block back to the first one, ever farther apart.
    pub(super) fn locator(&self, from: BlockHash) -> Vec<BlockHash> {
        let Some(info) = self.chain.info(&from) else { return Vec::new() };
        let mut have = vec![from];
        let (mut height, mut step) = (info.height, 1);
        while height > 0 {
            height = height.saturating_sub(step);
            let Some(hash) = self.chain.ancestor(&from, height) else { break };
            have.push(hash);
            if have.len() > 10 {
                step = step.saturating_mul(2);
            }
        }
        have
    }

    /// Asks for headers, unless an answer is still expected.
    pub(super) fn ask_headers(&mut self, id: PeerId, from: BlockHash, now: Duration) -> bool {
        let have = self.locator(from);
        self.ask_with(id, have, now)
    }

    fn ask_with(&mut self, id: PeerId, have: Vec<BlockHash>, now: Duration) -> bool {
        let Some(peer) = self.peers.get_mut(&id) else { return false };
        if peer.last_getheaders.is_some_and(|last| now < last + RESPONSE_TIME) {
            return false;
        }
        peer.last_getheaders = Some(now);
        let version = PROTOCOL_VERSION.unsigned_abs();
        self.send(id, Message::GetHeaders(Locator { version, have, stop: BlockHash::all_zeros() }));
        true
    }

    pub(super) fn on_headers(&mut self, id: PeerId, headers: &[Header], now: Duration) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.last_getheaders = None;
        let (Some(first), Some(last)) = (headers.first(), headers.last()) else {
            // The peer's chain ends before it has proven its work.
            peer.presync = None;
            return;
        };
        if !headers.iter().all(|header| self.chain.has_valid_proof(header)) {
            self.misbehaving(id, "header with invalid proof of work");
            return;
        }
        if headers.windows(2).any(|pair| pair[1].prev() != pair[0].hash()) {
            self.misbehaving(id, "non-continuous headers sequence");
            return;
        }
        if self.continue_presync(id, headers, now) {
            return;
        }
        let Some(start) = self.chain.info(&first.prev()) else {
            self.unconnecting(id, headers, now);
            return;
        };
        let known = self.chain.info(&last.hash());
        if known.is_none() && self.is_low_work(&start, headers) {
            self.low_work(id, &start, headers, now);
            return;
        }
        self.take_headers(id, headers, headers.len() == MAX_HEADERS, now);
    }

    /// Headers of a chain that is worth keeping. If there may be `more`, they are asked for.
    fn take_headers(&mut self, id: PeerId, headers: &[Header], more: bool, now: Duration) {
        if let Err(refusal) = self.chain.accept_headers(headers) {
            if refusal.punish {
                self.misbehaving(id, &format!("invalid header received: {}", refusal.reason));
            } else {
                tracing::debug!(target: "net", "peer={id}: invalid header received: {}", refusal.reason);
            }
            return;
        }
        let Some(last) = headers.last().map(Header::hash) else { return };
        self.announced_block(id, last);
        if more && self.peers.get(&id).is_some_and(|peer| peer.presync.is_none()) {
            self.ask_headers(id, last, now);
        } else if let Some(peer) = self.peers.get_mut(&id) {
            peer.headers_deadline = None;
        }
        self.request_blocks(id, now);
    }

    fn unconnecting(&mut self, id: PeerId, headers: &[Header], now: Duration) {
        let best = self.chain.best_header().hash;
        let (Some(first), Some(last)) = (headers.first(), headers.last()) else { return };
        let asked = self.ask_headers(id, best, now);
        tracing::debug!(
            target: "net",
            "received header {}: missing prev block {}, sending getheaders ({}) to end (peer={id}, asked={asked})",
            first.hash(), first.prev(), self.chain.best_header().height
        );
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.unknown_announced = Some(last.hash());
        }
    }

    /// The work that a chain must have to be kept: the network's minimum, or nearly what ours has.
    pub(super) fn work_threshold(&self) -> Work {
        let tip = self.chain.tip();
        let below = self.chain.ancestor(&tip.hash, tip.height.saturating_sub(FORK_DEPTH));
        let near = below.and_then(|hash| self.chain.info(&hash)).map_or(tip.work, |info| info.work);
        near.max(self.chain.minimum_work())
    }

    fn is_low_work(&self, start: &BlockInfo, headers: &[Header]) -> bool {
        let total = headers.iter().fold(start.work, |sum, header| sum + header.raw().work());
        total < self.work_threshold()
    }

    fn low_work(&mut self, id: PeerId, start: &BlockInfo, headers: &[Header], now: Duration) {
        let end = usize::try_from(start.height).unwrap_or(usize::MAX).saturating_add(headers.len());
        if headers.len() < MAX_HEADERS {
            tracing::debug!(target: "net", "Ignoring low-work chain (height={end}) from peer={id}");
            return;
        }
        let Some(bits) = self.chain.header(&start.hash).map(|header| header.bits()) else { return };
        let minimum = self.work_threshold();
        let presync = Presync::new(self.options.presync, *start, bits, minimum, now, &mut self.chance);
        tracing::debug!(target: "net", "Initial headers sync started with peer={id}: height={}", start.height);
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.presync = Some(presync);
        }
        self.continue_presync(id, headers, now);
    }

    /// Feeds headers to a chain that is fetched twice. Tells whether they belonged to it.
    fn continue_presync(&mut self, id: PeerId, headers: &[Header], now: Duration) -> bool {
        let Some(mut presync) = self.peers.get_mut(&id).and_then(|peer| peer.presync.take()) else { return false };
        let step = presync.take(headers, &self.chain);
        if step.failed {
            tracing::debug!(target: "net", "Initial headers sync aborted with peer={id}");
            return false;
        }
        if let Some(next) = step.next {
            if let Some(height) = presync.height() {
                tracing::debug!(target: "net", "Synchronizing blockheaders, height: {height} (peer={id})");
            }
            let mut have = vec![next];
            have.extend(self.locator(presync.start()));
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.presync = Some(presync);
            }
            self.ask_with(id, have, now);
        }
        if !step.ready.is_empty() {
            self.take_headers(id, &step.ready, headers.len() == MAX_HEADERS, now);
        }
        true
    }

    /// A peer says that it has a block.
    pub(super) fn announced_block(&mut self, id: PeerId, hash: BlockHash) {
        self.settle_unknown(id);
        let found = self.chain.info(&hash);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(found) = found else {
            peer.unknown_announced = Some(hash);
            return;
        };
        let best = peer.best_known.and_then(|best| self.chain.info(&best));
        if best.is_none_or(|best| found.work >= best.work) {
            peer.best_known = Some(hash);
        }
    }

    /// A block that a peer announced may have become known.
    pub(super) fn settle_unknown(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if let Some(found) = peer.unknown_announced.and_then(|hash| self.chain.info(&hash)) {
            peer.unknown_announced = None;
            let best = peer.best_known.and_then(|best| self.chain.info(&best));
            if best.is_none_or(|best| found.work >= best.work) {
                peer.best_known = Some(found.hash);
            }
        }
    }
}
