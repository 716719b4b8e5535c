//! Addresses of others that we hear of, addresses of our own, and keeping what is known over a restart.

use std::net::SocketAddr;
use std::time::Duration;

use p2p::{AddrCache, ChainAccess, ConnectionKind, NetAddr, Network, PeerAddress, PeerId, Service, TxAccess};

use super::{Driver, seconds};
use crate::files;
use crate::options::Proxy;
use crate::sockets::Endpoint;

/// How often what is known is written down.
pub(super) const SAVE_INTERVAL: Duration = Duration::from_mins(15);
/// How often it is said how well the map of autonomous systems fits.
const HEALTH_INTERVAL: Duration = Duration::from_hours(24);
/// Two hours: what a peer tells is a little older than it says.
const PENALTY: u32 = 2 * 60 * 60;
/// How sure we are of an address of our own: an interface has it, we listen there, the user says so.
const SCORE_INTERFACE: i32 = 1;
const SCORE_BIND: i32 = 2;
const SCORE_MANUAL: i32 = 4;
/// How many addresses of anchors are kept.
const MAX_ANCHORS: usize = 2;

impl<C: ChainAccess, T: TxAccess> Driver<C, T> {
    pub(super) fn heard_addresses(&mut self, from: PeerId, list: &[PeerAddress], now: Duration) {
        let Some(conn) = self.conns.get(&from) else { return };
        self.addrman.add(list, conn.address.addr, PENALTY, seconds(now));
    }

    pub(super) fn tell_addresses(&mut self, to: PeerId, now: Duration) {
        let Some((unlimited, key)) = self.peers.address_terms(to) else { return };
        let (most, percent) = AddrCache::LIMITS;
        let (addrman, shun) = (&mut self.addrman, &self.shun);
        let mut fresh = || {
            let mut list = addrman.get_addr(most, percent, None, seconds(now));
            list.retain(|it| !shun.is_banned(&it.service.addr) && !shun.is_discouraged(&it.service.addr));
            list
        };
        let list = if unlimited { fresh() } else { self.cache.answer(key, now, &mut self.chance, fresh).to_vec() };
        self.peers.tell_addresses(to, &list);
    }

    /// Where a peer can reach us: an address of its network, the surest one; or where it sees us, if that may be better.
    pub(super) fn tell_own_address(&mut self, to: PeerId, now: Duration) {
        let Some(conn) = self.conns.get(&to) else { return };
        let network = conn.address.addr.network();
        let clear = |network| matches!(network, Network::Ipv4 | Network::Ipv6);
        // Who is reached through Tor must not learn who we are elsewhere, and the other way round.
        let fits = |addr: &NetAddr| addr.network() == network || (clear(network) && clear(addr.network()));
        let best = self
            .local
            .iter()
            .filter(|(addr, _)| fits(addr))
            .max_by_key(|(addr, (_, score))| (addr.network() == network, *score));
        let mut own = best.map(|(addr, (port, _))| Service { addr: *addr, port: *port });
        let score = best.map_or(0, |(_, (_, score))| *score);
        let inbound = conn.kind == ConnectionKind::Inbound;
        let seen = self.peers.stats(now).into_iter().find(|stats| stats.id == to).and_then(|stats| stats.seen_as);
        if let Some(seen) = seen.filter(|seen| self.options.discover && seen.addr.is_routable() && fits(&seen.addr)) {
            // It may know better than we do, but it may also lie: the surer we are, the less often it is believed.
            let often = if score > SCORE_MANUAL { 8 } else { 2 };
            if own.is_none() || self.chance.below(often) == 0 {
                let port = if inbound { seen.port } else { self.options.listen_port };
                own = Some(Service { addr: seen.addr, port });
            }
        }
        if let Some(own) = own.filter(|own| own.addr.is_routable()) {
            tracing::debug!(target: "net", "Advertising address {own} to peer={to}");
            self.peers.tell_own_address(to, own, now);
        }
    }

    /// A peer that called us says where it sees us: that is where it found us.
    pub(super) fn seen_local(&mut self, service: &Service) {
        if let Some((_, score)) = self.local.get_mut(&service.addr) {
            *score = score.saturating_add(1);
        }
    }

