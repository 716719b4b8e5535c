//! Tests of the peer logic: single conversations, and networks in the simulator.

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use primitives::WitnessMode;
use proptest::prelude::*;

use super::*;
use crate::message::{Inv, Locator, PROTOCOL_VERSION, Version};
use crate::peer::{NODE_NETWORK, NODE_WITNESS};
use crate::testing::{Manager, START, Sim, manager, mine, options, spend};

fn address(last: u8) -> Service {
    std::net::SocketAddr::from(([8, 8, 4, last], 8333)).into()
}

fn version() -> Version {
    Version {
        version: PROTOCOL_VERSION,
        services: NODE_NETWORK | NODE_WITNESS,
        time: 1_700_000_000,
        receiver_services: 0,
        receiver: Service::NOWHERE,
        nonce: 77,
        user_agent: "/test/".into(),
        start_height: 0,
        relay: true,
    }
}

fn join(node: &mut Manager, id: PeerId, kind: ConnectionKind) {
    let permissions = Permissions::default();
    let last = u8::try_from(id).unwrap();
    node.connected(NewPeer { id, address: address(last), kind, permissions }, START);
}

/// A peer that has done its handshake.
fn friend(node: &mut Manager, id: PeerId, kind: ConnectionKind) {
    join(node, id, kind);
    node.handle(id, Message::Version(Box::new(version())), START);
    for message in [Message::WtxidRelay, Message::SendAddrV2, Message::Verack] {
        node.handle(id, message, START);
    }
    node.take_actions();
}

fn sent(node: &mut Manager) -> Vec<(PeerId, Message)> {
    let pick = |action| match action {
        Action::Send(id, message) => Some((id, message)),
        _ => None,
    };
    node.take_actions().into_iter().filter_map(pick).collect()
}

fn names(node: &mut Manager) -> Vec<String> {
    sent(node).into_iter().map(|(_, message)| message.name().to_owned()).collect()
}

#[test]
fn the_handshake_from_both_sides() {
    let mut node = manager(1, options());
    join(&mut node, 1, ConnectionKind::OutboundFullRelay);
    assert_eq!(names(&mut node), ["version"]);
    node.handle(1, Message::Version(Box::new(version())), START);
    let actions = node.take_actions();
    assert!(actions.contains(&Action::Good(address(1), NODE_NETWORK | NODE_WITNESS)));
    node.handle(1, Message::Verack, START);
    assert_eq!(names(&mut node), ["sendcmpct"]);

    join(&mut node, 2, ConnectionKind::Inbound);
    assert_eq!(names(&mut node), Vec::<String>::new());
    node.handle(2, Message::Version(Box::new(version())), START);
    assert_eq!(names(&mut node), ["version", "wtxidrelay", "sendaddrv2", "verack"]);
    let stats = node.stats(START);
    assert_eq!((stats[1].version, stats[1].user_agent.as_str()), (PROTOCOL_VERSION, "/test/"));
}

#[test]
fn nothing_is_answered_before_the_handshake() {
    let mut node = manager(1, options());
    join(&mut node, 1, ConnectionKind::Inbound);
    node.receive(1, "ping", &[1; 8], START);
    node.handle(1, Message::Ping(1), START);
    node.handle(1, Message::Version(Box::new(version())), START);
    node.take_actions();
    node.handle(1, Message::Ping(1), START);
    assert_eq!(node.take_actions(), []);
    node.handle(1, Message::Verack, START);
    node.take_actions();
    node.handle(1, Message::Ping(5), START);
    assert_eq!(node.take_actions(), [Action::Send(1, Message::Pong(Some(5)))]);
}

#[test]
fn who_is_refused() {
    let refused = |kind, version: Version| {
        let mut node = manager(1, options());
        join(&mut node, 1, kind);
        node.handle(1, Message::Version(Box::new(version)), START);
        node.take_actions().contains(&Action::Disconnect(1))
    };
    assert!(!refused(ConnectionKind::Inbound, version()));
    assert!(refused(ConnectionKind::Inbound, Version { version: 31799, ..version() }));
    assert!(!refused(ConnectionKind::Inbound, Version { services: 0, ..version() }));
    assert!(refused(ConnectionKind::OutboundFullRelay, Version { services: NODE_NETWORK, ..version() }));
    assert!(!refused(ConnectionKind::Manual, Version { services: 0, ..version() }));
    assert!(refused(ConnectionKind::Feeler, version()));
}

