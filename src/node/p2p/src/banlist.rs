//! Whom the user does not want to hear of, as `banlist.json` keeps it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::netaddr::NetAddr;

/// A range of addresses: those whose first bits are the same. In networks without IP addresses it is exactly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subnet {
    base: NetAddr,
    bits: u8,
}

/// Why a text is no range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Invalid IP/Subnet")]
pub struct SubnetError;

/// How many bits an IP address has; none in other networks, whose addresses are not compared by bits.
fn width(addr: &NetAddr) -> u8 {
    match addr {
        NetAddr::Ip(IpAddr::V4(_)) => 32,
        NetAddr::Ip(IpAddr::V6(_)) => 128,
        NetAddr::Onion(_) | NetAddr::I2p(_) | NetAddr::Cjdns(_) => 0,
    }
}

impl Subnet {
    /// The range of exactly one address.
    pub fn single(addr: NetAddr) -> Self {
        Self { base: addr, bits: width(&addr) }
    }

    fn new(ip: IpAddr, bits: u8) -> Option<Self> {
        let single = Self::single(NetAddr::ip(ip));
        (bits <= single.bits).then(|| Self { base: masked(single.base, bits), bits })
    }

    /// Whether it contains an address.
    pub fn contains(&self, addr: &NetAddr) -> bool {
        addr.network() == self.base.network() && masked(*addr, self.bits) == self.base
    }
}

/// The address with zeros behind its first bits; others than IP addresses are left alone.
fn masked(addr: NetAddr, bits: u8) -> NetAddr {
    match addr {
        NetAddr::Ip(IpAddr::V4(ip)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
            NetAddr::Ip(IpAddr::V4((ip.to_bits() & mask).into()))
        }
        NetAddr::Ip(IpAddr::V6(ip)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
            NetAddr::Ip(IpAddr::V6((ip.to_bits() & mask).into()))
        }
        other => other,
    }
}

impl FromStr for Subnet {
    type Err = SubnetError;

    /// `1.2.3.4`, `1.2.3.0/24`, `1.2.3.0/255.255.255.0`, `2001:db8::/32`, and names of Tor and I2P.
    fn from_str(text: &str) -> Result<Self, SubnetError> {
        let Some((ip, mask)) = text.split_once('/') else {
            return text.parse().map(Self::single).map_err(|_| SubnetError);
        };
        let ip: IpAddr = ip.parse().map_err(|_| SubnetError)?;
        let bits = if mask.bytes().all(|byte| byte.is_ascii_digit()) {
            mask.parse().map_err(|_| SubnetError)?
        } else {
            let mask: std::net::Ipv4Addr = mask.parse().map_err(|_| SubnetError)?;
            let ones = mask.to_bits().leading_ones();
            // A mask with holes is none.
            if !ip.is_ipv4() || mask.to_bits().count_ones() != ones {
                return Err(SubnetError);
            }
            u8::try_from(ones).map_err(|_| SubnetError)?
        };
        Self::new(ip, bits).ok_or(SubnetError)
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.base {
            NetAddr::Ip(_) => write!(f, "{}/{}", self.base, self.bits),
            _ => self.base.fmt(f),
        }
    }
}

/// Since when and until when a range is banned, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ban {
    /// Since when.
    pub created: i64,
    /// Until when.
    pub until: i64,
}

/// All bans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BanList {
    bans: BTreeMap<Subnet, Ban>,
}

#[derive(Serialize, Deserialize)]
struct File {
    banned_nets: Vec<Line>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    version: i32,
    ban_created: i64,
    banned_until: i64,
    address: String,
}

impl BanList {
    /// Bans a range. A ban that is there is only ever made longer. Tells whether anything changed.
    pub fn ban(&mut self, subnet: Subnet, ban: Ban) -> bool {
        if self.bans.get(&subnet).is_some_and(|old| old.until >= ban.until) {
            return false;
        }
        self.bans.insert(subnet, ban);
        true
    }

    /// Takes a ban back. Tells whether there was one.
    pub fn unban(&mut self, subnet: &Subnet) -> bool {
        self.bans.remove(subnet).is_some()
    }

    /// Takes all bans back.
    pub fn clear(&mut self) {
        self.bans.clear();
    }

    /// Whether an address is banned.
    pub fn is_banned(&self, addr: &NetAddr, now: i64) -> bool {
        self.bans.iter().any(|(subnet, ban)| now < ban.until && subnet.contains(addr))
    }

