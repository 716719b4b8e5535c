//! Headers and blocks: what is asked of whom, and who is told.

use super::*;
use crate::NODE_NETWORK_LIMITED;
use primitives::{Block, Header};

/// Headers of a chain that nobody has yet.
fn headers_behind(node: &Manager, from: BlockHash, count: u32, salt: u64) -> Vec<Header> {
    let start = node.chain.info(&from).unwrap();
    let (mut list, mut prev) = (Vec::<Header>::new(), from);
    for step in 0..count {
        let block = mine(prev, start.time + step + 1, salt + u64::from(step));
        prev = block.hash();
        list.push(block.header.clone());
    }
    list
}

fn requested(node: &mut Manager) -> Vec<(PeerId, usize)> {
    let pick = |(id, message)| match message {
        Message::GetData(list) if list.iter().all(Inv::is_block) => Some((id, list.len())),
        _ => None,
    };
    sent(node).into_iter().filter_map(pick).collect()
}

#[test]
fn while_catching_up_headers_come_from_one_peer_and_each_new_block_lets_one_more_be_asked() {
    let mut node = manager(1, options());
    let old = START + Duration::from_hours(48);
    node.chain.catching_up = true;
    for id in 1..=4 {
        friend(&mut node, id, ConnectionKind::OutboundFullRelay);
    }
    let asked = |node: &mut Manager| {
        let pick = |(id, message): (PeerId, Message)| matches!(message, Message::GetHeaders(_)).then_some(id);
        sent(node).into_iter().filter_map(pick).collect::<Vec<_>>()
    };
    node.tick(old);
    assert_eq!(asked(&mut node), [1]);
    let new = |number| Message::Inv(vec![Inv::block(BlockHash::from_byte_array([number; 32]))]);
    for (id, number, expected) in [(2, 1, vec![2]), (3, 1, vec![]), (3, 2, vec![3]), (2, 3, vec![]), (1, 4, vec![])] {
        node.handle(id, new(number), old);
        assert_eq!(asked(&mut node), expected, "peer {id}, block {number}");
    }
}

#[test]
fn a_slow_header_peer_goes_if_there_is_another() {
    for (others, noban, gone) in [(1, false, true), (0, false, false), (1, true, false)] {
        let mut node = manager(1, options());
        let old = START + Duration::from_hours(48);
        node.chain.catching_up = true;
        join(&mut node, 1, ConnectionKind::OutboundFullRelay);
        node.peers.get_mut(&1).unwrap().permissions.noban = noban;
        node.handle(1, Message::Version(Box::new(version())), START);
        node.handle(1, Message::Verack, START);
        for id in 2..2 + others {
            friend(&mut node, id, ConnectionKind::OutboundFullRelay);
        }
        node.tick(old);
        for id in 1..2 + others {
            // Somebody who answers pings, but not this.
            node.peers.get_mut(&id).unwrap().ping = None;
        }
        node.tick(old + Duration::from_mins(16));
        assert_eq!(node.peers[&1].closing, gone, "{others} {noban}");
    }
}

#[test]
fn a_peer_whose_whole_chain_has_too_little_work_is_of_no_use() {
    for (kind, gone) in [(ConnectionKind::OutboundFullRelay, true), (ConnectionKind::Inbound, false)] {
        let mut node = manager(1, options());
        node.chain.catching_up = true;
        let one = node.chain.tip().work;
        node.chain.minimum = one + one + one + one;
        join(&mut node, 1, kind);
        // Trusted, so that low work alone does not keep its headers out.
        node.peers.get_mut(&1).unwrap().permissions.noban = true;
        node.handle(1, Message::Version(Box::new(version())), START);
        node.handle(1, Message::Verack, START);
        let tip = node.chain.tip().hash;
        let list = headers_behind(&node, tip, 2, 1);
        node.handle(1, Message::Headers(list), START);
        assert_eq!(node.peers[&1].closing, gone);
        assert_eq!(node.chain.best_header().height, 2);
    }
}

#[test]
fn a_low_work_block_that_nobody_asked_for_is_ignored() {
    let mut node = manager(1, options());
    node.chain.grow(200, 1);
    friend(&mut node, 1, ConnectionKind::Inbound);
    let deep = node.chain.ancestor(&node.chain.tip().hash, 10).unwrap();
    let low = mine(deep, 1_699_991_000, 7);
    node.handle(1, Message::Block(low.clone(), WitnessMode::Include), START);
    assert!(node.chain.info(&low.hash()).is_none() && !node.peers[&1].closing);
    let near = node.chain.ancestor(&node.chain.tip().hash, 150).unwrap();
    let fork = mine(near, 1_699_991_000, 7);
    node.handle(1, Message::Block(fork.clone(), WitnessMode::Include), START);
    assert!(node.chain.info(&fork.hash()).is_some());
    let stranger = mine(BlockHash::from_byte_array([9; 32]), 1_699_990_001, 1);
    node.handle(1, Message::Block(stranger, WitnessMode::Include), START);
    assert!(node.peers[&1].closing, "its parent has to come first");
}

