//! The linearisation against all closed sets of small clusters.

use bitcoin::hashes::Hash;
use proptest::prelude::*;

use super::*;

fn graph_of(rates: Vec<(i64, i64)>, edges: &[u8]) -> Graph {
    let len = rates.len();
    let mut parents = vec![0u64; len];
    for child in 1..len {
        // Each byte says which of the transactions before it a transaction depends on.
        let mask = u64::from(edges[child % edges.len()]) & ((1 << child) - 1);
        parents[child] = mask;
    }
    let ids = (0..len).map(|n| Txid::from_byte_array([u8::try_from(n * 37 % 251).unwrap(); 32])).collect();
    Graph { rates: rates.into_iter().map(|(fee, size)| FeeRate::new(fee, size)).collect(), parents, ids }
}

fn is_closed(graph: &Graph, set: u64) -> bool {
    members(set).all(|n| graph.parents[n] & !set == 0)
}

fn set_of(chunk: &Chunk) -> u64 {
    chunk.txs.iter().fold(0, |set, n| set | bit(*n))
}

/// Everything that a linearisation promises.
fn check(graph: &Graph) {
    let chunks = linearize(graph);
    let mut done = 0;
    for (at, chunk) in chunks.iter().enumerate() {
        let before = done;
        for n in &chunk.txs {
            assert_eq!(done & bit(*n), 0, "each once");
            assert_eq!(graph.parents[*n] & !done, 0, "parents first");
            done |= bit(*n);
        }
        assert_eq!(chunk.rate, graph.rate_of(set_of(chunk)));
        if let Some(next) = chunks.get(at + 1) {
            assert_ne!(chunk.rate.cmp_rate(&next.rate), Ordering::Less, "rates fall");
        }
        for part in 1..set_of(chunk) {
            if part & !set_of(chunk) == 0 && is_closed(graph, before | part) {
                let rate = graph.rate_of(part);
                assert_eq!(rate.cmp_rate(&chunk.rate), Ordering::Less, "no part of a chunk can go before the rest");
            }
        }
    }
    assert_eq!(done, graph.all(), "all of them");
    let diagram: Vec<FeeRate> = chunks.iter().map(|chunk| chunk.rate).collect();
    for set in 1..=graph.all() {
        if is_closed(graph, set) {
            // Where the set ends, the diagram must be at least as high.
            let corner = graph.rate_of(set);
            let mut left = FeeRate::default();
            for step in &diagram {
                let right = left + *step;
                if corner.size <= right.size {
                    assert_ne!((corner - left).cmp_rate(step), Ordering::Greater, "better: {set:b}");
                    break;
                }
                left = right;
            }
        }
    }
}

#[test]
fn a_child_pays_for_its_parent() {
    let graph = graph_of(vec![(1, 10), (30, 10), (5, 10)], &[0, 1, 0]);
    let chunks = linearize(&graph);
    assert_eq!(chunks.iter().map(|chunk| chunk.txs.clone()).collect::<Vec<_>>(), [vec![0, 1], vec![2]]);
    check(&graph);
}

#[test]
fn two_children_pay_together() {
    // Neither child alone lifts the parent above the grandparent's other child.
    let graph = graph_of(vec![(0, 10), (20, 10), (20, 10)], &[0, 1, 1]);
    let chunks = linearize(&graph);
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].rate, FeeRate::new(40, 30));
    check(&graph);
}

#[test]
fn equal_rates_are_not_joined() {
    check(&graph_of(vec![(10, 10); 6], &[0, 1, 2, 5, 0, 3]));
    assert_eq!(linearize(&graph_of(vec![(10, 10); 6], &[0, 1, 2, 5, 0, 3])).len(), 6);
}

#[test]
fn the_largest_cluster_is_done_at_once() {
    // Thirty-two parents, each of thirty-two children spends all of them.
    let mut graph = graph_of(vec![(1, 100); 64], &[0]);
    for n in 32..64 {
        graph.parents[n] = u64::from(u32::MAX);
        graph.rates[n] = FeeRate::new(i64::try_from(n).unwrap() * 50, 100);
    }
    let chunks = linearize(&graph);
    assert_eq!(chunks.iter().map(|chunk| chunk.txs.len()).sum::<usize>(), 64);
    assert!(chunks[0].txs.len() > 32);
    // And a plain chain of as many, which pays more and more.
    let mut chain = graph_of((1..=64).map(|n| (n, 10)).collect(), &[0]);
    for n in 1..64 {
        chain.parents[n] = bit(n - 1);
    }
    assert_eq!(linearize(&chain).len(), 1);
}

proptest! {
    #[test]
    fn nothing_is_better(
        rates in prop::collection::vec((-20i64..60, 1i64..12), 1..9),
        edges in prop::collection::vec(any::<u8>(), 8),
        thin in any::<u8>(),
    ) {
        let edges: Vec<u8> = edges.iter().map(|edge| edge & thin.rotate_left(u32::from(*edge))).collect();
        check(&graph_of(rates, &edges));
    }

    #[test]
    fn huge_fees_do_not_overflow(fees in prop::collection::vec(any::<i32>(), 2..7), edges in prop::collection::vec(any::<u8>(), 6)) {
        // Operators may pretend that a transaction pays anything; here up to 2^31 * 2^29.
        let rates = fees.iter().map(|fee| (i64::from(*fee) << 29, 400_000)).collect();
        check(&graph_of(rates, &edges));
    }
}
