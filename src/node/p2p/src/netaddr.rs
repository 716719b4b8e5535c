//! Addresses of peers in all networks, and how BIP155 and the older format write them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use primitives::{Reader, put_bytes, put_compact_u64};

use crate::error::MessageError;

/// A network in which peers can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Network {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
    /// Tor.
    Onion,
    /// I2P.
    I2p,
    /// CJDNS.
    Cjdns,
}

impl Network {
    /// The name that RPC answers and options use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Onion => "onion",
            Self::I2p => "i2p",
            Self::Cjdns => "cjdns",
        }
    }

    /// The number by which the reference tells groups of different networks apart.
    pub(crate) fn class(self) -> u8 {
        match self {
            Self::Ipv4 => 1,
            Self::Ipv6 => 2,
            Self::Onion => 3,
            Self::I2p => 4,
            Self::Cjdns => 5,
        }
    }

    /// The number of BIP155.
    fn id(self) -> u8 {
        match self {
            Self::Ipv4 => 1,
            Self::Ipv6 => 2,
            Self::Onion => 4,
            Self::I2p => 5,
            Self::Cjdns => 6,
        }
    }
}

/// An address without a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NetAddr {
    /// IPv4 or IPv6; an IPv4 address is never kept in its IPv6 form.
    Ip(IpAddr),
    /// The public key of an onion service, version 3.
    Onion([u8; 32]),
    /// The hash of an I2P destination.
    I2p([u8; 32]),
    /// A CJDNS address, which starts with 0xfc.
    Cjdns([u8; 16]),
}

impl NetAddr {
    /// An address that is nowhere.
    pub const NOWHERE: Self = Self::Ip(IpAddr::V6(Ipv6Addr::UNSPECIFIED));

    /// From an IP address; IPv4 in IPv6 becomes IPv4.
    pub fn ip(ip: IpAddr) -> Self {
        Self::Ip(ip.to_canonical())
    }

    /// From the 16 bytes of the older format. Onion addresses of version 2 are gone from the network and become nowhere.
    pub fn from_v1(bytes: [u8; 16]) -> Self {
        match bytes {
            [0xfd, 0x87, 0xd8, 0x7e, 0xeb, 0x43, ..] | [0xfd, 0x6b, 0x88, 0xc0, 0x87, 0x24, ..] => Self::NOWHERE,
            other => Self::ip(IpAddr::V6(Ipv6Addr::from(other))),
        }
    }

    /// The 16 bytes of the older format; zeros where it has no form.
    pub fn to_v1(&self) -> [u8; 16] {
        match self {
            Self::Ip(IpAddr::V4(ip)) => ip.to_ipv6_mapped().octets(),
            Self::Ip(IpAddr::V6(ip)) => ip.octets(),
            Self::Cjdns(_) | Self::Onion(_) | Self::I2p(_) => [0; 16],
        }
    }

    /// Whether the older format can write it.
    pub fn fits_v1(&self) -> bool {
        matches!(self, Self::Ip(_))
    }

    /// Which network it belongs to.
    pub fn network(&self) -> Network {
        match self {
            Self::Ip(IpAddr::V4(_)) => Network::Ipv4,
            Self::Ip(IpAddr::V6(_)) => Network::Ipv6,
            Self::Onion(_) => Network::Onion,
            Self::I2p(_) => Network::I2p,
            Self::Cjdns(_) => Network::Cjdns,
        }
    }

    /// Whether this is the machine itself.
    pub fn is_local(&self) -> bool {
        match self {
            Self::Ip(IpAddr::V4(ip)) => ip.is_loopback() || ip.octets()[0] == 0,
            Self::Ip(IpAddr::V6(ip)) => ip.is_loopback(),
            _ => false,
        }
    }

    /// Whether it can be an address at all.
    pub fn is_valid(&self) -> bool {
        match self {
            Self::Ip(IpAddr::V4(ip)) => !ip.is_unspecified() && !ip.is_broadcast(),
            Self::Ip(IpAddr::V6(ip)) => !ip.is_unspecified() && ip.segments()[..2] != [0x2001, 0x0db8],
            Self::Cjdns(bytes) => bytes[0] == 0xfc,
            Self::Onion(_) | Self::I2p(_) => true,
        }
    }

    /// Whether it can be reached from everywhere in its network.
    pub fn is_routable(&self) -> bool {
        if !self.is_valid() || self.is_local() {
            return false;
        }
        match self {
            Self::Ip(IpAddr::V4(ip)) => {
                let [a, b, c, _] = ip.octets();
                let shared = a == 100 && (64..128).contains(&b);
                let benchmark = a == 198 && (b == 18 || b == 19);
                let example = matches!((a, b, c), (192, 0, 2) | (198, 51, 100) | (203, 0, 113));
                !(ip.is_private() || ip.is_link_local() || shared || benchmark || example)
            }
            Self::Ip(IpAddr::V6(ip)) => {
                let words = ip.segments();
                let unique_local = words[0] & 0xfe00 == 0xfc00;
                let link_local = words[..4] == [0xfe80, 0, 0, 0];
                let orchid = words[0] == 0x2001 && matches!(words[1] & 0xfff0, 0x0010 | 0x0020);
                !(unique_local || link_local || orchid)
            }
            Self::Onion(_) | Self::I2p(_) | Self::Cjdns(_) => true,
        }
    }

