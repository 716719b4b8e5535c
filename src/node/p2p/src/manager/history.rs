//! The blocks that are validated behind a snapshot: they are asked for when nothing newer is missing.

use super::PeerManager;
use super::blocks::WINDOW;
use crate::PeerId;
use crate::peer::{NODE_NETWORK, NODE_NETWORK_LIMITED};
use crate::view::{BlockInfo, ChainAccess, TxAccess};

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// What this node offers now. While old blocks are missing it cannot give them to others.
    pub(super) fn offered(&self) -> u64 {
        let services = self.options.services;
        if self.chain.behind().is_some() { services & !NODE_NETWORK | NODE_NETWORK_LIMITED } else { services }
    }

    /// Whether a chain leaves the block of a snapshot out that is not proven yet: then it cannot be gone over to.
    pub(super) fn leaves_snapshot_out(&self, best: &BlockInfo) -> bool {
        let behind = self.chain.behind();
        behind.is_some_and(|behind| self.chain.ancestor(&best.hash, behind.target.height) != Some(behind.target.hash))
    }

    /// Up to `room` blocks between the tip of the background and the snapshot's block.
    pub(super) fn missing_history(&self, id: PeerId, room: usize) -> Vec<BlockInfo> {
        let Some(behind) = self.chain.behind() else { return Vec::new() };
        let Some(peer) = self.peers.get(&id).filter(|peer| !peer.is_limited()) else { return Vec::new() };
        let Some(best) = peer.best_known.and_then(|hash| self.chain.info(&hash)) else { return Vec::new() };
        if self.leaves_snapshot_out(&best) {
            return Vec::new();
        }
        // The old chain may have gone another way.
        let Some(from) = self.common(behind.tip, &behind.target) else { return Vec::new() };
        let witness = peer.can_serve_witnesses();
        let last = behind.target.height.min(from.height.saturating_add(WINDOW));
        let on_way = (from.height + 1..=last).map_while(|height| {
            let info = self.chain.ancestor(&behind.target.hash, height).and_then(|hash| self.chain.info(&hash))?;
            (!info.invalid && (witness || !self.chain.commits_to_witnesses(height))).then_some(info)
        });
        let wanted = |info: &BlockInfo| {
            !info.has_data && !self.judging.contains_key(&info.hash) && !self.in_flight.contains_key(&info.hash)
        };
        on_way.filter(wanted).take(room).collect()
    }
}
