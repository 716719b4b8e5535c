//! The order in which a cluster is mined: which of its transactions go first, and which belong together.
//!
//! A cluster is cut into chunks of falling fee rate. Each chunk can be mined once those before it are; none can be made
//! better by moving transactions between chunks. Of all such divisions this is the best one, exactly: its diagram lies
//! nowhere below that of any other order.
//!
//! How: give every transaction the gain `fee - rate * size`, with the rate of the whole set, and look for the closed set
//! (each transaction with its parents) of the greatest gain. That is a maximum flow from what gains to what loses, over
//! the dependencies. If a set gains something it goes before the rest, and both are divided again. If none does, the
//! set has one rate throughout, and the parts that hang together by the flow are its chunks.
//!
//! A cluster has at most 64 transactions, so a set of them is one word.

use std::cmp::Ordering;

use bitcoin::Txid;

use crate::FeeRate;

/// The most transactions that a cluster can have.
pub const MAX_CLUSTER: usize = 64;

/// A cluster by itself: transactions are numbers.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// Fees and weights.
    pub rates: Vec<FeeRate>,
    /// What each directly depends on.
    pub parents: Vec<u64>,
    /// What decides between equals.
    pub ids: Vec<Txid>,
}

/// Transactions that are mined together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chunk {
    /// Their fees and weights, summed up.
    pub rate: FeeRate,
    /// The transactions, parents first.
    pub txs: Vec<usize>,
}

fn bit(index: usize) -> u64 {
    1 << index
}

/// The members of a set, lowest first.
fn members(mut set: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = usize::try_from(set.trailing_zeros()).ok().filter(|n| *n < MAX_CLUSTER)?;
        set &= set - 1;
        Some(lowest)
    })
}

impl Graph {
    fn rate_of(&self, set: u64) -> FeeRate {
        members(set).fold(FeeRate::default(), |sum, n| sum + self.rates[n])
    }

    fn all(&self) -> u64 {
        if self.rates.len() >= MAX_CLUSTER { u64::MAX } else { bit(self.rates.len()) - 1 }
    }

    /// The only possible order, if each transaction depends on the one before it.
    fn chain(&self) -> Option<Vec<usize>> {
        let mut order = Vec::with_capacity(self.rates.len());
        let mut done = 0;
        while order.len() < self.rates.len() {
            let mut ready = (0..self.rates.len()).filter(|n| done & bit(*n) == 0 && self.parents[*n] & !done == 0);
            let next = ready.next()?;
            if ready.next().is_some() {
                return None;
            }
            done |= bit(next);
            order.push(next);
        }
        Some(order)
    }
}

/// Cuts a cluster into its chunks, best first. Dependencies must not go in a circle.
pub fn linearize(graph: &Graph) -> Vec<Chunk> {
    debug_assert!(graph.rates.len() <= MAX_CLUSTER);
    if let [rate] = graph.rates[..] {
        return vec![Chunk { rate, txs: vec![0] }];
    }
    if let Some(order) = graph.chain() {
        return chunks_of_order(graph, &order);
    }
    let mut sets = Vec::new();
    let mut open = vec![graph.all()];
    while let Some(set) = open.pop() {
        match divide(graph, set) {
            Division::Split(first) => open.extend([set & !first, first]),
            Division::Even(parts) => sets.extend(parts),
        }
    }
    arrange(graph, &sets)
}

/// The chunks of a fixed order: whatever pays more than what it follows joins it.
fn chunks_of_order(graph: &Graph, order: &[usize]) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    for n in order {
        let mut chunk = Chunk { rate: graph.rates[*n], txs: vec![*n] };
        while chunks.last().is_some_and(|last| chunk.rate.cmp_rate(&last.rate) == Ordering::Greater) {
            if let Some(mut last) = chunks.pop() {
                last.rate += chunk.rate;
                last.txs.append(&mut chunk.txs);
                chunk = last;
            }
        }
        chunks.push(chunk);
    }
    chunks
}

enum Division {
    /// This part is better than the rest.
    Split(u64),
    /// All parts have the same rate.
    Even(Vec<u64>),
}

/// What still flows over the dependencies of a set.
struct Network<'a> {
    graph: &'a Graph,
    set: u64,
    /// What each transaction gains beyond what it has given away, or lacks.
    rest: [i128; MAX_CLUSTER],
    /// Flow from a child to a parent, by child and parent.
    flow: Vec<i128>,
    /// The children that a transaction has flow from.
    back: [u64; MAX_CLUSTER],
}

impl<'a> Network<'a> {
    fn new(graph: &'a Graph, set: u64) -> Self {
        let whole = graph.rate_of(set);
        let mut rest = [0; MAX_CLUSTER];
        for n in members(set) {
            let FeeRate { fee, size } = graph.rates[n];
            rest[n] = i128::from(fee) * i128::from(whole.size) - i128::from(whole.fee) * i128::from(size);
        }
        let len = graph.rates.len();
        Self { graph, set, rest, flow: vec![0; len * len], back: [0; MAX_CLUSTER] }
    }

