//! From options by name to what the network wants to know, with the daemon's words for what does not fit.

use std::collections::BTreeSet;
use std::time::Duration;

use config::Config;
use net::target::{self, Target};
use net::{Bind, Grant, Implicit, NETWORKS, Options, WhiteBind, WhiteRange};
use p2p::{
    NODE_BLOOM, NODE_COMPACT_FILTERS, NODE_NETWORK, NODE_NETWORK_LIMITED, NODE_P2P_V2, NODE_WITNESS, Network,
    PresyncOptions, Service,
};

use crate::options::BadOption;

mod asmap;
mod privacy;

pub(crate) use asmap::groups;

/// How many automatic connections there are unless the user says otherwise.
const DEFAULT_MAX_CONNECTIONS: i64 = 200;
/// How long the name of the software may be.
const MAX_USER_AGENT: usize = 256;
const DEFAULT_BAN_TIME: i64 = 86_400;

fn bad(text: impl Into<String>) -> BadOption {
    BadOption(text.into())
}

/// Lets options that were given change the defaults of others. Comes before anything is read.
pub(crate) fn interact(config: &Config) {
    let args = config.args();
    let set = |option: &str, value: bool, why: &str| {
        if args.soft_set_bool(option, value) {
            tracing::info!("parameter interaction: {why} -> setting -{option}={}", u8::from(value));
        }
    };
    if !args.get_all("bind").is_empty() {
        set("listen", true, "-bind set");
    }
    if !args.get_all("whitebind").is_empty() {
        set("listen", true, "-whitebind set");
    }
    let few = args.get_i64("maxconnections", DEFAULT_MAX_CONNECTIONS) <= 0;
    if !args.get_all("connect").is_empty() || args.is_negated("connect") || few {
        set("dnsseed", false, "-connect or -maxconnections=0 set");
        set("listen", false, "-connect or -maxconnections=0 set");
    }
    if !matches!(args.get_str("proxy", "").as_str(), "" | "0") {
        for option in ["listen", "natpmp", "discover"] {
            set(option, false, "-proxy set");
        }
    }
    if !args.get_bool("listen", true) {
        for option in ["natpmp", "discover", "listenonion", "i2pacceptincoming"] {
            set(option, false, "-listen=0");
        }
    }
    if !args.get_all("externalip").is_empty() {
        set("discover", false, "-externalip set");
    }
    if args.get_bool("blocksonly", false) {
        set("whitelistrelay", false, "-blocksonly=1");
    }
    if args.get_bool("whitelistforcerelay", false) {
        set("whitelistrelay", true, "-whitelistforcerelay=1");
    }
    let only = args.get_all("onlynet");
    let clear = only.iter().any(|name| matches!(network(name), Some(Network::Ipv4 | Network::Ipv6)));
    if !only.is_empty() && !clear {
        set("dnsseed", false, "-onlynet excludes IPv4 and IPv6");
    }
}

/// A network by its name.
pub(crate) fn network(name: &str) -> Option<Network> {
    let lower = name.to_ascii_lowercase();
    NETWORKS.into_iter().find(|network| network.name() == lower)
}

/// What the node offers to peers.
pub(crate) fn services(config: &Config) -> Result<u64, BadOption> {
    let args = config.args();
    let mut services = NODE_NETWORK_LIMITED | NODE_WITNESS;
    if args.get_i64("prune", 0) == 0 {
        services |= NODE_NETWORK;
    }
    if args.get_bool("v2transport", true) {
        services |= NODE_P2P_V2;
    }
    if args.get_bool("peerbloomfilters", false) {
        services |= NODE_BLOOM;
    }
    if args.get_bool("peerblockfilters", false) {
        if matches!(args.get_str("blockfilterindex", "0").as_str(), "0") {
            return Err(bad("Cannot set -peerblockfilters without -blockfilterindex."));
        }
        services |= NODE_COMPACT_FILTERS;
    }
    Ok(services)
}

/// The name of the software, with what the user adds to it.
pub(crate) fn user_agent(config: &Config) -> Result<String, BadOption> {
    let comments = config.args().get_all("uacomment");
    for comment in &comments {
        let safe = |c: char| c.is_ascii_alphanumeric() || " .,;-_?@".contains(c);
        if !comment.chars().all(safe) {
            return Err(bad(format!("User Agent comment ({comment}) contains unsafe characters.")));
        }
    }
    let version = config::about::VERSION.trim_start_matches('v');
    let all = if comments.is_empty() { String::new() } else { format!("({})", comments.join("; ")) };
    let name = format!("/{}:{version}{all}/", config.coin().user_agent_name);
    if name.len() > MAX_USER_AGENT {
        return Err(bad(format!(
            "Total length of network version string ({}) exceeds maximum length ({MAX_USER_AGENT}). Reduce the number or size of uacomments.",
            name.len()
        )));
    }
    Ok(name)
}

