//! Addresses of other nodes: what peers tell, whom it is passed on to, and what they are told.

use std::time::Duration;

use bitcoin::hashes::siphash24;

use super::{Action, PeerManager};
use crate::PeerId;
use crate::message::{MAX_ADDR, Message};
use crate::netaddr::{PeerAddress, Service};
use crate::peer::{ConnectionKind, NODE_NETWORK, NODE_NETWORK_LIMITED, Peer};
use crate::recent::Known;
use crate::view::{ChainAccess, TxAccess};

/// How many addresses per second are taken from a peer in the long run.
const RATE: f64 = 0.1;
/// How many addresses a peer may save up.
const MOST_TOKENS: f64 = 1000.0;
/// How long a peer waits on average for addresses, and for our own one.
const SEND_INTERVAL: Duration = Duration::from_secs(30);
const OWN_INTERVAL: Duration = Duration::from_hours(24);
/// For how long an address is passed on to the same peers.
const ROTATION: u64 = 24 * 3600;
/// How many addresses of a message are passed on: a longer list is an answer to a question.
const MAX_RELAYED: usize = 10;
/// An address is passed on if it was seen so lately, in seconds; one that far in the future is not believed.
const FRESH: u32 = 600;

impl<C: ChainAccess, T: TxAccess> PeerManager<C, T> {
    /// Lets addresses flow from and to a peer, unless they would reveal what the connection is for.
    fn set_up_addrs(&mut self, id: PeerId) -> bool {
        let known = Known::new(5000, &mut self.chance);
        let Some(peer) = self.peers.get_mut(&id) else { return false };
        if matches!(peer.kind, ConnectionKind::BlockRelayOnly | ConnectionKind::Feeler) {
            return false;
        }
        peer.addrs.known.get_or_insert(known);
        true
    }

