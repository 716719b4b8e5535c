//! What an operator may decide against the rules of work: `invalidateblock`, `reconsiderblock`, `preciousblock`.

use crate::{
    Engine, Fatal, NodeId,
    candidates::{Candidates, Rank},
    foresight::Foresight,
    shared::{read, write},
    snapshot::Background,
};

impl Engine {
    /// Treats a block, and everything on it, as invalid. Genesis cannot be refused: answers whether it was done.
    pub fn invalidate(&mut self, id: NodeId) -> Result<bool, Fatal> {
        if read(&self.shared.tree)[id].height == 0 {
            return Ok(false);
        }
        let base = self.background.as_ref().map(Background::base);
        if base.is_some_and(|base| self.is_active(id) && self.node(base).height >= self.node(id).height) {
            // What a snapshot was made from is not here to be undone.
            return Ok(false);
        }
        let mut disconnected = 0;
        let ahead = self.is_active(id).then(|| self.foresee(self.node(id).height - 1)).flatten();
        while self.is_active(id) && !self.interrupted() {
            let tip = self.tip().expect("an active block has a tip above it");
            disconnected += 1;
            // A deep refusal would bring back more transactions than the pool could hold.
            self.disconnect_tip(disconnected <= 10)?;
            ahead.iter().for_each(Foresight::step);
            let mut tree = write(&self.shared.tree);
            self.candidates.remove(&tree, tip);
            tree[tip].set_failed(true);
            self.dirty.insert(tip);
            let new_tip = tree[tip].parent().expect("genesis is never disconnected");
            self.candidates.offer(&tree, new_tip, None);
        }
        if self.is_active(id) {
            return Ok(true); // interrupted: the rest stays as it is
        }
        self.fail_descendants(id);
        self.offer_all();
        self.note_invalid(id);
        if disconnected > 0 {
            self.settle(true);
            self.announce_tip();
        }
        Ok(true)
    }

    /// Takes back every refusal of a block, of what it builds on and of what builds on it.
    pub fn reconsider(&mut self, id: NodeId) {
        let mut tree = write(&self.shared.tree);
        let height = tree[id].height;
        let ids: Vec<NodeId> = tree.ids().collect();
        for other in ids {
            if !tree[other].failed() {
                continue;
            }
            let related =
                tree.ancestor(other, height) == Some(id) || tree.ancestor(id, tree[other].height) == Some(other);
            if !related {
                continue;
            }
            tree[other].set_failed(false);
            self.dirty.insert(other);
            write(&self.shared.best_invalid).take_if(|best| *best == other);
            if Candidates::eligible(&tree[other]) {
                self.candidates.offer(&tree, other, self.active_tip);
            }
        }
        drop(tree);
        self.find_best_header();
    }

    /// Prefers a block over others of the same work, as if it had arrived before them.
    pub fn precious(&mut self, id: NodeId) {
        let Some(tip) = self.tip() else { return };
        let mut tree = write(&self.shared.tree);
        if tree[id].chain_work < tree[tip].chain_work {
            return; // nothing to win
        }
        if tree[tip].chain_work > self.precious_work {
            // The chain has grown since the last call: start counting down again.
            self.precious_sequence = -1;
        }
        self.precious_work = tree[tip].chain_work;
        self.candidates.remove(&tree, id);
        tree[id].sequence = self.precious_sequence;
        self.precious_sequence = self.precious_sequence.saturating_sub(1);
        if Candidates::eligible(&tree[id]) {
            self.candidates.offer(&tree, id, Some(tip));
        }
    }

    /// Marks everything that builds on a block as failed, and the block itself.
    pub(crate) fn fail_descendants(&mut self, id: NodeId) {
        let mut tree = write(&self.shared.tree);
        let height = tree[id].height;
        // Children come after their parents, so one pass from the block on meets every descendant behind its parent.
        let ids: Vec<NodeId> = tree.ids().skip_while(|other| *other != id).collect();
        for other in ids {
            if tree[other].height >= height && tree.ancestor(other, height) == Some(id) && !tree[other].failed() {
                self.candidates.remove(&tree, other);
                tree[other].set_failed(true);
                self.dirty.insert(other);
            }
        }
        drop(tree);
        self.find_best_header();
    }

    /// Offers every block that could be a tip. It costs a pass over the tree, so only a refusal and the proof of a
    /// snapshot do it.
    pub(crate) fn offer_all(&mut self) {
        let tree = read(&self.shared.tree);
        for id in tree.ids() {
            if Candidates::eligible(&tree[id]) {
                self.candidates.offer(&tree, id, self.active_tip);
            }
        }
    }

    /// Remembers the most work chain that is known to be invalid, for the warning about it.
    pub(crate) fn note_invalid(&mut self, id: NodeId) {
        let tree = read(&self.shared.tree);
        let mut best = write(&self.shared.best_invalid);
        if best.is_none_or(|b| tree[id].chain_work > tree[b].chain_work) {
            *best = Some(id);
        }
        drop(best);
        let (node, tip) = (&tree[id], self.active_tip.map(|t| &tree[t]));
        tracing::info!(
            "InvalidChainFound: invalid block={}  height={}  log2_work={:.6}  date={}",
            node.hash,
            node.height,
            node.log2_work(),
            node.header.time
        );
        if let Some(tip) = tip {
            tracing::info!(
                "InvalidChainFound:  current best={}  height={}  log2_work={:.6}  date={}",
                tip.hash,
                tip.height,
                tip.log2_work(),
                tip.header.time
            );
        }
    }

    /// Looks for the header with the most work after some became invalid or valid again.
    pub(crate) fn find_best_header(&mut self) {
        let tree = read(&self.shared.tree);
        let best = tree.ids().filter(|id| !tree[*id].failed()).max_by_key(|id| Rank::of(&tree, *id));
        *write(&self.shared.best_header) = best;
    }
}