/// How peers are dealt with.
pub(crate) fn peer_options(config: &Config) -> Result<p2p::Options, BadOption> {
    let (args, chain) = (config.args(), config.chain());
    let presync = PresyncOptions {
        commitment_period: chain.headers_sync.commitment_period,
        redownload_buffer: usize::try_from(chain.headers_sync.redownload_buffer_size).unwrap_or(usize::MAX),
    };
    let extra = args.get_i64("blockreconstructionextratxn", 100).max(0);
    Ok(p2p::Options {
        blocks_only: args.get_bool("blocksonly", false),
        handshake_timeout: peer_timeout(config)?,
        extra_txs: usize::try_from(extra).unwrap_or(usize::MAX),
        tx_send_rate: tx_send_rate(config),
        listens: args.get_bool("listen", true),
        prunes: args.get_i64("prune", 0) != 0,
        reconcile: args.get_bool("txreconciliation", false),
        ..p2p::Options::new(services(config)?, user_agent(config)?, presync, chain.pow_target_spacing)
    })
}

/// How many transactions a second are announced to peers that called us, at most on average.
pub(crate) fn tx_send_rate(config: &Config) -> u32 {
    u32::try_from(config.args().get_i64("txsendrate", 14).clamp(1, 1000)).unwrap_or(1)
}

