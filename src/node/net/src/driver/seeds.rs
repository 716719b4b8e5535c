//! Finding the first peers: seed nodes, DNS seeds, and addresses that are built in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use p2p::{ChainAccess, ConnectionKind, NODE_NETWORK, NODE_WITNESS, NetAddr, Network, PeerAddress, Service, TxAccess};

use super::{Driver, seconds};
use crate::io::Command;
use crate::options::{NETWORKS, Options};

/// So many peers are enough to find others.
const ENOUGH: usize = 2;
/// How long another seed node is waited for, and how long all of them before DNS seeds are asked.
const NEXT_SEED_NODE: Duration = Duration::from_secs(10);
const SEED_NODES_FIRST: Duration = Duration::from_secs(30);
/// How long known addresses are tried before DNS seeds are asked: few, and many.
const WAIT_FEW: Duration = Duration::from_secs(11);
const WAIT_MANY: Duration = Duration::from_mins(5);
const MANY: usize = 1000;
/// How many DNS seeds are asked at once, and how many addresses of each are taken.
const AT_ONCE: usize = 3;
const MAX_FOUND: usize = 32;
/// How long other sources have before built-in addresses are used.
const FIXED_AFTER: Duration = Duration::from_mins(1);
const DAY: i64 = 86_400;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dns {
    /// Nothing was asked yet.
    Start,
    /// Known addresses and seed nodes have their turn until then.
    Waiting(Duration),
    /// Seeds are being asked.
    Asking,
    /// That is over.
    Done,
}

/// How far the search for first peers has come.
#[derive(Debug)]
pub(crate) struct Seeds {
    nodes: Vec<String>,
    next_node: Duration,
    begun: bool,
    dns: Dns,
    names: Vec<String>,
    open: BTreeMap<u64, String>,
    found: usize,
    fixed: bool,
    start: Duration,
}

impl Seeds {
    pub(crate) fn new(options: &Options, now: Duration) -> Self {
        let dns = if options.dns_seeds.is_empty() { Dns::Done } else { Dns::Start };
        Self {
            nodes: options.seed_nodes.clone(),
            next_node: Duration::ZERO,
            begun: false,
            dns,
            names: options.dns_seeds.clone(),
            open: BTreeMap::new(),
            found: 0,
            fixed: options.fixed_seeds.is_some() && options.connect.is_none(),
            start: now,
        }
    }

    pub(crate) fn is_ours(&self, ticket: u64) -> bool {
        self.open.contains_key(&ticket)
    }
}

impl<C: ChainAccess, T: TxAccess> Driver<C, T> {
    pub(super) fn keep_seeds(&mut self, now: Duration) {
        if !self.active {
            return;
        }
        let uptime = self.clock.monotonic();
        if !self.seeds.begun {
            self.seeds.begun = true;
            // Work that has threads of its own in the reference; tools wait for the lines.
            tracing::info!("addcon thread start");
            if self.options.connect.as_ref().is_none_or(|peers| !peers.is_empty()) {
                tracing::info!("opencon thread start");
            }
            if self.options.dns_seeds.is_empty() {
                tracing::info!("DNS seeding disabled");
            }
            if self.options.connect.is_none() && self.options.fixed_seeds.is_none() {
                tracing::info!("Fixed seeds are disabled");
            }
            if self.addrman.is_empty() {
                self.next_seed_node(now, true);
            } else {
                self.seeds.next_node = now + NEXT_SEED_NODE;
            }
        }
        self.next_seed_node(now, false);
        self.keep_dns(uptime);
        self.keep_fixed(now);
    }

    fn full_relay_peers(&self) -> usize {
        self.conns
            .iter()
            .filter(|(id, conn)| conn.kind == ConnectionKind::OutboundFullRelay && self.peers.is_established(**id))
            .count()
    }

    /// Asks one more of the seed nodes, while there are too few peers.
    fn next_seed_node(&mut self, now: Duration, first: bool) {
        if self.options.connect.is_some()
            || self.full_relay_peers() >= ENOUGH
            || (now <= self.seeds.next_node && !first)
        {
            return;
        }
        let Some(name) = self.seeds.nodes.pop() else { return };
        if self.addrman.is_empty() {
            tracing::info!("Empty addrman, adding seednode ({name}) to addrfetch");
        } else {
            let waited = NEXT_SEED_NODE.as_secs();
            tracing::info!(
                "Couldn't connect to peers from addrman after {waited} seconds. Adding seednode ({name}) to addrfetch"
            );
        }
        self.seeds.next_node = now + NEXT_SEED_NODE;
        self.added.fetch.push_back(name);
    }

