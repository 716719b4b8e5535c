//! What the user wants of the network, already read and checked.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use p2p::{Groups, Network, Service};

use crate::permissions::{Grant, Implicit, WhiteRange};
use crate::sockets::Endpoint;

/// The networks in the order in which RPC answers list them.
pub const NETWORKS: [Network; 5] = [Network::Ipv4, Network::Ipv6, Network::Onion, Network::I2p, Network::Cjdns];

/// A place to listen at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bind {
    /// The address.
    pub address: SocketAddr,
    /// What those may do that connect there.
    pub grant: Grant,
    /// Connections there come from Tor.
    pub onion: bool,
    /// It is only tried: the node runs without it.
    pub optional: bool,
    /// It was asked for with `-bind` or `-whitebind`, so that a failure is told.
    pub whitebind: bool,
}

/// A SOCKS5 proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Whether each connection has credentials of its own.
    pub randomize: bool,
}

/// Which proxy leads where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// To IPv4.
    pub ipv4: Option<Proxy>,
    /// To IPv6.
    pub ipv6: Option<Proxy>,
    /// To Tor.
    pub onion: Option<Proxy>,
    /// To CJDNS.
    pub cjdns: Option<Proxy>,
    /// To names.
    pub name: Option<Proxy>,
}

impl Proxies {
    /// The proxy to a network.
    pub fn to(&self, network: Network) -> Option<&Proxy> {
        match network {
            Network::Ipv4 => self.ipv4.as_ref(),
            Network::Ipv6 => self.ipv6.as_ref(),
            Network::Onion => self.onion.as_ref(),
            Network::Cjdns => self.cjdns.as_ref(),
            Network::I2p => None,
        }
    }
}

/// Tor's control port, by which it is asked for an onion service of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TorControl {
    /// Where it is: an address or a name, with or without a port.
    pub center: String,
    /// The password; empty if Tor knows us by a file.
    pub password: String,
    /// Whether Tor also tells where its proxy is.
    pub finds_proxy: bool,
    /// Whether peers behind onion addresses may be called through that.
    pub may_reach: bool,
}

/// A router of I2P.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct I2pRouter {
    /// Where its SAM interface is.
    pub endpoint: Endpoint,
    /// Whether others can call us.
    pub accepts: bool,
}

/// Everything that was said about the network.
#[derive(Debug, Clone)]
pub struct Options {
    /// What messages start with.
    pub magic: [u8; 4],
    /// The port of peers that name none.
    pub default_port: u16,
    /// The port that our own address is told with.
    pub listen_port: u16,
    /// What this node offers.
    pub services: u64,
    /// Where to listen; nowhere with `-nolisten`.
    pub binds: Vec<Bind>,
    /// How many connections are made or taken by themselves.
    pub max_connections: usize,
    /// How many of those that call us may want transactions, in percent.
    pub inbound_relay_percent: usize,
    /// How many connections there may be with `-addnode`.
    pub max_added: usize,
    /// With `-connect`: these, and no others.
    pub connect: Option<Vec<String>>,
    /// `-addnode`
    pub added: Vec<String>,
    /// `-seednode`
    pub seed_nodes: Vec<String>,
    /// Whether names are looked up.
    pub lookup: bool,
    /// The names of DNS seeds; empty if they are not to be asked.
    pub dns_seeds: Vec<String>,
    /// Whether DNS seeds are asked even if addresses are known.
    pub force_dns_seed: bool,
    /// Addresses that are tried when there are no others; `None` if that is not wanted.
    pub fixed_seeds: Option<Vec<Service>>,
    /// Which proxy leads where.
    pub proxies: Proxies,
    /// The way to I2P.
    pub i2p: Option<I2pRouter>,
    /// The way to Tor beside a proxy.
    pub tor: Option<TorControl>,
    /// Which networks are called.
    pub reachable: BTreeSet<Network>,
    /// Whether fc00::/8 is CJDNS.
    pub cjdns: bool,
    /// Who may do more.
    pub whitelist: Vec<WhiteRange>,
    /// What those may do who are whitelisted without saying for what.
    pub implicit: Implicit,
    /// How many bytes may wait to be sent to a peer.
    pub max_send_buffer: usize,
    /// How many bytes of a peer may wait to be handled.
    pub max_receive_buffer: usize,
    /// How long a call may take.
    pub connect_timeout: Duration,
    /// How long a new connection may be silent.
    pub peer_timeout: Duration,
    /// Whether BIP324 is spoken.
    pub v2: bool,
    /// Our own addresses, as the user says.
    pub external: Vec<Service>,
    /// Whether own addresses are found out.
    pub discover: bool,
    /// Our own addresses, as the machine says.
    pub discovered: Vec<Service>,
    /// How many bytes may be sent in a day; 0 for any number.
    pub max_upload: u64,
    /// For how long a peer is banned if nothing else is said, in seconds.
    pub ban_time: i64,
    /// Whether there is any network at all, at first.
    pub active: bool,
    /// Where `peers.dat`, `anchors.dat` and `banlist.json` are.
    pub directory: PathBuf,
    /// The secret of the tables of addresses, for tests that must know where one goes.
    pub addr_key: Option<[u8; 32]>,
    /// Which addresses belong together.
    pub groups: Groups,
    /// In one of how many operations the tables of addresses are checked; 0 for never.
    pub check_addresses: u32,
    /// Whether transactions of the user are sent over connections of their own, through Tor and I2P.
    pub private_broadcast: bool,
    /// Where messages are recorded.
    pub capture: Option<PathBuf>,
    /// Whether log lines show addresses.
    pub log_ips: bool,
    /// What the program is called.
    pub client_name: String,
    /// Whom to tell of a broken file.
    pub contact: String,
}

