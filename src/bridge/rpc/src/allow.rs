//! Which addresses may connect (`-rpcallowip`).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    network: IpAddr,
    bits: u8,
}

impl Subnet {
    /// Reads an address, `address/bits` or `address/netmask`. No names are looked up.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, mask) = text.rsplit_once('/').map_or((text, None), |(address, mask)| (address, Some(mask)));
        let address = parse_address(address)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match mask {
            None => width,
            Some(mask) if !mask.is_empty() && mask.bytes().all(|byte| byte.is_ascii_digit()) => mask.parse().ok()?,
            Some(mask) => mask_bits(parse_address(mask)?, width)?,
        };
        (bits <= width).then(|| Self { network: masked(address, bits), bits })
    }

    /// Whether the address is in the range. An IPv4 address that came in IPv6's clothes counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.network.is_ipv4() == address.is_ipv4() && masked(address, self.bits) == self.network
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.network, self.bits)
    }
}

fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    Some(bare.parse::<IpAddr>().ok()?.to_canonical())
}

/// The number of leading ones; none if there are others, or the mask is of the other family.
fn mask_bits(mask: IpAddr, width: u8) -> Option<u8> {
    let (ones, contiguous, mask_width) = match mask {
        IpAddr::V4(mask) => {
            let bits = u32::from(mask);
            (bits.leading_ones(), bits.leading_ones() + bits.trailing_zeros() >= 32, 32)
        }
        IpAddr::V6(mask) => {
            let bits = u128::from(mask);
            (bits.leading_ones(), bits.leading_ones() + bits.trailing_zeros() >= 128, 128)
        }
    };
    if contiguous && mask_width == width { u8::try_from(ones).ok() } else { None }
}

fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits.min(32))).unwrap_or(0);
            Ipv4Addr::from(u32::from(address) & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
            Ipv6Addr::from(u128::from(address) & mask).into()
        }
    }
}

/// A value of `-rpcallowip` that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "Invalid -rpcallowip subnet specification: {0}. Valid values are a single IP (e.g. 1.2.3.4), a network/netmask \
     (e.g. 1.2.3.4/255.255.255.0), a network/CIDR (e.g. 1.2.3.4/24), all ipv4 (0.0.0.0/0), or all ipv6 (::/0). RFC4193 \
     is allowed only if -cjdnsreachable=0."
)]
pub struct InvalidSubnet(pub String);

/// The ranges that may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowList(Vec<Subnet>);

impl AllowList {
    /// This machine, and the values of `-rpcallowip`. Where CJDNS is reachable (`-cjdnsreachable`), its addresses are
    /// not those of a local network, so a range of them is refused.
    pub fn new<'a>(values: impl IntoIterator<Item = &'a str>, cjdns_reachable: bool) -> Result<Self, InvalidSubnet> {
        let local = Subnet { network: Ipv4Addr::new(127, 0, 0, 0).into(), bits: 8 };
        let local6 = Subnet { network: Ipv6Addr::LOCALHOST.into(), bits: 128 };
        let mut subnets = vec![local, local6];
        for value in values {
            let subnet = Subnet::parse(value).filter(|subnet| !(cjdns_reachable && is_cjdns_range(subnet)));
            subnets.push(subnet.ok_or_else(|| InvalidSubnet(value.to_owned()))?);
        }
        Ok(Self(subnets))
    }

    /// Not even this machine.
    #[cfg(test)]
    pub(crate) fn nobody() -> Self {
        Self(Vec::new())
    }

    /// Whether the address may connect.
    pub fn allows(&self, address: IpAddr) -> bool {
        self.0.iter().any(|subnet| subnet.contains(address))
    }
}

fn is_cjdns_range(subnet: &Subnet) -> bool {
    matches!(subnet.network, IpAddr::V6(network) if network.octets().starts_with(&[0xfc])) && subnet.bits < 128
}

impl fmt::Display for AllowList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|subnet| write!(formatter, "{subnet} "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn subnets_as_users_write_them() {
        for (text, expected) in [
            ("1.2.3.4", "1.2.3.4/32"),
            ("1.2.3.4/24", "1.2.3.0/24"),
            ("1.2.3.4/255.255.255.0", "1.2.3.0/24"),
            ("1.2.3.4/255.255.248.0", "1.2.0.0/21"),
            ("1.2.3.4/0.0.0.0", "0.0.0.0/0"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("[::1]", "::1/128"),
            ("::ffff:127.0.0.1", "127.0.0.1/32"),
            ("1:2:3:4:5:6:7:8/ffff:ffff:ffff:fffe:ffff:ffff:ffff:ff0f", "invalid"),
            ("1:2:3:4:5:6:7:8/ffff:ffff:ffff:fffe::", "1:2:3:4::/63"),
            ("fc00:db8:c0:ff:ee::/80", "fc00:db8:c0:ff:ee::/80"),
            ("1.2.3.4/33", "invalid"),
            ("1.2.3.4/-1", "invalid"),
            ("1.2.3.4/+8", "invalid"),
            ("1.2.3.4/", "invalid"),
            ("1.2.3.4/255.0.255.0", "invalid"),
            ("1.2.3.4/ffff::", "invalid"),
            ("::1/129", "invalid"),
            ("::1/999", "invalid"),
            ("localhost", "invalid"),
            ("", "invalid"),
        ] {
            let found = Subnet::parse(text).map_or("invalid".to_owned(), |subnet| subnet.to_string());
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn this_machine_is_always_allowed() {
        let list = AllowList::new(["10.0.0.0/8"], false).unwrap();
        for (address, allowed) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.1.2.3", true),
            ("11.1.2.3", false),
            ("::2", false),
        ] {
            assert_eq!(list.allows(address.parse().unwrap()), allowed, "{address}");
        }
        assert_eq!(list.to_string(), "127.0.0.0/8 ::1/128 10.0.0.0/8 ");
    }

    #[test]
    fn local_networks_and_cjdns_share_a_prefix() {
        let list = |value: &str, reachable| AllowList::new([value], reachable).is_ok();
        assert!(!list("fc00:db8:c0:ff:ee::/80", true));
        assert!(list("fd00:db8:c0:ff:ee::/80", true));
        assert!(list("fc00:db8:c0:ff:ee::/80", false));
        let error = AllowList::new(["nonsense"], false).unwrap_err().to_string();
        assert!(error.starts_with("Invalid -rpcallowip subnet specification: nonsense. Valid values are"), "{error}");
    }

    proptest! {
        #[test]
        fn a_range_holds_its_own_addresses(address in any::<u128>(), bits in 0_u8..=128, host in any::<u128>()) {
            let six = Ipv6Addr::from(address | 1 << 127);
            let subnet = Subnet::parse(&format!("{six}/{bits}")).unwrap();
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            let neighbour = Ipv6Addr::from(u128::from(six) & mask | host & !mask);
            prop_assert_eq!(subnet.contains(IpAddr::V6(neighbour)), bits > 0 || neighbour.to_ipv4_mapped().is_none());
        }

        #[test]
        fn any_text_is_answered(text in "[0-9a-f.:/\\[\\]]{0,24}") {
            let _ = Subnet::parse(&text);
        }
    }
}
