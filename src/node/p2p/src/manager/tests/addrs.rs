//! Addresses: what is taken, passed on and told.

use super::*;
use crate::netaddr::{NetAddr, Network, PeerAddress};
use crate::{AddrPolicy, NODE_NETWORK};

const NOW: u32 = 1_700_000_000;

fn at(number: u16, time: u32) -> PeerAddress {
    let [high, low] = number.to_be_bytes();
    let service = std::net::SocketAddr::from(([23, 1, high, low], 8333)).into();
    PeerAddress { time, services: NODE_NETWORK, service }
}

fn kept(node: &mut Manager) -> Vec<PeerAddress> {
    let pick = |action| if let Action::Addresses { list, .. } = action { Some(list) } else { None };
    node.take_actions().into_iter().filter_map(pick).flatten().collect()
}

fn told(node: &mut Manager, id: PeerId) -> Vec<PeerAddress> {
    let pick = |(to, message)| match message {
        Message::AddrV2(list) if to == id => Some(list),
        _ => None,
    };
    sent(node).into_iter().filter_map(pick).flatten().collect()
}

#[test]
fn a_caller_may_tell_one_address_and_then_one_in_ten_seconds() {
    let mut node = manager(1, options());
    friend(&mut node, 1, ConnectionKind::Inbound);
    let list: Vec<_> = (0..20).map(|number| at(number, NOW)).collect();
    node.handle(1, Message::AddrV2(list.clone()), START);
    assert_eq!(kept(&mut node).len(), 1);
    node.handle(1, Message::AddrV2(list.clone()), START + Duration::from_secs(100));
    assert_eq!(kept(&mut node).len(), 10);
    assert_eq!((node.stats(START)[0].addr_processed, node.stats(START)[0].addr_rate_limited), (11, 29));
    // One that we called was asked for many.
    friend(&mut node, 2, ConnectionKind::OutboundFullRelay);
    node.handle(2, Message::AddrV2((0..1000).map(|number| at(number, NOW)).collect()), START);
    assert_eq!(kept(&mut node).len(), 1000);
    node.peers.get_mut(&1).unwrap().permissions.addr = true;
    node.handle(1, Message::AddrV2(list), START + Duration::from_secs(100));
    assert_eq!(kept(&mut node).len(), 20);
}

#[test]
fn times_that_cannot_be_are_put_right_and_useless_nodes_left_out() {
    let mut node = manager(1, options());
    friend(&mut node, 1, ConnectionKind::OutboundFullRelay);
    let useless = PeerAddress { services: 0, ..at(4, NOW) };
    let list = vec![at(1, NOW - 5), at(2, NOW + 601), at(3, 5), useless];
    node.handle(1, Message::AddrV2(list), START);
    let mut found = kept(&mut node);
    found.sort_by_key(|address| address.service);
    let times: Vec<_> = found.iter().map(|address| address.time).collect();
    assert_eq!(times, [NOW - 5, NOW - 432_000, NOW - 432_000]);
}

#[test]
fn a_fresh_address_goes_to_two_others_and_always_the_same() {
    let mut node = manager(1, options());
    for id in 1..=8 {
        friend(&mut node, id, ConnectionKind::Inbound);
        // Whoever speaks of addresses takes part.
        node.handle(id, Message::AddrV2(vec![]), START);
    }
    friend(&mut node, 9, ConnectionKind::Inbound);
    friend(&mut node, 10, ConnectionKind::BlockRelayOnly);
    let mut receivers = Vec::new();
    for _ in 0..2 {
        node.peers.get_mut(&1).unwrap().addrs.tokens = 10.0;
        node.handle(1, Message::AddrV2(vec![at(7, NOW), at(8, NOW - 601)]), START);
        let with = |peer: &&Peer| peer.addrs.to_send.iter().any(|it| it.service == at(7, 0).service);
        assert!(node.peers.values().all(|peer| peer.addrs.to_send.len() <= 1), "what is old is not passed on");
        receivers.push(node.peers.values().filter(with).map(|peer| peer.id).collect::<Vec<_>>());
        for peer in node.peers.values_mut() {
            peer.addrs.to_send.clear();
        }
    }
    assert_eq!(receivers[0].len(), 2);
    assert_eq!(receivers[0], receivers[1]);
    assert!(receivers[0].iter().all(|id| ![1, 9, 10].contains(id)));
    // A long list is an answer, and not news.
    node.peers.get_mut(&1).unwrap().addrs.tokens = 100.0;
    node.handle(1, Message::AddrV2((20..31).map(|number| at(number, NOW)).collect()), START);
    assert!(node.peers.values().all(|peer| peer.addrs.to_send.is_empty()));
}

