//! Many nodes together. A scenario follows from its seed: `P2P_SEED=7` plays that one only.

use std::collections::BTreeSet;

use super::*;
use crate::testing::Sim;

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

/// What must hold in every node at any time.
fn check(node: &Manager) {
    for (hash, owners) in &node.in_flight {
        assert!(!owners.is_empty() && owners.len() <= 3, "{owners:?}");
        let asked = |id: &PeerId| node.peers[id].in_flight.iter().filter(|block| block.hash == *hash).count() == 1;
        assert!(owners.iter().all(asked));
    }
    for peer in node.peers.values() {
        assert!(peer.in_flight.len() <= 17, "sixteen, and one compact block");
        assert!(peer.in_flight.iter().all(|block| node.in_flight[&block.hash].contains(&peer.id)));
    }
    assert!(node.compact_announcers.len() <= 3);
    assert!(node.sources.keys().all(|hash| node.chain.info(hash).is_some()));
    assert!(node.extra_txs.len() <= 100);
}

/// Random nodes, connections, blocks, transactions, partitions, liars and stalls. As long as the honest nodes are connected
/// with each other, they agree in the end, and have punished nobody of their own.
fn scenario(seed: u8, count: u8, rounds: u32) {
    let mut sim = Sim::new(count, seed);
    let all = usize::from(count);
    let honest = all - all / 4;
    for node in 1..all {
        let other = sim.chance.index(node.min(honest));
        sim.connect(node, other);
    }
    for _ in 0..all {
        let (from, to) = (sim.chance.index(all), sim.chance.index(honest));
        if from != to {
            sim.connect(from, to);
        }
    }
    sim.liars = (honest..all).collect();
    let coins: Vec<_> =
        (1..=50).map(|number| OutPoint { txid: Txid::from_byte_array([number; 32]), vout: 0 }).collect();
    for node in 0..all {
        sim.nodes[node].pool.coins.extend(&coins);
        sim.nodes[node].chain.slow = node % 2 == 1;
    }
    for round in 0..rounds {
        let node = sim.chance.index(honest);
        match sim.chance.below(8) {
            0 => {
                let group: BTreeSet<_> = (0..all).filter(|_| sim.chance.below(3) == 0).collect();
                sim.partition(&group);
            }
            1 => sim.heal(),
            2 if honest < all => {
                let liar = honest + sim.chance.index(all - honest);
                sim.mute.insert(liar);
            }
            3 | 4 => {
                let tx = spend(coins[sim.chance.index(coins.len())], u64::from(round), 1);
                sim.nodes[node].pool.put(tx.clone());
                sim.nodes[node].relay_tx(tx.txid(), tx.wtxid());
            }
            _ => {
                let blocks = 1 + u32::try_from(sim.chance.below(3)).unwrap();
                let slow = std::mem::take(&mut sim.nodes[node].chain.slow);
                sim.nodes[node].chain.grow(blocks, u64::from(round) * 1000 + u64::from(seed));
                sim.nodes[node].chain.slow = slow;
            }
        }
        for _ in 0..20 {
            sim.step();
        }
        sim.nodes.iter().for_each(check);
    }
    sim.heal();
    // The last word, so that there is no tie.
    let slow = std::mem::take(&mut sim.nodes[0].chain.slow);
    let highest = sim.honest().map(|node| sim.nodes[node].chain.tip().height).max().unwrap();
    let missing = highest + 1 - sim.nodes[0].chain.tip().height;
    sim.nodes[0].chain.grow(missing, 999_999);
    sim.nodes[0].chain.slow = slow;
    let mut agreed = sim.until(60, Sim::honest_agree);
    // Whoever was asked for a block by somebody, and does not give it, may keep it for ten minutes and more.
    for _ in 0..3600 {
        if agreed {
            break;
        }
        sim.pass(Duration::from_secs(1));
        agreed = sim.honest_agree();
    }
    let heights: Vec<_> = sim.nodes.iter().map(|node| node.chain.tip().height).collect();
    assert!(agreed, "seed {seed}: {heights:?}, liars {:?}, mute {:?}", sim.liars, sim.mute);
    for (by, who) in &sim.discouraged {
        assert!(*who >= honest || *by >= honest, "seed {seed}: {by} has punished {who}");
    }
    sim.nodes.iter().for_each(check);
}

#[expect(clippy::disallowed_methods, reason = "how a test is told which seed to play again")]
fn seeds(count: u8) -> std::ops::Range<u8> {
    match std::env::var("P2P_SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => seed..seed + 1,
        None => 0..count,
    }
}

#[test]
fn honest_nodes_agree_in_the_end_whatever_happens() {
    for seed in seeds(12) {
        let count = 2 + seed;
        scenario(seed, count, 12);
    }
}

#[test]
fn a_hundred_nodes_agree() {
    for seed in seeds(1) {
        scenario(seed, 100, 4);
    }
}

#[test]
fn many_callers_that_lie_do_not_keep_the_truth_from_a_node() {
    let mut sim = Sim::new(22, 5);
    sim.nodes[0].chain.grow(40, 1);
    sim.connect(1, 0);
    for liar in 2..22 {
        sim.liars.insert(liar);
        sim.nodes[liar].chain.grow(5, 1000 * u64::try_from(liar).unwrap());
        sim.connect(liar, 1);
    }
    assert!(sim.until(120, |sim| sim.nodes[1].chain.tip() == sim.nodes[0].chain.tip()));
    sim.nodes[0].chain.grow(1, 7);
    assert!(sim.until(120, |sim| sim.nodes[1].chain.tip() == sim.nodes[0].chain.tip()));
    assert!(sim.discouraged.iter().all(|(_, who)| *who >= 2));
}
