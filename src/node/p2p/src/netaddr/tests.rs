//! Tests of peers' addresses.

use proptest::prelude::*;

use super::*;

fn ip(text: &str) -> NetAddr {
    NetAddr::ip(text.parse().unwrap())
}

#[test]
fn an_onion_name_is_the_one_that_tor_shows() {
    // The vector of the reference's own tests: pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion
    let key = [
        0x79, 0xbc, 0xc6, 0x25, 0x18, 0x4b, 0x05, 0x19, 0x49, 0x75, 0xc2, 0x8b, 0x66, 0xb6, 0x6b, 0x04, 0x69, 0xf7,
        0xf6, 0x55, 0x6f, 0xb1, 0xac, 0x31, 0x89, 0xa7, 0x9b, 0x40, 0xdd, 0xa3, 0x2f, 0x1f,
    ];
    let shown = NetAddr::Onion(key).to_string();
    assert_eq!(shown, "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion");
    assert_eq!(shown.parse(), Ok(NetAddr::Onion(key)));
    assert_eq!(shown.replacen("pg", "pa", 1).parse::<NetAddr>(), Err(AddrError), "the checksum is another");
    let hidden = NetAddr::I2p(key);
    assert_eq!(hidden.to_string().parse(), Ok(hidden));
    assert_eq!("1.2.3.4".parse(), Ok(ip("1.2.3.4")));
    for bad in ["", "localhost", "a.onion", ".onion", "1.2.3", "x.b32.i2p"] {
        assert_eq!(bad.parse::<NetAddr>(), Err(AddrError), "{bad}");
    }
}

#[test]
fn what_is_routable() {
    for text in ["8.8.8.8", "2001:4860:4860::8888"] {
        assert!(ip(text).is_routable(), "{text}");
    }
    for text in [
        "10.0.0.1",
        "127.0.0.1",
        "192.168.1.1",
        "169.254.1.1",
        "100.64.0.1",
        "198.18.0.1",
        "203.0.113.1",
        "::1",
        "fe80::1",
        "fc00::1",
        "2001:db8::1",
        "0.0.0.0",
        "255.255.255.255",
        "2001:10::1",
    ] {
        assert!(!ip(text).is_routable(), "{text}");
    }
}

#[test]
fn groups() {
    assert_eq!(ip("1.2.3.4").group(), [1, 1, 2]);
    assert_eq!(ip("127.0.0.1").group(), [255, 0]);
    for linked in ["2002:102:304::1", "64:ff9b::102:304", "2001::fefd:fcfb", "::ffff:0:102:304"] {
        assert_eq!(ip(linked).group(), [1, 1, 2], "{linked}");
    }
    assert_eq!(ip("10.1.1.1").group(), [0, 0]);
    assert_eq!(ip("2001:470:abcd::1").group(), [2, 0x20, 0x01, 0x04, 0x70, 0xaf]);
    assert_eq!(ip("2001:2001:9999::1").group(), [2, 0x20, 0x01, 0x20, 0x01]);
}

#[test]
fn disguised_and_unknown_addresses_lead_nowhere() {
    let mut mapped = vec![2, 16];
    mapped.extend(Ipv4Addr::new(1, 2, 3, 4).to_ipv6_mapped().octets());
    assert_eq!(NetAddr::decode_v2(&mut Reader::new(&mapped)), Ok(Some(NetAddr::NOWHERE)));
    assert_eq!(NetAddr::decode_v2(&mut Reader::new(&[99, 2, 1, 1])), Ok(None));
    assert_eq!(
        NetAddr::decode_v2(&mut Reader::new(&[1, 5, 1, 1, 1, 1, 1])),
        Err(MessageError::AddressLength { network: "IPv4", len: 5, expected: 4 })
    );
    assert_eq!(NetAddr::decode_v2(&mut Reader::new(&[1, 253, 1, 2])), Err(MessageError::AddressTooLong(513)));
    let mut old_onion = [7; 16];
    old_onion[..6].copy_from_slice(&[0xfd, 0x87, 0xd8, 0x7e, 0xeb, 0x43]);
    assert_eq!(NetAddr::from_v1(old_onion), NetAddr::NOWHERE);
}

#[test]
fn services_are_shown_with_brackets_where_needed() {
    let shown = |text: &str| Service { addr: ip(text), port: 8333 }.to_string();
    assert_eq!(shown("1.2.3.4"), "1.2.3.4:8333");
    assert_eq!(shown("2001:4860::1"), "[2001:4860::1]:8333");
}

pub(crate) fn any_addr() -> impl Strategy<Value = NetAddr> {
    prop_oneof![
        any::<[u8; 4]>().prop_map(|octets| NetAddr::Ip(IpAddr::V4(octets.into()))),
        any::<[u8; 16]>().prop_map(|mut octets| {
            octets[0] = 0x2a;
            NetAddr::Ip(IpAddr::V6(octets.into()))
        }),
        any::<[u8; 32]>().prop_map(NetAddr::Onion),
        any::<[u8; 32]>().prop_map(NetAddr::I2p),
        any::<[u8; 16]>().prop_map(|mut octets| {
            octets[0] = 0xfc;
            NetAddr::Cjdns(octets)
        }),
    ]
}

proptest! {
    #[test]
    fn both_forms_round_trip(addr in any_addr(), port: u16, time: u32, services: u64) {
        let value = PeerAddress { time, services, service: Service { addr, port } };
        let mut new = Vec::new();
        value.encode_v2(&mut new);
        let mut reader = Reader::new(&new);
        prop_assert_eq!(PeerAddress::decode_v2(&mut reader).unwrap(), value);
        prop_assert!(reader.is_empty());
        if addr.fits_v1() {
            let mut old = Vec::new();
            value.encode_v1(&mut old);
            prop_assert_eq!(old.len(), 30);
            prop_assert_eq!(PeerAddress::decode_v1(&mut Reader::new(&old)).unwrap(), value);
        }
    }
}
