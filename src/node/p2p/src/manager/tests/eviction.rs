//! Connections that have to prove their worth.

use super::*;

const CATCH_UP: Duration = Duration::from_mins(20);

fn minutes(count: u64) -> Duration {
    START + Duration::from_mins(count)
}

/// Ticks without any peer failing to answer pings.
fn tick(node: &mut Manager, now: Duration) {
    for peer in node.peers.values_mut() {
        peer.ping = None;
    }
    node.tick(now);
}

#[test]
fn a_chosen_peer_that_stays_behind_goes() {
    for (kind, gone) in [
        (ConnectionKind::OutboundFullRelay, true),
        (ConnectionKind::BlockRelayOnly, true),
        (ConnectionKind::Manual, false),
        (ConnectionKind::Inbound, false),
    ] {
        let mut node = manager(1, options());
        node.chain.grow(3, 1);
        friend(&mut node, 1, kind);
        tick(&mut node, START);
        let old = node.chain.header(&node.chain.ancestor(&node.chain.tip().hash, 1).unwrap()).unwrap();
        node.handle(1, Message::Headers(vec![old]), START);
        tick(&mut node, START);
        node.take_actions();
        tick(&mut node, START + CATCH_UP + Duration::from_secs(1));
        let asked = names(&mut node).iter().any(|name| name == "getheaders");
        assert_eq!((asked, node.peers[&1].closing), (gone, false), "{kind:?} gets one chance more");
        tick(&mut node, START + CATCH_UP + Duration::from_secs(122));
        assert_eq!(node.peers[&1].closing, gone, "{kind:?}");
    }
}

#[test]
fn a_peer_that_catches_up_in_time_stays() {
    let mut node = manager(1, options());
    node.chain.grow(3, 1);
    friend(&mut node, 1, ConnectionKind::BlockRelayOnly);
    let header =
        |node: &Manager, height| node.chain.header(&node.chain.ancestor(&node.chain.tip().hash, height).unwrap());
    tick(&mut node, START);
    // It comes to where we were, but we have gone on meanwhile.
    node.chain.grow(1, 50);
    let third = header(&node, 3).unwrap();
    node.handle(1, Message::Headers(vec![third]), START);
    tick(&mut node, minutes(19));
    tick(&mut node, minutes(30));
    tick(&mut node, minutes(38));
    assert!(!node.peers[&1].closing, "the time starts again");
    let fourth = header(&node, 4).unwrap();
    node.handle(1, Message::Headers(vec![fourth]), minutes(38));
    for minute in [39, 60, 120] {
        tick(&mut node, minutes(minute));
    }
    assert!(!node.peers[&1].closing);
}

#[test]
fn four_good_peers_are_protected() {
    let mut node = manager(1, options());
    node.chain.grow(1, 1);
    let tip = node.chain.header(&node.chain.tip().hash).unwrap();
    for id in 1..=6 {
        friend(&mut node, id, ConnectionKind::OutboundFullRelay);
        node.handle(id, Message::Headers(vec![tip.clone()]), START);
    }
    let protected: Vec<_> = node.peers.values().filter(|peer| peer.chain_sync.protected).map(|peer| peer.id).collect();
    assert_eq!(protected, [1, 2, 3, 4]);
    node.set_extra_peers(1, 0);
    tick(&mut node, START);
    tick(&mut node, minutes(1));
    let gone: Vec<_> = node.peers.values().filter(|peer| peer.closing).map(|peer| peer.id).collect();
    assert_eq!(gone, [6], "of the others the youngest of those that told nothing new");
}

#[test]
fn the_youngest_extra_peer_for_blocks_goes_unless_it_knew_more() {
    for (told, gone) in [(None, 3), (Some(minutes(1)), 2)] {
        let mut node = manager(1, options());
        for id in 1..=3 {
            friend(&mut node, id, ConnectionKind::BlockRelayOnly);
        }
        node.peers.get_mut(&3).unwrap().last_block = told;
        node.set_extra_peers(0, 1);
        tick(&mut node, START);
        tick(&mut node, minutes(1));
        let closing: Vec<_> = node.peers.values().filter(|peer| peer.closing).map(|peer| peer.id).collect();
        assert_eq!(closing, [gone]);
    }
}

#[test]
fn a_stale_tip_leads_to_one_more_connection() {
    let mut node = manager(1, options());
    let mut wishes = Vec::new();
    for minute in 0..60 {
        if minute == 45 {
            let block = mine(node.chain.tip().hash, 1_699_990_001, 1);
            node.chain.submit_block(block.clone(), true);
            node.block_connected(&block, minutes(minute));
        }
        tick(&mut node, minutes(minute));
        wishes.extend(node.take_actions().into_iter().filter(|it| matches!(it, Action::ExtraOutbound(_))));
    }
    assert_eq!(wishes, [Action::ExtraOutbound(true), Action::ExtraOutbound(false)]);
}

#[test]
fn the_caller_that_has_to_go_is_none_of_those_that_count() {
    let mut node = manager(1, options());
    for id in 1..=60 {
        friend(&mut node, id, ConnectionKind::Inbound);
    }
    friend(&mut node, 61, ConnectionKind::OutboundFullRelay);
    for id in 1..=59 {
        node.peers.get_mut(&id).unwrap().permissions.noban = true;
    }
    let choose = |node: &Manager| node.choose_eviction(false, None, START, |_| 1, |_| false);
    assert_eq!(choose(&node), None, "one alone is always protected");
    for id in 20..=59 {
        node.peers.get_mut(&id).unwrap().permissions.noban = false;
    }
    let gone = choose(&node).unwrap();
    assert!((20..=60).contains(&gone));
    node.peers.get_mut(&gone).unwrap().permissions.noban = true;
    assert_ne!(choose(&node), Some(gone));
}
