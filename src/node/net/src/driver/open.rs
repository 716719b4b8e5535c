//! Which peers we choose ourselves, and when.

use std::collections::BTreeSet;
use std::time::Duration;

use p2p::{
    ChainAccess, Chance, ConnectionKind, Entry, NODE_NETWORK, NODE_NETWORK_LIMITED, NODE_P2P_V2, NODE_WITNESS, Network,
    Service, TxAccess,
};

use super::{Driver, dial::Open, seconds};
use crate::options::NETWORKS;
use crate::target::service;

/// How often another call may be started.
const PACE: Duration = Duration::from_millis(500);
/// How often, on average, an address is only tried, another peer is asked for its headers, and another network is
/// called.
const FEELER: Duration = Duration::from_mins(2);
const EXTRA_BLOCK_RELAY: Duration = Duration::from_mins(5);
const EXTRA_NETWORK: Duration = Duration::from_mins(5);
/// How many addresses are looked at for one call.
const MAX_LOOKS: usize = 100;
/// Only after so many looks an address is called that was called lately, or whose port belongs to other services.
const LOOKS_RECENT: usize = 30;
const LOOKS_PORT: usize = 50;
const RECENTLY: i64 = 600;

/// When something is to be opened next.
#[derive(Debug)]
pub(crate) struct Opener {
    call: Duration,
    feeler: Duration,
    extra_block_relay: Duration,
    extra_network: Duration,
}

impl Opener {
    pub(crate) fn new(now: Duration, chance: &mut Chance) -> Self {
        Self {
            call: Duration::ZERO,
            feeler: now + chance.exponential(FEELER),
            extra_block_relay: now + chance.exponential(EXTRA_BLOCK_RELAY),
            extra_network: now + chance.exponential(EXTRA_NETWORK),
        }
    }
}

/// What is to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Plan {
    kind: ConnectionKind,
    anchor: bool,
    network: Option<Network>,
}

impl<C: ChainAccess, T: TxAccess> Driver<C, T> {
    pub(super) fn holds(&self, kind: ConnectionKind) -> usize {
        self.count(|conn| conn.kind == kind) + self.dialing(|it| it == kind)
    }

    /// How many of the connections that are made by themselves are open, or being opened.
    pub(super) fn automatic(&self) -> usize {
        use ConnectionKind::{AddrFetch, BlockRelayOnly, Feeler, OutboundFullRelay};
        [AddrFetch, BlockRelayOnly, Feeler, OutboundFullRelay].into_iter().map(|kind| self.holds(kind)).sum()
    }

    /// Opens at most one connection.
    pub(super) fn keep_open(&mut self, now: Duration) {
        let uptime = self.clock.monotonic();
        if !self.active || uptime < self.opener.call {
            return;
        }
        self.opener.call = uptime + PACE;
        if self.automatic() >= self.options.max_outbound() {
            return;
        }
        if self.options.connect.is_some() {
            return;
        }
        if let Some(name) = self.added.fetch.pop_front() {
            self.open(Open::by_name(&name, ConnectionKind::AddrFetch, self.options.v2), now);
            return;
        }
        let Some(plan) = self.plan(now) else { return };
        self.addrman.resolve_collisions(seconds(now));
        let Some((address, services, last_seen)) = self.choose(plan, now) else { return };
        if plan.kind == ConnectionKind::Feeler {
            tracing::debug!(target: "net", "Making feeler connection to {address}");
        }
        if let Some(network) = plan.network {
            tracing::debug!(target: "net", "Making network specific connection to {address} on {}.", network.name());
        }
        let most = self.options.max_connections.saturating_sub(1).min(2);
        let open = Open {
            name: None,
            address: Some(address),
            kind: plan.kind,
            v2: self.options.v2 && services & NODE_P2P_V2 != 0,
            // While nobody can be reached, it may be our own connection that fails.
            count_failure: self.groups().len() + self.private_peers() >= most,
            last_seen: Some(last_seen),
            proxy: None,
            done: None,
        };
        self.open(open, now);
    }

    fn plan(&mut self, now: Duration) -> Option<Plan> {
        let plan = |kind| Plan { kind, anchor: false, network: None };
        let full = self.holds(ConnectionKind::OutboundFullRelay);
        let blocks = self.holds(ConnectionKind::BlockRelayOnly);
        let (max_full, max_blocks) = (self.options.max_full_relay(), self.options.max_block_relay());
        if !self.anchors.is_empty() && blocks < max_blocks {
            return Some(Plan { anchor: true, ..plan(ConnectionKind::BlockRelayOnly) });
        }
        if full < max_full {
            return Some(plan(ConnectionKind::OutboundFullRelay));
        }
        if blocks < max_blocks {
            return Some(plan(ConnectionKind::BlockRelayOnly));
        }
        if self.extra_outbound {
            return Some(plan(ConnectionKind::OutboundFullRelay));
        }
        if now > self.opener.extra_block_relay && self.extra_block_relay {
            self.opener.extra_block_relay = now + self.chance.exponential(EXTRA_BLOCK_RELAY);
            return Some(plan(ConnectionKind::BlockRelayOnly));
        }
        if now > self.opener.feeler {
            self.opener.feeler = now + self.chance.exponential(FEELER);
            return Some(plan(ConnectionKind::Feeler));
        }
        if full == max_full && now > self.opener.extra_network {
            let network = self.missing_network()?;
            self.opener.extra_network = now + self.chance.exponential(EXTRA_NETWORK);
            return Some(Plan { network: Some(network), ..plan(ConnectionKind::OutboundFullRelay) });
        }
        None
    }