    fn slot(&self, child: usize, parent: usize) -> usize {
        child * self.graph.rates.len() + parent
    }

    /// Where flow can go on from a transaction.
    fn onward(&self, n: usize) -> u64 {
        (self.graph.parents[n] | self.back[n]) & self.set
    }

    /// One shortest way from a gain to a lack, used as far as it goes. Otherwise what can be reached from the gains.
    fn augment(&mut self) -> Result<(), u64> {
        let mut from = [usize::MAX; MAX_CLUSTER];
        let mut queue: Vec<usize> = members(self.set).filter(|n| self.rest[*n] > 0).collect();
        let mut seen = queue.iter().fold(0, |seen, n| seen | bit(*n));
        let mut at = 0;
        while let Some(n) = queue.get(at).copied() {
            at += 1;
            if self.rest[n] < 0 {
                self.push_along(&from, n);
                return Ok(());
            }
            for next in members(self.onward(n) & !seen) {
                seen |= bit(next);
                from[next] = n;
                queue.push(next);
            }
        }
        Err(seen)
    }

    fn push_along(&mut self, from: &[usize; MAX_CLUSTER], end: usize) {
        let mut amount = -self.rest[end];
        let mut start = end;
        while from[start] != usize::MAX {
            let before = from[start];
            if self.graph.parents[before] & bit(start) == 0 {
                amount = amount.min(self.flow[self.slot(start, before)]);
            }
            start = before;
        }
        amount = amount.min(self.rest[start]);
        self.rest[start] -= amount;
        self.rest[end] += amount;
        let mut to = end;
        while from[to] != usize::MAX {
            let before = from[to];
            if self.graph.parents[before] & bit(to) != 0 {
                let slot = self.slot(before, to);
                self.flow[slot] += amount;
                self.back[to] |= bit(before);
            } else {
                let slot = self.slot(to, before);
                self.flow[slot] -= amount;
                if self.flow[slot] == 0 {
                    self.back[before] &= !bit(to);
                }
            }
            to = before;
        }
    }

    /// Everything that hangs on a transaction by dependencies and flow.
    fn reach(&self, start: usize) -> u64 {
        let (mut seen, mut open) = (bit(start), bit(start));
        while let Some(n) = members(open).next() {
            open &= !bit(n);
            let fresh = self.onward(n) & !seen;
            seen |= fresh;
            open |= fresh;
        }
        seen
    }
}

fn divide(graph: &Graph, set: u64) -> Division {
    if set.is_power_of_two() {
        return Division::Even(vec![set]);
    }
    let mut network = Network::new(graph, set);
    let gaining = loop {
        if let Err(gaining) = network.augment() {
            break gaining;
        }
    };
    if gaining != 0 {
        return Division::Split(gaining);
    }
    let mut reach = [0; MAX_CLUSTER];
    for n in members(set) {
        reach[n] = network.reach(n);
    }
    let mut parts = Vec::new();
    let mut left = set;
    while let Some(n) = members(left).next() {
        let part = members(reach[n]).filter(|m| reach[*m] & bit(n) != 0).fold(0, |part, m| part | bit(m));
        left &= !part;
        parts.push(part);
    }
    Division::Even(parts)
}

/// Puts chunks, and the transactions in them, in their order: the best rate first, then the smaller, then the lower id.
fn arrange(graph: &Graph, sets: &[u64]) -> Vec<Chunk> {
    let mut open: Vec<(u64, FeeRate, Option<Txid>)> =
        sets.iter().map(|set| (*set, graph.rate_of(*set), members(*set).map(|n| graph.ids[n]).max())).collect();
    let mut done = 0u64;
    let mut chunks = Vec::with_capacity(sets.len());
    while !open.is_empty() {
        let ready = |set: u64| members(set).all(|n| graph.parents[n] & !(done | set) == 0);
        let best = open
            .iter()
            .enumerate()
            .filter(|(_, (set, ..))| ready(*set))
            .min_by(|(_, a), (_, b)| b.1.cmp_rate(&a.1).then(a.1.size.cmp(&b.1.size)).then(a.2.cmp(&b.2)));
        // Without a circle something is always ready.
        let Some((at, _)) = best else { break };
        let (set, rate, _) = open.swap_remove(at);
        chunks.push(Chunk { rate, txs: arrange_chunk(graph, set, done) });
        done |= set;
    }
    chunks
}

fn arrange_chunk(graph: &Graph, set: u64, mut done: u64) -> Vec<usize> {
    let mut txs = Vec::new();
    let mut left = set;
    while left != 0 {
        let best = members(left).filter(|n| graph.parents[*n] & !done == 0).min_by(|a, b| {
            let (x, y) = (graph.rates[*a], graph.rates[*b]);
            y.cmp_rate(&x).then(x.size.cmp(&y.size)).then(graph.ids[*a].cmp(&graph.ids[*b]))
        });
        let Some(n) = best else { break };
        txs.push(n);
        done |= bit(n);
        left &= !bit(n);
    }
    txs
}

#[cfg(test)]
mod tests;