fn peer_timeout(config: &Config) -> Result<Duration, BadOption> {
    match u64::try_from(config.args().get_i64("peertimeout", 60)) {
        Ok(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err(bad("peertimeout must be a positive integer.")),
    }
}

/// Where sockets go, and whom to call.
pub(crate) fn net_options(config: &Config) -> Result<Options, BadOption> {
    let (args, chain) = (config.args(), config.chain());
    check_combinations(config)?;
    asmap::check(config)?;
    let port = listen_port(config)?;
    let mut reachable = reachable(config)?;
    let lookup = args.get_bool("dns", true);
    let proxies = privacy::proxies(config)?;
    let only_onion = !args.get_all("onlynet").is_empty() && reachable.contains(&Network::Onion);
    if proxies.onion.is_none() {
        if only_onion && args.get_str("onion", "") == "0" {
            return Err(bad(
                "Outbound connections restricted to Tor (-onlynet=onion) but the proxy for reaching the Tor network is explicitly forbidden: -onion=0",
            ));
        }
        if only_onion && !args.get_bool("listenonion", true) {
            return Err(bad(
                "Outbound connections restricted to Tor (-onlynet=onion) but the proxy for reaching the Tor network is not provided: none of -proxy, -onion or -listenonion is given",
            ));
        }
        reachable.remove(&Network::Onion);
    }
    let connect = args.get_all("connect");
    let seed_nodes = args.get_all("seednode");
    let connect = if connect.is_empty() && !args.is_negated("connect") {
        None
    } else {
        if !connect.is_empty() && connect != ["0"] && !seed_nodes.is_empty() {
            tracing::info!("-seednode is ignored when -connect is used");
        }
        if args.is_set("dnsseed") && args.get_bool("dnsseed", true) && args.is_set("proxy") {
            tracing::info!("-dnsseed is ignored when -connect is used and -proxy is specified");
        }
        Some(if connect == ["0"] { Vec::new() } else { connect })
    };
    let mut added = args.get_all("addnode");
    added.retain(|name| {
        let empty = name.trim().is_empty();
        if empty {
            tracing::warn!("Ignoring empty -addnode value");
        }
        !empty
    });
    let max_connections = args.get_i64("maxconnections", DEFAULT_MAX_CONNECTIONS);
    let max_connections =
        usize::try_from(max_connections).map_err(|_| bad("-maxconnections must be greater or equal than zero"))?;
    let whitelist: Result<Vec<WhiteRange>, _> =
        args.get_all("whitelist").iter().map(|value| WhiteRange::parse(value)).collect();
    let kilobytes =
        |name, default| usize::try_from(args.get_i64(name, default).max(0).saturating_mul(1000)).unwrap_or(usize::MAX);
    let dns_seed = args.get_bool("dnsseed", true);
    let net_dir = config.net_dir().to_owned();
    let magic = crate::options::chain_params(config)?.magic();
    Ok(Options {
        listen_port: port,
        services: services(config)?,
        binds: binds(config, port)?,
        max_connections,
        inbound_relay_percent: usize::try_from(args.get_i64("inboundrelaypercent", 50).clamp(0, 100)).unwrap_or(0),
        added,
        i2p: privacy::i2p(config)?,
        tor: privacy::tor(config),
        private_broadcast: privacy::private_broadcast(config, &reachable, connect.is_some())?,
        seed_nodes: if connect.is_some() { Vec::new() } else { seed_nodes },
        lookup,
        dns_seeds: if dns_seed { dns_seeds(config) } else { Vec::new() },
        connect,
        check_addresses: u32::try_from(args.get_i64("checkaddrman", 0).clamp(0, 1_000_000)).unwrap_or(0),
        force_dns_seed: args.get_bool("forcednsseed", false),
        proxies,
        reachable,
        cjdns: args.get_bool("cjdnsreachable", false),
        whitelist: whitelist.map_err(|e| bad(e.to_string()))?,
        implicit: Implicit {
            relay: args.get_bool("whitelistrelay", true),
            force_relay: args.get_bool("whitelistforcerelay", false),
        },
        max_send_buffer: kilobytes("maxsendbuffer", 1000),
        max_receive_buffer: kilobytes("maxreceivebuffer", 5000),
        connect_timeout: match u64::try_from(args.get_i64("timeout", 5000)) {
            Ok(millis) if millis > 0 => Duration::from_millis(millis),
            _ => Duration::from_secs(5),
        },
        peer_timeout: peer_timeout(config)?,
        v2: args.get_bool("v2transport", true),
        external: external(config, port, lookup)?,
        max_upload: max_upload(config)?,
        ban_time: args.get_i64("bantime", DEFAULT_BAN_TIME),
        active: args.get_bool("networkactive", true),
        capture: args.get_bool("capturemessages", false).then(|| net_dir.join("message_capture")),
        addr_key: args.has_test_option("addrman").then(|| {
            let mut key = [0; 32];
            key[0] = 1;
            key
        }),
        log_ips: args.get_bool("logips", false),
        discover: args.get_bool("discover", true),
        client_name: config.coin().client_name.to_owned(),
        contact: coin::BUG_CONTACT.to_owned(),
        // No list of addresses comes with the program; the other sources have their time all the same.
        fixed_seeds: args.get_bool("fixedseeds", true).then(Vec::new),
        ..Options::new(magic, chain.p2p_port, net_dir)
    })
}

/// What the user should know of options that fit.
pub(crate) fn warnings(config: &Config, options: &Options) -> Vec<String> {
    privacy::warnings(config, options)
}

fn check_combinations(config: &Config) -> Result<(), BadOption> {
    let args = config.args();
    let listens = args.get_bool("listen", true);
    let binds = args.get_all("bind").len() + args.get_all("whitebind").len();
    if !listens && binds > 0 {
        return Err(bad("Cannot set -bind or -whitebind together with -listen=0"));
    }
    if !listens && args.get_bool("listenonion", true) {
        return Err(bad("Cannot set -listen=0 together with -listenonion=1"));
    }
    if args.get_bool("forcednsseed", false) && !args.get_bool("dnsseed", true) {
        return Err(bad("Cannot set -forcednsseed to true when setting -dnsseed to false."));
    }
    Ok(())
}

fn listen_port(config: &Config) -> Result<u16, BadOption> {
    let args = config.args();
    let Some(text) = args.get("port") else { return Ok(config.chain().p2p_port) };
    text.parse().map_err(|_| bad(format!("Invalid port specified in -port: '{text}'")))
}

fn reachable(config: &Config) -> Result<BTreeSet<Network>, BadOption> {
    let args = config.args();
    let only = args.get_all("onlynet");
    let mut networks: BTreeSet<Network> = if only.is_empty() { NETWORKS.into() } else { BTreeSet::new() };
    for name in &only {
        let found = network(name).ok_or_else(|| bad(format!("Unknown network specified in -onlynet: '{name}'")))?;
        networks.insert(found);
    }
    if !args.is_set("cjdnsreachable") {
        if !only.is_empty() && networks.contains(&Network::Cjdns) {
            return Err(bad(
                "Outbound connections restricted to CJDNS (-onlynet=cjdns) but -cjdnsreachable is not provided",
            ));
        }
        networks.remove(&Network::Cjdns);
    }
    let wants_i2p = !only.is_empty() && networks.contains(&Network::I2p);
    let has_sam = !args.get_str("i2psam", "").is_empty();
    if wants_i2p && !has_sam {
        return Err(bad("Outbound connections restricted to i2p (-onlynet=i2p) but -i2psam is not provided"));
    }
    if !has_sam {
        networks.remove(&Network::I2p);
    }
    if args.truth("dnsseed") == Some(true)
        && args.is_set("dnsseed")
        && !networks.contains(&Network::Ipv4)
        && !networks.contains(&Network::Ipv6)
    {
        return Err(bad(
            "Incompatible options: -dnsseed=1 was explicitly specified, but -onlynet forbids connections to IPv4/IPv6",
        ));
    }
    Ok(networks)
}

fn binds(config: &Config, port: u16) -> Result<Vec<Bind>, BadOption> {
    let args = config.args();
    if !args.get_bool("listen", true) {
        return Ok(Vec::new());
    }
    let plain = |address| Bind { address, grant: Grant::default(), onion: false, optional: false, whitebind: false };
    let onion_port = port.wrapping_add(u16::from(port != 0));
    let mut list = Vec::new();
    for value in args.get_all("bind") {
        let bind = match value.rsplit_once('=') {
            None => target::socket(&value, port).map(plain),
            Some((text, "onion")) => {
                target::socket(text, onion_port).map(|address| Bind { onion: true, ..plain(address) })
            }
            Some(_) => None,
        };
        list.push(bind.ok_or_else(|| bad(format!("Cannot resolve -bind address: '{value}'")))?);
    }
    for value in args.get_all("whitebind") {
        let WhiteBind { address, grant } = WhiteBind::parse(&value).map_err(|e| bad(e.to_string()))?;
        list.push(Bind { grant, whitebind: true, ..plain(address) });
    }
    if list.is_empty() {
        let everywhere: [std::net::IpAddr; 2] =
            [std::net::Ipv6Addr::UNSPECIFIED.into(), std::net::Ipv4Addr::UNSPECIFIED.into()];
        let [six, four] = everywhere.map(|ip| std::net::SocketAddr::new(ip, port));
        // A machine may have no IPv6.
        list.extend([Bind { optional: true, ..plain(six) }, plain(four)]);
    }
    // Somebody who comes from Tor is told apart by where he comes in.
    if args.get_all("bind").is_empty() {
        let address = std::net::SocketAddr::new(std::net::Ipv4Addr::LOCALHOST.into(), onion_port);
        list.push(Bind { onion: true, ..plain(address) });
    }
    let mut seen = BTreeSet::new();
    for bind in &list {
        if bind.address.port() != 0 && !seen.insert(bind.address) {
            return Err(bad(format!(
                "Duplicate binding configuration for address {}. Please check your -bind, -bind=...=onion and -whitebind settings.",
                Service::from(bind.address)
            )));
        }
    }
    Ok(list)
}

fn external(config: &Config, port: u16, lookup: bool) -> Result<Vec<Service>, BadOption> {
    let mut list = Vec::new();
    for value in config.args().get_all("externalip") {
        let found = target::service(&value, port).filter(|service| service.addr.is_valid());
        let found = found.or_else(|| {
            let host = Target::parse(&value, port);
            let looked =
                lookup.then(|| std::net::ToSocketAddrs::to_socket_addrs(&(host.host.as_str(), host.port)).ok());
            looked.flatten().and_then(|mut all| all.next()).map(Service::from)
        });
        list.push(found.ok_or_else(|| bad(format!("Cannot resolve -externalip address: '{value}'")))?);
    }
    Ok(list)
}

fn max_upload(config: &Config) -> Result<u64, BadOption> {
    let text = config.args().get_str("maxuploadtarget", "0M");
    let wrong = || bad(format!("Unable to parse -maxuploadtarget: '{text}'"));
    let (number, unit) = match text.char_indices().last() {
        Some((at, last)) if !last.is_ascii_digit() => (&text[..at], last),
        _ => (text.as_str(), 'M'),
    };
    let factor: u64 = match unit {
        'k' => 1000,
        'K' => 1 << 10,
        'm' => 1_000_000,
        'M' => 1 << 20,
        'g' => 1_000_000_000,
        'G' => 1 << 30,
        't' => 1_000_000_000_000,
        'T' => 1 << 40,
        _ => return Err(wrong()),
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    number.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).ok_or_else(wrong)
}

/// Who is asked for addresses. A signet of one's own has nobody but whom `-signetseednode` names.
fn dns_seeds(config: &Config) -> Vec<String> {
    let (args, chain) = (config.args(), config.chain());
    let signet = chain.kind == coin::ChainKind::Signet;
    if signet && args.is_set("signetseednode") {
        return args.get_all("signetseednode");
    }
    let known = if signet && args.is_set("signetchallenge") { &[] } else { chain.dns_seeds };
    known.iter().map(|name| (*name).to_owned()).collect()
}

#[cfg(test)]
mod tests;