/// A node that catches up, two peers, and a chain one block longer than the window. Blocks 1 and 500, which were asked of
/// peer 1, have not come; all others have.
fn held_up() -> (Manager, Vec<Arc<Block>>) {
    let mut node = manager(1, options());
    node.chain.catching_up = true;
    node.chain.slow = true;
    let mut blocks = Vec::<Arc<Block>>::new();
    for step in 0..1025 {
        let prev = blocks.last().map_or(node.chain.tip().hash, |block| block.hash());
        blocks.push(mine(prev, 1_699_990_001 + step, u64::from(step)));
    }
    for id in [1, 2] {
        friend(&mut node, id, ConnectionKind::OutboundFullRelay);
        node.handle(id, Message::Headers(blocks.iter().map(|block| block.header.clone()).collect()), START);
    }
    let missing = [&blocks[0], &blocks[499]];
    for block in missing {
        let info = node.chain.info(&block.hash()).unwrap();
        node.mark_in_flight(1, &info, None, START);
    }
    for block in blocks[..1024].iter().filter(|block| !missing.contains(block)) {
        node.chain.submit_block(block.clone(), true);
    }
    node.chain.waiting.clear();
    node.take_actions();
    (node, blocks)
}

#[test]
fn who_holds_up_the_window_has_two_seconds() {
    let (mut node, _) = held_up();
    node.tick(START);
    assert_eq!(node.peers[&1].stalling_since, Some(START));
    node.tick(START + blocks::STALLING_TIMEOUT);
    assert!(!node.peers[&1].closing);
    node.tick(START + blocks::STALLING_TIMEOUT + Duration::from_micros(1));
    assert!(node.peers[&1].closing && !node.peers[&2].closing);
}

#[test]
fn nobody_holds_up_a_window_that_is_about_to_move() {
    let (mut node, blocks) = held_up();
    let first = blocks[0].clone();
    node.handle(1, Message::Block(first.clone(), WitnessMode::Include), START);
    // It is stored; the 499 that follow it are being connected.
    node.tick(START);
    assert_eq!(node.peers[&1].stalling_since, None);
    node.chain.settle(first.hash());
    node.block_judged(first.hash(), Ok(true), START);
    node.notice_tip(START);
    node.tick(START);
    assert_eq!((node.chain.tip().height, node.peers[&1].stalling_since), (499, None));
    assert_eq!(requested(&mut node), [(1, 1)], "the window has moved");
}

#[test]
fn while_catching_up_blocks_are_taken_in_ahead_of_the_verdict() {
    for catching_up in [true, false] {
        let mut node = manager(1, options());
        node.chain.catching_up = catching_up;
        node.chain.slow = true;
        friend(&mut node, 1, ConnectionKind::OutboundFullRelay);
        let mut blocks = Vec::new();
        for step in 0..20 {
            let prev = blocks.last().map_or(node.chain.tip().hash, |block: &Arc<Block>| block.hash());
            blocks.push(mine(prev, 1_699_990_001 + step, 1));
        }
        node.handle(1, Message::Headers(blocks.iter().map(|block| block.header.clone()).collect()), START);
        let mut ahead = 0u32;
        for block in &blocks {
            if node.is_busy(1) && !node.takes_block_ahead(1) {
                break;
            }
            node.handle(1, Message::Block(block.clone(), WitnessMode::Include), START);
            ahead += 1;
        }
        assert_eq!(ahead, if catching_up { 16 } else { 1 });
        for hash in std::mem::take(&mut node.chain.waiting) {
            assert!(node.is_busy(1), "everything else waits for all of them");
            node.chain.settle(hash);
            node.block_judged(hash, Ok(true), START);
        }
        assert_eq!((node.chain.tip().height, node.is_busy(1)), (ahead, false));
    }
}

#[test]
fn a_few_large_blocks_are_as_many_as_may_wait() {
    let mut node = manager(1, options());
    node.chain.catching_up = true;
    node.chain.slow = true;
    friend(&mut node, 1, ConnectionKind::OutboundFullRelay);
    let mut prev = node.chain.tip().hash;
    for (step, more) in [(1, true), (2, true), (3, false)] {
        let large = spend(OutPoint { txid: Txid::all_zeros(), vout: step }, 1, 1_500_000);
        let block = crate::testing::mine_with(prev, 1_699_990_001 + step, 1, &[large]);
        prev = block.hash();
        node.handle(1, Message::Block(block, WitnessMode::Include), START);
        assert_eq!(node.takes_block_ahead(1), more, "{step}");
    }
}