#[test]
fn a_node_recognises_itself() {
    let mut node = manager(1, options());
    join(&mut node, 1, ConnectionKind::Manual);
    let Some((_, Message::Version(own))) = sent(&mut node).pop() else { panic!("a version comes first") };
    join(&mut node, 2, ConnectionKind::Inbound);
    node.handle(2, Message::Version(own), START);
    assert_eq!(node.take_actions(), [Action::Disconnect(2)]);
}

#[test]
fn negotiation_ends_with_the_handshake() {
    let feature = Message::Feature { id: b"abcd".to_vec(), data: vec![] };
    for late in [Message::WtxidRelay, Message::SendAddrV2, feature.clone()] {
        let mut node = manager(1, options());
        friend(&mut node, 1, ConnectionKind::Inbound);
        node.handle(1, late, START);
        assert_eq!(node.take_actions(), [Action::Disconnect(1)]);
    }
    let mut node = manager(1, options());
    join(&mut node, 1, ConnectionKind::Inbound);
    node.handle(1, Message::Version(Box::new(Version { version: 70016, ..version() })), START);
    node.take_actions();
    node.handle(1, feature, START);
    assert_eq!(node.take_actions(), [Action::Disconnect(1)]);
}

#[test]
fn misbehaviour_is_punished_unless_the_user_wants_the_peer() {
    let mut payload = Vec::new();
    primitives::put_compact_size(&mut payload, 50_001);
    for (kind, expected) in [
        (ConnectionKind::Inbound, vec![Action::Discourage(address(1).addr), Action::Disconnect(1)]),
        (ConnectionKind::Manual, vec![]),
    ] {
        let mut node = manager(1, options());
        friend(&mut node, 1, kind);
        node.receive(1, "inv", &payload, START);
        assert_eq!(node.take_actions(), expected);
    }
}

#[test]
fn timeouts_end_connections() {
    let mut node = manager(1, options());
    join(&mut node, 1, ConnectionKind::Inbound);
    node.tick(START + Duration::from_mins(1));
    assert_eq!(node.take_actions(), []);
    node.tick(START + Duration::from_secs(61));
    assert_eq!(node.take_actions(), [Action::Disconnect(1)]);

    friend(&mut node, 2, ConnectionKind::Inbound);
    let later = START + Duration::from_secs(121);
    node.tick(later);
    let ping = sent(&mut node).into_iter().find_map(|(_, it)| if let Message::Ping(it) = it { Some(it) } else { None });
    node.handle(2, Message::Pong(ping), later + Duration::from_millis(30));
    assert_eq!(node.stats(later)[1].ping, (Some(Duration::from_millis(30)), Some(Duration::from_millis(30)), None));
    node.tick(START + Duration::from_secs(1201));
    assert!(node.take_actions().contains(&Action::Disconnect(2)));
}

#[test]
fn headers_that_no_honest_peer_sends() {
    let genesis = manager(1, options()).chain.tip();
    let one = mine(genesis.hash, 1_699_990_001, 1).header.clone();
    let stranger = mine(genesis.hash, 1_699_990_001, 2).header.clone();
    let mut raw = *one.raw();
    while raw.target().is_met_by(raw.block_hash()) {
        raw.nonce += 1;
    }
    for bad in [vec![primitives::Header::new(raw)], vec![one.clone(), stranger]] {
        let mut node = manager(1, options());
        friend(&mut node, 1, ConnectionKind::Inbound);
        node.handle(1, Message::Headers(bad), START);
        assert!(node.take_actions().contains(&Action::Disconnect(1)));
    }
}

#[test]
fn headers_that_do_not_connect_lead_to_a_question() {
    let mut node = manager(1, options());
    friend(&mut node, 1, ConnectionKind::Inbound);
    let lost = mine(BlockHash::from_byte_array([9; 32]), 1_699_990_001, 1);
    node.handle(1, Message::Headers(vec![lost.header.clone()]), START);
    let tip = node.chain.tip().hash;
    let [(1, Message::GetHeaders(Locator { have, .. }))] = &sent(&mut node)[..] else { panic!("one question") };
    assert_eq!(have[..], [tip]);
}

