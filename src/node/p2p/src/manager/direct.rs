//! Blocks that are asked for at once, as a peer has just told their headers.

use std::time::Duration;

use super::PeerManager;
use super::blocks::MAX_IN_FLIGHT;
use crate::PeerId;
use crate::message::{Inv, InvKind, Message};
use crate::view::{BlockInfo, ChainAccess, TxAccess};

/// How many block spacings old the tip may be for us to be nearly caught up.
const NEAR_SPACINGS: u64 = 20;

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// Whether our chain is so near to the present that new blocks are worth being fetched at once.
    pub(super) fn can_fetch_directly(&self, now: Duration) -> bool {
        let span = NEAR_SPACINGS * u64::from(self.options.block_spacing);
        u64::from(self.chain.tip().time) + span > now.as_secs()
    }

    /// How a block is asked of a peer.
    pub(super) fn full_block(&self, id: PeerId, info: &BlockInfo) -> Inv {
        let witness = self.peers.get(&id).is_some_and(crate::peer::Peer::can_serve_witnesses);
        if witness { Inv::witness_block(info.hash) } else { Inv::block(info.hash) }
    }

    /// Asks for the blocks up to one that a peer has told, if it is better than our tip and we are nearly caught up.
    pub(super) fn fetch_towards(&mut self, id: PeerId, last: &BlockInfo, now: Duration) {
        let Some(peer) = self.peers.get(&id) else { return };
        if peer.closing || last.invalid || !self.can_fetch_directly(now) || self.chain.tip().work > last.work {
            return;
        }
        let witness = peer.can_serve_witnesses();
        let mut room = MAX_IN_FLIGHT.saturating_sub(peer.in_flight.len());
        let (mut wanted, mut walk) = (Vec::new(), *last);
        while !walk.active && wanted.len() <= MAX_IN_FLIGHT {
            let takes = witness || !self.chain.commits_to_witnesses(walk.height);
            let coming = self.in_flight.contains_key(&walk.hash) || self.judging.contains_key(&walk.hash);
            if !walk.has_data && !coming && takes {
                wanted.push(walk);
            }
            let prev = walk.height.checked_sub(1).and_then(|height| self.chain.ancestor(&walk.hash, height));
            let Some(prev) = prev.and_then(|hash| self.chain.info(&hash)) else { break };
            walk = prev;
        }
        if !walk.active {
            // A chain that parts so far below is nothing that happens near the tip. The usual download cares for it.
            tracing::debug!(target: "net", "Large reorg, won't direct fetch to {} ({})", last.hash, last.height);
            return;
        }
        let mut list = Vec::new();
        for block in wanted.iter().rev() {
            if room == 0 {
                break;
            }
            room -= 1;
            list.push(self.full_block(id, block));
            self.mark_in_flight(id, block, None, now);
            tracing::debug!(target: "net", "Requesting block {} from peer={id}", block.hash);
        }
        if list.len() > 1 {
            tracing::debug!(
                target: "net",
                "Downloading blocks toward {} ({}) via headers direct fetch", last.hash, last.height
            );
        }
        if list.is_empty() {
            return;
        }
        let compact = self.peers.get(&id).is_some_and(|peer| peer.compact);
        let prev = last.height.checked_sub(1).and_then(|height| self.chain.ancestor(&last.hash, height));
        let behind_checked = prev.and_then(|hash| self.chain.info(&hash)).is_some_and(|prev| prev.checked);
        if let [only] = &mut list[..]
            && compact
            && !self.options.blocks_only
            && self.in_flight.len() == 1
            && behind_checked
        {
            // The pool is likely to have most of it.
            only.kind = InvKind::CmpctBlock;
        }
        self.send(id, Message::GetData(list));
    }
}