    /// Whether exactly this range is banned.
    pub fn has(&self, subnet: &Subnet, now: i64) -> bool {
        self.bans.get(subnet).is_some_and(|ban| now < ban.until)
    }

    /// Forgets bans that are over, and gives all others.
    pub fn sweep(&mut self, now: i64) -> impl Iterator<Item = (&Subnet, &Ban)> {
        self.bans.retain(|_, ban| now < ban.until);
        self.bans.iter()
    }

    /// The content of the file.
    pub fn to_file(&self) -> String {
        let line = |(subnet, ban): (&Subnet, &Ban)| Line {
            version: 1,
            ban_created: ban.created,
            banned_until: ban.until,
            address: subnet.to_string(),
        };
        let file = File { banned_nets: self.bans.iter().map(line).collect() };
        serde_json::to_string_pretty(&file).expect("strings and numbers always have a JSON form")
    }

    /// From the content of a file. Lines of another version, or with an address that is none, are skipped.
    pub fn from_file(text: &str) -> Result<Self, serde_json::Error> {
        let file: File = serde_json::from_str(text)?;
        let mut it = Self::default();
        for line in file.banned_nets.into_iter().filter(|line| line.version == 1) {
            if let Ok(subnet) = line.address.parse() {
                it.bans.insert(subnet, Ban { created: line.ban_created, until: line.banned_until });
            }
        }
        Ok(it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Subnet {
        text.parse().unwrap()
    }

    fn addr(text: &str) -> NetAddr {
        NetAddr::ip(text.parse().unwrap())
    }

    #[test]
    fn texts_of_ranges() {
        for (text, shown) in [
            ("1.2.3.4", "1.2.3.4/32"),
            ("1.2.3.4/24", "1.2.3.0/24"),
            ("1.2.3.4/255.255.0.0", "1.2.0.0/16"),
            ("1.2.3.4/0", "0.0.0.0/0"),
            ("2001:4d48:ac57:400:cacf:e9ff:fe1d:9c63/19", "2001:4000::/19"),
            ("::1", "::1/128"),
        ] {
            assert_eq!(net(text).to_string(), shown);
        }
        for bad in ["", "1.2.3", "1.2.3.4/33", "1.2.3.4/255.0.255.0", "::1/129", "::/255.0.0.0", "1.2.3.4/", "a/8"] {
            assert!(bad.parse::<Subnet>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_hidden_service_is_a_range_of_its_own() {
        let name = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion";
        assert_eq!(net(name).to_string(), name);
        assert!(net(name).contains(&name.parse().unwrap()));
        assert!(!net(name).contains(&addr("1.2.3.4")) && !net("0.0.0.0/0").contains(&name.parse().unwrap()));
        assert!(format!("{name}/8").parse::<Subnet>().is_err());
    }

    #[test]
    fn bans_hold_for_their_range_and_time() {
        let mut list = BanList::default();
        assert!(list.ban(net("10.1.0.0/16"), Ban { created: 100, until: 200 }));
        assert!(!list.ban(net("10.1.0.0/16"), Ban { created: 150, until: 180 }));
        assert!(list.is_banned(&addr("10.1.9.9"), 199));
        assert!(!list.is_banned(&addr("10.2.9.9"), 199) && !list.is_banned(&addr("10.1.9.9"), 200));
        assert!(!list.is_banned(&addr("::a01:909"), 150));
        assert!(list.has(&net("10.1.0.0/16"), 150) && !list.has(&net("10.1.0.0/17"), 150));
        assert_eq!(list.sweep(200).count(), 0);
        assert!(!list.unban(&net("10.1.0.0/16")));
    }

    #[test]
    fn the_file_has_the_daemons_form() {
        let text = r#"{"banned_nets": [
            {"version": 1, "ban_created": 5, "banned_until": 9, "address": "1.2.3.0/24"},
            {"version": 2, "ban_created": 5, "banned_until": 9, "address": "4.4.4.4/32"},
            {"version": 1, "ban_created": 5, "banned_until": 9, "address": "nonsense"}]}"#;
        let list = BanList::from_file(text).unwrap();
        assert_eq!(list.bans.len(), 1);
        assert!(list.is_banned(&addr("1.2.3.77"), 8));
        assert_eq!(BanList::from_file(&list.to_file()).unwrap(), list);
        assert!(BanList::from_file("[]").is_err());
    }
}
