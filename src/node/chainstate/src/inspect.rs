//! `-checkblockindex`: whether what is known of the blocks fits together. Tests ask after each step, operators who look for
//! a fault after every so many.

use crate::{
    Engine, Fatal, Node, Tree, Validity,
    candidates::{Candidates, Rank},
    shared::read,
};

impl Engine {
    /// Inspects the tree at every so many moves of the tip.
    pub(crate) fn inspect_sometimes(&mut self) -> Result<(), Fatal> {
        let Some(every) = self.options.inspect_every else { return Ok(()) };
        self.uninspected += 1;
        if self.uninspected < every.get() {
            return Ok(());
        }
        self.uninspected = 0;
        self.inspect()
    }

    /// Looks at every block that is known, when the tip is where it should be.
    pub(crate) fn inspect(&self) -> Result<(), Fatal> {
        let tree = read(&self.shared.tree);
        let wrong = |node: &Node, what: &str| {
            Err(Fatal::Inconsistent(format!("The block index does not fit together: block {} {what}", node.hash)))
        };
        let Some(tip) = self.active_tip else { return Ok(()) };
        if tree[tip].failed() {
            return wrong(&tree[tip], "is the tip, and invalid");
        }
        if self.candidates.best() != Some(tip) {
            return wrong(&tree[tip], "is the tip, and not the best that there is");
        }
        let complete = !self.reader().have_pruned() && self.reader().snapshot_base().is_none();
        for id in tree.ids() {
            let node = &tree[id];
            if let Some(what) = misfit(&tree, node, complete) {
                return wrong(node, what);
            }
            let better = Rank::of(&tree, id) > Rank::of(&tree, tip);
            if better && complete && Candidates::eligible(node) {
                return wrong(node, "is better than the tip and complete, and is not the tip");
            }
        }
        Ok(())
    }
}

/// What is wrong with a block, seen from its parent. Some rules hold only if nothing was ever taken away or left out.
fn misfit(tree: &Tree, node: &Node, complete: bool) -> Option<&'static str> {
    let Some(parent) = node.parent().map(|id| &tree[id]) else {
        return (node.height != 0).then_some("has no parent");
    };
    let rules = [
        (node.height == parent.height + 1, "is not one above its parent"),
        (node.chain_work > parent.chain_work, "adds no work"),
        (node.time_max == parent.time_max.max(node.header.time), "has another latest time than its chain"),
        (node.failed() || !parent.failed(), "is valid on an invalid parent"),
        (
            !node.is_valid(Validity::Chain) || parent.validity() >= Validity::Chain || !complete,
            "was connected without its parent",
        ),
        (!complete || node.has_data() == (node.tx_count > 0), "has no data, or data that nobody counted"),
        (!complete || !node.has_undo() || node.validity() >= Validity::Chain, "can be undone, and was never connected"),
        (
            !complete || node.chain_tx_count == expected_count(node, parent),
            "counts other transactions than its chain has",
        ),
    ];
    rules.into_iter().find(|(holds, _)| !holds).map(|(_, what)| what)
}

/// Zero as long as something below is missing.
fn expected_count(node: &Node, parent: &Node) -> u64 {
    if node.tx_count == 0 || parent.chain_tx_count == 0 { 0 } else { parent.chain_tx_count + u64::from(node.tx_count) }
}
