//! Transactions that are sent over connections of their own.

use super::*;
use crate::message::{InvKind, WTXID_RELAY_VERSION};
use crate::private::PrivateAdded;

fn tx(number: u32) -> Arc<Tx> {
    spend(OutPoint { txid: Txid::from_byte_array([7; 32]), vout: number }, 1, 1)
}

/// A peer that was called for it and has said that it is there.
fn called(node: &mut Manager, id: PeerId) {
    join(node, id, ConnectionKind::PrivateBroadcast);
    node.handle(id, Message::Version(Box::new(version())), START);
    node.handle(id, Message::WtxidRelay, START);
    node.handle(id, Message::SendAddrV2, START);
    node.handle(id, Message::Verack, START);
}

fn ping(node: &mut Manager) -> u64 {
    let found = sent(node).into_iter().find_map(|(_, message)| match message {
        Message::Ping(nonce) => Some(nonce),
        _ => None,
    });
    found.expect("it was pinged")
}

#[test]
fn a_transaction_is_sent_and_nothing_else_is_said() {
    let mut node = manager(1, options());
    assert_eq!(node.broadcast_privately(tx(1), START), PrivateAdded::Added);
    assert_eq!(node.private_to_open(), 3);
    assert_eq!(node.private_opened(), 2);
    join(&mut node, 1, ConnectionKind::PrivateBroadcast);
    let Some((1, Message::Version(own))) = sent(&mut node).pop() else { panic!("a version comes first") };
    assert_eq!((own.version, own.services, own.time, own.start_height), (WTXID_RELAY_VERSION, 0, 0, 0));
    assert_eq!((own.user_agent.as_str(), own.relay, own.receiver), ("/pynode:0.0.1/", false, Service::NOWHERE));
    node.handle(1, Message::Version(Box::new(version())), START);
    // Nothing of the address is learned, and no feature is agreed on.
    assert_eq!(node.take_actions(), [Action::Send(1, Message::Verack)]);
    node.handle(1, Message::Verack, START);
    assert_eq!(node.take_actions(), [Action::Send(1, Message::Inv(vec![Inv::tx(tx(1).txid())]))]);
    for ignored in [Message::Ping(1), Message::GetAddr, Message::Mempool, Message::FeeFilter(1)] {
        node.handle(1, ignored, START);
    }
    node.tick(START);
    assert_eq!(node.take_actions(), []);
    node.handle(1, Message::GetData(vec![Inv::tx(tx(1).txid())]), START);
    let names: Vec<_> = sent(&mut node).iter().map(|(_, message)| message.name().to_owned()).collect();
    assert_eq!(names, ["tx", "ping"]);
}

#[test]
fn the_answer_to_the_ping_ends_it() {
    let mut node = manager(1, options());
    node.broadcast_privately(tx(1), START);
    node.private_opened();
    called(&mut node, 1);
    node.take_actions();
    node.handle(1, Message::GetData(vec![Inv::tx(tx(1).txid())]), START);
    let nonce = ping(&mut node);
    node.handle(1, Message::Pong(Some(nonce)), START);
    assert_eq!(node.take_actions(), [Action::Disconnect(1)]);
    node.disconnected(1);
    assert_eq!(node.private_to_open(), 2, "it was not for nothing");
    let [shown] = &node.private_txs()[..] else { panic!("one is on its way") };
    assert_eq!(
        (shown.attempts_left(), shown.sends[0].address, shown.sends[0].confirmed),
        (999, address(1), Some(START))
    );
    // One that asks for something else is given up, and another one takes its place.
    node.private_opened();
    called(&mut node, 2);
    node.take_actions();
    node.handle(2, Message::GetData(vec![Inv { kind: InvKind::Wtx, ..Inv::tx(tx(1).txid()) }]), START);
    assert_eq!(node.take_actions(), [Action::Disconnect(2)]);
    node.disconnected(2);
    assert_eq!(node.private_to_open(), 2);
}

#[test]
fn who_does_not_relay_or_takes_too_long_is_left() {
    let mut node = manager(1, options());
    node.broadcast_privately(tx(1), START);
    join(&mut node, 1, ConnectionKind::PrivateBroadcast);
    node.take_actions();
    node.handle(1, Message::Version(Box::new(Version { relay: false, ..version() })), START);
    assert_eq!(node.take_actions(), [Action::Disconnect(1)]);
    called(&mut node, 2);
    node.tick(START + Duration::from_mins(3));
    node.take_actions();
    node.tick(START + Duration::from_secs(181));
    assert_eq!(node.take_actions(), [Action::Disconnect(2)]);
    // Without anything to send there is nothing to be said.
    assert_eq!(node.abort_private(&tx(1).txid().to_byte_array()), [tx(1)]);
    assert_eq!(node.private_to_open(), 0);
    called(&mut node, 3);
    assert!(node.take_actions().contains(&Action::Disconnect(3)));
}

#[test]
fn a_nonce_of_a_private_connection_is_nobody_s() {
    let mut node = manager(1, options());
    node.broadcast_privately(tx(1), START);
    join(&mut node, 1, ConnectionKind::PrivateBroadcast);
    let Some((_, Message::Version(own))) = sent(&mut node).pop() else { panic!("a version comes first") };
    join(&mut node, 2, ConnectionKind::Inbound);
    node.handle(2, Message::Version(Box::new(Version { nonce: own.nonce, ..version() })), START);
    assert!(!node.take_actions().contains(&Action::Disconnect(2)));
}

#[test]
fn it_goes_on_until_the_network_has_it() {
    let mut node = manager(1, options());
    let spent = OutPoint { txid: Txid::from_byte_array([7; 32]), vout: 1 };
    node.pool.coins.insert(spent);
    node.tick(START);
    node.broadcast_privately(tx(1), START);
    node.broadcast_privately(tx(2), START);
    for _ in 0..6 {
        node.private_opened();
    }
    node.tick(START + Duration::from_mins(10));
    assert_eq!(node.private_txs().len(), 1, "what the pool would not take is given up");
    assert_eq!(node.private_to_open(), 1);
    node.broadcast_privately(tx(3), START);
    assert_eq!(node.private_to_open(), 4);
    friend(&mut node, 1, ConnectionKind::OutboundFullRelay);
    node.handle(1, Message::Tx(tx(3), WitnessMode::Include), START);
    assert_eq!(node.private_to_open(), 1);
    assert_eq!(node.private_txs().len(), 1);
}
