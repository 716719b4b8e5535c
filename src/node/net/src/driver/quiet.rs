//! Connections on which nothing moves.

use std::time::Duration;

use bitcoin::hashes::{Hash, HashEngine, sha256};
use p2p::{ChainAccess, ConnectionKind, NetAddr, PeerId, TxAccess};

use super::{Conn, Driver};

/// How long nothing may be sent or received.
const SILENCE: Duration = Duration::from_mins(20);
/// How often this is looked at.
const INTERVAL: Duration = Duration::from_millis(500);

impl<C: ChainAccess, T: TxAccess> Driver<C, T> {
    pub(super) fn check_quiet(&mut self, now: Duration) {
        let uptime = self.clock.monotonic();
        if uptime < self.next_check {
            return;
        }
        self.next_check = uptime + INTERVAL;
        let limit = self.options.peer_timeout;
        let quiet: Vec<(PeerId, String)> = self
            .conns
            .iter()
            .filter(|(_, conn)| now > conn.connected.saturating_add(limit))
            .filter_map(|(id, conn)| Some((*id, self.why_quiet(*id, conn, now)?)))
            .collect();
        for (id, why) in quiet {
            tracing::debug!(target: "net", "{why}, disconnecting {}", self.shown(id));
            self.drop_conn(id, now);
        }
    }

    fn why_quiet(&self, id: PeerId, conn: &Conn, now: Duration) -> Option<String> {
        let (received, sent, ..) = conn.link.pulse();
        if received.is_zero() || sent.is_zero() {
            let mut text = format!("socket no message in first {} seconds", self.options.peer_timeout.as_secs());
            if received.is_zero() {
                text += ", never received from peer";
            }
            if sent.is_zero() {
                text += ", never sent to peer";
            }
            return Some(text);
        }
        let since_sent = now.saturating_sub(sent);
        if since_sent > SILENCE {
            return Some(format!("socket sending timeout: {}s", since_sent.as_secs()));
        }
        let since_received = now.saturating_sub(received);
        if since_received > SILENCE {
            return Some(format!("socket receive timeout: {}s", since_received.as_secs()));
        }
        if self.peers.is_established(id) {
            return None;
        }
        let shaking = conn.link.transport().0 == p2p::TransportKind::Detecting;
        Some(if shaking { "V2 handshake timeout" } else { "version handshake timeout" }.to_owned())
    }

    /// Whom of those that called us to give up for another caller.
    pub(super) fn choose_eviction(&self, relaying: bool, spare: Option<PeerId>, now: Duration) -> Option<PeerId> {
        let group = |addr: &NetAddr| self.keyed_group(addr);
        let prefer = |addr: &NetAddr| self.shun.is_discouraged(addr);
        self.peers.choose_eviction(relaying, spare, now, group, prefer)
    }

    /// The group of an address as a number that nobody else can compute.
    fn keyed_group(&self, addr: &NetAddr) -> u64 {
        let mut engine = sha256::Hash::engine();
        engine.input(&self.salt);
        engine.input(&self.options.groups.of(addr));
        let hash = sha256::Hash::from_engine(engine).to_byte_array();
        u64::from_le_bytes(*hash.first_chunk().expect("a hash has 32 bytes"))
    }

    /// A caller wants transactions: if too many do, one of them goes.
    pub(super) fn bound_tx_peers(&mut self, spare: PeerId, after: &str, now: Duration) {
        let relaying = |stats: &p2p::PeerStats| stats.kind == ConnectionKind::Inbound && stats.relays_txs;
        let count = self.peers.stats(now).iter().filter(|stats| relaying(stats)).count();
        if count <= self.options.max_inbound_relay() {
            return;
        }
        if let Some(id) = self.choose_eviction(true, Some(spare), now) {
            let kind = ConnectionKind::Inbound.name();
            tracing::debug!(target: "net", "selected {kind} connection for eviction, disconnecting {}", self.shown(id));
            self.drop_conn(id, now);
            return;
        }
        tracing::debug!(
            target: "net",
            "failed to find a tx-relaying eviction candidate - connection dropped after {after} message, peer={spare}"
        );
        self.drop_conn(spare, now);
    }
}