#[test]
fn a_mutated_block_is_punished_and_can_still_come_from_others() {
    let mut node = manager(1, options());
    friend(&mut node, 1, ConnectionKind::Inbound);
    let good = mine(node.chain.tip().hash, 1_699_990_001, 1);
    let mut bad = (*good).clone();
    bad.txs.push(bad.txs[0].clone());
    node.handle(1, Message::Block(Arc::new(bad), WitnessMode::Include), START);
    assert!(node.take_actions().contains(&Action::Disconnect(1)));
    friend(&mut node, 2, ConnectionKind::Inbound);
    node.handle(2, Message::Block(good.clone(), WitnessMode::Include), START);
    assert_eq!(node.chain.tip().hash, good.hash());
}

#[test]
fn getblocks_announces_500_and_then_the_tip() {
    let mut node = manager(1, options());
    node.chain.grow(600, 1);
    friend(&mut node, 1, ConnectionKind::Inbound);
    let stop = BlockHash::all_zeros();
    node.handle(1, Message::GetBlocks(Locator { version: 0, have: vec![], stop }), START);
    let [(1, Message::Inv(list))] = &sent(&mut node)[..] else { panic!("one inv") };
    assert_eq!(list.len(), 500);
    node.handle(1, Message::GetData(vec![*list.last().unwrap()]), START);
    let tip = Inv::block(node.chain.tip().hash);
    assert_eq!(sent(&mut node).pop(), Some((1, Message::Inv(vec![tip]))));
}

#[test]
fn missing_transactions_of_compact_blocks() {
    let mut node = manager(1, options());
    node.chain.grow(1, 1);
    friend(&mut node, 1, ConnectionKind::Inbound);
    let hash = node.chain.tip().hash;
    let ask = |indexes| Message::GetBlockTxn(crate::GetBlockTxn { block: hash, indexes });
    node.handle(1, ask(vec![0]), START);
    assert_eq!(names(&mut node), ["blocktxn"]);
    node.handle(1, ask(vec![1]), START);
    assert!(node.take_actions().contains(&Action::Disconnect(1)));
}

#[test]
fn services_that_are_not_offered_are_refused() {
    let range = FilterRange { kind: 0, start: 0, stop: BlockHash::all_zeros() };
    for message in [Message::GetCFilters(range), Message::FilterClear, Message::Mempool] {
        let mut node = manager(1, options());
        friend(&mut node, 1, ConnectionKind::Inbound);
        node.handle(1, message, START);
        assert_eq!(node.take_actions(), [Action::Disconnect(1)]);
    }
}

#[test]
fn a_long_locator_ends_the_connection_without_punishment() {
    let have = vec![BlockHash::all_zeros(); 102];
    let payload = Message::GetHeaders(Locator { version: 0, have, stop: BlockHash::all_zeros() }).payload();
    let mut node = manager(1, options());
    friend(&mut node, 1, ConnectionKind::Inbound);
    node.receive(1, "getheaders", &payload, START);
    assert_eq!(node.take_actions(), [Action::Disconnect(1)]);
}

#[test]
fn blocks_only_peers_may_not_send_transactions() {
    let blocks_only = Options { blocks_only: true, ..options() };
    for message in [
        Message::Inv(vec![Inv::wtx(bitcoin::Wtxid::from_byte_array([1; 32]))]),
        Message::Tx(spend(OutPoint::null(), 1, 1), WitnessMode::Include),
    ] {
        let mut node = manager(1, blocks_only.clone());
        friend(&mut node, 1, ConnectionKind::Inbound);
        node.handle(1, message, START);
        assert_eq!(node.take_actions(), [Action::Disconnect(1)]);
    }
}

