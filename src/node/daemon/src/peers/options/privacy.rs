//! What hides who talks to whom: proxies, and transactions that are sent through Tor and I2P only.

use std::collections::BTreeSet;

use config::Config;
use net::target::Target;
use net::{Endpoint, I2pRouter, Options, Proxies, Proxy, TorControl};
use p2p::Network;
use platform::socket::HAS_LOCAL_SOCKETS;

use super::bad;
use crate::options::BadOption;

/// The port of Tor's proxy.
const TOR_PORT: u16 = 9050;
/// Where Tor's control port is.
const TOR_CONTROL: &str = "127.0.0.1:9051";
/// The port of I2P's SAM interface.
const SAM_PORT: u16 = 7656;
/// A path of a socket, and the zero behind it, fit into so many bytes.
const MAX_UNIX_PATH: usize = 108;
const PRIVATE: &str = "Private broadcast of own transactions requested (-privatebroadcast)";

fn endpoint(text: &str, default_port: u16) -> Option<Endpoint> {
    if let Some(path) = text.strip_prefix("unix:").filter(|_| HAS_LOCAL_SOCKETS) {
        return (1..MAX_UNIX_PATH).contains(&path.len()).then(|| Endpoint::Unix(path.into()));
    }
    let target = Target::parse(text, default_port);
    let host = if target.host == "localhost" { "127.0.0.1" } else { target.host.as_str() };
    let ip = host.parse().ok()?;
    (target.port != 0).then(|| Endpoint::Tcp(std::net::SocketAddr::new(ip, target.port)))
}

pub(super) fn proxies(config: &Config) -> Result<Proxies, BadOption> {
    let args = config.args();
    let randomize = args.get_bool("proxyrandomize", true);
    let mut all = Proxies::default();
    for value in args.get_all("proxy") {
        let (text, network) = match value.rsplit_once('=') {
            Some((_, "")) => {
                return Err(bad(format!("Invalid -proxy address or hostname, ends with '=': '{value}'")));
            }
            Some((text, network)) => (text, network.to_ascii_lowercase()),
            None => (value.as_str(), String::new()),
        };
        let proxy = match text {
            "" | "0" => None,
            text => {
                let found = endpoint(text, TOR_PORT)
                    .ok_or_else(|| bad(format!("Invalid -proxy address or hostname: '{text}'")))?;
                Some(Proxy { endpoint: found, randomize })
            }
        };
        match network.as_str() {
            "" => {
                all = Proxies {
                    ipv4: proxy.clone(),
                    ipv6: proxy.clone(),
                    onion: proxy.clone(),
                    cjdns: proxy.clone(),
                    name: proxy,
                }
            }
            "ipv4" => (all.ipv4, all.name) = (proxy.clone(), proxy),
            "ipv6" => (all.ipv6, all.name) = (proxy.clone(), proxy),
            "onion" => all.onion = proxy,
            "cjdns" => all.cjdns = proxy,
            other => return Err(bad(format!("Unrecognized network in -proxy='{value}': '{other}'"))),
        }
    }
    match args.get_str("onion", "").as_str() {
        "" => {}
        "0" => all.onion = None,
        text => {
            let found =
                endpoint(text, TOR_PORT).ok_or_else(|| bad(format!("Invalid -onion address or hostname: '{text}'")))?;
            all.onion = Some(Proxy { endpoint: found, randomize });
        }
    }
    Ok(all)
}

/// The router of I2P.
pub(super) fn i2p(config: &Config) -> Result<Option<I2pRouter>, BadOption> {
    let args = config.args();
    let text = args.get_str("i2psam", "");
    if text.is_empty() {
        return Ok(None);
    }
    let found = endpoint(&text, SAM_PORT).filter(|found| matches!(found, Endpoint::Tcp(_)));
    let endpoint = found.ok_or_else(|| bad(format!("Invalid -i2psam address or hostname: '{text}'")))?;
    Ok(Some(I2pRouter { endpoint, accepts: args.get_bool("i2pacceptincoming", true) }))
}

/// Tor's control port, if it is to give us an onion service.
pub(super) fn tor(config: &Config) -> Option<TorControl> {
    let args = config.args();
    args.get_bool("listenonion", true).then(|| TorControl {
        center: args.get_str("torcontrol", TOR_CONTROL),
        password: args.get_str("torpassword", ""),
        finds_proxy: args.get_str("onion", "").is_empty(),
        may_reach: may_find_tor(config),
    })
}

/// Whether the user's transactions are sent through Tor and I2P only; if so, it must be possible.
pub(super) fn private_broadcast(
    config: &Config,
    reachable: &BTreeSet<Network>,
    connects: bool,
) -> Result<bool, BadOption> {
    if !config.args().get_bool("privatebroadcast", false) {
        return Ok(false);
    }
    let hidden = reachable.contains(&Network::Onion) || reachable.contains(&Network::I2p);
    if !hidden && !may_find_tor(config) {
        return Err(bad(format!("{PRIVATE}, but none of Tor or I2P networks is reachable")));
    }
    if connects {
        return Err(bad(format!(
            "{PRIVATE}, but -connect is also configured. They are incompatible because the private broadcast needs to open \
             new connections to randomly chosen Tor or I2P peers. Consider using -maxconnections=0 -addnode=... instead"
        )));
    }
    Ok(true)
}

/// Tor may be found later, by asking it where its proxy is.
fn may_find_tor(config: &Config) -> bool {
    let only = config.args().get_all("onlynet");
    let wanted = only.is_empty() || only.iter().any(|name| super::network(name) == Some(Network::Onion));
    wanted && config.args().get_bool("listenonion", true)
}

/// What the user should know of the options that were given. They fit.
pub(super) fn warnings(config: &Config, options: &Options) -> Vec<String> {
    let mut list = Vec::new();
    let mut onion = options.binds.iter().filter(|bind| bind.onion);
    if let (true, Some(first), Some(_)) = (options.tor.is_some(), onion.next(), onion.next()) {
        list.push(format!(
            "More than one onion bind address is provided. Using {} for the automatically created Tor onion service.",
            first.address
        ));
    }
    let tor = options.reachable.contains(&Network::Onion) || may_find_tor(config);
    if options.private_broadcast && tor && !config.args().get_bool("proxyrandomize", true) {
        list.push(format!(
            "{PRIVATE} and -proxyrandomize is disabled. Tor circuits for private broadcast connections may be correlated \
             to other connections over Tor. For maximum privacy set -proxyrandomize=1."
        ));
    }
    list
}
