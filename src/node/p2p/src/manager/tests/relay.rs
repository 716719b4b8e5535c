//! Transactions: who hears of which, when, and what is believed.

use super::*;
use crate::RejectKind;
use crate::message::{FilterLoad, InvKind};
use primitives::Tx;

const MINUTE: Duration = Duration::from_mins(1);

fn coin(number: u8) -> OutPoint {
    OutPoint { txid: Txid::from_byte_array([number; 32]), vout: 0 }
}

/// Two callers and one that we chose, all of whom have been told something before.
fn node_with_three() -> Manager {
    let mut node = manager(1, options());
    friend(&mut node, 1, ConnectionKind::Inbound);
    friend(&mut node, 2, ConnectionKind::Inbound);
    friend(&mut node, 3, ConnectionKind::OutboundFullRelay);
    node.tick(START);
    node.take_actions();
    node
}

fn add(node: &mut Manager, number: u8) -> Arc<Tx> {
    let tx = spend(coin(number), 1, 1);
    node.pool.put(tx.clone());
    node.relay_tx(tx.txid(), tx.wtxid());
    tx
}

/// When peers are told of transactions, for so long.
fn announcements(node: &mut Manager, from: Duration, seconds: u64) -> Vec<(Duration, PeerId, usize)> {
    let mut all = Vec::new();
    for step in 0..seconds * 10 {
        let now = from + Duration::from_millis(100 * step);
        node.tick(now);
        for (id, message) in sent(node) {
            if let Message::Inv(list) = message {
                all.push((now, id, list.len()));
            }
        }
    }
    all
}

#[test]
fn all_callers_are_told_at_the_same_time() {
    let mut node = node_with_three();
    let mut times = Vec::new();
    for round in 0..10 {
        let from = START + Duration::from_secs(100 * u64::from(round));
        add(&mut node, round + 1);
        let told = announcements(&mut node, from, 90);
        let at = |id| told.iter().find(|(_, peer, _)| *peer == id).map(|(when, ..)| *when);
        assert_eq!(at(1), at(2));
        assert_ne!((at(1), at(3)), (None, None));
        times.push((at(1).unwrap().saturating_sub(from), at(3).unwrap().saturating_sub(from)));
    }
    let (inbound, outbound): (Duration, Duration) =
        times.iter().fold(Default::default(), |sum, it| (sum.0 + it.0, sum.1 + it.1));
    assert!(inbound > outbound, "callers wait longer: {inbound:?} and {outbound:?}");
}

#[test]
fn what_came_during_the_handshake_is_not_told_at_once() {
    let mut node = manager(1, options());
    friend(&mut node, 1, ConnectionKind::Inbound);
    node.tick(START);
    join(&mut node, 2, ConnectionKind::Inbound);
    node.handle(2, Message::Version(Box::new(version())), START);
    add(&mut node, 1);
    node.tick(START);
    node.handle(2, Message::Verack, START);
    let told = announcements(&mut node, START, 100);
    assert!(told.iter().any(|(_, id, _)| *id == 1));
    assert!(told.iter().all(|(_, id, _)| *id != 2), "it was not there when the transaction came");
}

#[test]
fn only_what_was_told_can_be_asked_for() {
    let mut node = node_with_three();
    let tx = add(&mut node, 1);
    let ask = Message::GetData(vec![Inv::wtx(tx.wtxid())]);
    node.handle(1, ask.clone(), START);
    assert_eq!(names(&mut node), ["notfound"]);
    announcements(&mut node, START, 100);
    node.handle(1, ask, START + 2 * MINUTE);
    assert_eq!(names(&mut node), ["tx"]);
}

#[test]
fn transactions_of_the_last_block_are_still_given() {
    let mut node = node_with_three();
    let tx = spend(coin(1), 1, 1);
    let tip = node.chain.tip();
    let block = crate::testing::mine_with(tip.hash, tip.time + 1, 1, std::slice::from_ref(&tx));
    node.chain.submit_block(block.clone(), true);
    node.block_connected(&block, START);
    node.handle(1, Message::GetData(vec![Inv::tx(tx.txid()), Inv::wtx(tx.wtxid())]), START);
    assert_eq!(names(&mut node), ["tx", "tx"]);
}

#[test]
fn own_transactions_are_told_again_until_somebody_asks() {
    let mut node = node_with_three();
    let tx = add(&mut node, 1);
    node.pool.unbroadcast.insert((tx.txid(), tx.wtxid()));
    announcements(&mut node, START, 60);
    friend(&mut node, 4, ConnectionKind::Inbound);
    node.tick(START + Duration::from_mins(1));
    node.take_actions();
    let told = announcements(&mut node, START + Duration::from_mins(10), 420);
    assert_eq!(told.iter().map(|(_, id, _)| *id).collect::<Vec<_>>(), [4], "who knows it is not told again");
    node.handle(4, Message::GetData(vec![Inv::wtx(tx.wtxid())]), START + 18 * MINUTE);
    assert!(node.pool.unbroadcast.is_empty());
}