#[derive(Debug)]
struct OnlyOnion;

impl AddrPolicy for OnlyOnion {
    fn is_reachable(&self, network: Network) -> bool {
        network == Network::Onion
    }

    fn is_shunned(&self, addr: &NetAddr) -> bool {
        *addr == at(1, 0).service.addr
    }
}

#[test]
fn what_cannot_be_reached_is_not_kept_and_who_is_shunned_not_passed_on() {
    let mut node = manager(1, options());
    node.set_addr_policy(Box::new(OnlyOnion));
    for id in [1, 2] {
        friend(&mut node, id, ConnectionKind::Inbound);
        node.handle(id, Message::AddrV2(vec![]), START);
    }
    node.peers.get_mut(&1).unwrap().addrs.tokens = 10.0;
    node.handle(1, Message::AddrV2(vec![at(1, NOW), at(2, NOW)]), START);
    assert_eq!(kept(&mut node), []);
    let passed: Vec<_> = node.peers[&2].addrs.to_send.iter().map(|it| it.service).collect();
    assert_eq!(passed, [at(2, 0).service]);
}

#[test]
fn a_caller_is_told_addresses_once() {
    let mut node = manager(1, options());
    friend(&mut node, 1, ConnectionKind::Inbound);
    friend(&mut node, 2, ConnectionKind::OutboundFullRelay);
    for id in [1, 1, 2] {
        node.handle(id, Message::GetAddr, START);
    }
    let asked: Vec<_> = node.take_actions().into_iter().filter(|it| matches!(it, Action::WantsAddresses(_))).collect();
    assert_eq!(asked, [Action::WantsAddresses(1)]);
    let list: Vec<_> = (0..300).map(|number| at(number, NOW)).collect();
    node.now = START;
    node.tell_addresses(1, &list);
    node.tell_addresses(1, &list);
    node.tick(START);
    assert_eq!(told(&mut node, 1), list, "nothing is told twice");
}

#[test]
fn our_own_address_is_told_alone_at_first_and_again_after_a_day() {
    let mut node = manager(1, options());
    friend(&mut node, 1, ConnectionKind::Inbound);
    node.handle(1, Message::AddrV2(vec![]), START);
    let own = at(99, 0).service;
    let mut days = Vec::new();
    for minute in 0..5 * 24 * 60 {
        let now = START + Duration::from_mins(minute);
        // It answers every ping.
        node.peers.get_mut(&1).unwrap().ping = None;
        node.tick(now);
        for action in node.take_actions() {
            match action {
                Action::WantsOwnAddress(id) => node.tell_own_address(id, own, now),
                Action::Send(_, Message::AddrV2(list)) => {
                    assert_eq!(list.len(), 1);
                    days.push(minute);
                }
                _ => {}
            }
        }
    }
    assert!(days[0] <= 1);
    assert!((2..15).contains(&days.len()), "{days:?}");
}

#[test]
fn a_peer_that_is_asked_for_addresses_goes_when_it_has_told_some() {
    let mut node = manager(1, options());
    friend(&mut node, 1, ConnectionKind::AddrFetch);
    node.handle(1, Message::AddrV2(vec![at(1, NOW)]), START);
    assert!(!node.peers[&1].closing, "one is its own");
    node.handle(1, Message::AddrV2(vec![at(2, NOW), at(3, NOW)]), START);
    assert!(node.peers[&1].closing);
    friend(&mut node, 2, ConnectionKind::AddrFetch);
    node.tick(START + Duration::from_secs(301));
    assert!(node.peers[&2].closing);
}
