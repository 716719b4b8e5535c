//! Compact blocks, from the announcement to the block.

use super::*;
use crate::compact;
use crate::message::{BlockTxn, InvKind};
use crate::testing::mine_with;
use primitives::{Block, Tx};

/// A node with peers that give compact blocks.
fn node_with(peers: &[(PeerId, ConnectionKind)]) -> Manager {
    let mut node = manager(1, options());
    for (id, kind) in peers {
        friend(&mut node, *id, *kind);
        node.handle(*id, Message::SendCmpct { announce: 0, version: 2 }, START);
    }
    node.take_actions();
    node
}

/// Transactions that spend nothing in particular.
fn some_txs(count: u64) -> Vec<Arc<Tx>> {
    (0..count).map(|value| spend(OutPoint { txid: Txid::from_byte_array([7; 32]), vout: 0 }, value, 1)).collect()
}

fn next_block(node: &Manager, salt: u64, txs: &[Arc<Tx>]) -> Arc<Block> {
    let tip = node.chain.tip();
    mine_with(tip.hash, tip.time + 1, salt, txs)
}

/// A peer sends a whole block, which makes it one that we want compact blocks from.
fn impress(node: &mut Manager, id: PeerId, salt: u64) {
    let block = next_block(node, salt, &[]);
    node.handle(id, Message::Block(block.clone(), WitnessMode::Include), START);
    assert_eq!(node.chain.tip().hash, block.hash());
}

fn compact_message(block: &Block) -> Message {
    Message::CmpctBlock(Box::new(compact::shorten(block, 5)))
}

fn is_closed(node: &Manager, id: PeerId) -> bool {
    node.peers[&id].closing
}

#[test]
fn the_last_three_peers_that_were_first_with_a_block_announce_them() {
    use ConnectionKind::{Inbound, OutboundFullRelay};
    let mut node = node_with(&[(1, OutboundFullRelay), (2, Inbound), (3, Inbound), (4, Inbound), (5, Inbound)]);
    let told = |node: &mut Manager| {
        let pick = |(id, message)| match message {
            Message::SendCmpct { announce, .. } => Some((id, announce)),
            _ => None,
        };
        sent(node).into_iter().filter_map(pick).collect::<Vec<_>>()
    };
    for id in 1..=3 {
        impress(&mut node, id, 10 * id);
        assert_eq!(told(&mut node), [(id, 1)]);
    }
    impress(&mut node, 4, 40);
    assert_eq!(told(&mut node), [(4, 1), (2, 0)], "the only one that we chose stays");
    impress(&mut node, 3, 50);
    assert_eq!(told(&mut node), []);
    impress(&mut node, 5, 60);
    assert_eq!(told(&mut node), [(5, 1), (4, 0)], "the one that was useful least lately, but for the chosen one, goes");
    node.disconnected(1);
    assert_eq!(node.compact_announcers, [3, 5]);
}

#[test]
fn a_block_whose_transactions_are_here_needs_no_question() {
    let mut node = node_with(&[(1, ConnectionKind::Inbound)]);
    impress(&mut node, 1, 1);
    let txs = some_txs(4);
    for tx in &txs[..3] {
        node.pool.put(tx.clone());
    }
    node.keep_extra(&txs[3]);
    node.take_actions();
    let block = next_block(&node, 2, &txs);
    node.handle(1, compact_message(&block), START);
    assert_eq!(node.chain.tip().hash, block.hash());
    assert_eq!(names(&mut node), Vec::<String>::new());
    assert!(node.in_flight.is_empty());
}

