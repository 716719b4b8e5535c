//! Calling a peer: by address or by name, straight or through a proxy, in BIP324 first and in the clear if need be.

use std::net::IpAddr;
use std::sync::mpsc::Sender;
use std::time::Duration;

use p2p::{ChainAccess, ConnectionKind, Network, PeerId, Service, Transport, TxAccess};

use super::{Conn, Driver, seconds};
use crate::io::{Command, Dialed, Route};
use crate::options::Proxy;
use crate::permissions::{Grant, granted};
use crate::sockets::Connected;
use crate::socks5::Credentials;
use crate::target::{Target, as_cjdns};

/// How many addresses of one name are tried.
const MAX_RESOLVED: usize = 256;

/// Dropped when a call has come to its end, whichever.
pub(crate) type Done = Sender<()>;

/// Whom to call.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    /// By the name that the user gave.
    pub(crate) name: Option<String>,
    /// Or by the address that we chose.
    pub(crate) address: Option<Service>,
    /// Why.
    pub(crate) kind: ConnectionKind,
    /// Whether to begin with BIP324.
    pub(crate) v2: bool,
    /// Whether a failure says something about the address.
    pub(crate) count_failure: bool,
    /// When it was last heard of.
    pub(crate) last_seen: Option<i64>,
    /// Through which proxy, if not through that of its network.
    pub(crate) proxy: Option<Proxy>,
    /// Who waits for the end of it.
    #[expect(dead_code, reason = "that it is dropped is the message")]
    pub(crate) done: Option<Done>,
}

impl Open {
    /// By name, as the user asks.
    pub(crate) fn by_name(name: &str, kind: ConnectionKind, v2: bool) -> Self {
        Self {
            name: Some(name.to_owned()),
            address: None,
            kind,
            v2,
            count_failure: false,
            last_seen: None,
            proxy: None,
            done: None,
        }
    }

    pub(crate) fn is_private(&self) -> bool {
        self.kind == ConnectionKind::PrivateBroadcast
    }
}

/// A call that is being made.
#[derive(Debug)]
pub(crate) struct Dial {
    pub(super) open: Open,
    target: Target,
    /// Where each route leads, as far as that is known.
    to: Vec<Option<Service>>,
}

impl<C: ChainAccess, T: TxAccess> Driver<C, T> {
    pub(super) fn is_connected_to(&self, address: &Service) -> bool {
        self.conns.values().any(|conn| conn.address == *address)
    }

    /// Starts a call. Nothing comes of it if the network is off, or if the peer is there already or not wanted.
    pub(crate) fn open(&mut self, open: Open, now: Duration) {
        if !self.active {
            return;
        }
        match (&open.name, open.address) {
            (Some(name), _) => {
                if self.conns.values().any(|conn| conn.name == *name) {
                    return;
                }
            }
            (None, Some(address)) => {
                let unwanted = self.shun.is_banned(&address.addr) || self.shun.is_discouraged(&address.addr);
                let connected = self.conns.values().any(|conn| conn.address.addr == address.addr);
                if unwanted || connected || self.is_own(&address.addr) {
                    return;
                }
            }
            (None, None) => return,
        }
        let shown = open.name.clone().or(open.address.map(|address| address.to_string())).unwrap_or_default();
        let hours = open.last_seen.map_or(0, |seen| seconds(now).saturating_sub(seen) / 360);
        tracing::debug!(
            target: "net",
            "trying {} connection ({}) to {shown}, lastseen={}.{}hrs",
            if open.v2 { "v2" } else { "v1" }, open.kind.name(), hours / 10, hours % 10
        );
        let target = match open.address {
            Some(address) => Target { host: address.addr.to_string(), port: address.port },
            None => Target::parse(&shown, self.options.default_port),
        };
        let known = open.address.or_else(|| target.numeric());
        match known {
            Some(address) => self.dial(open, target, &[as_cjdns(address, self.options.cjdns)]),
            None if self.options.proxies.name.is_some() => {
                let routes = self.options.proxies.name.clone().map(|proxy| self.through(&proxy, &target));
                self.dial_routes(open, target, vec![None], routes.into_iter().collect());
            }
            None if self.options.lookup && !target.host.is_empty() => {
                let ticket = self.ticket();
                let host = target.host.clone();
                self.dials.insert(ticket, Dial { open, target, to: Vec::new() });
                let _ = self.io.send(Command::Resolve { ticket, host });
            }
            None => {}
        }
    }

    fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    pub(super) fn resolved(&mut self, ticket: u64, found: &[IpAddr], now: Duration) {
        if self.seeds.is_ours(ticket) {
            self.seed_answered(ticket, found, now);
            return;
        }
        let Some(Dial { open, target, .. }) = self.dials.remove(&ticket) else { return };
        let mut list: Vec<Service> = found
            .iter()
            .take(MAX_RESOLVED)
            .map(|ip| Service { addr: p2p::NetAddr::ip(*ip), port: target.port })
            .collect();
        self.chance.shuffle(&mut list);
        self.dial(open, target, &list);
    }