#[test]
fn an_orphan_waits_for_its_parent_and_a_child_pays_for_its_own() {
    for poor in [false, true] {
        let mut node = manager(1, options());
        friend(&mut node, 1, ConnectionKind::OutboundFullRelay);
        let coin = OutPoint { txid: Txid::from_byte_array([5; 32]), vout: 0 };
        node.pool.coins.insert(coin);
        let parent = spend(coin, 1, 1);
        let child = spend(OutPoint { txid: parent.txid(), vout: 0 }, 1, 2);
        if poor {
            node.pool.poor.insert(parent.txid());
        }
        node.handle(1, Message::Tx(child.clone(), WitnessMode::Include), START);
        node.tick(START);
        let asked = sent(&mut node).into_iter().any(
            |(_, message)| matches!(message, Message::GetData(list) if list[0].hash == parent.txid().to_byte_array()),
        );
        assert!(asked);
        node.handle(1, Message::Tx(parent, WitnessMode::Include), START);
        assert_eq!(node.pool.txs.len(), 2, "poor={poor}");
        assert!(!node.orphans.contains(&child.wtxid()));
    }
}

#[test]
fn a_network_syncs_and_relays_whatever_the_seed() {
    for seed in 0..6 {
        let mut sim = Sim::new(5, seed);
        sim.nodes[0].chain.grow(2300, 1);
        for (from, to) in [(1, 0), (2, 1), (3, 2), (4, 3), (4, 1)] {
            sim.connect(from, to);
        }
        assert!(sim.until(300, Sim::same_tip), "initial download, seed {seed}");
        let coin = OutPoint { txid: Txid::from_byte_array([5; 32]), vout: 0 };
        for node in &mut sim.nodes {
            node.pool.coins.insert(coin);
        }
        let tx = spend(coin, 1, 1);
        sim.nodes[3].pool.txs.insert(tx.txid(), tx.clone());
        sim.nodes[3].relay_tx(tx.txid(), tx.wtxid());
        let everywhere = |sim: &Sim| sim.nodes.iter().all(|node| node.pool.txs.contains_key(&tx.txid()));
        assert!(sim.until(300, everywhere), "transaction relay, seed {seed}");
        sim.nodes[4].chain.grow(1, 9000);
        assert!(sim.until(20, Sim::same_tip), "block relay, seed {seed}");
        assert!(sim.discouraged.is_empty());
    }
}

#[test]
fn after_a_partition_the_longer_chain_wins() {
    let mut sim = Sim::new(2, 3);
    sim.nodes[0].chain.grow(150, 100);
    sim.nodes[1].chain.grow(160, 5000);
    sim.connect(0, 1);
    assert!(sim.until(30, Sim::same_tip));
    assert_eq!(sim.nodes[0].chain.tip().height, 160);
}

#[test]
fn a_low_work_chain_is_fetched_twice_before_it_is_kept() {
    for (height, kept) in [(4500, true), (3900, false)] {
        let mut sim = Sim::new(2, 1);
        sim.nodes[0].chain.grow(height, 1);
        let each = sim.nodes[0].chain.header(&sim.nodes[0].chain.tip().hash).unwrap().raw().work();
        let enough = (0..4000).fold(each, |sum, _| sum + each);
        sim.nodes[1].chain.minimum = enough;
        sim.connect(1, 0);
        assert_eq!(sim.until(if kept { 150 } else { 20 }, Sim::same_tip), kept, "{height}");
        if !kept {
            assert_eq!(sim.nodes[1].chain.best_header().height, 0);
        }
    }
}

#[test]
fn a_silent_peer_does_not_stop_the_download() {
    let mut sim = Sim::new(3, 4);
    sim.nodes[0].chain.grow(1500, 1);
    sim.nodes[1].chain = sim.nodes[0].chain.clone();
    let (slow, _) = sim.connect(2, 0);
    sim.connect(2, 1);
    // Both have told their headers and got their first requests when one of them falls silent.
    assert!(sim.until(30, |sim| sim.nodes[2].stats(sim.now).iter().all(|peer| !peer.in_flight.is_empty())));
    sim.mute.insert(0);
    assert!(sim.until(700, |sim| sim.nodes[2].chain.tip().height == 1500));
    assert!(!sim.is_connected(2, slow));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_conversation_does_harm(messages in proptest::collection::vec(crate::message::tests::any_message(), 0..12)) {
        let mut node = manager(1, options());
        friend(&mut node, 1, ConnectionKind::Inbound);
        let height = node.chain.tip().height;
        for message in messages {
            node.receive(1, message.name(), &message.payload(), START);
            node.tick(START);
        }
        prop_assert_eq!(node.chain.tip().height, height);
    }
}
