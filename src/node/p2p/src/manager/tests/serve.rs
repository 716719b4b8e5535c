//! What is given to whom.

use super::*;
use crate::message::{FilterRange, InvKind, MAX_HEADERS};
use crate::{FilterAccess, NODE_COMPACT_FILTERS, NODE_NETWORK_LIMITED};

#[test]
fn old_blocks_that_lost_are_served_to_nobody() {
    let mut node = manager(1, options());
    let loser = mine(node.chain.tip().hash, 1_699_990_005, 99);
    node.chain.grow(3, 1);
    node.chain.submit_block(loser.clone(), true);
    friend(&mut node, 1, ConnectionKind::Inbound);
    let ask = |node: &mut Manager| {
        node.handle(1, Message::GetData(vec![Inv::witness_block(loser.hash())]), START);
        let stop = loser.hash();
        node.handle(1, Message::GetHeaders(Locator { version: 0, have: vec![], stop }), START);
        names(node)
    };
    assert_eq!(ask(&mut node), ["block", "headers"]);
    let month = 31 * 24 * 3600;
    let late = mine(node.chain.tip().hash, 1_699_990_000 + month, 5);
    node.chain.submit_block(late, true);
    assert_eq!(ask(&mut node), Vec::<String>::new());
}

#[test]
fn who_asks_for_a_block_before_it_is_connected_gets_it_then() {
    let mut node = manager(1, options());
    node.chain.grow(3, 1);
    friend(&mut node, 1, ConnectionKind::Inbound);
    let block = mine(node.chain.tip().hash, 1_699_990_005, 99);
    node.chain.slow = true;
    node.chain.submit_block(block.clone(), true);
    node.handle(1, Message::GetData(vec![Inv::witness_block(block.hash())]), START);
    assert_eq!(names(&mut node), Vec::<String>::new());
    node.chain.settle(block.hash());
    node.block_connected(&block, START);
    assert_eq!(names(&mut node), ["block"]);
    node.block_connected(&block, START);
    assert_eq!(names(&mut node), Vec::<String>::new(), "once is enough");
}

/// An announcement overtakes the writing of the block to disk. A peer whose tip is old by its clock asks for the whole
/// block, and only once.
#[test]
fn who_asks_for_an_announced_block_before_it_is_on_disk_gets_it_later() {
    let mut node = manager(1, options());
    node.chain.grow(3, 1);
    friend(&mut node, 1, ConnectionKind::Inbound);
    let block = mine(node.chain.tip().hash, 1_699_990_005, 99);
    node.chain.slow = true;
    node.chain.accept_headers(std::slice::from_ref(&block.header)).unwrap();
    node.block_accepted(&block);
    let other = mine(node.chain.tip().hash, 1_699_990_005, 100);
    node.chain.accept_headers(std::slice::from_ref(&other.header)).unwrap();
    let asked = [&block, &other].map(|block| Inv::witness_block(block.hash()));
    node.handle(1, Message::GetData(asked.to_vec()), START);
    node.serve(1, START);
    assert_eq!(names(&mut node), Vec::<String>::new());
    for block in [&block, &other] {
        node.chain.submit_block(block.clone(), true);
    }
    node.chain.settle(block.hash());
    node.block_connected(&block, START);
    assert_eq!(names(&mut node), ["block"], "the announced one, and not the other");
}

#[test]
fn the_upload_limit_holds_for_history() {
    let mut node = manager(1, options());
    node.chain.grow(1, 1);
    let old = node.chain.tip().hash;
    let new = mine(old, 1_699_990_001 + 8 * 24 * 3600, 5);
    node.chain.submit_block(new.clone(), true);
    node.set_upload_limits(true, false);
    friend(&mut node, 1, ConnectionKind::Inbound);
    node.handle(1, Message::GetData(vec![Inv::witness_block(new.hash())]), START);
    assert_eq!(names(&mut node), ["block"]);
    node.handle(1, Message::GetData(vec![Inv::witness_block(old)]), START);
    assert!(node.peers[&1].closing);
}

#[test]
fn a_pruning_node_gives_only_its_newest_blocks() {
    let mut node = manager(1, Options { services: NODE_NETWORK_LIMITED | NODE_WITNESS, prunes: true, ..options() });
    node.chain.grow(300, 1);
    for (height, given) in [(10, true), (9, false)] {
        friend(&mut node, 1, ConnectionKind::Inbound);
        let hash = node.chain.ancestor(&node.chain.tip().hash, height).unwrap();
        node.handle(1, Message::GetData(vec![Inv::witness_block(hash)]), START);
        assert_eq!((names(&mut node).len(), node.peers[&1].closing), (usize::from(given), !given), "height {height}");
        node.disconnected(1);
    }
    friend(&mut node, 1, ConnectionKind::Inbound);
    let have = vec![node.chain.ancestor(&node.chain.tip().hash, 13).unwrap()];
    let stop = BlockHash::all_zeros();
    node.handle(1, Message::GetBlocks(Locator { version: 0, have: have.clone(), stop }), START);
    assert_eq!(names(&mut node), Vec::<String>::new(), "it may be gone before it is asked for");
    node.handle(1, Message::GetHeaders(Locator { version: 0, have, stop }), START);
    let [(1, Message::Headers(list))] = &sent(&mut node)[..] else { panic!("headers") };
    assert_eq!(list.len(), 287);
}

