//! Connections for transactions of our own whose origin nobody must learn: through Tor or I2P, to addresses that chance
//! picks, each for one transaction.

use std::time::Duration;

use p2p::{ChainAccess, ConnectionKind, Entry, NODE_P2P_V2, Network, PeerId, TxAccess};

use super::{Driver, dial::Open, seconds};
use crate::options::Proxy;

/// How many such connections there are at most.
const MOST: usize = 64;
/// How many are begun at a time.
const AT_ONCE: usize = 4;
/// How long nothing is tried while neither network can be reached, and while no fitting address is known.
const NO_NETWORK_REST: Duration = Duration::from_secs(5);
const NO_ADDRESS_REST: Duration = Duration::from_millis(500);
/// After how many useless addresses in a row that is said.
const MAX_USELESS: usize = 100;

/// What is remembered for it.
#[derive(Debug, Default)]
pub(crate) struct Private {
    /// Some peer behind an onion address has answered, so what is taken for Tor's proxy is one.
    tor_works: bool,
    useless: usize,
    /// When something is tried next. The machine's time, not the mock one.
    next: Duration,
}

impl<C: ChainAccess, T: TxAccess> Driver<C, T> {
    /// Opens what the transactions want.
    pub(super) fn keep_private(&mut self, now: Duration) {
        let uptime = self.clock.monotonic();
        if !self.options.private_broadcast || !self.active || uptime < self.private.next {
            return;
        }
        let kind = ConnectionKind::PrivateBroadcast;
        let wanted = self.peers.private_to_open().saturating_sub(self.dialing(|it| it == kind));
        let room = MOST.saturating_sub(self.holds(kind));
        for _ in 0..wanted.min(room).min(AT_ONCE) {
            let Some((network, proxy)) = self.private_network() else {
                tracing::warn!("Unable to open -privatebroadcast connections: neither Tor nor I2P is reachable");
                self.private.next = uptime + NO_NETWORK_REST;
                return;
            };
            let picked = self.addrman.select(false, &[network], seconds(now));
            let fits = |entry: &Entry| {
                let address = &entry.address.service.addr;
                address.is_valid() && !self.is_own(address)
            };
            let Some(entry) = picked.filter(fits) else {
                self.private.useless += 1;
                if self.private.useless > MAX_USELESS {
                    tracing::debug!(
                        target: "privatebroadcast",
                        "Connections needed but addrman keeps returning bad addresses, will retry"
                    );
                    self.private.next = uptime + NO_ADDRESS_REST;
                }
                continue;
            };
            self.private.useless = 0;
            let open = Open {
                name: None,
                address: Some(entry.address.service),
                kind,
                v2: self.options.v2 && entry.address.services & NODE_P2P_V2 != 0,
                count_failure: true,
                last_seen: Some(i64::from(entry.address.time)),
                proxy,
                done: None,
            };
            self.open(open, now);
        }
    }

    /// A network for the next connection, and a proxy that is not the network's own: peers of IPv4 and IPv6 are called
    /// through Tor.
    fn private_network(&mut self) -> Option<(Network, Option<Proxy>)> {
        let reachable = |network| self.options.reachable.contains(&network);
        let mut list = Vec::new();
        if reachable(Network::Onion) {
            list.push((Network::Onion, None));
            let tor = self.options.proxies.onion.as_ref().filter(|_| self.private.tor_works);
            let through_tor = |network| tor.filter(|_| reachable(network)).map(|tor| (network, Some(tor.clone())));
            list.extend([Network::Ipv4, Network::Ipv6].into_iter().filter_map(through_tor));
        }
        if reachable(Network::I2p) {
            list.push((Network::I2p, None));
        }
        if list.is_empty() {
            return None;
        }
        let index = self.chance.index(list.len());
        Some(list.swap_remove(index))
    }

    /// A call for it has come to its end.
    pub(super) fn private_called(&mut self, open: &Open, connected: bool) {
        let to = open.address.map(|address| address.to_string()).unwrap_or_default();
        if connected {
            let through = open.proxy.as_ref().map(|proxy| format!(" through the proxy at {}", proxy.endpoint));
            let left = self.peers.private_opened();
            tracing::debug!(
                target: "privatebroadcast",
                "Socket connected to {to}{}; remaining connections to open: {left}", through.unwrap_or_default()
            );
            return;
        }
        let what = match self.peers.private_to_open() {
            0 => "will not retry, no more connections needed".to_owned(),
            left => format!("will retry to a different address; remaining connections to open: {left}"),
        };
        tracing::debug!(target: "privatebroadcast", "Failed to connect to {to}, {what}");
    }

    /// A peer that we called has sent its version: if it has an onion address, Tor works.
    pub(super) fn private_note_verack(&mut self, id: PeerId) {
        let through_tor = self
            .conns
            .get(&id)
            .is_some_and(|conn| conn.kind != ConnectionKind::Inbound && conn.address.addr.network() == Network::Onion);
        self.private.tor_works |= through_tor;
    }
}