    /// Calls one of several addresses of the same peer.
    fn dial(&mut self, open: Open, target: Target, list: &[Service]) {
        if open.name.is_some()
            && let Some(known) = list.iter().find(|address| self.is_connected_to(address))
        {
            let name = open.name.unwrap_or_default();
            tracing::info!("Not opening a connection to {name}, already connected to {known}");
            return;
        }
        let mut to = Vec::new();
        let mut routes = Vec::new();
        for address in list {
            if let Some(route) = self.route(address, &open) {
                routes.push(route);
                to.push(Some(*address));
            }
        }
        self.dial_routes(open, target, to, routes);
    }

    fn dial_routes(&mut self, open: Open, target: Target, to: Vec<Option<Service>>, routes: Vec<Route>) {
        if routes.is_empty() {
            return;
        }
        let ticket = self.ticket();
        let timeout = self.options.connect_timeout;
        self.dials.insert(ticket, Dial { open, target, to });
        let _ = self.io.send(Command::Dial { ticket, routes, timeout });
    }

    /// The way to an address, if there is one.
    fn route(&mut self, address: &Service, open: &Open) -> Option<Route> {
        if address.addr.network() == Network::I2p {
            let hidden = open.is_private();
            return self.options.i2p.is_some().then_some(Route::I2p { to: *address, hidden });
        }
        // No proxy leads to this machine or to networks at home.
        let of_network = || self.options.proxies.to(address.addr.network()).filter(|_| address.addr.is_routable());
        if let Some(proxy) = open.proxy.as_ref().or_else(of_network).cloned() {
            tracing::debug!(target: "proxy", "Using proxy: {} to connect to {address}", proxy.endpoint);
            let target = Target { host: address.addr.to_string(), port: address.port };
            return Some(self.through(&proxy, &target));
        }
        // Straight ways show where we are.
        address.socket().filter(|_| !open.is_private()).map(Route::Direct)
    }

    fn through(&mut self, proxy: &Proxy, target: &Target) -> Route {
        let credentials = proxy.randomize.then(|| {
            // Nobody else uses the first number, and we use no pair twice.
            self.isolation.1 += 1;
            let text = format!("{:016x}-{}", self.isolation.0, self.isolation.1);
            Credentials { user: text.clone(), password: text }
        });
        Route::Socks { proxy: proxy.endpoint.clone(), host: target.host.clone(), port: target.port, credentials }
    }

    /// A call has come to its end.
    pub(super) fn dialed(&mut self, ticket: u64, dialed: Dialed, now: Duration) {
        let Some(Dial { open, target, to }) = self.dials.remove(&ticket) else { return };
        let failed = dialed.peers_fault.iter().zip(&to).filter_map(|(fault, to)| to.filter(|_| *fault));
        let reached = dialed.connected.as_ref().and_then(|(index, _)| to.get(*index).copied().flatten());
        for address in failed.chain(reached) {
            self.addrman.attempt(&address, open.count_failure, seconds(now));
        }
        if open.is_private() {
            self.private_called(&open, dialed.connected.is_some());
        }
        let Some((_, connected)) = dialed.connected else { return };
        // While we called, the network may have been switched off, or the peer may have called us.
        let taken = open.name.as_ref().is_some_and(|name| self.conns.values().any(|conn| conn.name == *name));
        if !self.active || taken || (open.name.is_none() && reached.is_some_and(|it| self.is_connected_to(&it))) {
            return;
        }
        self.call_answered(&open, &target, reached, connected, now);
    }

    fn call_answered(
        &mut self,
        open: &Open,
        target: &Target,
        reached: Option<Service>,
        connected: Connected,
        now: Duration,
    ) {
        // A name that only the proxy knows leads to an address that we never learn.
        let address = reached.unwrap_or(Service { addr: p2p::NetAddr::NOWHERE, port: target.port });
        let outgoing = self.options.whitelist.iter().filter(|range| range.outgoing);
        let grant =
            if open.kind == ConnectionKind::Manual { granted(outgoing, &address.addr) } else { Grant::default() };
        let transport = if open.v2 {
            Transport::v2(self.options.magic, true, &mut self.chance)
        } else {
            Transport::v1(self.options.magic)
        };
        let conn = Conn {
            link: self.new_link(),
            kind: open.kind,
            address,
            name: open.name.clone().unwrap_or_else(|| address.to_string()),
            by_name: open.name.is_some(),
            local: connected.local,
            inbound_onion: false,
            permissions: grant.resolve(self.options.implicit),
            connected: now,
            v2: open.v2,
            proxy: open.proxy.clone(),
            transport_told: false,
        };
        self.start(conn, transport, connected, now);
    }

    /// A peer that has closed the connection without a word in BIP324 may speak only the older language.
    pub(super) fn retry_in_the_clear(&self, id: PeerId) -> Option<Open> {
        let conn = self.conns.get(&id)?;
        if !self.active || conn.kind == ConnectionKind::Inbound || !conn.v2 || !conn.link.should_retry_v1() {
            return None;
        }
        let by_name = conn.by_name;
        Some(Open {
            name: by_name.then(|| conn.name.clone()),
            address: (!by_name).then_some(conn.address),
            kind: conn.kind,
            v2: false,
            count_failure: false,
            last_seen: None,
            proxy: conn.proxy.clone(),
            done: None,
        })
    }

    /// How many calls of some sort are being made.
    pub(super) fn dialing(&self, fits: impl Fn(ConnectionKind) -> bool) -> usize {
        self.dials.values().filter(|dial| fits(dial.open.kind)).count()
    }
}