    /// Asks a peer that we called for addresses.
    pub(super) fn ask_addresses(&mut self, id: PeerId) {
        if !self.set_up_addrs(id) {
            return;
        }
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.addrs.asked = true;
            peer.addrs.tokens += MOST_TOKENS;
        }
        self.send(id, Message::GetAddr);
    }

    pub(super) fn on_addr(&mut self, id: PeerId, name: &str, mut list: Vec<PeerAddress>, now: Duration) {
        if !self.set_up_addrs(id) {
            let kind = self.peers.get(&id).map_or("", |peer| peer.kind.name());
            tracing::debug!(target: "net", "ignoring {name} message from {kind} peer={id}");
            return;
        }
        self.chance.shuffle(&mut list);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let addrs = &mut peer.addrs;
        if addrs.tokens < MOST_TOKENS {
            let passed = now.saturating_sub(addrs.tokens_at).as_secs_f64();
            addrs.tokens = MOST_TOKENS.min(addrs.tokens + passed * RATE);
        }
        addrs.tokens_at = now;
        let unlimited = peer.permissions.addr;
        let asked = addrs.asked;
        let count = list.len();
        let (mut processed, mut limited, mut kept) = (0, 0, Vec::new());
        for address in list {
            if self.take_token(id) || unlimited {
                if let Some(address) = self.look_at_address(id, address, now) {
                    processed += 1;
                    let reachable = self.is_reachable(&address);
                    let fresh = u64::from(address.time) + u64::from(FRESH) > now.as_secs();
                    if fresh && !asked && count <= MAX_RELAYED && address.service.addr.is_routable() {
                        self.relay_address(id, &address, reachable, now);
                    }
                    if reachable {
                        kept.push(address);
                    }
                }
            } else {
                limited += 1;
            }
        }
        tracing::debug!(
            target: "net",
            "Received addr: {count} addresses ({processed} processed, {limited} rate-limited) from peer={id}"
        );
        if !kept.is_empty() {
            self.actions.push(Action::Addresses { from: id, list: kept });
        }
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.addrs.processed += processed;
        peer.addrs.rate_limited += limited;
        if count < MAX_ADDR {
            peer.addrs.asked = false;
        }
        // One alone is the peer's own, and there may be more to come.
        if peer.kind == ConnectionKind::AddrFetch && count > 1 {
            tracing::debug!(target: "net", "addrfetch connection completed, disconnecting peer={id}");
            self.disconnect(id);
        }
    }

    fn take_token(&mut self, id: PeerId) -> bool {
        let Some(peer) = self.peers.get_mut(&id).filter(|peer| peer.addrs.tokens >= 1.0) else { return false };
        peer.addrs.tokens -= 1.0;
        true
    }

    /// An address that a peer told, if it is one that can be of use, with a time that can be believed.
    fn look_at_address(&mut self, id: PeerId, mut address: PeerAddress, now: Duration) -> Option<PeerAddress> {
        let desired = self.desired_services(address.services, now);
        let full = address.services & (NODE_NETWORK | NODE_NETWORK_LIMITED) != 0;
        if !full && address.services & desired != desired {
            return None;
        }
        let seconds = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
        if address.time <= 100_000_000 || address.time > seconds.saturating_add(FRESH) {
            address.time = seconds.saturating_sub(5 * 24 * 3600);
        }
        if let Some(known) = self.peers.get_mut(&id).and_then(|peer| peer.addrs.known.as_mut()) {
            known.insert(&address.service.key());
        }
        let shunned = self.addr_policy.as_ref().is_some_and(|policy| policy.is_shunned(&address.service.addr));
        (!shunned).then_some(address)
    }

    fn is_reachable(&self, address: &PeerAddress) -> bool {
        let network = address.service.addr.network();
        address.service.addr.is_valid() && self.addr_policy.as_ref().is_none_or(|policy| policy.is_reachable(network))
    }

    /// Passes an address on to one or two peers, the same ones for a day: so it spreads, but nobody can make it spread
    /// faster by telling it again.
    fn relay_address(&mut self, from: PeerId, address: &PeerAddress, reachable: bool, now: Duration) {
        let key = address.service.key();
        let hash = siphash24::Hash::hash_to_u64_with_keys(0, 0, &key);
        let day = now.as_secs().wrapping_add(hash) / ROTATION;
        let (one, two) = self.addr_salt;
        let score = |extra: &[u8]| {
            let bytes = [&hash.to_le_bytes(), &day.to_le_bytes(), extra].concat();
            siphash24::Hash::hash_to_u64_with_keys(one, two, &bytes)
        };
        let count = if reachable || score(&[]) & 1 == 1 { 2 } else { 1 };
        let takes =
            |peer: &&Peer| peer.id != from && peer.addrs.known.is_some() && is_compatible(peer, &address.service);
        let mut best: Vec<_> =
            self.peers.values().filter(takes).map(|peer| (score(&peer.id.to_le_bytes()), peer.id)).collect();
        best.sort_unstable_by_key(|(score, _)| std::cmp::Reverse(*score));
        for (_, id) in best.into_iter().take(count) {
            self.push_address(id, *address);
        }
    }

    /// Puts an address on a peer's list, unless the peer knows it. A full list is stirred.
    fn push_address(&mut self, id: PeerId, address: PeerAddress) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(known) = &peer.addrs.known else { return };
        let service = address.service;
        if !service.addr.is_valid() || known.contains(&service.key()) || !is_compatible(peer, &service) {
            return;
        }
        if peer.addrs.to_send.len() < MAX_ADDR {
            peer.addrs.to_send.push(address);
        } else {
            peer.addrs.to_send[self.chance.index(MAX_ADDR)] = address;
        }
    }

    pub(super) fn on_getaddr(&mut self, id: PeerId, _now: Duration) {
        let Some(peer) = self.peers.get(&id) else { return };
        // Only who calls us is told addresses: otherwise others could learn whom we call.
        if !peer.is_inbound() {
            let kind = peer.kind.name();
            tracing::debug!(target: "net", "Ignoring \"getaddr\" from {kind} connection. peer={id}");
            return;
        }
        self.set_up_addrs(id);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.addrs.has_asked {
            tracing::debug!(target: "net", "Ignoring repeated \"getaddr\". peer={id}");
            return;
        }
        peer.addrs.has_asked = true;
        peer.addrs.waits_for_answer = true;
        peer.addrs.to_send.clear();
        self.actions.push(Action::WantsAddresses(id));
    }

    /// What a peer wants to know that has led to [`Action::WantsAddresses`]: whether it may ask for anything, and the
    /// network key by which an [`AddrCache`](crate::AddrCache) finds its answer otherwise.
    pub fn address_terms(&self, id: PeerId) -> Option<(bool, u64)> {
        self.peers.get(&id).map(|peer| (peer.permissions.addr, peer.network_key))
    }

    /// Answers [`Action::WantsAddresses`].
    pub fn tell_addresses(&mut self, id: PeerId, list: &[PeerAddress]) {
        for address in list {
            self.push_address(id, *address);
        }
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.addrs.waits_for_answer = false;
        }
        self.send_waiting_addresses(id, self.now);
    }

    /// Answers [`Action::WantsOwnAddress`] with where this peer may reach us.
    pub fn tell_own_address(&mut self, id: PeerId, own: Service, now: Duration) {
        let Some(peer) = self.peers.get_mut(&id).filter(|peer| !peer.closing) else { return };
        let time = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
        let address = PeerAddress { time, services: peer.our_services, service: own };
        peer.addrs.waits_for_own = false;
        if std::mem::replace(&mut peer.addrs.own_told, true) {
            self.push_address(id, address);
        } else if is_compatible(peer, &own) {
            // The first time it is sent alone, as a peer takes one address only from somebody whom it does not know.
            self.send_addresses(id, vec![address]);
        }
        self.send_waiting_addresses(id, now);
    }

    /// Tells a peer our own address about once a day, and others that have gathered.
    pub(super) fn announce_addresses(&mut self, id: PeerId, now: Duration) {
        let tells_own = self.options.listens && !self.chain.is_initial_download();
        let wait = self.chance.exponential(OWN_INTERVAL);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(known) = &mut peer.addrs.known else { return };
        // The owner has had the time of a tick to answer.
        peer.addrs.waits_for_own = false;
        if tells_own && peer.addrs.next_own.is_none_or(|next| next < now) {
            if peer.addrs.next_own.is_some() {
                // Otherwise the peer would not be told again what it was told yesterday.
                known.clear();
            }
            peer.addrs.next_own = Some(now + wait);
            peer.addrs.waits_for_own = true;
            self.actions.push(Action::WantsOwnAddress(id));
        }
        self.send_waiting_addresses(id, now);
    }

    /// Sends the addresses that have gathered, if it is time for that.
    fn send_waiting_addresses(&mut self, id: PeerId, now: Duration) {
        let wait = self.chance.exponential(SEND_INTERVAL);
        let Some(peer) = self.peers.get_mut(&id).filter(|peer| !peer.closing) else { return };
        let Some(known) = &mut peer.addrs.known else { return };
        if now <= peer.addrs.next_send || peer.addrs.waits_for_own || peer.addrs.waits_for_answer {
            return;
        }
        peer.addrs.next_send = now + wait;
        let mut list = std::mem::take(&mut peer.addrs.to_send);
        list.retain(|address| {
            let key = address.service.key();
            let new = !known.contains(&key);
            known.insert(&key);
            new
        });
        if !list.is_empty() {
            self.send_addresses(id, list);
        }
    }

    fn send_addresses(&mut self, id: PeerId, list: Vec<PeerAddress>) {
        let v2 = self.peers.get(&id).is_some_and(|peer| peer.wants_addrv2);
        self.send(id, if v2 { Message::AddrV2(list) } else { Message::Addr(list) });
    }
}

/// Whether a peer can be told an address at all.
fn is_compatible(peer: &Peer, service: &Service) -> bool {
    peer.wants_addrv2 || service.addr.fits_v1()
}
