//! With a snapshot of the coins: new blocks first, then those behind it, and no promise to others before all are here.

use super::*;
use crate::NODE_NETWORK_LIMITED;
use primitives::Header;

/// Headers behind a block, that nobody has blocks of yet.
fn headers(node: &Manager, from: BlockHash, count: u32, salt: u64) -> Vec<Header> {
    let start = node.chain.info(&from).unwrap();
    let mut prev = from;
    let next = |step| {
        let block = mine(prev, start.time + step + 1, salt + u64::from(step));
        prev = block.hash();
        block.header.clone()
    };
    (0..count).map(next).collect()
}

/// The heights of the blocks that a peer with these headers is asked for.
fn asked(node: &mut Manager, id: PeerId, headers: Vec<Header>) -> Vec<u32> {
    node.handle(id, Message::Headers(headers), START);
    node.tick(START);
    node.peers[&id].in_flight.iter().map(|block| block.height).collect()
}

/// A node that went on from block 30 of 40, and the headers of all.
fn with_snapshot() -> (Manager, Vec<Header>) {
    let mut node = manager(1, options());
    let genesis = node.chain.tip().hash;
    let list = headers(&node, genesis, 40, 1);
    node.chain.accept_headers(&list).unwrap();
    node.chain.begin_with(list[29].hash());
    (node, list)
}

#[test]
fn what_is_new_is_asked_for_before_what_is_old() {
    let (mut node, list) = with_snapshot();
    friend(&mut node, 1, ConnectionKind::OutboundFullRelay);
    assert_eq!(asked(&mut node, 1, list.clone()), (31..=40).chain(1..=6).collect::<Vec<_>>());
    friend(&mut node, 2, ConnectionKind::OutboundFullRelay);
    assert_eq!(asked(&mut node, 2, list), (7..=22).collect::<Vec<_>>());
}

#[test]
fn neither_a_limited_peer_nor_one_on_another_chain_is_asked_for_history() {
    let (mut node, list) = with_snapshot();
    join(&mut node, 1, ConnectionKind::Inbound);
    let limited = Version { services: NODE_NETWORK_LIMITED | NODE_WITNESS, ..version() };
    node.handle(1, Message::Version(Box::new(limited)), START);
    node.handle(1, Message::Verack, START);
    assert_eq!(asked(&mut node, 1, list.clone()), (31..=40).collect::<Vec<_>>());
    // With more work, but without the block of the snapshot.
    let other = headers(&node, list[28].hash(), 20, 1000);
    friend(&mut node, 2, ConnectionKind::OutboundFullRelay);
    assert!(asked(&mut node, 2, other).is_empty());
}

#[test]
fn old_blocks_are_promised_again_when_they_are_here() {
    let (mut node, _) = with_snapshot();
    join(&mut node, 1, ConnectionKind::Inbound);
    assert_eq!(node.peers[&1].our_services, NODE_NETWORK_LIMITED | NODE_WITNESS);
    node.chain.behind = None;
    join(&mut node, 2, ConnectionKind::Inbound);
    assert_eq!(node.peers[&2].our_services, options().services);
}
