//! One branch of the tree, as the rules look at it.

use std::ops::ControlFlow;

use consensus::{HeaderFacts, HeaderView, MergedFacts};

use crate::{NodeId, Tree};

/// The branch that ends in `tip`.
#[derive(Clone, Copy, Debug)]
pub struct Branch<'a> {
    tree: &'a Tree,
    tip: NodeId,
}

impl<'a> Branch<'a> {
    /// The branch that ends in `tip`.
    pub fn new(tree: &'a Tree, tip: NodeId) -> Self {
        Self { tree, tip }
    }

    fn facts(&self, id: NodeId) -> HeaderFacts {
        let node = &self.tree[id];
        HeaderFacts {
            height: node.height,
            hash: node.hash,
            version: node.header.version.to_consensus(),
            time: node.header.time,
            bits: node.header.bits.to_consensus(),
        }
    }
}

impl HeaderView for Branch<'_> {
    fn height(&self) -> u32 {
        self.tree[self.tip].height
    }

    fn at(&self, height: u32) -> Option<HeaderFacts> {
        self.tree.ancestor(self.tip, height).map(|id| self.facts(id))
    }

    fn merged(&self, height: u32) -> Option<MergedFacts> {
        self.tree.merged(self.tree.ancestor(self.tip, height)?)
    }

    fn walk_back(&self, from: u32, visit: &mut dyn FnMut(&HeaderFacts) -> ControlFlow<()>) {
        let mut at = self.tree.ancestor(self.tip, from);
        while let Some(id) = at {
            if visit(&self.facts(id)).is_break() {
                return;
            }
            at = self.tree[id].parent();
        }
    }
}
