//! Which headers a peer has, and getting those that we lack.

use std::time::Duration;

use bitcoin::hashes::Hash;
use bitcoin::{BlockHash, Work};
use primitives::Header;

use super::PeerManager;
use crate::PeerId;
use crate::message::{Locator, MAX_HEADERS, Message, PROTOCOL_VERSION};
use crate::peer::ConnectionKind;
use crate::view::{BlockInfo, ChainAccess, Fault, Refusal, TxAccess};

/// How long a peer has to answer before it is asked for headers again.
pub(super) const RESPONSE_TIME: Duration = Duration::from_mins(2);
/// How many blocks' work less than ours a chain may have and still be worth keeping.
const FORK_DEPTH: usize = 144;
/// So many peers with a good chain are never exchanged for others.
const MOST_PROTECTED: usize = 4;

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

    pub(super) fn ask_with(&mut self, id: PeerId, have: Vec<BlockHash>, now: Duration) -> bool {
        let Some(peer) = self.peers.get_mut(&id) else { return false };
        if peer.last_getheaders.is_some_and(|last| now <= last + RESPONSE_TIME) {
            return false;
        }
        peer.last_getheaders = Some(now);
        let version = PROTOCOL_VERSION.unsigned_abs();
        self.send(id, Message::GetHeaders(Locator { version, have, stop: BlockHash::all_zeros() }));
        true
    }

    /// Headers have come, by themselves or with a compact block.
    pub(super) fn on_headers(&mut self, id: PeerId, headers: Vec<Header>, via_compact: bool, now: Duration) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if headers.is_empty() {
            // The peer's chain ends, maybe before it has proven its work. This can only be an answer.
            peer.presync = None;
            peer.last_getheaders = None;
            return;
        }
        if !headers.iter().all(|header| self.chain.has_valid_proof(header)) {
            self.misbehaving(id, "header with invalid proof of work");
            return;
        }
        if headers.windows(2).any(|pair| pair[1].prev() != pair[0].hash()) {
            self.misbehaving(id, "non-continuous headers sequence");
            return;
        }
        let full = headers.len() == MAX_HEADERS;
        let (headers, proven) = match self.continue_presync(id, &headers, now) {
            Some(ready) if ready.is_empty() => return,
            Some(ready) => (ready, true),
            None => (headers, false),
        };
        let (Some(first), Some(last)) = (headers.first(), headers.last().map(Header::hash)) else { return };
        let Some(start) = self.chain.info(&first.prev()) else {
            self.unconnecting(id, &headers, now);
            return;
        };
        let Some(peer) = self.peers.get_mut(&id) else { return };
        // What connects is taken for the answer to whatever was asked.
        peer.last_getheaders = None;
        let trusted = peer.permissions.noban;
        let known = self.chain.info(&last);
        let proven = proven || trusted || known.is_some_and(|it| self.is_on_good_chain(&it));
        if !proven && work_with(&self.chain, &start, &headers) < self.work_threshold() {
            self.low_work(id, &start, &headers, now);
            return;
        }
        if let Err(refusal) = self.chain.accept_headers(&headers) {
            self.refused_headers(id, &refusal, via_compact, "invalid header received");
            return;
        }
        let Some(found) = self.chain.info(&last) else { return };
        if known.is_none() {
            self.log_header(id, &found, false);
            if found.hash == self.chain.best_header().hash && self.chain.is_initial_download() {
                let percent = self.progress(found.height, found.time, now);
                tracing::info!("Synchronizing blockheaders, height: {} (~{percent:.2}%)", found.height);
            }
        }
        let syncing = self.peers.get(&id).is_some_and(|peer| peer.presync.is_some());
        if full && !syncing && self.ask_headers(id, last, now) {
            tracing::debug!(target: "net", "more getheaders ({}) to end to peer={id}", found.height);
        }
        self.got_headers(id, &found, known.is_none(), full, now);
        self.fetch_towards(id, &found, now);
    }

    pub(super) fn refused_headers(&mut self, id: PeerId, refusal: &Refusal, via_compact: bool, what: &str) {
        let inbound = self.peers.get(&id).is_some_and(crate::peer::Peer::is_inbound);
        if refusal.fault == Fault::KnownInvalid && !inbound && !via_compact {
            tracing::warn!(
                "{} (received from peer={id}). If this happens with all peers, consider database corruption \
                 (that -reindex may fix) or a potential consensus incompatibility.",
                refusal.reason
            );
        }
        self.punish(id, refusal, via_compact, what);
    }

    /// A header that is new and valid: seeing it early, or without a block behind it, is worth a line.
    pub(super) fn log_header(&self, id: PeerId, header: &BlockInfo, via_compact: bool) {
        let how = if via_compact { "cmpctblock " } else { "" };
        let text = format!("Saw new {how}header hash={} height={} peer={id}", header.hash, header.height);
        if self.chain.is_initial_download() {
            tracing::debug!(target: "validation", "{text}");
        } else {
            tracing::info!("{text}");
        }
    }

    /// What headers tell of the peer itself.
    fn got_headers(&mut self, id: PeerId, last: &BlockInfo, new: bool, full: bool, now: Duration) {
        self.announced_block(id, last.hash);
        let tip = self.chain.tip();
        if new && last.work > tip.work {
            self.announced_better(id, now);
        }
        let protected = self.peers.values().filter(|peer| peer.chain_sync.protected).count();
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(best) = peer.best_known.and_then(|hash| self.chain.info(&hash)) else { return };
        // With too little work on its whole chain it is of no use for catching up.
        let useless = !full && best.work < self.chain.minimum_work() && self.chain.is_initial_download();
        if useless && peer.is_chosen() {
            tracing::info!("outbound peer headers chain has insufficient work, disconnecting peer={id}");
            self.disconnect(id);
            return;
        }
        if peer.kind == ConnectionKind::OutboundFullRelay
            && protected < MOST_PROTECTED
            && best.work >= tip.work
            && !peer.chain_sync.protected
        {
            tracing::debug!(target: "net", "Protecting outbound peer={id} from eviction");
            peer.chain_sync.protected = true;
        }
    }

    /// A peer was the first to tell of something better than our chain.
    pub(super) fn announced_better(&mut self, id: PeerId, now: Duration) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.last_announcement = Some(now);
        }
    }

    fn unconnecting(&mut self, id: PeerId, headers: &[Header], now: Duration) {
        let best = self.chain.best_header();
        let (Some(first), Some(last)) = (headers.first(), headers.last()) else { return };
        if self.ask_headers(id, best.hash, now) {
            tracing::debug!(
                target: "net",
                "received header {}: missing prev block {}, sending getheaders ({}) to end (peer={id})",
                first.hash(), first.prev(), best.height
            );
        }
        self.announced_block(id, last.hash());
    }

    /// Whether a header is an ancestor of our tip or of the best header, so that it costs nothing to look at it again.
    fn is_on_good_chain(&self, header: &BlockInfo) -> bool {
        let best = self.chain.best_header();
        header.active || self.chain.ancestor(&best.hash, header.height) == Some(header.hash)
    }

    /// The work that a chain must have to be kept: the network's minimum, or nearly what ours has.
    pub(super) fn work_threshold(&self) -> Work {
        let tip = self.chain.tip();
        let Some(header) = self.chain.header(&tip.hash) else { return tip.work };
        let each = header.raw().work();
        let behind = (1..FORK_DEPTH).fold(each, |sum, _| sum + each);
        let near = if behind < tip.work { tip.work - behind } else { Work::from_be_bytes([0; 32]) };
        near.max(self.chain.minimum_work())
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

/// The work of a chain with these headers at its end.
fn work_with(chain: &impl ChainAccess, start: &BlockInfo, headers: &[Header]) -> Work {
    headers.iter().fold(start.work, |sum, header| sum + chain.header_work(header))
}
