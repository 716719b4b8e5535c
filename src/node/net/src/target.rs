//! Where to connect to, as people write it: `host`, `host:port`, `[host]:port`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use p2p::{NetAddr, Service};

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The host, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Splits a port off, if there is one. A port that is none stays part of the host, where it makes the host no host.
fn split(text: &str) -> (&str, Option<u16>) {
    let (mut host, mut port) = (text, None);
    if let Some((before, after)) = text.rsplit_once(':') {
        let bracketed = before.starts_with('[') && before.ends_with(']');
        let plain = !before.contains(':');
        if (before.is_empty() || bracketed || plain)
            && after.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(number) = after.parse()
        {
            (host, port) = (before, Some(number));
        }
    }
    let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    (bare.unwrap_or(host), port)
}

impl Target {
    /// From what somebody wrote; `default_port` counts where no port is said.
    pub fn parse(text: &str, default_port: u16) -> Self {
        let (host, port) = split(text);
        // I2P has no ports, at least as we speak to it.
        let i2p = || matches!(host.parse(), Ok(NetAddr::I2p(_)));
        let port = port.unwrap_or_else(|| if i2p() { crate::i2p::PORT } else { default_port });
        Self { host: host.to_owned(), port }
    }

    /// The address, if nothing has to be looked up for it.
    pub fn numeric(&self) -> Option<Service> {
        let short = || short_ipv4(&self.host).map(|ip| NetAddr::ip(ip.into()));
        Some(Service { addr: self.host.parse().ok().or_else(short)?, port: self.port })
    }
}

/// The old ways to write an IPv4 address: fewer parts, of which the last one fills the rest, in decimal, octal or hex.
fn short_ipv4(text: &str) -> Option<Ipv4Addr> {
    let parts: Option<Vec<u32>> = text
        .split('.')
        .map(|part| match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
            Some(hex) => u32::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with('+')),
            None if !part.bytes().all(|byte| byte.is_ascii_digit()) => None,
            None if part.len() > 1 && part.starts_with('0') => u32::from_str_radix(part, 8).ok(),
            None => part.parse().ok(),
        })
        .collect();
    let parts = parts.filter(|parts| (1..=4).contains(&parts.len()))?;
    let (last, first) = parts.split_last()?;
    let mut bits = 0;
    for (part, shift) in first.iter().zip([24, 16, 8]) {
        bits |= u32::from(u8::try_from(*part).ok()?) << shift;
    }
    let most = u64::from(u32::MAX) >> (8 * first.len());
    (u64::from(*last) <= most).then(|| Ipv4Addr::from(bits | *last))
}

/// An address and a port, without looking anything up.
pub fn service(text: &str, default_port: u16) -> Option<Service> {
    Target::parse(text, default_port).numeric()
}

/// As [`service`], in networks that have sockets.
pub fn socket(text: &str, default_port: u16) -> Option<SocketAddr> {
    service(text, default_port)?.socket()
}

/// An address of CJDNS looks like one of a private IPv6 network. Which one is meant is for the user to say.
pub fn as_cjdns(service: Service, cjdns: bool) -> Service {
    match service.addr {
        NetAddr::Ip(IpAddr::V6(ip)) if cjdns && ip.octets()[0] == 0xfc => {
            Service { addr: NetAddr::Cjdns(ip.octets()), ..service }
        }
        _ => service,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports() {
        for (text, host, port) in [
            ("1.2.3.4", "1.2.3.4", 7),
            ("1.2.3.4:5", "1.2.3.4", 5),
            ("[::1]", "::1", 7),
            ("[::1]:5", "::1", 5),
            ("::1", "::1", 7),
            ("::1:5", "::1:5", 7),
            ("host.example:5", "host.example", 5),
            ("host:x", "host:x", 7),
            ("host:+5", "host:+5", 7),
            ("host:99999", "host:99999", 7),
            (":5", "", 5),
            ("", "", 7),
        ] {
            assert_eq!(Target::parse(text, 7), Target { host: host.to_owned(), port }, "{text}");
        }
    }

    #[test]
    fn only_numbers_are_addresses() {
        assert_eq!(service("1.2.3.4:5", 7).unwrap().to_string(), "1.2.3.4:5");
        assert_eq!(service("[::ffff:1.2.3.4]", 7).unwrap().to_string(), "1.2.3.4:7");
        for (text, ip) in [("127.1", "127.0.0.1"), ("0x7f.0.1", "127.0.0.1"), ("010.1", "8.0.0.1"), ("1", "0.0.0.1")] {
            assert_eq!(service(text, 7).unwrap().addr.to_string(), ip);
        }
        for bad in ["1.2.3.4.5", "256.1", "1.2.65536", "1..2", "0x+1", "host", "1.2.3.4:x", "", "300.1.1.1"] {
            assert_eq!(service(bad, 7), None, "{bad}");
        }
        let onion = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
        assert_eq!(service(onion, 7).unwrap().to_string(), format!("{onion}:7"));
        assert_eq!(socket(onion, 7), None);
        let hidden = "zsxwyo6qcn3chqzwxnseusqgsnuw3maqnztkiypyfxtya4snkoka.b32.i2p";
        assert_eq!(service(hidden, 7).unwrap().port, 0);
    }

    #[test]
    fn cjdns_is_told_apart_if_the_user_has_it() {
        let private = service("[fc00::1]:5", 7).unwrap();
        assert_eq!(as_cjdns(private, false), private);
        assert!(matches!(as_cjdns(private, true).addr, NetAddr::Cjdns(_)));
        let other = service("[fd00::1]:5", 7).unwrap();
        assert_eq!(as_cjdns(other, true), other);
    }
}
