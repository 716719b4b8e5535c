//! The blocks that might become the tip: everything with data and at least the work of the present one.
//!
//! The order is work first, then first seen, so the last entry is the one to go for. A block that arrived before its
//! parent waits apart until the parent is there.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
};

use consensus::U256;

use crate::{Node, NodeId, Tree, Validity};

/// What a candidate is judged by. At equal work the lower sequence number wins, then the earlier node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Rank {
    work: U256,
    sequence: Reverse<i32>,
    id: Reverse<NodeId>,
}

impl Rank {
    pub(crate) fn of(tree: &Tree, id: NodeId) -> Self {
        let node = &tree[id];
        Self { work: node.chain_work, sequence: Reverse(node.sequence), id: Reverse(id) }
    }

    fn id(self) -> NodeId {
        self.id.0
    }
}

/// The candidates, and the blocks whose ancestors are not all there.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    ranked: BTreeSet<Rank>,
    /// By the parent that they wait for.
    waiting: HashMap<NodeId, Vec<NodeId>>,
}

impl Candidates {
    /// Whether a block can be connected as far as its data and those of its ancestors go.
    pub(crate) fn eligible(node: &Node) -> bool {
        node.is_valid(Validity::Transactions) && node.chain_tx_count != 0
    }

    /// Adds a block unless it is worse than the tip.
    pub(crate) fn offer(&mut self, tree: &Tree, id: NodeId, tip: Option<NodeId>) {
        let rank = Rank::of(tree, id);
        if tip.is_none_or(|t| rank >= Rank::of(tree, t)) {
            self.ranked.insert(rank);
        }
    }

    /// Takes a block out; call it before its sequence number changes.
    pub(crate) fn remove(&mut self, tree: &Tree, id: NodeId) {
        self.ranked.remove(&Rank::of(tree, id));
    }

    /// Notes that a block's data are there but its parent's are not.
    pub(crate) fn wait_for(&mut self, parent: NodeId, child: NodeId) {
        let children = self.waiting.entry(parent).or_default();
        if !children.contains(&child) {
            children.push(child);
        }
    }

    /// The blocks that waited for `parent`.
    pub(crate) fn release(&mut self, parent: NodeId) -> Vec<NodeId> {
        self.waiting.remove(&parent).unwrap_or_default()
    }

    /// Forgets that `child` waits for `parent`.
    pub(crate) fn stop_waiting(&mut self, parent: NodeId, child: NodeId) {
        if let Some(children) = self.waiting.get_mut(&parent) {
            children.retain(|c| *c != child);
            if children.is_empty() {
                self.waiting.remove(&parent);
            }
        }
    }

    /// The best candidate of all.
    pub(crate) fn best(&self) -> Option<NodeId> {
        self.ranked.last().map(|r| r.id())
    }

    /// Forgets those that are worse than the tip. The tip itself stays, so there is always one.
    pub(crate) fn prune(&mut self, tree: &Tree, tip: NodeId) {
        self.ranked = self.ranked.split_off(&Rank::of(tree, tip));
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.ranked.len()
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::{block::Header, hashes::Hash};

    use super::*;
    use crate::hashing::SaltedState;

    fn fork() -> (Tree, [NodeId; 4]) {
        let mut tree = Tree::new(SaltedState::default());
        let header = |prev, nonce| Header {
            version: bitcoin::block::Version::ONE,
            prev_blockhash: prev,
            merkle_root: bitcoin::TxMerkleNode::all_zeros(),
            time: 0,
            bits: bitcoin::CompactTarget::from_consensus(0x207f_ffff),
            nonce,
        };
        let mut add = |prev: Option<NodeId>, nonce| {
            let h = header(prev.map_or(bitcoin::BlockHash::all_zeros(), |p| tree[p].hash), nonce);
            tree.insert(h, h.block_hash(), prev, None)
        };
        let g = add(None, 0);
        let a = add(Some(g), 1);
        let b = add(Some(g), 2);
        let b2 = add(Some(b), 3);
        (tree, [g, a, b, b2])
    }

    #[test]
    fn more_work_wins_then_the_first_seen() {
        let (mut tree, [g, a, b, b2]) = fork();
        tree[a].sequence = 5;
        tree[b].sequence = 4;
        let mut set = Candidates::default();
        set.offer(&tree, a, Some(g));
        set.offer(&tree, b, Some(g));
        assert_eq!(set.best(), Some(b), "seen first");
        set.remove(&tree, a);
        tree[a].sequence = -1;
        set.offer(&tree, a, Some(g));
        assert_eq!(set.best(), Some(a), "precious");
        set.offer(&tree, b2, Some(a));
        assert_eq!(set.best(), Some(b2), "more work");
        set.offer(&tree, g, Some(b2));
        assert_eq!(set.len(), 3, "a worse block is not taken in");
        set.prune(&tree, b2);
        assert_eq!((set.len(), set.best()), (1, Some(b2)));
    }

    #[test]
    fn children_wait_for_their_parent() {
        let (_, [_, a, b, b2]) = fork();
        let mut set = Candidates::default();
        set.wait_for(b, b2);
        set.wait_for(b, b2);
        set.wait_for(a, b);
        set.stop_waiting(a, b);
        assert_eq!(set.release(b), [b2]);
        assert_eq!(set.release(b), []);
        assert_eq!(set.release(a), []);
    }
}