    /// A network in which we know addresses and have no peer.
    fn missing_network(&mut self) -> Option<Network> {
        let mut list: Vec<Network> = NETWORKS.into_iter().filter(|it| self.options.reachable.contains(it)).collect();
        self.chance.shuffle(&mut list);
        let has_peer = |network: Network| {
            self.count(|conn| conn.is_lasting_outbound() && conn.address.addr.network() == network) > 0
        };
        list.into_iter().find(|network| !has_peer(*network) && self.addrman.len(Some(*network), None) > 0)
    }

    /// The groups of the peers that we chose to keep. No two of ours should be of the same.
    fn groups(&self) -> BTreeSet<Vec<u8>> {
        let counts = |kind| {
            matches!(kind, ConnectionKind::Manual | ConnectionKind::OutboundFullRelay | ConnectionKind::BlockRelayOnly)
        };
        let of_kind = self.conns.values().filter(|conn| counts(conn.kind) && is_ip(&conn.address));
        of_kind.map(|conn| self.options.groups.of(&conn.address.addr)).collect()
    }

    fn private_peers(&self) -> usize {
        self.count(|conn| {
            !is_ip(&conn.address)
                && matches!(
                    conn.kind,
                    ConnectionKind::Manual | ConnectionKind::OutboundFullRelay | ConnectionKind::BlockRelayOnly
                )
        })
    }

    /// An address for a plan: where it is, what it offers, when it was heard of.
    fn choose(&mut self, plan: Plan, now: Duration) -> Option<(Service, u64, i64)> {
        let time = seconds(now);
        let groups = self.groups();
        let feeler = plan.kind == ConnectionKind::Feeler;
        while plan.anchor
            && let Some(anchor) = self.anchors.pop()
        {
            let fits = anchor.addr.is_valid()
                && self.is_reachable(&anchor)
                && !groups.contains(&self.options.groups.of(&anchor.addr));
            if fits {
                tracing::debug!(target: "net", "Trying to make an anchor connection to {anchor}");
                return Some((anchor, self.options.services, time));
            }
        }
        let networks: Vec<Network> = match plan.network {
            Some(network) => vec![network],
            None => self.options.reachable.iter().copied().collect(),
        };
        for look in 1..=MAX_LOOKS {
            let entry = self.pick(feeler, &networks, time)?;
            let PeerAt { address, services, seen } = PeerAt::of(&entry);
            if !feeler && is_ip(&address) && groups.contains(&self.options.groups.of(&address.addr)) {
                continue;
            }
            if !address.addr.is_valid() || self.is_own(&address.addr) {
                return None;
            }
            let recent = time - entry.last_try < RECENTLY && look < LOOKS_RECENT;
            let useful =
                if feeler { services & (NODE_NETWORK | NODE_NETWORK_LIMITED) != 0 } else { self.is_useful(services) };
            let odd_port = look < LOOKS_PORT && is_ip(&address) && is_bad_port(address.port);
            if recent || !useful || odd_port || !self.is_reachable(&address) {
                continue;
            }
            let default_port = self.options.default_port;
            if self.added.nodes.iter().any(|node| service(&node.name, default_port) == Some(address)) {
                tracing::debug!(
                    target: "net",
                    "Not making automatic {}{} connection to {} peer selected for manual (addnode) connection{}",
                    if plan.network.is_some() { "network-specific " } else { "" },
                    plan.kind.name(),
                    address.addr.network().name(),
                    if self.options.log_ips { format!(": {address}") } else { String::new() }
                );
                continue;
            }
            return Some((address, services, seen));
        }
        None
    }

    fn pick(&mut self, feeler: bool, networks: &[Network], time: i64) -> Option<Entry> {
        if !feeler {
            return self.addrman.select(false, networks, time);
        }
        let Some(entry) = self.addrman.select_collision() else { return self.addrman.select(true, networks, time) };
        let address = entry.address.service;
        if self.conns.values().any(|conn| conn.address.addr == address.addr) {
            // It is good: it is here. It cannot be called again, so it must not lose its place for that.
            self.addrman.good(&address, time);
            return self.addrman.select(true, networks, time);
        }
        Some(entry)
    }

    fn is_reachable(&self, address: &Service) -> bool {
        self.options.reachable.contains(&address.addr.network())
    }

    /// Whether a peer offers what we need of one that we choose.
    fn is_useful(&self, services: u64) -> bool {
        let limited = services & NODE_NETWORK_LIMITED != 0 && !self.peers.chain.is_initial_download();
        services & NODE_WITNESS != 0 && (services & NODE_NETWORK != 0 || limited)
    }
}

struct PeerAt {
    address: Service,
    services: u64,
    seen: i64,
}

impl PeerAt {
    fn of(entry: &Entry) -> Self {
        let it = entry.address;
        Self { address: it.service, services: it.services, seen: i64::from(it.time) }
    }
}

fn is_ip(address: &Service) -> bool {
    matches!(address.addr.network(), Network::Ipv4 | Network::Ipv6)
}

/// Ports that belong to other services. Calling them could make us part of an attack on those.
pub fn is_bad_port(port: u16) -> bool {
    const BAD: [u16; 85] = [
        1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
        110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530,
        531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3306, 3389, 3659,
        4045, 5060, 5061, 5432, 5900, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6697, 10080, 27017,
    ];
    BAD.contains(&port)
}
