//! Transactions that wait for their parents.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bitcoin::{Txid, Wtxid};
use primitives::Tx;

use crate::PeerId;

/// How much weight may wait for one peer.
const MAX_WEIGHT_PER_PEER: u64 = 404_000;
/// How many transactions may wait in all.
const MAX_ORPHANS: usize = 3000;
/// A heavier transaction is not kept.
const MAX_TX_WEIGHT: u64 = 400_000;

/// Transactions and who sent them, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Orphanage {
    orphans: HashMap<Wtxid, (Arc<Tx>, PeerId)>,
    order: VecDeque<Wtxid>,
    weights: HashMap<PeerId, u64>,
}

impl Orphanage {
    pub(crate) fn contains(&self, wtxid: &Wtxid) -> bool {
        self.orphans.contains_key(wtxid)
    }

    /// Keeps a transaction. A peer that sends too many pushes its own old ones out; the oldest of all go when there is no
    /// room left.
    pub(crate) fn add(&mut self, tx: Arc<Tx>, peer: PeerId) -> bool {
        let (wtxid, weight) = (tx.wtxid(), tx.weight());
        if weight > MAX_TX_WEIGHT || self.contains(&wtxid) {
            return false;
        }
        while self.weights.get(&peer).is_some_and(|total| total + weight > MAX_WEIGHT_PER_PEER) {
            let own = self.order.iter().find(|id| self.orphans.get(*id).is_some_and(|(_, owner)| *owner == peer));
            let Some(own) = own.copied() else { break };
            self.remove(&own);
        }
        if self.orphans.len() >= MAX_ORPHANS
            && let Some(oldest) = self.order.front().copied()
        {
            self.remove(&oldest);
        }
        *self.weights.entry(peer).or_default() += weight;
        self.orphans.insert(wtxid, (tx, peer));
        self.order.push_back(wtxid);
        true
    }

    /// The transactions that spend outputs of that one, and who sent them, newest first.
    pub(crate) fn children(&self, parent: &Txid) -> Vec<(Arc<Tx>, PeerId)> {
        let spends = |tx: &Tx| tx.inputs().iter().any(|input| input.previous_output.txid == *parent);
        let all = self.order.iter().rev().filter_map(|id| self.orphans.get(id));
        all.filter(|(tx, _)| spends(tx)).cloned().collect()
    }

    pub(crate) fn remove(&mut self, wtxid: &Wtxid) {
        let Some((tx, peer)) = self.orphans.remove(wtxid) else { return };
        self.order.retain(|id| id != wtxid);
        if let Some(total) = self.weights.get_mut(&peer) {
            *total = total.saturating_sub(tx.weight());
        }
    }

    /// A peer is gone, and with it what it sent.
    pub(crate) fn disconnected(&mut self, peer: PeerId) {
        self.orphans.retain(|_, (_, owner)| *owner != peer);
        self.order.retain(|id| self.orphans.contains_key(id));
        self.weights.remove(&peer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::spend;

    #[test]
    fn children_are_found_until_they_are_removed() {
        let mut orphanage = Orphanage::default();
        let parent = spend(bitcoin::OutPoint::null(), 1, 0);
        let child = spend(bitcoin::OutPoint { txid: parent.txid(), vout: 0 }, 2, 0);
        assert!(orphanage.add(child.clone(), 5));
        assert!(!orphanage.add(child.clone(), 6));
        assert_eq!(orphanage.children(&parent.txid()), [(child.clone(), 5)]);
        assert!(orphanage.children(&child.txid()).is_empty());
        orphanage.disconnected(5);
        assert!(!orphanage.contains(&child.wtxid()) && orphanage.order.is_empty());
    }

    #[test]
    fn a_flooding_peer_pushes_out_only_its_own() {
        let mut orphanage = Orphanage::default();
        let quiet = spend(bitcoin::OutPoint::null(), 1, 100);
        orphanage.add(quiet.clone(), 1);
        for value in 2..60 {
            orphanage.add(spend(bitcoin::OutPoint::null(), value, 10_000), 2);
        }
        assert!(orphanage.contains(&quiet.wtxid()));
        assert!(orphanage.weights[&2] <= MAX_WEIGHT_PER_PEER && orphanage.order.len() < 15);
        assert!(!orphanage.add(spend(bitcoin::OutPoint::null(), 1, 200_000), 3));
    }
}
