//! Moving the tip to the best candidate, block by block, back over a fork where there is one.

use std::sync::Arc;

use primitives::Block;

use crate::{
    ChainEvent, Engine, Fatal, FlushMode, NodeId, Refused, foresight::Foresight, shared::read, snapshot::Background,
};

/// Connected in one go at most: then the memory pool is made consistent and others get their turn.
const STEP: u32 = 32;

/// What happened to the tip.
#[derive(Debug, Clone, Default)]
pub struct Activation {
    /// Blocks that turned out to be invalid on the way, with the reason.
    pub refused: Vec<Refused>,
    /// Whether `-stopatheight` was reached.
    pub stop: bool,
    /// Whether the next block would need rules that are not verified, and nobody said that they need not be.
    pub frontier: bool,
}

impl Engine {
    /// Moves to the chain with the most work that is valid.
    pub fn activate(&mut self) -> Result<Activation, Fatal> {
        let mut done = Activation::default();
        let start = self.active_tip;
        while let Some(target) = self.find_target() {
            if Some(target) == self.active_tip {
                break;
            }
            let before = self.active_tip;
            self.step(target, &mut done)?;
            self.update_initial_download();
            if done.frontier {
                break;
            }
            if self.active_tip != before {
                let height = self.active_tip.map_or(0, |t| read(&self.shared.tree)[t].height);
                self.announce_tip();
                self.flush(FlushMode::Periodic)?;
                if self.options.prune_target.is_some_and(|t| t != u64::MAX) {
                    self.prune_to_target()?;
                }
                if self.options.stop_at_height.is_some_and(|stop| height >= stop) {
                    done.stop = true;
                    break;
                }
            }
            if self.interrupted() {
                break;
            }
        }
        if start != self.active_tip {
            self.recent.clear();
        }
        self.ahead = None;
        if !(done.stop || done.frontier || self.interrupted()) {
            self.inspect_sometimes()?;
        }
        Ok(done)
    }

    /// The best candidate whose whole branch is there and not known to be invalid.
    fn find_target(&mut self) -> Option<NodeId> {
        let tree = read(&self.shared.tree);
        let base = self.background.as_ref().map(Background::base);
        'candidate: loop {
            let best = self.candidates.best()?;
            // Below the block of a snapshot nothing can be undone until it is proven. Then all are offered again.
            if base.is_some_and(|base| tree.ancestor(best, tree[base].height) != Some(base)) {
                self.candidates.remove(&tree, best);
                continue;
            }
            let mut at = best;
            let mut path = Vec::new();
            while self.active_tip.is_none_or(|tip| tree.ancestor(tip, tree[at].height) != Some(at)) {
                let node = &tree[at];
                if node.failed() || !node.has_data() {
                    let missing = !node.failed();
                    self.candidates.remove(&tree, at);
                    for id in path {
                        // With the data, it can be tried again.
                        if missing && let Some(parent) = tree[id].parent() {
                            self.candidates.wait_for(parent, id);
                        }
                        self.candidates.remove(&tree, id);
                    }
                    continue 'candidate;
                }
                path.push(at);
                match node.parent() {
                    Some(parent) => at = parent,
                    None => break,
                }
            }
            return Some(best);
        }
    }

    /// Goes some way towards `target`: back to the fork, then forward until the tip is better than it was.
    fn step(&mut self, target: NodeId, done: &mut Activation) -> Result<(), Fatal> {
        let old_tip = self.active_tip;
        let fork = old_tip.and_then(|tip| read(&self.shared.tree).fork(tip, target));
        let mut reorganised = false;
        let ahead = fork.filter(|fork| old_tip != Some(*fork)).and_then(|fork| self.foresee(self.node(fork).height));
        while self.active_tip.is_some() && self.active_tip != fork {
            if let Err(e) = self.disconnect_tip(true) {
                self.settle(false);
                return Err(e);
            }
            ahead.iter().for_each(Foresight::step);
            reorganised = true;
        }
        drop(ahead);
        let mut connected = 0;
        loop {
            let next = {
                let tree = read(&self.shared.tree);
                let height = self.active_tip.map_or(0, |t| tree[t].height + 1);
                if self.active_tip == Some(target) { None } else { tree.ancestor(target, height) }
            };
            let Some(next) = next else { break };
            if self.is_beyond_frontier(next) {
                done.frontier = true;
                break;
            }
            let following = self.following(next, target);
            match self.connect_tip(next, following)? {
                Ok(()) => connected += 1,
                Err(reason) => {
                    if reason.result().is_permanent() {
                        self.fail(next);
                        // What counts is how far the chain behind it reaches.
                        self.note_invalid(target);
                    } else {
                        // The body is not the one that was mined: forget it, the right one may come.
                        self.candidates.remove(&read(&self.shared.tree), next);
                    }
                    tracing::info!("Block validation error: {reason}");
                    done.refused.push(Refused { id: next, hash: self.node(next).hash, reason });
                    break;
                }
            }
            let tip = self.active_tip.expect("a block was connected");
            self.candidates.prune(&read(&self.shared.tree), tip);
            let ahead = old_tip.is_none_or(|old| {
                let tree = read(&self.shared.tree);
                tree[tip].chain_work > tree[old].chain_work
            });
            // During a long catch-up one step takes several blocks, so that the pool is not settled for each.
            if ahead && (connected >= STEP || !reorganised) {
                break;
            }
            if self.interrupted() && ahead {
                break;
            }
        }
        self.settle(reorganised);
        Ok(())
    }

    /// Whether a block needs rules that are not verified.
    fn is_beyond_frontier(&self, id: NodeId) -> bool {
        let height = read(&self.shared.tree)[id].height;
        self.rules.frontier().is_some_and(|frontier| height >= frontier)
    }

    /// Lets those who follow the tip catch up with it.
    pub(crate) fn settle(&mut self, reorganised: bool) {
        let reader = self.reader();
        let mut followers = std::mem::take(&mut self.followers);
        for follower in &mut followers {
            follower.settled(&reader, reorganised);
        }
        self.followers = followers;
    }

    pub(crate) fn tell_connected(&mut self, block: &Arc<Block>, id: NodeId) {
        let node = self.node(id);
        for follower in &mut self.followers {
            follower.connected(block, &node);
        }
        self.shared.events.publish(&ChainEvent::Connected {
            block: Arc::clone(block),
            height: node.height,
            hash: node.hash,
        });
    }

    pub(crate) fn tell_disconnected(&mut self, block: &Arc<Block>, id: NodeId, keep: bool) {
        let node = self.node(id);
        for follower in &mut self.followers {
            follower.disconnected(block, &node, keep);
        }
        self.shared.events.publish(&ChainEvent::Disconnected {
            block: Arc::clone(block),
            height: node.height,
            hash: node.hash,
        });
    }
}
