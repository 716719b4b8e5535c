//! Tests of the peer logic: single conversations, and networks in the simulator.

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use primitives::WitnessMode;
use proptest::prelude::*;

mod addrs;
mod cmpct;
mod eviction;
mod history;
mod network;
mod private;
mod relay;
mod serve;
mod sync;

use super::*;
use crate::message::{Inv, Locator, PROTOCOL_VERSION, Version};
use crate::peer::{NODE_NETWORK, NODE_WITNESS};
use crate::testing::{Manager, START, manager, mine, options, spend};
use crate::{Permissions, Service};

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
        challenge: None,
    }
}

fn join(node: &mut Manager, id: PeerId, kind: ConnectionKind) {
    let permissions = Permissions::default();
    let last = u8::try_from(id).unwrap();
    node.connected(NewPeer::new(id, address(last), kind, permissions), START);
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
fn reconciliation_is_agreed_on_in_the_handshake() {
    let offer = |version| Message::SendTxRcncl { version, salt: 2 };
    let begin = |kind, more: Options| {
        let mut node = manager(1, more);
        join(&mut node, 1, kind);
        node.handle(1, Message::Version(Box::new(version())), START);
        let offered = names(&mut node).contains(&"sendtxrcncl".to_owned());
        (node, offered)
    };
    let on = || Options { reconcile: true, ..options() };
    for (kind, expected) in [
        (ConnectionKind::Inbound, true),
        (ConnectionKind::OutboundFullRelay, true),
        (ConnectionKind::BlockRelayOnly, false),
        (ConnectionKind::AddrFetch, false),
    ] {
        assert_eq!(begin(kind, on()).1, expected, "{kind:?}");
        assert!(!begin(kind, options()).1);
    }
    // Twice, too old, or where we want no transactions.
    for (kind, versions) in [
        (ConnectionKind::Inbound, vec![1, 1]),
        (ConnectionKind::Inbound, vec![0]),
        (ConnectionKind::BlockRelayOnly, vec![1]),
    ] {
        let (mut node, _) = begin(kind, on());
        for version in &versions {
            assert!(!node.peers[&1].closing);
            node.handle(1, offer(*version), START);
        }
        assert!(node.peers[&1].closing, "{kind:?} {versions:?}");
    }
    let (mut node, _) = begin(ConnectionKind::Inbound, on());
    for message in [offer(2), Message::WtxidRelay, Message::Verack] {
        node.handle(1, message, START);
    }
    assert_eq!(node.peers[&1].reconciliation, Some(crate::peer::Reconciliation::Agreed));
    let (mut node, _) = begin(ConnectionKind::Inbound, on());
    node.handle(1, offer(1), START);
    node.handle(1, Message::Verack, START);
    assert_eq!(node.peers[&1].reconciliation, None, "without wtxids there is nothing to reconcile by");
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
        let mut actions = node.take_actions();
        actions.retain(|action| matches!(action, Action::Discourage(_) | Action::Disconnect(_)));
        assert_eq!(actions, expected);
    }
}

#[test]
fn timeouts_end_connections() {
    let mut node = manager(1, options());
    friend(&mut node, 2, ConnectionKind::Inbound);
    let later = START + Duration::from_secs(121);
    node.tick(later);
    let ping = sent(&mut node).into_iter().find_map(|(_, it)| if let Message::Ping(it) = it { Some(it) } else { None });
    node.handle(2, Message::Pong(ping), later + Duration::from_millis(30));
    assert_eq!(node.stats(later)[0].ping, (Some(Duration::from_millis(30)), Some(Duration::from_millis(30)), None));
    node.tick(START + Duration::from_secs(242));
    let ping = sent(&mut node).into_iter().any(|(_, message)| matches!(message, Message::Ping(_)));
    assert!(ping, "nobody has answered the second one");
    node.tick(START + Duration::from_secs(242 + 1201));
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
        // The parent may come by itself, so it is not asked for at once.
        node.tick(START + Duration::from_secs(3));
        let asked = sent(&mut node).into_iter().any(
            |(_, message)| matches!(message, Message::GetData(list) if list[0].hash == parent.txid().to_byte_array()),
        );
        assert!(asked);
        node.handle(1, Message::Tx(parent, WitnessMode::Include), START);
        assert_eq!(node.has_requests(1), !poor, "an orphan is looked at when it is its sender's turn");
        node.receive(1, "ping", &[1; 8], START);
        assert_eq!(node.pool.txs.len(), 2, "poor={poor}");
        assert!(!node.orphans.contains(&child.wtxid()));
    }
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