    fn class(&self) -> u8 {
        self.network().class()
    }

    /// The IPv4 address, also that inside of an IPv6 address which leads to it.
    pub(crate) fn linked_ipv4(&self) -> Option<Ipv4Addr> {
        let six = match self {
            Self::Ip(IpAddr::V4(ip)) => return Some(*ip),
            Self::Ip(IpAddr::V6(ip)) => ip,
            _ => return None,
        };
        let bytes = six.octets();
        let last = [bytes[12], bytes[13], bytes[14], bytes[15]];
        match six.segments() {
            // Translated addresses of RFC 6145 and RFC 6052.
            [0, 0, 0, 0, 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(last.into()),
            // 6to4.
            [0x2002, ..] => Some([bytes[2], bytes[3], bytes[4], bytes[5]].into()),
            // Teredo, which turns the bits round.
            [0x2001, 0, ..] => Some(last.map(|byte| !byte).into()),
            _ => None,
        }
    }

    /// The part of the network that one operator is likely to own: two addresses of a group are one risk.
    pub fn group(&self) -> Vec<u8> {
        if self.is_local() {
            return vec![255, 0];
        }
        if !self.is_routable() {
            return vec![0, 0];
        }
        if let Some(ip) = self.linked_ipv4() {
            return vec![Network::Ipv4.class(), ip.octets()[0], ip.octets()[1]];
        }
        match self {
            Self::Ip(IpAddr::V4(ip)) => vec![self.class(), ip.octets()[0], ip.octets()[1]],
            Self::Ip(IpAddr::V6(ip)) => {
                let bytes = ip.octets();
                // Hurricane Electric gives whole /36 blocks away; elsewhere a /32 is one operator.
                if bytes[..4] == [0x20, 0x01, 0x04, 0x70] {
                    vec![self.class(), bytes[0], bytes[1], bytes[2], bytes[3], bytes[4] | 0x0f]
                } else {
                    vec![self.class(), bytes[0], bytes[1], bytes[2], bytes[3]]
                }
            }
            Self::Onion(key) | Self::I2p(key) => vec![self.class(), key[0] | 0x0f],
            // The first byte is the same in all of CJDNS, so the next twelve bits count.
            Self::Cjdns(bytes) => vec![self.class(), bytes[0], bytes[1] | 0x0f],
        }
    }

    /// The bytes that identify it.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Ip(IpAddr::V4(ip)) => ip.octets().to_vec(),
            Self::Ip(IpAddr::V6(ip)) => ip.octets().to_vec(),
            Self::Onion(key) | Self::I2p(key) => key.to_vec(),
            Self::Cjdns(bytes) => bytes.to_vec(),
        }
    }

    /// Appends the form of BIP155.
    pub fn encode_v2(&self, out: &mut Vec<u8>) {
        out.push(self.network().id());
        put_bytes(out, &self.bytes());
    }

    /// Reads the form of BIP155. An address of an unknown network is skipped and becomes `None`.
    pub fn decode_v2(reader: &mut Reader<'_>) -> Result<Option<Self>, MessageError> {
        let id = reader.u8()?;
        let len = reader.compact_size()?;
        if len > 512 {
            return Err(MessageError::AddressTooLong(len));
        }
        let bytes = reader.take(len)?;
        let wrong = |network, expected| MessageError::AddressLength { network, len, expected };
        let addr = match id {
            1 => {
                let octets: [u8; 4] = bytes.try_into().map_err(|_| wrong("IPv4", 4))?;
                Some(Self::Ip(IpAddr::V4(Ipv4Addr::from(octets))))
            }
            2 => {
                let octets: [u8; 16] = bytes.try_into().map_err(|_| wrong("IPv6", 16))?;
                let inner = Ipv6Addr::from(octets);
                // An IPv4 or old onion address has no business here; it is kept out of every table.
                let disguised = inner.to_ipv4_mapped().is_some() || Self::from_v1(octets) == Self::NOWHERE;
                Some(if disguised { Self::NOWHERE } else { Self::Ip(IpAddr::V6(inner)) })
            }
            4 => Some(Self::Onion(bytes.try_into().map_err(|_| wrong("TORv3", 32))?)),
            5 => Some(Self::I2p(bytes.try_into().map_err(|_| wrong("I2P", 32))?)),
            6 => Some(Self::Cjdns(bytes.try_into().map_err(|_| wrong("CJDNS", 16))?)),
            _ => None,
        };
        Ok(addr)
    }
}

impl fmt::Display for NetAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Onion(key) => write!(f, "{}.onion", onion_text(key)),
            Self::I2p(hash) => write!(f, "{}.b32.i2p", base32(hash)),
            Self::Cjdns(bytes) => Ipv6Addr::from(*bytes).fmt(f),
        }
    }
}

/// Why a text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address")]
pub struct AddrError;

impl FromStr for NetAddr {
    type Err = AddrError;