    fn keep_dns(&mut self, uptime: Duration) {
        match self.seeds.dns {
            Dns::Start => {
                self.chance.shuffle(&mut self.seeds.names);
                let all = self.options.force_dns_seed || self.addrman.is_empty();
                self.seeds.dns = if !self.options.seed_nodes.is_empty() {
                    let wait = SEED_NODES_FIRST.as_secs();
                    tracing::info!(
                        "-seednode enabled. Trying the provided seeds for {wait} seconds before defaulting to the dnsseeds."
                    );
                    Dns::Waiting(uptime + SEED_NODES_FIRST)
                } else if all {
                    Dns::Asking
                } else {
                    let wait = if self.addrman.len(None, None) >= MANY { WAIT_MANY } else { WAIT_FEW };
                    tracing::info!("Waiting {} seconds before querying DNS seeds.", wait.as_secs());
                    Dns::Waiting(uptime + wait)
                };
            }
            Dns::Waiting(until) => {
                if self.full_relay_peers() >= ENOUGH {
                    if self.options.seed_nodes.is_empty() {
                        tracing::info!("P2P peers available. Skipped DNS seeding.");
                    } else {
                        tracing::info!("P2P peers available. Finished fetching data from seed nodes.");
                    }
                    self.seeds.dns = Dns::Done;
                } else if uptime >= until {
                    if !self.options.seed_nodes.is_empty() {
                        tracing::info!(
                            "Couldn't connect to enough peers via seed nodes. Handing fetch logic to the DNS seeds."
                        );
                    }
                    self.seeds.dns = Dns::Asking;
                }
            }
            Dns::Asking if self.seeds.open.is_empty() => {
                let all = self.options.force_dns_seed || self.addrman.is_empty();
                if self.seeds.names.is_empty() {
                    tracing::info!("{} addresses found from DNS seeds", self.seeds.found);
                    self.seeds.dns = Dns::Done;
                    return;
                }
                let count = if all { self.seeds.names.len() } else { AT_ONCE.min(self.seeds.names.len()) };
                for name in self.seeds.names.drain(..count).collect::<Vec<_>>() {
                    self.ask_seed(name);
                }
                if !all {
                    self.seeds.dns = Dns::Waiting(uptime + WAIT_FEW);
                }
            }
            Dns::Asking | Dns::Done => {}
        }
    }

    fn ask_seed(&mut self, name: String) {
        tracing::info!("Loading addresses from DNS seed {name}");
        if self.options.proxies.name.is_some() {
            // Nothing may be looked up here; but the seed is a peer as well.
            self.added.fetch.push_back(name);
            return;
        }
        self.next_ticket += 1;
        let ticket = self.next_ticket;
        self.seeds.open.insert(ticket, name.clone());
        // A name before that of the seed asks for peers with these services.
        let host = format!("x{:x}.{name}", NODE_NETWORK | NODE_WITNESS);
        let _ = self.io.send(Command::Resolve { ticket, host });
    }

    pub(super) fn seed_answered(&mut self, ticket: u64, found: &[IpAddr], now: Duration) {
        let name = self.seeds.open.remove(&ticket);
        if let (Some(name), true) = (name, found.is_empty()) {
            // The seed may know nothing of services; but it is a peer as well.
            self.added.fetch.push_back(name);
            return;
        }
        let time = seconds(now);
        let mut list = Vec::new();
        for ip in found.iter().take(MAX_FOUND) {
            // Between three and seven days old, so that others are preferred.
            let age = 3 * DAY + i64::try_from(self.chance.below(4 * 86_400)).unwrap_or(0);
            let service = Service { addr: NetAddr::ip(*ip), port: self.options.default_port };
            let time = u32::try_from(time - age).unwrap_or(0);
            list.push(PeerAddress { time, services: NODE_NETWORK | NODE_WITNESS, service });
        }
        self.seeds.found += list.len();
        let source = list.first().map_or(NetAddr::NOWHERE, |first| first.service.addr);
        self.addrman.add(&list, source, 0, time);
    }

    /// Uses the addresses that are built in, for networks in which no other is known.
    fn keep_fixed(&mut self, now: Duration) {
        if !self.seeds.fixed {
            return;
        }
        let known = |network: Network| self.addrman.len(Some(network), None) > 0;
        let empty: Vec<Network> =
            NETWORKS.into_iter().filter(|it| self.options.reachable.contains(it) && !known(*it)).collect();
        if empty.is_empty() {
            return;
        }
        if now > self.seeds.start + FIXED_AFTER {
            tracing::info!(
                "Adding fixed seeds as 60 seconds have passed and addrman is empty for at least one reachable network"
            );
        } else if self.options.dns_seeds.is_empty() && self.options.seed_nodes.is_empty() && self.added.nodes.is_empty()
        {
            tracing::info!(
                "Adding fixed seeds as -dnsseed=0 (or IPv4/IPv6 connections are disabled via -onlynet) and neither -addnode nor -seednode are provided"
            );
        } else {
            return;
        }
        self.seeds.fixed = false;
        let time = seconds(now);
        let mut list = Vec::new();
        for service in self.options.fixed_seeds.iter().flatten().filter(|it| empty.contains(&it.addr.network())) {
            // One to two weeks old.
            let age = 7 * DAY + i64::try_from(self.chance.below(7 * 86_400)).unwrap_or(0);
            let time = u32::try_from(time - age).unwrap_or(0);
            list.push(PeerAddress { time, services: NODE_NETWORK | NODE_WITNESS, service: *service });
        }
        self.addrman.add(&list, NetAddr::NOWHERE, 0, time);
        tracing::info!("Added {} fixed seeds from reachable networks.", list.len());
    }
}
