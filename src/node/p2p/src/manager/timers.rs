//! What happens by the clock.

use std::time::Duration;

use super::{PeerManager, blocks};
use crate::PeerId;
use crate::message::{Inv, Message, SENDHEADERS_VERSION};
use crate::peer::ConnectionKind;
use crate::view::{ChainAccess, TxAccess};

/// How long a peer may be silent.
const INACTIVITY: Duration = Duration::from_mins(20);
/// How often a peer is asked whether it is there.
const PING_INTERVAL: Duration = Duration::from_mins(2);
/// How long the first headers may take, and how much longer for each that is expected.
const HEADERS_TIMEOUT: Duration = Duration::from_mins(15);
const HEADERS_TIMEOUT_EACH: Duration = Duration::from_millis(1);
/// A chain whose best header is younger than this is asked of every peer.
const NEARLY_SYNCED: Duration = Duration::from_hours(24);

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// Does what is due. The owner calls this about ten times a second, and after each message.
    pub fn tick(&mut self, now: Duration) {
        self.notice_tip(now);
        let ids: Vec<_> = self.peers.iter().filter(|(_, peer)| !peer.closing).map(|(id, _)| *id).collect();
        for id in ids {
            self.check_silence(id, now);
            if self.peers.get(&id).is_none_or(|peer| !peer.established || peer.closing) {
                continue;
            }
            self.check_ping(id, now);
            self.start_sync(id, now);
            self.offer_headers(id);
            self.announce_blocks(id);
            self.announce_txs(id, now);
            self.check_download(id, now);
            self.request_blocks(id, now);
            self.request_txs(id, now);
            self.tell_feerate(id, now);
        }
    }

    fn check_silence(&mut self, id: PeerId, now: Duration) {
        let limit = self.options.handshake_timeout;
        let Some(peer) = self.peers.get(&id) else { return };
        if !peer.established && now > peer.connected + limit {
            tracing::debug!(target: "net", "version handshake timeout, disconnecting peer={id}");
            self.disconnect(id);
        } else if now > peer.last_received + INACTIVITY {
            let silent = now.saturating_sub(peer.last_received).as_secs();
            tracing::debug!(target: "net", "socket receive timeout: {silent}s, disconnecting peer={id}");
            self.disconnect(id);
        }
    }

    fn check_ping(&mut self, id: PeerId, now: Duration) {
        let nonce = self.chance.u64().max(1);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if let Some((_, since)) = peer.ping
            && now > since + INACTIVITY
        {
            let waited = now.saturating_sub(since).as_secs_f64();
            tracing::debug!(target: "net", "ping timeout: {waited:.6}s, disconnecting peer={id}");
            self.disconnect(id);
            return;
        }
        if peer.ping_wanted || (peer.ping.is_none() && now > peer.last_ping + PING_INTERVAL) {
            peer.ping_wanted = false;
            peer.last_ping = now;
            peer.ping = Some((nonce, now));
            self.send(id, Message::Ping(nonce));
        }
    }

    /// Pings every peer soon, as the RPC asks.
    pub fn ping_all(&mut self) {
        for peer in self.peers.values_mut() {
            peer.ping_wanted = true;
        }
    }

    pub(super) fn on_pong(&mut self, id: PeerId, nonce: Option<u64>, now: Duration) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let problem = match (nonce, peer.ping) {
            (None, _) => {
                peer.ping = None;
                "Short payload"
            }
            (_, None) => "Unsolicited pong without ping",
            (Some(found), Some((expected, since))) if found == expected => {
                let took = now.saturating_sub(since);
                peer.last_ping_time = Some(took);
                peer.min_ping_time = Some(peer.min_ping_time.map_or(took, |least| least.min(took)));
                peer.ping = None;
                return;
            }
            (Some(0), _) => {
                // Some peers answer with nothing in it.
                peer.ping = None;
                "Nonce zero"
            }
            _ => "Nonce mismatch",
        };
        tracing::debug!(target: "net", "pong peer={id}: {problem}");
    }

    /// Chooses the peer whose headers are fetched first; all others follow when the chain is nearly there.
    fn start_sync(&mut self, id: PeerId, now: Duration) {
        let best = self.chain.best_header();
        let near = now.saturating_sub(Duration::from_secs(u64::from(best.time))) < NEARLY_SYNCED;
        let started = self.peers.values().any(|peer| peer.sync_started);
        let any_preferred = self.peers.values().any(|peer| peer.established && peer.is_preferred());
        let Some(peer) = self.peers.get(&id) else { return };
        let fit = peer.is_preferred() || !any_preferred;
        if peer.sync_started || !peer.can_serve_blocks() || !((!started && fit) || near) {
            return;
        }
        // From the one before, so that the answer is never empty and tells what the peer has.
        let from = best.height.checked_sub(1).and_then(|height| self.chain.ancestor(&best.hash, height));
        if !self.ask_headers(id, from.unwrap_or(best.hash), now) {
            return;
        }
        let missing = now.as_secs().saturating_sub(u64::from(best.time)) / u64::from(self.options.block_spacing.max(1));
        let more = HEADERS_TIMEOUT_EACH.saturating_mul(u32::try_from(missing).unwrap_or(u32::MAX));
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.sync_started = true;
            peer.headers_deadline = Some(now + HEADERS_TIMEOUT + more);
            tracing::debug!(target: "net", "initial getheaders ({}) to peer={id}", best.height);
        }
    }

    /// Asks to be told of blocks by their headers, once the peer's chain has proven its work.
    fn offer_headers(&mut self, id: PeerId) {
        let minimum = self.chain.minimum_work();
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.sent_sendheaders || peer.common_version < SENDHEADERS_VERSION {
            return;
        }
        let best = peer.best_known.and_then(|hash| self.chain.info(&hash));
        if best.is_some_and(|best| best.work >= minimum) {
            peer.sent_sendheaders = true;
            self.send(id, Message::SendHeaders);
        }
    }

    /// Tells a peer of new blocks: by headers if it wants them and can connect them, else by the last one's hash.
    fn announce_blocks(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let fresh = std::mem::take(&mut peer.blocks_to_announce);
        let Some(last) = fresh.last().copied() else { return };
        let (prefers, high_bandwidth) = (peer.prefers_headers, peer.high_bandwidth);
        let fresh: Vec<_> =
            fresh.into_iter().filter(|hash| self.chain.info(hash).is_some_and(|it| it.active)).collect();
        let missing: Vec<_> = fresh.iter().copied().filter(|hash| !self.peer_has(id, hash)).collect();
        if missing.is_empty() {
            return;
        }
        let headers: Vec<_> = missing.iter().filter_map(|hash| self.chain.header(hash)).collect();
        let connects = headers.first().is_some_and(|first| self.peer_has(id, &first.prev()));
        if let ([only], true, true) = (missing.as_slice(), high_bandwidth, connects)
            && let Some(block) = self.chain.block(only)
        {
            let nonce = self.chance.u64();
            self.send(id, Message::CmpctBlock(Box::new(crate::compact::shorten(&block, nonce))));
        } else if prefers && connects {
            self.send(id, Message::Headers(headers));
        } else {
            self.send(id, Message::Inv(vec![Inv::block(last)]));
            return;
        }
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.best_sent = Some(last);
        }
    }

    /// Whether a peer has told us, or was told, of a block or one behind it.
    fn peer_has(&self, id: PeerId, hash: &bitcoin::BlockHash) -> bool {
        let Some(info) = self.chain.info(hash) else { return false };
        let Some(peer) = self.peers.get(&id) else { return false };
        let is_behind = |best: bitcoin::BlockHash| self.chain.ancestor(&best, info.height) == Some(*hash);
        peer.best_known.is_some_and(is_behind) || peer.best_sent.is_some_and(is_behind)
    }

    /// Ends connections to peers that do not deliver.
    fn check_download(&mut self, id: PeerId, now: Duration) {
        let downloading = self.peers.values().filter(|peer| !peer.in_flight.is_empty()).count();
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.stalling_since.is_some_and(|since| now > since + self.stalling_timeout) {
            tracing::info!(target: "net", "Peer is stalling block download, disconnecting peer={id}");
            // If it is us who are slow, the next peer gets more time.
            self.stalling_timeout = (self.stalling_timeout * 2).min(blocks::STALLING_TIMEOUT_MAX);
            self.disconnect(id);
            return;
        }
        if let Some(first) = peer.in_flight.front() {
            let others = u32::try_from(downloading.saturating_sub(1)).unwrap_or(u32::MAX);
            let spacing = Duration::from_secs(u64::from(self.options.block_spacing));
            if now > peer.downloading_since + spacing + (spacing / 2).saturating_mul(others) {
                tracing::info!(target: "net", "Timeout downloading block {}, disconnecting peer={id}", first.hash);
                self.disconnect(id);
                return;
            }
        }
        let late = peer.headers_deadline.is_some_and(|deadline| now > deadline);
        if !late {
            return;
        }
        peer.headers_deadline = None;
        let best = self.chain.best_header();
        if now.saturating_sub(Duration::from_secs(u64::from(best.time))) < NEARLY_SYNCED {
            return;
        }
        let spared = peer.permissions.noban || peer.kind == ConnectionKind::Manual;
        let inbound = peer.is_inbound();
        if spared || inbound {
            peer.sync_started = false;
        } else {
            tracing::info!(target: "net", "Timeout downloading headers, disconnecting peer={id}");
            self.disconnect(id);
        }
    }
}