#[test]
fn headers_are_given_2000_at_a_time_and_not_below_the_minimum() {
    let mut node = manager(1, options());
    node.chain.grow(2010, 1);
    friend(&mut node, 1, ConnectionKind::Inbound);
    let genesis = node.chain.ancestor(&node.chain.tip().hash, 0).unwrap();
    let ask = Message::GetHeaders(Locator { version: 0, have: vec![genesis], stop: BlockHash::all_zeros() });
    let count = |node: &mut Manager| match &sent(node)[..] {
        [(1, Message::Headers(list))] => list.len(),
        other => panic!("{other:?}"),
    };
    node.handle(1, ask.clone(), START);
    assert_eq!(count(&mut node), MAX_HEADERS);
    let tip = node.chain.tip().work;
    node.chain.minimum = tip + tip;
    node.handle(1, ask.clone(), START);
    assert_eq!(count(&mut node), 0);
    node.peers.get_mut(&1).unwrap().permissions.download = true;
    node.handle(1, ask, START);
    assert_eq!(count(&mut node), MAX_HEADERS);
}

#[derive(Debug)]
struct Filters;

impl FilterAccess for Filters {
    fn filter(&self, block: &BlockHash) -> Option<Vec<u8>> {
        Some(block.to_byte_array()[..4].to_vec())
    }

    fn filter_hash(&self, block: &BlockHash) -> Option<[u8; 32]> {
        Some(block.to_byte_array())
    }

    fn filter_header(&self, block: &BlockHash) -> Option<[u8; 32]> {
        Some(block.to_byte_array())
    }
}

#[test]
fn block_filters_are_given_within_their_limits() {
    let mut node = manager(1, Options { services: options().services | NODE_COMPACT_FILTERS, ..options() });
    node.chain.grow(2100, 1);
    node.set_filters(Box::new(Filters));
    friend(&mut node, 1, ConnectionKind::Inbound);
    let tip = node.chain.tip().hash;
    let range = |start, stop| FilterRange { kind: 0, start, stop };
    node.handle(1, Message::GetCFilters(range(2091, tip)), START);
    assert_eq!(names(&mut node), ["cfilter"; 10]);
    node.handle(1, Message::GetCFHeaders(range(101, tip)), START);
    let [(1, Message::CFHeaders(answer))] = &sent(&mut node)[..] else { panic!("one answer") };
    assert_eq!((answer.hashes.len(), answer.prev), (2000, node.chain.ancestor(&tip, 100).unwrap().to_byte_array()));
    node.handle(1, Message::GetCFHeaders(range(0, node.chain.ancestor(&tip, 5).unwrap())), START);
    let [(1, Message::CFHeaders(answer))] = &sent(&mut node)[..] else { panic!("one answer") };
    assert_eq!((answer.hashes.len(), answer.prev), (6, [0; 32]));
    node.handle(1, Message::GetCFCheckpt { kind: 0, stop: tip }, START);
    let [(1, Message::CFCheckpt(answer))] = &sent(&mut node)[..] else { panic!("one answer") };
    assert_eq!(answer.headers.len(), 2);
    for bad in [
        Message::GetCFilters(range(1100, tip)),
        Message::GetCFHeaders(range(100, tip)),
        Message::GetCFilters(range(2101, tip)),
        Message::GetCFilters(range(0, BlockHash::all_zeros())),
        Message::GetCFCheckpt { kind: 1, stop: tip },
    ] {
        node.disconnected(1);
        friend(&mut node, 1, ConnectionKind::Inbound);
        node.handle(1, bad.clone(), START);
        assert!(node.peers[&1].closing, "{bad:?}");
    }
}

#[test]
fn a_compact_block_is_given_near_the_tip_only() {
    let mut node = manager(1, options());
    node.chain.grow(20, 1);
    friend(&mut node, 1, ConnectionKind::Inbound);
    for (height, name) in [(20, "cmpctblock"), (15, "cmpctblock"), (14, "block")] {
        let hash = node.chain.ancestor(&node.chain.tip().hash, height).unwrap();
        node.handle(1, Message::GetData(vec![Inv { kind: InvKind::CmpctBlock, hash: hash.to_byte_array() }]), START);
        assert_eq!(names(&mut node), [name]);
    }
    for (height, name) in [(10, "blocktxn"), (9, "block")] {
        let block = node.chain.ancestor(&node.chain.tip().hash, height).unwrap();
        node.handle(1, Message::GetBlockTxn(crate::GetBlockTxn { block, indexes: vec![0] }), START);
        assert_eq!(names(&mut node), [name]);
    }
}