#[test]
fn missing_transactions_are_asked_for() {
    let mut node = node_with(&[(1, ConnectionKind::Inbound)]);
    impress(&mut node, 1, 1);
    let txs = some_txs(3);
    node.pool.put(txs[1].clone());
    node.take_actions();
    let block = next_block(&node, 2, &txs);
    node.handle(1, compact_message(&block), START);
    let [(1, Message::GetBlockTxn(request))] = &sent(&mut node)[..] else { panic!("one question") };
    assert_eq!((request.block, &request.indexes[..]), (block.hash(), &[1, 3][..]));
    let stranger = BlockTxn { block: node.chain.tip().hash, txs: vec![] };
    node.handle(1, Message::BlockTxn(stranger), START);
    assert!(!is_closed(&node, 1), "an answer that nobody waits for is ignored");
    let answer = BlockTxn { block: block.hash(), txs: vec![txs[0].clone(), txs[2].clone()] };
    node.handle(1, Message::BlockTxn(answer), START);
    assert_eq!(node.chain.tip().hash, block.hash());
}

#[test]
fn wrong_answers_lead_to_the_whole_block_once() {
    for (answer, whole) in [(some_txs(2), true), (some_txs(1), false), (some_txs(3), false)] {
        let mut node = node_with(&[(1, ConnectionKind::Inbound)]);
        impress(&mut node, 1, 1);
        node.take_actions();
        let block = next_block(&node, 2, &[some_txs(2)[1].clone(), some_txs(2)[0].clone()]);
        node.handle(1, compact_message(&block), START);
        node.take_actions();
        let reply = Message::BlockTxn(BlockTxn { block: block.hash(), txs: answer });
        node.handle(1, reply.clone(), START);
        assert_eq!(is_closed(&node, 1), !whole, "another number of transactions than asked for is no accident");
        if whole {
            assert!(
                matches!(&sent(&mut node)[..], [(1, Message::GetData(list))] if list[0] == Inv::witness_block(block.hash()))
            );
            node.handle(1, reply, START);
            assert!(is_closed(&node, 1), "there is no second chance");
            assert!(node.in_flight.is_empty());
        }
    }
}

#[test]
fn who_may_send_compact_blocks() {
    let mut node = node_with(&[(1, ConnectionKind::Inbound)]);
    friend(&mut node, 2, ConnectionKind::Inbound);
    let block = next_block(&node, 2, &[]);
    for id in [1, 2] {
        node.handle(id, compact_message(&block), START);
        assert_eq!(node.chain.tip().height, 0, "nobody has asked peer {id} for it");
    }
    let far = mine(BlockHash::from_byte_array([9; 32]), 1_699_990_001, 1);
    node.handle(1, compact_message(&far), START);
    assert_eq!(names(&mut node), ["getheaders"]);
    let mut blocks_only = manager(1, Options { blocks_only: true, ..options() });
    friend(&mut blocks_only, 1, ConnectionKind::Inbound);
    blocks_only.handle(1, Message::SendCmpct { announce: 1, version: 2 }, START);
    blocks_only.handle(1, compact_message(&block), START);
    assert!(blocks_only.chain.info(&block.hash()).is_none());
}

#[test]
fn a_header_near_the_tip_is_followed_by_a_question_for_a_compact_block() {
    let mut node = node_with(&[(1, ConnectionKind::Inbound)]);
    let block = next_block(&node, 2, &[]);
    node.handle(1, Message::Headers(vec![block.header.clone()]), START);
    let asked =
        sent(&mut node).into_iter().find_map(|(_, it)| if let Message::GetData(list) = it { Some(list) } else { None });
    assert_eq!(asked.map(|list| list[0].kind), Some(InvKind::CmpctBlock));
    node.handle(1, compact_message(&block), START);
    assert_eq!(node.chain.tip().hash, block.hash());
}

