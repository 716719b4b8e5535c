//! From the connection to the first ordinary message.

use std::collections::VecDeque;
use std::time::Duration;

use super::{Action, NewPeer, PeerManager};
use crate::PeerId;
use crate::message::{
    FEATURE_VERSION, MIN_PEER_PROTO_VERSION, Message, PROTOCOL_VERSION, SHORT_IDS_BLOCKS_VERSION, Version,
    WTXID_RELAY_VERSION,
};
use crate::netaddr::Service;
use crate::peer::{
    AddrRelay, ChainSync, ConnectionKind, NODE_BLOOM, NODE_NETWORK, NODE_NETWORK_LIMITED, NODE_WITNESS, Peer, TxRelay,
};
use crate::recent::Known;
use crate::view::{ChainAccess, TxAccess};

/// The version of compact blocks that covers witnesses.
pub(super) const COMPACT_VERSION: u64 = 2;
/// How many blocks we may be behind to be content with peers that have only the newest ones.
const LIMITED_ALLOW_BLOCKS: u64 = 144;

/// A peer of which nothing is known but where it is.
pub(super) fn new_peer(new: &NewPeer, services: u64, nonce: u64, now: Duration) -> Peer {
    Peer {
        id: new.id,
        address: new.address,
        kind: new.kind,
        permissions: new.permissions,
        inbound_onion: new.inbound_onion,
        network_key: new.network_key,
        our_services: if new.permissions.bloom { services | NODE_BLOOM } else { services },
        transport: "v1",
        connected: now,
        nonce,
        version: None,
        common_version: 0,
        time_offset: 0,
        established: false,
        closing: false,
        judging: Vec::new(),
        wtxid_relay: false,
        reconciliation: None,
        wants_addrv2: false,
        prefers_headers: false,
        sent_sendheaders: false,
        compact: false,
        high_bandwidth_from: false,
        high_bandwidth_to: false,
        relay: None,
        addrs: AddrRelay {
            known: None,
            to_send: Vec::new(),
            asked: false,
            has_asked: false,
            // Enough for a peer to tell its own address.
            tokens: 1.0,
            tokens_at: now,
            processed: 0,
            rate_limited: 0,
            next_send: Duration::ZERO,
            next_own: None,
            own_told: false,
            waits_for_answer: false,
            waits_for_own: false,
        },
        ping: None,
        last_ping: Duration::ZERO,
        ping_wanted: false,
        last_ping_time: None,
        min_ping_time: None,
        last_block: None,
        last_tx: None,
        last_announcement: None,
        sync_started: false,
        asked_for_inv: false,
        headers_deadline: None,
        last_getheaders: None,
        presync: None,
        chain_sync: ChainSync::default(),
        best_known: None,
        unknown_announced: None,
        best_sent: None,
        last_common: None,
        in_flight: VecDeque::new(),
        downloading_since: Duration::ZERO,
        stalling_since: None,
        blocks_to_announce: Vec::new(),
        continue_from: None,
        requests: VecDeque::new(),
    }
}

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    pub(super) fn send_version(&mut self, id: PeerId, now: Duration) {
        let Some(peer) = self.peers.get(&id) else { return };
        let wants_txs = !self.refuses_txs(peer);
        let shown = if peer.address.addr.is_routable() && peer.address.addr.fits_v1() {
            peer.address
        } else {
            Service::NOWHERE
        };
        // Those of them that are strict read a longer message.
        let has_masternodes = self.codec.tx_format().has_masternodes();
        let mut version = Version {
            version: PROTOCOL_VERSION,
            services: peer.our_services,
            time: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
            receiver_services: 0,
            receiver: shown,
            nonce: peer.nonce,
            user_agent: self.options.user_agent.clone(),
            start_height: i32::try_from(self.chain.tip().height).unwrap_or(i32::MAX),
            relay: wants_txs,
            challenge: has_masternodes.then_some([0; 32]),
        };
        if peer.kind == ConnectionKind::PrivateBroadcast {
            version = Version {
                version: WTXID_RELAY_VERSION,
                services: 0,
                time: 0,
                receiver: Service::NOWHERE,
                user_agent: super::private::USER_AGENT.to_owned(),
                start_height: 0,
                relay: false,
                ..version
            };
        }
        tracing::debug!(
            target: "net",
            "send version message: version={}, blocks={}, txrelay={}, peer={id}",
            version.version, version.start_height, u8::from(version.relay)
        );
        self.send(id, Message::Version(Box::new(version)));
    }

    pub(super) fn on_version(&mut self, id: PeerId, version: Version, now: Duration) {
        let Some(peer) = self.peers.get(&id) else { return };
        if peer.version.is_some() {
            tracing::debug!(target: "net", "redundant version message from peer={id}");
            return;
        }
        let (kind, address, inbound) = (peer.kind, peer.address, peer.is_inbound());
        let private = kind == ConnectionKind::PrivateBroadcast;
        // What is learned on a private connection must not show in what is known of addresses.
        if !inbound && !private {
            self.actions.push(Action::Offers(address, version.services));
        }
        if !self.is_acceptable(id, &version, now) {
            self.disconnect(id);
            return;
        }
        if inbound && version.receiver.addr.is_routable() {
            self.actions.push(Action::SeenLocal(id, version.receiver));
        }
        if inbound {
            self.send_version(id, now);
        }
        let common = version.version.min(if private { WTXID_RELAY_VERSION } else { PROTOCOL_VERSION });
        let (services, wants_txs, shown) = (version.services, version.relay, describe(&version));
        self.learn(id, version, common, now);
        tracing::debug!(target: "net", "receive version message: {shown}, peer={id}");
        if private {
            self.on_private_version(id, wants_txs);
            return;
        }
        if common >= WTXID_RELAY_VERSION {
            self.send(id, Message::WtxidRelay);
            self.send(id, Message::SendAddrV2);
            self.offer_reconciliation(id);
        }
        if inbound && wants_txs {
            // If there are too many, this peer may be gone before it hears more.
            self.actions.push(Action::WantsTxs(id, "version"));
        }
        self.send(id, Message::Verack);
        if !inbound {
            self.ask_addresses(id);
            self.actions.push(Action::Good(address, services));
        }
        if kind == ConnectionKind::Feeler {
            tracing::debug!(target: "net", "feeler connection completed, disconnecting peer={id}");
            self.disconnect(id);
        }
    }

    /// Whether a connection may go on after this version.
    fn is_acceptable(&self, id: PeerId, version: &Version, now: Duration) -> bool {
        let Some(peer) = self.peers.get(&id) else { return false };
        let desired = self.desired_services(version.services, now);
        if peer.kind.expects_services() && version.services & desired != desired {
            tracing::debug!(
                target: "net",
                "peer does not offer the expected services ({:08x} offered, {desired:08x} expected), disconnecting peer={id}",
                version.services
            );
            return false;
        }
        if version.version < MIN_PEER_PROTO_VERSION {
            tracing::debug!(target: "net", "peer using obsolete version {}, disconnecting peer={id}", version.version);
            return false;
        }
        if peer.is_inbound() && self.is_own_nonce(version.nonce) {
            tracing::info!("connected to self at {}, disconnecting", peer.address);
            return false;
        }
        true
    }

    /// Remembers what the version says.
    fn learn(&mut self, id: PeerId, version: Version, common: i32, now: Duration) {
        let known = Known::new(50_000, &mut self.chance);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.common_version = common;
        peer.time_offset = version.time.saturating_sub(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        if !peer.is_without_txs() && (version.relay || peer.our_services & NODE_BLOOM != 0) {
            peer.relay = Some(TxRelay {
                wanted: version.relay,
                bloom: None,
                to_announce: Vec::new(),
                known,
                next_announcement: None,
                send_pool: false,
                last_sequence: 1,
                minimum_feerate: 0,
                sent_feerate: 0,
                next_feerate: Duration::ZERO,
            });
        }
        peer.version = Some(version);
    }

    /// A connection to ourselves comes back with a number that we sent out and have no answer to yet. Numbers of private
    /// connections do not count: who has got one could try it on every node and see which of them hangs up.
    fn is_own_nonce(&self, nonce: u64) -> bool {
        let counts = |peer: &Peer| !peer.is_inbound() && peer.kind != ConnectionKind::PrivateBroadcast;
        self.peers.values().any(|peer| counts(peer) && !peer.established && peer.nonce == nonce)
    }

    /// What a peer must offer to be worth one of few connections.
    pub(super) fn desired_services(&self, offered: u64, now: Duration) -> u64 {
        let behind = now.as_secs().saturating_sub(u64::from(self.chain.tip().time));
        let near = behind < LIMITED_ALLOW_BLOCKS * u64::from(self.options.block_spacing);
        if offered & NODE_NETWORK_LIMITED != 0 && near {
            NODE_NETWORK_LIMITED | NODE_WITNESS
        } else {
            NODE_NETWORK | NODE_WITNESS
        }
    }

    /// Handles the messages that belong to the handshake, and gives back all others.
    pub(super) fn negotiate(&mut self, id: PeerId, message: Message, now: Duration) -> Option<Message> {
        let peer = self.peers.get_mut(&id)?;
        let late =
            peer.established && matches!(message, Message::WtxidRelay | Message::SendAddrV2 | Message::Feature { .. });
        if late {
            tracing::debug!(target: "net", "{} received after verack, disconnecting peer={id}", message.name());
            self.disconnect(id);
            return None;
        }
        match message {
            Message::Verack => self.on_verack(id, now),
            Message::WtxidRelay if peer.common_version < WTXID_RELAY_VERSION => tracing::debug!(
                target: "net",
                "ignoring wtxidrelay due to old common version={} from peer={id}", peer.common_version
            ),
            Message::WtxidRelay if peer.wtxid_relay => {
                tracing::debug!(target: "net", "ignoring duplicate wtxidrelay from peer={id}");
            }
            Message::WtxidRelay => peer.wtxid_relay = true,
            Message::SendAddrV2 => peer.wants_addrv2 = true,
            Message::SendHeaders => peer.prefers_headers = true,
            Message::SendCmpct { announce, .. } if announce > 1 => {
                self.misbehaving(id, "invalid sendcmpct announce field");
            }
            Message::SendCmpct { announce, version } => {
                if version == COMPACT_VERSION {
                    peer.compact = true;
                    peer.high_bandwidth_from = announce == 1;
                }
            }
            Message::Feature { .. } if peer.common_version < FEATURE_VERSION => {
                let common = peer.common_version;
                tracing::debug!(
                    target: "net", "feature received with incompatible version {common}, disconnecting peer={id}"
                );
                self.disconnect(id);
            }
            Message::Feature { id: name, .. } => {
                tracing::debug!(target: "net", "unknown feature advertised: {}", crate::sanitize(&name));
            }
            Message::SendTxRcncl { version, .. } => self.on_sendtxrcncl(id, version),
            other => return Some(other),
        }
        None
    }

    fn on_verack(&mut self, id: PeerId, now: Duration) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.established {
            tracing::debug!(target: "net", "ignoring redundant verack message from peer={id}");
            return;
        }
        peer.established = true;
        let common = peer.common_version;
        let text = format!(
            "New {} peer connected: transport: {}, version: {}, peer={id}",
            peer.kind.name(),
            peer.transport,
            peer.version.as_ref().map_or(0, |version| version.version)
        );
        if peer.is_inbound() {
            tracing::debug!(target: "net", "{text}");
        } else {
            tracing::info!("{text}");
        }
        if self.is_private(id) {
            self.announce_private(id, now);
            return;
        }
        if common >= SHORT_IDS_BLOCKS_VERSION {
            self.send(id, Message::SendCmpct { announce: 0, version: COMPACT_VERSION });
        }
        self.settle_reconciliation(id);
    }
}

/// A version as the log shows it.
fn describe(version: &Version) -> String {
    format!(
        "{}: version {}, blocks={}, us={}, txrelay={}",
        if version.user_agent.is_empty() { "<no user agent>" } else { &version.user_agent },
        version.version,
        version.start_height,
        version.receiver,
        u8::from(version.relay)
    )
}