impl Options {
    /// As a regtest node without any option has it, in some directory.
    pub fn new(magic: [u8; 4], default_port: u16, directory: PathBuf) -> Self {
        Self {
            magic,
            default_port,
            listen_port: default_port,
            services: p2p::NODE_NETWORK | p2p::NODE_WITNESS | p2p::NODE_NETWORK_LIMITED | p2p::NODE_P2P_V2,
            binds: Vec::new(),
            max_connections: 200,
            inbound_relay_percent: 50,
            max_added: 8,
            connect: None,
            added: Vec::new(),
            seed_nodes: Vec::new(),
            lookup: true,
            dns_seeds: Vec::new(),
            force_dns_seed: false,
            fixed_seeds: None,
            proxies: Proxies::default(),
            i2p: None,
            tor: None,
            reachable: BTreeSet::from([Network::Ipv4, Network::Ipv6]),
            cjdns: false,
            whitelist: Vec::new(),
            implicit: Implicit { relay: true, force_relay: false },
            max_send_buffer: 1_000_000,
            max_receive_buffer: 5_000_000,
            connect_timeout: Duration::from_secs(5),
            peer_timeout: Duration::from_mins(1),
            v2: true,
            external: Vec::new(),
            discover: true,
            discovered: Vec::new(),
            max_upload: 0,
            ban_time: 86_400,
            active: true,
            directory,
            addr_key: None,
            groups: Groups::default(),
            check_addresses: 0,
            private_broadcast: false,
            capture: None,
            log_ips: false,
            client_name: "Bulkhead".to_owned(),
            contact: "its makers".to_owned(),
        }
    }

    /// How many connections of each sort are made by themselves.
    pub fn max_full_relay(&self) -> usize {
        self.max_connections.min(8)
    }

    /// Those for blocks only.
    pub fn max_block_relay(&self) -> usize {
        self.max_connections.saturating_sub(self.max_full_relay()).min(2)
    }

    /// All that are made by themselves: those above, and one that is only tried.
    pub fn max_outbound(&self) -> usize {
        (self.max_full_relay() + self.max_block_relay() + 1).min(self.max_connections)
    }

    /// How many peers may call us.
    pub fn max_inbound(&self) -> usize {
        self.max_connections.saturating_sub(self.max_full_relay() + self.max_block_relay() + 1)
    }

    /// How many of those may want transactions.
    pub fn max_inbound_relay(&self) -> usize {
        self.max_inbound() * self.inbound_relay_percent / 100
    }
}