#[test]
fn the_feerate_of_a_peer_is_respected() {
    let mut node = node_with_three();
    node.handle(1, Message::FeeFilter(1001), START);
    node.handle(2, Message::FeeFilter(1000), START);
    node.handle(3, Message::FeeFilter(-1), START);
    add(&mut node, 1);
    let told = announcements(&mut node, START, 100);
    let mut who: Vec<_> = told.iter().map(|(_, id, _)| *id).collect();
    who.sort_unstable();
    assert_eq!(who, [2, 3]);
}

#[test]
fn our_feerate_is_told_when_it_has_changed() {
    let mut node = manager(1, options());
    node.chain.catching_up = true;
    friend(&mut node, 1, ConnectionKind::Inbound);
    let told = |node: &mut Manager, from: Duration, seconds: u64| {
        let mut all = Vec::new();
        for second in 0..seconds {
            node.tick(from + Duration::from_secs(second));
            all.extend(
                sent(node)
                    .into_iter()
                    .filter_map(|(_, it)| if let Message::FeeFilter(rate) = it { Some(rate) } else { None }),
            );
        }
        all
    };
    let [high] = told(&mut node, START, 3)[..] else { panic!("once") };
    assert!(high > 9_000_000, "while catching up nothing is wanted");
    node.chain.catching_up = false;
    assert_eq!(told(&mut node, START + Duration::from_secs(3), 2), [100], "then at once what is");
    node.pool.minimum = 5000;
    let later = told(&mut node, START + Duration::from_secs(6), 3600);
    assert!(later.iter().all(|rate| (4900..=5000).contains(rate)) && !later.is_empty(), "{later:?}");
}

#[test]
fn the_pool_is_told_to_who_may_ask() {
    let mut node = manager(1, Options { services: options().services | crate::NODE_BLOOM, ..options() });
    friend(&mut node, 1, ConnectionKind::Inbound);
    let txs: Vec<_> = (1..=5).map(|number| spend(coin(number), 1, 1)).collect();
    for tx in &txs {
        node.pool.put(tx.clone());
    }
    node.handle(1, Message::Mempool, START);
    assert_eq!(announcements(&mut node, START, 60).iter().map(|it| it.2).collect::<Vec<_>>(), [5]);
    // With a filter only what fits is told.
    let load = FilterLoad { data: vec![0; 100], hash_functions: 5, tweak: 0, flags: 0 };
    node.handle(1, Message::FilterLoad(load), START);
    node.handle(1, Message::FilterAdd(txs[2].txid().to_byte_array().to_vec()), START);
    node.handle(1, Message::Mempool, START);
    assert_eq!(announcements(&mut node, START + 2 * MINUTE, 60).iter().map(|it| it.2).collect::<Vec<_>>(), [1]);
    for bad in [
        Message::FilterAdd(vec![0; 521]),
        Message::FilterLoad(FilterLoad { data: vec![0; 36_001], hash_functions: 1, tweak: 0, flags: 0 }),
    ] {
        friend(&mut node, 2, ConnectionKind::Inbound);
        node.handle(2, bad, START);
        assert!(node.peers[&2].closing);
        node.disconnected(2);
    }
}

#[test]
fn refused_transactions_are_not_asked_for_again_before_the_tip_moves() {
    for (kind, by_wtxid, by_txid) in [
        (RejectKind::Final, true, true),
        (RejectKind::WitnessStripped, false, false),
        (RejectKind::Reconsiderable, true, true),
    ] {
        let mut node = node_with_three();
        let tx = spend(coin(1), 1, 1);
        node.pool.bad.insert(tx.txid(), kind);
        node.handle(3, Message::Tx(tx.clone(), WitnessMode::Include), START);
        assert_eq!(node.has_tx(&Inv::wtx(tx.wtxid()), true), by_wtxid);
        // Without a witness both ids are the same.
        assert_eq!(node.has_tx(&Inv::tx(tx.txid()), true), by_txid);
        node.chain.grow(1, 5);
        node.notice_tip(START);
        assert!(!node.has_tx(&Inv::wtx(tx.wtxid()), true));
    }
}