#[test]
fn headers_near_the_tip_are_followed_by_their_blocks() {
    let mut node = manager(1, options());
    friend(&mut node, 1, ConnectionKind::Inbound);
    let tip = node.chain.tip().hash;
    let list = headers_behind(&node, tip, 30, 1);
    node.handle(1, Message::Headers(list[..3].to_vec()), START);
    assert_eq!(requested(&mut node), [(1, 3)]);
    node.handle(1, Message::Headers(list[3..].to_vec()), START);
    assert_eq!(requested(&mut node), [], "so many at once are no news");
    node.tick(START);
    assert_eq!(requested(&mut node), [(1, 13)], "sixteen at a time");
}

#[test]
fn nothing_is_asked_for_from_an_invalid_block_on() {
    let mut node = manager(1, options());
    friend(&mut node, 1, ConnectionKind::Inbound);
    let tip = node.chain.tip().hash;
    let list = headers_behind(&node, tip, 30, 1);
    node.handle(1, Message::Headers(list.clone()), START);
    node.take_actions();
    node.chain.invalid.extend(list[10..].iter().map(Header::hash));
    node.tick(START);
    assert_eq!(requested(&mut node), [(1, 10)]);
}

#[test]
fn a_limited_peer_is_asked_for_new_blocks_only() {
    let mut node = manager(1, options());
    join(&mut node, 1, ConnectionKind::Inbound);
    let limited = Version { services: NODE_NETWORK_LIMITED | NODE_WITNESS, ..version() };
    node.handle(1, Message::Version(Box::new(limited)), START);
    node.handle(1, Message::Verack, START);
    let tip = node.chain.tip().hash;
    let list = headers_behind(&node, tip, 400, 1);
    node.handle(1, Message::Headers(list), START);
    node.take_actions();
    node.tick(START);
    let lowest = node.peers[&1].in_flight.iter().map(|block| block.height).min();
    assert_eq!(lowest, Some(400 - 285));
    node.chain.catching_up = true;
    node.unmark(&node.peers[&1].in_flight[0].hash.clone(), None, START);
    node.take_actions();
    node.tick(START);
    assert_eq!(requested(&mut node), [], "it cannot help to catch up");
}

#[test]
fn new_blocks_are_told_by_headers_to_who_wants_them_and_can_connect_them() {
    let mut node = manager(1, options());
    friend(&mut node, 1, ConnectionKind::Inbound);
    friend(&mut node, 2, ConnectionKind::Inbound);
    friend(&mut node, 3, ConnectionKind::Inbound);
    node.handle(1, Message::SendHeaders, START);
    node.handle(2, Message::SendHeaders, START);
    node.chain.grow(1, 1);
    // The first one has told that it has the block before.
    let genesis = node.chain.ancestor(&node.chain.tip().hash, 0).unwrap();
    node.now_sent(1, genesis);
    node.notice_tip(START);
    node.tick(START);
    let told: Vec<_> = sent(&mut node)
        .into_iter()
        .filter_map(|(id, message)| match message {
            Message::Headers(list) => Some((id, "headers", list.len())),
            Message::Inv(list) => Some((id, "inv", list.len())),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(1, "headers", 1), (2, "inv", 1), (3, "inv", 1)]);
    node.chain.grow(9, 50);
    node.notice_tip(START);
    node.tick(START);
    let told = sent(&mut node).into_iter().filter(|(id, it)| *id == 1 && matches!(it, Message::Inv(_))).count();
    assert_eq!(told, 1, "whoever missed so many asks for them");
}

#[test]
fn one_block_can_be_asked_of_one_peer() {
    let mut node = manager(1, options());
    friend(&mut node, 1, ConnectionKind::Inbound);
    node.chain.grow(1, 1);
    let hash = node.chain.tip().hash;
    assert_eq!(node.fetch_block(9, hash, START), Err(FetchError::NoPeer));
    assert_eq!(node.fetch_block(1, hash, START), Ok(()));
    friend(&mut node, 2, ConnectionKind::Inbound);
    assert_eq!(requested(&mut node), []);
    assert_eq!(node.fetch_block(2, hash, START), Ok(()));
    assert_eq!(requested(&mut node), [(2, 1)]);
    assert_eq!(node.in_flight[&hash], [2], "whoever was asked before is not waited for");
}

#[test]
fn nothing_of_blocks_is_handled_while_they_are_read_from_the_disk() {
    let mut node = manager(1, options());
    node.set_loading(true);
    friend(&mut node, 1, ConnectionKind::Inbound);
    let block = mine(node.chain.tip().hash, 1_699_990_001, 1);
    node.handle(1, Message::Headers(vec![block.header.clone()]), START);
    node.handle(1, Message::Block(block, WitnessMode::Include), START);
    let tip = node.chain.tip().hash;
    node.handle(1, Message::GetHeaders(Locator { version: 0, have: vec![tip], stop: tip }), START);
    node.tick(START);
    assert!(!names(&mut node).iter().any(|name| ["headers", "getheaders", "getdata"].contains(&name.as_str())));
    assert_eq!(node.chain.best_header().height, 0);
}