    /// Notes our own addresses, as far as the options and the machine tell.
    pub(super) fn learn_local_addresses(&mut self) {
        for service in self.options.discovered.clone() {
            self.add_local(service, SCORE_INTERFACE, false);
        }
        for bind in self.bound.clone() {
            let service = Service::from(bind.address);
            let advertised = !bind.onion && !bind.grant.named.noban && !bind.grant.implicit;
            if advertised && service.addr.is_routable() {
                self.add_local(service, SCORE_BIND, false);
            }
        }
        for service in self.options.external.clone() {
            self.add_local(service, SCORE_MANUAL, true);
        }
    }

    fn add_local(&mut self, service: Service, score: i32, even_unreachable: bool) {
        let reachable = self.options.reachable.contains(&service.addr.network());
        if !service.addr.is_routable() || (!reachable && !even_unreachable) {
            return;
        }
        tracing::info!("AddLocal({service},{score})");
        let entry = self.local.entry(service.addr).or_insert((service.port, score));
        if score >= entry.1 {
            *entry = (service.port, score);
        }
    }

    /// An address of ours that a router gave us: it can be called, or cannot any more.
    pub(super) fn set_local(&mut self, service: Service, here: bool) {
        if here {
            self.add_local(service, SCORE_MANUAL, false);
        } else if self.local.remove(&service.addr).is_some() {
            tracing::info!("RemoveLocal({service})");
        }
    }

    /// Tor has told where its proxy is. Each connection gets a way of its own through Tor.
    pub(super) fn found_tor(&mut self, address: SocketAddr) {
        self.options.proxies.onion = Some(Proxy { endpoint: Endpoint::Tcp(address), randomize: true });
        if self.options.tor.as_ref().is_some_and(|tor| tor.may_reach) {
            self.options.reachable.insert(Network::Onion);
            self.shun.lock().reachable.insert(Network::Onion);
        }
    }

    pub(super) fn save_if_due(&mut self, uptime: Duration) {
        if uptime >= self.next_save {
            self.next_save = uptime + SAVE_INTERVAL;
            self.save_addresses();
            self.save_bans();
        }
    }

    /// Says from time to time how well the map of autonomous systems fits.
    pub(super) fn tell_health_if_due(&mut self, uptime: Duration) {
        if self.options.groups.has_map() && uptime >= self.next_health {
            self.next_health = uptime + HEALTH_INTERVAL;
            let all = self.addrman.entries().map(|entry| &entry.address.service.addr);
            self.options.groups.tell_health(all);
        }
    }

    pub(super) fn save_addresses(&mut self) {
        let bytes = self.addrman.to_file(self.options.magic);
        match platform::file::replace(&self.options.directory.join(files::PEERS), &bytes) {
            Ok(()) => {
                let count = self.addrman.len(None, None);
                tracing::debug!(target: "net", "Flushed {count} addresses to peers.dat");
            }
            Err(error) => tracing::error!("Cannot write peers.dat: {error}"),
        }
    }

    pub(super) fn save_bans(&mut self) {
        let now = seconds(self.now());
        let (count, text) = {
            let bans = &mut self.shun.lock().bans;
            (bans.sweep(now).count(), bans.to_file())
        };
        match platform::file::replace(&self.options.directory.join(files::BANS), text.as_bytes()) {
            Ok(()) => tracing::debug!(target: "net", "Flushed {count} banned node addresses/subnets to disk"),
            Err(error) => tracing::error!("Cannot write banlist.json: {error}"),
        }
    }

    /// The peers that only blocks come from are called first after a restart: who cut us off cannot have chosen them.
    pub(super) fn save_anchors(&mut self) {
        if self.options.connect.is_some() {
            return;
        }
        let mut list: Vec<(Service, u64)> = Vec::new();
        let stats = self.peers.stats(self.now());
        for (id, conn) in self.conns.iter().filter(|(_, conn)| conn.kind == ConnectionKind::BlockRelayOnly) {
            let services = stats.iter().find(|stats| stats.id == *id).map_or(0, |stats| stats.services);
            list.push((conn.address, services));
        }
        list.truncate(MAX_ANCHORS);
        let bytes = files::write_anchors(&list, self.options.magic, seconds(self.now()));
        match platform::file::replace(&self.options.directory.join(files::ANCHORS), &bytes) {
            Ok(()) => tracing::info!(
                "DumpAnchors: Flush {} outbound block-relay-only peer addresses to anchors.dat",
                list.len()
            ),
            Err(error) => tracing::error!("Cannot write anchors.dat: {error}"),
        }
    }

    /// Whether an address is one of ours.
    pub(super) fn is_own(&self, addr: &NetAddr) -> bool {
        self.local.contains_key(addr)
    }
}
