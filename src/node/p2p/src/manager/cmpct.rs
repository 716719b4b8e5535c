//! Compact blocks that come: who may send them unasked, and putting them together.

use std::sync::Arc;
use std::time::Duration;

use bitcoin::BlockHash;
use primitives::{Block, Tx};

use super::PeerManager;
use super::arrival::Source;
use super::blocks::MAX_IN_FLIGHT;
use super::handshake::COMPACT_VERSION;
use crate::PeerId;
use crate::compact::{CompactError, PartialBlock};
use crate::message::{CompactBlock, GetBlockTxn, Message};
use crate::peer::{Compact, Peer};
use crate::view::{BlockInfo, ChainAccess, TxAccess};

/// How many peers announce blocks to us by compact blocks.
const MAX_ANNOUNCERS: usize = 3;
/// How many peers may fill the gaps of a block at the same time.
const MAX_PARALLEL: usize = 3;
/// How far beyond our tip a compact block is worth being looked at.
const MAX_AHEAD: u32 = 2;
/// A larger transaction is not kept for compact blocks.
const MAX_EXTRA_SIZE: usize = 100_000;

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    fn is_inbound(&self, id: PeerId) -> bool {
        self.peers.get(&id).is_some_and(Peer::is_inbound)
    }

    /// A peer was first with a valid block: from now on it shall send compact blocks unasked.
    pub(super) fn ask_compact_announcements(&mut self, id: PeerId) {
        // Without a pool of transactions they would be of no use.
        if self.options.blocks_only || !self.peers.get(&id).is_some_and(|peer| peer.compact && !peer.closing) {
            return;
        }
        if let Some(place) = self.compact_announcers.iter().position(|announcer| *announcer == id) {
            self.compact_announcers.remove(place);
            self.compact_announcers.push_back(id);
            return;
        }
        let outbound = self.compact_announcers.iter().filter(|announcer| !self.is_inbound(**announcer)).count();
        if self.is_inbound(id)
            && outbound == 1
            && self.compact_announcers.len() >= MAX_ANNOUNCERS
            && self.compact_announcers.front().is_some_and(|first| !self.is_inbound(*first))
        {
            // Callers alone could keep blocks from us, so the last one that we chose stays.
            self.compact_announcers.swap(0, 1);
        }
        self.set_high_bandwidth(id, true);
        self.compact_announcers.push_back(id);
        if self.compact_announcers.len() > MAX_ANNOUNCERS
            && let Some(last) = self.compact_announcers.pop_front()
        {
            self.set_high_bandwidth(last, false);
        }
    }

    fn set_high_bandwidth(&mut self, id: PeerId, on: bool) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.high_bandwidth_to = on;
            self.send(id, Message::SendCmpct { announce: u8::from(on), version: COMPACT_VERSION });
        }
    }

    /// Keeps a transaction that is not in the pool, as a block may contain it.
    pub(super) fn keep_extra(&mut self, tx: &Arc<Tx>) {
        if self.options.extra_txs == 0 || tx.total_size() >= MAX_EXTRA_SIZE {
            return;
        }
        if self.extra_txs.len() >= self.options.extra_txs {
            self.extra_txs.pop_front();
        }
        self.extra_txs.push_back(tx.clone());
    }

    pub(super) fn on_cmpctblock(&mut self, id: PeerId, compact: &CompactBlock, now: Duration) {
        let Some(peer) = self.peers.get(&id) else { return };
        if self.options.blocks_only {
            tracing::debug!(
                target: "cmpctblock", "peer={id} sent us a compact block even though we are blocksonly!"
            );
            return;
        }
        if !peer.compact {
            tracing::debug!(
                target: "cmpctblock", "peer={id} sent us a compact block despite never having sent us a SENDCMPCT!"
            );
            return;
        }
        let Some(prev) = self.chain.info(&compact.header.prev()) else {
            if !self.chain.is_initial_download() {
                let best = self.chain.best_header().hash;
                self.ask_headers(id, best, now);
            }
            return;
        };
        if prev.work + compact.header.raw().work() < self.work_threshold() {
            tracing::debug!(target: "net", "Ignoring low-work compact block from peer {id}");
            return;
        }
        let hash = compact.header.hash();
        let new = self.chain.info(&hash).is_none();
        if let Err(refusal) = self.chain.accept_headers(std::slice::from_ref(&compact.header)) {
            self.punish(id, &refusal, true, "invalid header via cmpctblock");
            return;
        }
        let Some(info) = self.chain.info(&hash) else { return };
        if new {
            self.log_header(id, &info, true);
        }
        self.announced_block(id, hash);
        if new && info.work > self.chain.tip().work {
            self.announced_better(id, now);
        }
        if !info.has_data && !self.judging.contains_key(&hash) {
            self.look_at_compact(id, compact, &info, now);
        }
    }

    /// A compact block of a block that we lack, with a good header.
    fn look_at_compact(&mut self, id: PeerId, compact: &CompactBlock, info: &BlockInfo, now: Duration) {
        let Some(peer) = self.peers.get(&id) else { return };
        let owners = self.in_flight.get(&info.hash).cloned().unwrap_or_default();
        let requested = owners.contains(&id);
        let has_room = owners.len() < MAX_PARALLEL && peer.in_flight.len() < MAX_IN_FLIGHT;
        if !requested && !peer.high_bandwidth_to {
            tracing::debug!(
                target: "cmpctblock",
                "peer={id}, not marked as high-bandwidth, sent us an unsolicited compact block!"
            );
            return;
        }
        let tip = self.chain.tip();
        if info.work <= tip.work || info.pruned {
            // It was asked for for some reason, for which the pool is of no help.
            if requested {
                self.ask_whole(id, info);
            }
            return;
        }
        if owners.is_empty() && !self.can_fetch_directly(now) {
            return;
        }
        if info.height > tip.height + MAX_AHEAD {
            if requested {
                self.ask_whole(id, info);
            } else {
                self.on_headers(id, vec![compact.header.clone()], true, now);
            }
        } else if has_room || requested {
            self.begin_compact(id, compact, info, &owners, now);
        } else if let Ok(partial) = self.partial(compact)
            && let Ok(block) = partial.fill(&[])
            && !self.chain.is_mutated(&block)
        {
            // Others were asked for it, but nothing is missing.
            self.sources.entry(info.hash).or_insert(Source { peer: id, vouches: false });
            self.submit(id, &Arc::new(block), true, now);
        }
    }

    fn ask_whole(&mut self, id: PeerId, info: &BlockInfo) {
        let inv = self.full_block(id, info);
        self.send(id, Message::GetData(vec![inv]));
    }

    fn partial(&self, compact: &CompactBlock) -> Result<PartialBlock, CompactError> {
        let pool = self.pool.list().into_iter().map(|(_, wtxid)| wtxid);
        let extra: Vec<_> = self.extra_txs.iter().cloned().collect();
        PartialBlock::new(compact, pool, |wtxid| self.pool.by_wtxid(wtxid), &extra)
    }

    /// Fills a compact block from the pool, and asks for what is missing if this peer is the one to ask.
    fn begin_compact(
        &mut self,
        id: PeerId,
        compact: &CompactBlock,
        info: &BlockInfo,
        owners: &[PeerId],
        now: Duration,
    ) {
        let hash = info.hash;
        self.mark_in_flight(id, info, None, now);
        if self.compact_of(id, &hash).is_some_and(|compact| compact.is_some()) {
            tracing::debug!(target: "net", "Peer sent us compact block we were already syncing!");
            return;
        }
        let first = owners.first().is_none_or(|owner| *owner == id);
        let partial = match self.partial(compact) {
            Ok(partial) => partial,
            Err(CompactError::Invalid) => {
                self.unmark(&hash, Some(id), now);
                self.misbehaving(id, "invalid compact block");
                return;
            }
            Err(CompactError::Collision) if first => {
                self.set_compact(id, &hash, Compact::Spent);
                self.ask_whole(id, info);
                return;
            }
            Err(CompactError::Collision) => {
                self.unmark(&hash, Some(id), now);
                return;
            }
        };
        let missing = partial.missing();
        let nothing_missing = missing.is_empty();
        // Beside the first, those are asked that we trust to be quick. The last place is kept for one that we chose, as
        // callers alone could hold a block back.
        let from_chosen = owners.iter().any(|owner| !self.is_inbound(*owner));
        let quick = self.peers.get(&id).is_some_and(|peer| peer.high_bandwidth_to)
            && (!self.is_inbound(id) || from_chosen || owners.len() < MAX_PARALLEL - 1);
        if !nothing_missing && !first && !quick {
            self.unmark(&hash, Some(id), now);
            return;
        }
        self.set_compact(id, &hash, Compact::Waiting(partial));
        if nothing_missing {
            self.on_blocktxn(id, &hash, &[], now);
        } else {
            self.send(id, Message::GetBlockTxn(GetBlockTxn { block: hash, indexes: missing }));
        }
    }

    fn compact_of(&mut self, id: PeerId, hash: &BlockHash) -> Option<&mut Option<Compact>> {
        let peer = self.peers.get_mut(&id)?;
        peer.in_flight.iter_mut().find(|block| block.hash == *hash).map(|block| &mut block.compact)
    }

    fn set_compact(&mut self, id: PeerId, hash: &BlockHash, state: Compact) {
        if let Some(place) = self.compact_of(id, hash) {
            *place = Some(state);
        }
    }

    /// The missing transactions of a compact block have come.
    pub(super) fn on_blocktxn(&mut self, id: PeerId, hash: &BlockHash, txs: &[Arc<Tx>], now: Duration) {
        let first = self.in_flight.get(hash).and_then(|owners| owners.first()).is_none_or(|owner| *owner == id);
        let partial = match self.compact_of(id, hash).and_then(|place| place.replace(Compact::Spent)) {
            Some(Compact::Waiting(partial)) => partial,
            Some(Compact::Spent) => {
                self.unmark(hash, Some(id), now);
                self.misbehaving(id, "previous compact block reconstruction attempt failed");
                tracing::debug!(target: "net", "Peer {id} sent compact block transactions multiple times");
                return;
            }
            None => {
                // A block that was asked for whole stays so.
                if let Some(place) = self.compact_of(id, hash) {
                    *place = None;
                }
                tracing::debug!(
                    target: "net", "Peer {id} sent us block transactions for block we weren't expecting"
                );
                return;
            }
        };
        let Ok(block) = partial.fill(txs) else {
            self.unmark(hash, Some(id), now);
            self.misbehaving(id, "invalid compact block/non-matching block transactions");
            return;
        };
        if self.chain.is_mutated(&block) {
            // A short id may have stood for another transaction than ours.
            self.ask_after_failure(id, hash, first, now);
            return;
        }
        self.unmark(hash, Some(id), now);
        self.finish_compact(id, block, now);
    }

    fn ask_after_failure(&mut self, id: PeerId, hash: &BlockHash, first: bool, now: Duration) {
        if let Some(info) = self.chain.info(hash).filter(|_| first) {
            // It stays marked as spent, so that the peer cannot send another compact block of the same.
            self.ask_whole(id, &info);
        } else {
            self.unmark(hash, Some(id), now);
            tracing::debug!(
                target: "net",
                "Peer {id} sent us a compact block but it failed to reconstruct, waiting on first download to complete"
            );
        }
    }

    fn finish_compact(&mut self, id: PeerId, block: Block, now: Duration) {
        self.sources.entry(block.hash()).or_insert(Source { peer: id, vouches: false });
        self.submit(id, &Arc::new(block), true, now);
    }
}