#[test]
fn a_child_of_refused_parents_is_not_kept() {
    let mut node = node_with_three();
    let parent = spend(coin(1), 1, 1);
    let child = spend(OutPoint { txid: parent.txid(), vout: 0 }, 1, 2);
    node.pool.bad.insert(parent.txid(), RejectKind::Final);
    node.handle(3, Message::Tx(parent, WitnessMode::Include), START);
    node.handle(3, Message::Tx(child.clone(), WitnessMode::Include), START);
    assert!(node.orphans().is_empty() && node.has_tx(&Inv::wtx(child.wtxid()), false));
}

#[test]
fn every_announcer_of_an_orphan_is_asked_for_its_parents() {
    let mut node = node_with_three();
    let parent = spend(coin(1), 1, 1);
    let child = spend(OutPoint { txid: parent.txid(), vout: 0 }, 1, 2);
    for id in [1, 2, 3] {
        node.handle(id, Message::Inv(vec![Inv::wtx(child.wtxid())]), START);
    }
    node.handle(3, Message::Tx(child.clone(), WitnessMode::Include), START);
    let [orphan] = &node.orphans()[..] else { panic!("one orphan") };
    assert_eq!(orphan.announcers, [1, 2, 3]);
    let mut asked = Vec::new();
    for minute in 0..5 {
        node.tick(START + Duration::from_secs(61 * minute + 5));
        let fits = |it: &Message| matches!(it, Message::GetData(list) if list[0].hash == parent.txid().to_byte_array());
        asked.extend(sent(&mut node).into_iter().filter(|(_, it)| fits(it)).map(|(id, _)| id));
    }
    assert_eq!(asked[0], 3, "the one that we chose comes first");
    asked.sort_unstable();
    assert_eq!(asked, [1, 2, 3]);
}

#[test]
fn a_poor_parent_is_tried_with_the_children_of_its_sender_only() {
    for (sender, taken) in [(1, false), (3, true)] {
        let mut node = node_with_three();
        node.pool.coins.insert(coin(1));
        let parent = spend(coin(1), 1, 1);
        let child = spend(OutPoint { txid: parent.txid(), vout: 0 }, 1, 2);
        node.pool.poor.insert(parent.txid());
        node.handle(3, Message::Tx(child, WitnessMode::Include), START);
        node.handle(sender, Message::Tx(parent.clone(), WitnessMode::Include), START);
        assert_eq!(node.pool.txs.len(), if taken { 2 } else { 0 });
        // It may be sent again, as it was only refused by itself.
        node.handle(3, Message::Tx(parent, WitnessMode::Include), START);
        assert_eq!(node.pool.txs.len(), 2);
    }
}

#[test]
fn a_package_that_failed_is_not_tried_again() {
    let mut node = node_with_three();
    node.pool.coins.insert(coin(1));
    let parent = spend(coin(1), 1, 1);
    let child = spend(OutPoint { txid: parent.txid(), vout: 0 }, 1, 2);
    node.pool.poor.insert(parent.txid());
    node.handle(3, Message::Tx(child.clone(), WitnessMode::Include), START);
    node.pool.bad.insert(child.txid(), RejectKind::Final);
    node.handle(3, Message::Tx(parent.clone(), WitnessMode::Include), START);
    node.pool.bad.clear();
    node.handle(3, Message::Tx(parent, WitnessMode::Include), START);
    assert!(node.pool.txs.is_empty());
}

#[test]
fn announcements_have_to_be_of_the_kind_that_was_agreed_on() {
    let mut node = node_with_three();
    node.handle(3, Message::Inv(vec![Inv { kind: InvKind::Tx, hash: [9; 32] }]), START);
    node.tick(START + MINUTE);
    assert!(!names(&mut node).contains(&"getdata".to_owned()));
    node.handle(3, Message::Inv(vec![Inv { kind: InvKind::Wtx, hash: [9; 32] }]), START + MINUTE);
    node.tick(START + MINUTE);
    assert!(names(&mut node).contains(&"getdata".to_owned()));
}

#[test]
fn forced_relay_passes_on_what_is_known() {
    let mut node = manager(1, options());
    friend(&mut node, 1, ConnectionKind::Inbound);
    join(&mut node, 2, ConnectionKind::Inbound);
    node.peers.get_mut(&2).unwrap().permissions.force_relay = true;
    node.handle(2, Message::Version(Box::new(version())), START);
    node.handle(2, Message::Verack, START);
    let tx = add(&mut node, 1);
    announcements(&mut node, START, 60);
    assert!(node.peers[&1].relay.as_ref().unwrap().to_announce.is_empty());
    node.handle(2, Message::Tx(tx, WitnessMode::Include), START + MINUTE);
    assert_eq!(node.peers[&1].relay.as_ref().unwrap().to_announce.len(), 1);
}