#[test]
fn at_most_three_peers_fill_the_gaps_and_the_last_place_is_for_one_that_we_chose() {
    use ConnectionKind::{Inbound, OutboundFullRelay};
    let mut node = node_with(&[(1, Inbound), (2, Inbound), (3, Inbound), (4, OutboundFullRelay)]);
    for id in 1..=4 {
        impress(&mut node, id, 10 * id);
    }
    for peer in node.peers.values_mut() {
        peer.high_bandwidth_to = true;
    }
    node.take_actions();
    let txs = some_txs(1);
    let block = next_block(&node, 99, &txs);
    for (id, asked) in [(1, true), (2, true), (3, false), (4, true)] {
        node.handle(id, compact_message(&block), START);
        let names = names(&mut node);
        assert_eq!(names.iter().any(|name| name == "getblocktxn"), asked, "peer {id}");
    }
    assert_eq!(node.in_flight[&block.hash()], [1, 2, 4]);
    let bad = BlockTxn { block: block.hash(), txs: some_txs(2)[1..].to_vec() };
    node.handle(2, Message::BlockTxn(bad), START);
    assert_eq!(node.in_flight[&block.hash()], [1, 4], "only the first one is asked for the whole block");
    node.handle(4, Message::BlockTxn(BlockTxn { block: block.hash(), txs }), START);
    assert_eq!(node.chain.tip().hash, block.hash());
    assert!(node.in_flight.is_empty() && node.peers.values().all(|peer| peer.in_flight.is_empty()));
}

#[test]
fn a_compact_block_may_turn_out_invalid_without_punishment() {
    for whole in [false, true] {
        let mut node = node_with(&[(1, ConnectionKind::Inbound)]);
        impress(&mut node, 1, 1);
        node.chain.slow = true;
        let block = next_block(&node, 2, &[]);
        let message = if whole { Message::Block(block.clone(), WitnessMode::Include) } else { compact_message(&block) };
        node.handle(1, message, START);
        assert!(node.is_busy(1), "its next message waits");
        let refusal = crate::Refusal { reason: "bad-cb-amount".into(), fault: crate::Fault::Block };
        node.block_judged(block.hash(), Err(refusal), START);
        assert_eq!((node.is_busy(1), is_closed(&node, 1)), (false, whole));
    }
}

#[test]
fn a_block_that_is_judged_elsewhere_counts_when_it_was() {
    let mut node = node_with(&[(1, ConnectionKind::Inbound), (2, ConnectionKind::Inbound)]);
    node.chain.slow = true;
    let block = next_block(&node, 2, &[]);
    node.handle(1, Message::Block(block.clone(), WitnessMode::Include), START);
    assert!(node.is_busy(1) && !node.is_busy(2));
    node.handle(2, Message::Ping(1), START);
    assert_eq!(names(&mut node), ["pong"], "others are not held up");
    node.chain.settle(block.hash());
    node.block_judged(block.hash(), Ok(true), START);
    node.notice_tip(START);
    assert!(!node.is_busy(1));
    assert_eq!(node.stats(START)[0].last.0, Some(START));
    node.tick(START);
    let told = sent(&mut node);
    assert!(told.contains(&(1, Message::SendCmpct { announce: 1, version: 2 })));
    assert!(told.contains(&(2, Message::Inv(vec![Inv::block(block.hash())]))), "{told:?}");
}

#[test]
fn a_new_block_is_passed_on_before_it_is_connected() {
    let mut node = node_with(&[(1, ConnectionKind::Inbound), (2, ConnectionKind::Inbound)]);
    node.handle(1, Message::SendCmpct { announce: 1, version: 2 }, START);
    let tip = node.chain.tip().hash;
    node.now_sent(1, tip);
    node.chain.slow = true;
    let block = next_block(&node, 2, &[]);
    assert_eq!(node.chain.submit_block(block.clone(), true), None);
    node.block_accepted(&block);
    node.block_accepted(&block);
    assert!(matches!(&sent(&mut node)[..], [(1, Message::CmpctBlock(_))]), "once, and only to who wants it");
    node.chain.settle(block.hash());
    node.block_connected(&block, START);
    node.notice_tip(START);
    node.tick(START);
    let told: Vec<_> = sent(&mut node).into_iter().filter(|(_, it)| matches!(it, Message::CmpctBlock(_))).collect();
    assert_eq!(told, []);
}
