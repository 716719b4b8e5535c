//! What happens by the clock.

use std::time::Duration;

use super::{PeerManager, blocks};
use crate::PeerId;
use crate::message::{Message, SENDHEADERS_VERSION};
use crate::peer::ConnectionKind;
use crate::view::{ChainAccess, TxAccess};

/// How long a peer may take to answer a ping.
const INACTIVITY: Duration = Duration::from_mins(20);
/// How often a peer is asked whether it is there.
const PING_INTERVAL: Duration = Duration::from_mins(2);
/// The last version whose pings have no number.
const BIP31_VERSION: i32 = 60000;
/// How long a peer that is only asked for addresses may take.
const ADDR_FETCH_TIMEOUT: Duration = Duration::from_mins(5);
/// How long the first headers may take, and how much longer for each that is expected.
const HEADERS_TIMEOUT: Duration = Duration::from_mins(15);
const HEADERS_TIMEOUT_EACH: Duration = Duration::from_millis(1);
/// A chain whose best header is younger than this is asked of every peer.
const NEARLY_SYNCED: Duration = Duration::from_hours(24);

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// Does what is due for everybody. The owner calls this about ten times a second.
    pub fn tick(&mut self, now: Duration) {
        self.now = now;
        self.work_on_backlog();
        self.look_after_chosen(now);
        self.rebroadcast(now);
        self.look_after_private(now);
        let ids: Vec<_> = self.peers.keys().copied().collect();
        for id in ids {
            self.tick_peer(id, now);
        }
    }

    /// Does what is due for one peer. This happens after each of its messages too, so that answers need not wait for the
    /// next tick.
    pub fn tick_peer(&mut self, id: PeerId, now: Duration) {
        let open = |it: &Self| it.peers.get(&id).is_some_and(|peer| !peer.closing);
        if !open(self) {
            return;
        }
        if self.peers.get(&id).is_none_or(|peer| !peer.established) {
            return;
        }
        if self.is_private(id) {
            self.check_private(id, now);
            return;
        }
        self.check_addr_fetch(id, now);
        self.check_ping(id, now);
        if !open(self) {
            return;
        }
        self.announce_addresses(id, now);
        self.offer_headers(id);
        self.start_sync(id, now);
        self.announce_blocks(id);
        self.announce_txs(id, now);
        self.check_download(id, now);
        if !open(self) {
            return;
        }
        self.check_chain_sync(id, now);
        self.request_blocks(id, now);
        self.request_txs(id, now);
        self.tell_feerate(id, now);
    }

    fn check_addr_fetch(&mut self, id: PeerId, now: Duration) {
        let Some(peer) = self.peers.get(&id) else { return };
        if peer.kind == ConnectionKind::AddrFetch && now.saturating_sub(peer.connected) > ADDR_FETCH_TIMEOUT {
            tracing::debug!(target: "net", "addrfetch connection timeout, disconnecting peer={id}");
            self.disconnect(id);
        }
    }

    pub(super) fn check_ping(&mut self, id: PeerId, now: Duration) {
        let nonce = self.chance.u64().max(1);
        let limit = self.options.handshake_timeout;
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if let Some((_, since)) = peer.ping
            && now > since + INACTIVITY
            && now > peer.connected + limit
        {
            let waited = now.saturating_sub(since).as_secs_f64();
            tracing::debug!(target: "net", "ping timeout: {waited:.6}s, disconnecting peer={id}");
            self.disconnect(id);
            return;
        }
        if peer.ping_wanted || (peer.ping.is_none() && now > peer.last_ping + PING_INTERVAL) {
            peer.ping_wanted = false;
            peer.last_ping = now;
            if peer.common_version > BIP31_VERSION {
                peer.ping = Some((nonce, now));
                self.send(id, Message::Ping(nonce));
            } else {
                // It does not know of numbers, and never answers.
                peer.ping = None;
                self.send(id, Message::Other { name: "ping".to_owned(), payload: Vec::new() });
            }
        }
    }

    /// Lets the work of the scheduler come sooner, as a test wants.
    pub fn forward(&mut self, by: Duration) {
        self.next_rebroadcast = self.next_rebroadcast.map(|next| next.saturating_sub(by));
        self.forward_look(by);
        self.forward_private(by);
    }

    /// Pings every peer soon, as the RPC asks.
    pub fn ping_all(&mut self) {
        for peer in self.peers.values_mut() {
            peer.ping_wanted = true;
        }
    }

    pub(super) fn on_pong(&mut self, id: PeerId, nonce: Option<u64>, now: Duration) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let expected = peer.ping.map_or(0, |(nonce, _)| nonce);
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
                if peer.kind == ConnectionKind::PrivateBroadcast {
                    self.private_arrived(id, now);
                }
                return;
            }
            (Some(0), _) => {
                // Some peers answer with nothing in it.
                peer.ping = None;
                "Nonce zero"
            }
            _ => "Nonce mismatch",
        };
        let (found, size) = (nonce.unwrap_or(0), if nonce.is_some() { 8 } else { 0 });
        tracing::debug!(
            target: "net", "pong peer={id}: {problem}, {expected:x} expected, {found:x} received, {size} bytes"
        );
    }

    /// Chooses the peer whose headers are fetched first; all others follow when the chain is nearly there.
    fn start_sync(&mut self, id: PeerId, now: Duration) {
        let best = self.chain.best_header();
        let near = now.saturating_sub(Duration::from_secs(u64::from(best.time))) < NEARLY_SYNCED;
        let started = self.peers.values().any(|peer| peer.sync_started);
        let fit = self.syncs_from(id);
        let Some(peer) = self.peers.get(&id) else { return };
        if peer.sync_started || self.loading || !peer.can_serve_blocks() || !((!started && fit) || near) {
            return;
        }
        // From the one before, so that the answer is never empty and tells what the peer has.
        let from = best.height.checked_sub(1).and_then(|height| self.chain.ancestor(&best.hash, height));
        if !self.ask_headers(id, from.unwrap_or(best.hash), now) {
            return;
        }
        tracing::debug!(target: "net", "initial getheaders ({}) to peer={id}", best.height.saturating_sub(1));
        let missing = now.as_secs().saturating_sub(u64::from(best.time)) / u64::from(self.options.block_spacing.max(1));
        let more = HEADERS_TIMEOUT_EACH.saturating_mul(u32::try_from(missing).unwrap_or(u32::MAX));
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.sync_started = true;
            peer.headers_deadline = Some(now + HEADERS_TIMEOUT + more);
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
        if best.is_some_and(|best| best.work > minimum) {
            peer.sent_sendheaders = true;
            self.send(id, Message::SendHeaders);
        }
    }

    /// Ends connections to peers that do not deliver.
    fn check_download(&mut self, id: PeerId, now: Duration) {
        let downloading = self.peers.values().filter(|peer| !peer.in_flight.is_empty()).count();
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.stalling_since.is_some_and(|since| now > since + self.stalling_timeout) {
            tracing::info!("Peer is stalling block download, disconnecting peer={id}");
            self.disconnect(id);
            // If it is us who are slow, the next peer gets more time.
            let longer = (self.stalling_timeout * 2).min(blocks::STALLING_TIMEOUT_MAX);
            if longer != self.stalling_timeout {
                self.stalling_timeout = longer;
                let seconds = longer.as_secs();
                tracing::debug!(target: "net", "Increased stalling timeout temporarily to {seconds} seconds");
            }
            return;
        }
        if let Some(first) = peer.in_flight.front() {
            let others = u32::try_from(downloading.saturating_sub(1)).unwrap_or(u32::MAX);
            let spacing = Duration::from_secs(u64::from(self.options.block_spacing));
            if now > peer.downloading_since + spacing + (spacing / 2).saturating_mul(others) {
                tracing::info!("Timeout downloading block {}, disconnecting peer={id}", first.hash);
                self.disconnect(id);
                return;
            }
        }
        self.check_headers(id, now);
    }

    /// A block was connected: whoever is slow from now on gets a little less time again.
    pub(super) fn shorten_stalling_timeout(&mut self) {
        if self.stalling_timeout > blocks::STALLING_TIMEOUT {
            let less = Duration::from_secs(self.stalling_timeout.mul_f64(0.85).as_secs());
            self.stalling_timeout = less.max(blocks::STALLING_TIMEOUT);
            let seconds = self.stalling_timeout.as_secs();
            tracing::debug!(target: "net", "Decreased stalling timeout to {seconds} seconds");
        }
    }

    /// The only peer that we fetch headers from must not take too long, if there is another.
    fn check_headers(&mut self, id: PeerId, now: Duration) {
        let best = self.chain.best_header();
        let near = now.saturating_sub(Duration::from_secs(u64::from(best.time))) < NEARLY_SYNCED;
        let syncing = self.peers.values().filter(|peer| peer.sync_started).count();
        let other = self.peers.values().any(|peer| peer.id != id && peer.established && peer.is_preferred());
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(deadline) = peer.headers_deadline else { return };
        if near {
            // Once we have caught up this can not happen any more.
            peer.headers_deadline = None;
            return;
        }
        if now <= deadline || syncing != 1 || !other {
            return;
        }
        if peer.permissions.noban {
            tracing::info!("Timeout downloading headers from noban peer, not disconnecting peer={id}");
            peer.sync_started = false;
            peer.headers_deadline = None;
        } else {
            tracing::info!("Timeout downloading headers, disconnecting peer={id}");
            self.disconnect(id);
        }
    }
}