    /// An IP address, or a name of Tor or I2P. Nothing is looked up.
    fn from_str(text: &str) -> Result<Self, AddrError> {
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Self::ip(ip));
        }
        let lower = text.to_ascii_lowercase();
        if let Some(name) = lower.strip_suffix(".onion") {
            let key = unbase32(name).and_then(|all| all.first_chunk::<32>().copied()).ok_or(AddrError)?;
            // The name holds a checksum, so the way back must lead to the same name.
            return if onion_text(&key) == name { Ok(Self::Onion(key)) } else { Err(AddrError) };
        }
        let name = lower.strip_suffix(".b32.i2p").ok_or(AddrError)?;
        let hash: [u8; 32] = unbase32(name).and_then(|all| all.try_into().ok()).ok_or(AddrError)?;
        Ok(Self::I2p(hash))
    }
}

/// An address and a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Service {
    /// The address.
    pub addr: NetAddr,
    /// The port.
    pub port: u16,
}

impl Service {
    /// Nowhere.
    pub const NOWHERE: Self = Self { addr: NetAddr::NOWHERE, port: 0 };

    /// The bytes that tables are keyed by.
    pub fn key(&self) -> Vec<u8> {
        let mut key = if self.addr.fits_v1() { self.addr.to_v1().to_vec() } else { self.addr.bytes() };
        key.extend(self.port.to_be_bytes());
        key
    }

    /// The socket address, in networks that have sockets.
    pub fn socket(&self) -> Option<SocketAddr> {
        match self.addr {
            NetAddr::Ip(ip) => Some(SocketAddr::new(ip, self.port)),
            NetAddr::Cjdns(bytes) => Some(SocketAddr::new(IpAddr::V6(Ipv6Addr::from(bytes)), self.port)),
            NetAddr::Onion(_) | NetAddr::I2p(_) => None,
        }
    }

    /// Appends the older form.
    pub fn encode_v1(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.addr.to_v1());
        out.extend_from_slice(&self.port.to_be_bytes());
    }

    /// Reads the older form.
    pub fn decode_v1(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let addr = NetAddr::from_v1(reader.array()?);
        Ok(Self { addr, port: u16::from_be_bytes(reader.array()?) })
    }
}

impl From<SocketAddr> for Service {
    fn from(socket: SocketAddr) -> Self {
        Self { addr: NetAddr::ip(socket.ip()), port: socket.port() }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.addr {
            NetAddr::Ip(IpAddr::V6(_)) | NetAddr::Cjdns(_) => write!(f, "[{}]:{}", self.addr, self.port),
            _ => write!(f, "{}:{}", self.addr, self.port),
        }
    }
}

/// An address with what is said about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress {
    /// When it was last seen, in seconds since 1970.
    pub time: u32,
    /// What it offers.
    pub services: u64,
    /// Where it is.
    pub service: Service,
}

impl PeerAddress {
    /// Appends the form of `addr`.
    pub fn encode_v1(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.time.to_le_bytes());
        out.extend_from_slice(&self.services.to_le_bytes());
        self.service.encode_v1(out);
    }

    /// Reads the form of `addr`.
    pub fn decode_v1(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        Ok(Self { time: reader.u32()?, services: reader.u64()?, service: Service::decode_v1(reader)? })
    }

    /// Appends the form of `addrv2`.
    pub fn encode_v2(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.time.to_le_bytes());
        put_compact_u64(out, self.services);
        self.service.addr.encode_v2(out);
        out.extend_from_slice(&self.service.port.to_be_bytes());
    }

    /// Reads the form of `addrv2`; an address of an unknown network becomes nowhere.
    pub fn decode_v2(reader: &mut Reader<'_>) -> Result<Self, MessageError> {
        let time = reader.u32()?;
        let services = reader.compact_u64()?;
        let addr = NetAddr::decode_v2(reader)?.unwrap_or(NetAddr::NOWHERE);
        let port = u16::from_be_bytes(reader.array()?);
        Ok(Self { time, services, service: Service { addr, port } })
    }
}

/// RFC 4648 in lower case, without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(letter(ALPHABET, held >> bits));
            held &= (1 << bits) - 1;
        }
    }
    if bits > 0 {
        text.push(letter(ALPHABET, held << (5 - bits)));
    }
    text
}

/// The bytes behind a text of [`base32`].
fn unbase32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in text.bytes() {
        let value = match byte {
            b'a'..=b'z' => byte - b'a',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        held = (held << 5 | u32::from(value)) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

fn letter(alphabet: &[u8; 32], value: u32) -> char {
    let index = usize::try_from(value & 31).expect("five bits");
    char::from(alphabet[index])
}

/// The name of an onion service: key, checksum and version. The checksum is SHA3, which nothing else here needs.
fn onion_text(key: &[u8; 32]) -> String {
    let mut whole = key.to_vec();
    let mut input = b".onion checksum".to_vec();
    input.extend_from_slice(key);
    input.push(3);
    whole.extend_from_slice(&crate::sha3::sha3_256(&input)[..2]);
    whole.push(3);
    base32(&whole)
}

#[cfg(test)]
pub(crate) mod tests;
