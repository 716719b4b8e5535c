//! Which blocks are asked of whom.

use std::time::Duration;

use bitcoin::BlockHash;

use super::PeerManager;
use crate::PeerId;
use crate::message::{Inv, Message};
use crate::peer::{Compact, ConnectionKind, InFlight};
use crate::view::{BlockInfo, ChainAccess, TxAccess};

/// How many blocks a peer is asked for at a time.
pub(super) const MAX_IN_FLIGHT: usize = 16;
/// How far beyond the last common block a peer is asked for blocks.
pub(super) const WINDOW: u32 = 1024;
/// How long a peer may hold up the window at first, and at most.
pub(super) const STALLING_TIMEOUT: Duration = Duration::from_secs(2);
pub(super) const STALLING_TIMEOUT_MAX: Duration = Duration::from_secs(64);
/// How many of its newest blocks a limited peer is trusted to have: two fewer than it promises.
const LIMITED_BLOCKS: u32 = 286;

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// Whether headers and blocks are asked of a peer while we catch up. Those that we chose ourselves are enough; a peer
    /// that called us, who may be at home, is only a last resort.
    pub(super) fn syncs_from(&self, id: PeerId) -> bool {
        let Some(peer) = self.peers.get(&id) else { return false };
        if peer.is_preferred() {
            return true;
        }
        let alone = !self.peers.values().any(|other| other.version.is_some() && other.is_preferred());
        peer.can_serve_blocks() && peer.kind != ConnectionKind::AddrFetch && (alone || self.in_flight.is_empty())
    }

    /// Asks a peer for blocks that it has and we lack.
    pub(super) fn request_blocks(&mut self, id: PeerId, now: Duration) {
        self.settle_unknown(id);
        let syncs = self.syncs_from(id);
        let Some(peer) = self.peers.get(&id) else { return };
        let room = MAX_IN_FLIGHT.saturating_sub(peer.in_flight.len());
        let now_or_later = (syncs && !peer.is_limited()) || !self.chain.is_initial_download();
        if room == 0 || peer.closing || self.loading || !peer.can_serve_blocks() || !now_or_later {
            return;
        }
        let (mut found, staller) = self.missing_blocks(id, room);
        found.extend(self.missing_history(id, room - found.len()));
        let mut list = Vec::with_capacity(found.len());
        for block in &found {
            list.push(self.full_block(id, block));
            self.mark_in_flight(id, block, None, now);
            tracing::debug!(target: "net", "Requesting block {} ({}) peer={id}", block.hash, block.height);
        }
        if !list.is_empty() {
            self.send(id, Message::GetData(list));
            return;
        }
        let idle = self.peers.get(&id).is_some_and(|peer| peer.in_flight.is_empty());
        if let Some(peer) = staller.filter(|_| idle).and_then(|slow| self.peers.get_mut(&slow))
            && peer.stalling_since.is_none()
        {
            tracing::debug!(target: "net", "Stall started peer={}", peer.id);
            peer.stalling_since = Some(now);
        }
    }

    /// Where to go on asking a peer for blocks: the last block on its chain up to which we have everything.
    fn last_common(&mut self, id: PeerId, best: &BlockInfo) -> Option<BlockInfo> {
        let fork = self.common(self.chain.tip(), best)?;
        let kept = self.peers.get(&id)?.last_common.and_then(|hash| self.chain.info(&hash));
        let on_chain = |it: &BlockInfo| self.chain.ancestor(&best.hash, it.height) == Some(it.hash);
        Some(kept.filter(|kept| kept.work >= fork.work && on_chain(kept)).unwrap_or(fork))
    }

    /// Up to `room` blocks, and the peer that holds the window up if there are none.
    fn missing_blocks(&mut self, id: PeerId, room: usize) -> (Vec<BlockInfo>, Option<PeerId>) {
        let nothing = (Vec::new(), None);
        let Some(peer) = self.peers.get(&id) else { return nothing };
        let (limited, witness) = (peer.is_limited(), peer.can_serve_witnesses());
        let Some(best) = peer.best_known.and_then(|hash| self.chain.info(&hash)) else { return nothing };
        if best.work < self.chain.tip().work || best.work < self.chain.minimum_work() {
            return nothing;
        }
        if self.leaves_snapshot_out(&best) {
            tracing::debug!(
                target: "net",
                "Not downloading blocks from peer={id}, which doesn't have the snapshot block in its best chain."
            );
            return nothing;
        }
        let Some(mut common) = self.last_common(id, &best) else { return nothing };
        let window_end = common.height.saturating_add(WINDOW);
        let last = best.height.min(window_end.saturating_add(1));
        let (mut found, mut holder, mut staller) = (Vec::new(), None, None);
        // While a block of the window is being judged, or has just filled a gap at its start, the window is about to move,
        // and nobody holds it up.
        let (mut unbroken, mut moving) = (true, false);
        for height in common.height + 1..=last {
            let Some(info) = self.chain.ancestor(&best.hash, height).and_then(|hash| self.chain.info(&hash)) else {
                break;
            };
            // Neither a chain that turned out invalid nor blocks without their witnesses are of use.
            if info.invalid || (!witness && self.chain.commits_to_witnesses(height)) {
                break;
            }
            if info.has_data || info.active {
                if unbroken {
                    common = info;
                    moving = true;
                }
                continue;
            }
            unbroken = false;
            if self.judging.contains_key(&info.hash) {
                moving = true;
                continue;
            }
            if let Some(owners) = self.in_flight.get(&info.hash) {
                holder = holder.or_else(|| owners.first().copied());
                continue;
            }
            if height > window_end {
                if found.is_empty() && holder != Some(id) && !moving {
                    staller = holder;
                }
                break;
            }
            if limited && best.height - height >= LIMITED_BLOCKS {
                continue;
            }
            found.push(info);
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
    pub(super) fn common(&self, one: BlockInfo, two: &BlockInfo) -> Option<BlockInfo> {
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

    /// A block is asked of a peer, in whatever form. A peer is asked for a block only once.
    pub(super) fn mark_in_flight(&mut self, id: PeerId, block: &BlockInfo, compact: Option<Compact>, now: Duration) {
        let owners = self.in_flight.entry(block.hash).or_default();
        if owners.contains(&id) {
            return;
        }
        owners.push(id);
        if let Some(peer) = self.peers.get_mut(&id) {
            if peer.in_flight.is_empty() {
                peer.downloading_since = now;
            }
            peer.in_flight.push_back(InFlight { hash: block.hash, height: block.height, compact });
        }
    }

    /// A block is no longer expected from a peer, or from any.
    pub(super) fn unmark(&mut self, hash: &BlockHash, from: Option<PeerId>, now: Duration) {
        let owners = self.in_flight.get(hash).cloned().unwrap_or_default();
        for id in owners.into_iter().filter(|owner| from.is_none_or(|from| from == *owner)) {
            self.forget_asked(hash, id);
            let Some(peer) = self.peers.get_mut(&id) else { continue };
            if peer.in_flight.front().is_some_and(|first| first.hash == *hash) {
                // The next one has the whole time for itself.
                peer.downloading_since = peer.downloading_since.max(now);
            }
            peer.in_flight.retain(|block| block.hash != *hash);
            peer.stalling_since = None;
        }
    }

    /// A peer no longer counts among those that were asked for a block.
    pub(super) fn forget_asked(&mut self, hash: &BlockHash, id: PeerId) {
        if let Some(owners) = self.in_flight.get_mut(hash) {
            owners.retain(|owner| *owner != id);
            if owners.is_empty() {
                self.in_flight.remove(hash);
            }
        }
    }

    /// Asks one peer for one block, as the RPC wants, and forgets whoever else was asked.
    pub fn fetch_block(&mut self, id: PeerId, hash: BlockHash, now: Duration) -> Result<(), FetchError> {
        if self.loading {
            return Err(FetchError::Loading);
        }
        let peer = self.peers.get(&id).filter(|peer| !peer.closing).ok_or(FetchError::NoPeer)?;
        if !peer.can_serve_witnesses() {
            return Err(FetchError::NoWitness);
        }
        let info = self.chain.info(&hash).ok_or(FetchError::NoHeader)?;
        self.unmark(&hash, None, now);
        self.mark_in_flight(id, &info, None, now);
        self.send(id, Message::GetData(vec![Inv::witness_block(hash)]));
        tracing::debug!(target: "net", "Requesting block {hash} from peer={id}");
        Ok(())
    }
}

/// Why a block cannot be asked of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// Blocks are being read from the disk.
    #[error("Loading blocks ...")]
    Loading,
    /// There is no such peer.
    #[error("Peer does not exist")]
    NoPeer,
    /// The peer's blocks have no witnesses.
    #[error("Pre-SegWit peer")]
    NoWitness,
    /// The header of the block is not known.
    #[error("Block header missing")]
    NoHeader,
}
