//! Looking ahead during a catch-up. While the threads of the pool run the scripts of one block, the validation thread
//! gets the next one ready: it reads it, looks up its coins and checks its sums, all on top of changes that are not made
//! yet. Its scripts wait in line from then on, so that the threads always have something to do: they run while the verdict
//! on this block is awaited and while it is put on the tip. If this one is wrong, that was work for nothing, and no more.
//!
//! What a block is judged by is its own branch, so what was found ahead holds whenever its parent is the tip. It is used
//! for the block that is connected next or not at all, and never kept for longer than the engine moves: a body that is
//! replaced afterwards is read again.

use std::sync::Arc;

use consensus::{ConnectReason, WhyVerify};
use primitives::Block;

use crate::{
    Engine, Fatal, Node, NodeId,
    coins::Changes,
    connect::{Connected, Prepared},
    scripts::{self, ScriptChecker},
    shared::read,
};

/// A block that was looked at before its turn.
#[derive(Debug)]
pub(crate) struct Ahead {
    id: NodeId,
    pub(crate) node: Node,
    pub(crate) block: Arc<Block>,
    pub(crate) state: State,
}

/// How far it has come.
#[derive(Debug)]
pub(crate) enum State {
    /// It breaks a rule that needs no scripts.
    Wrong(ConnectReason),
    /// It is right but for its scripts, which are run if there is a reason (`why`).
    Running { prepared: Prepared, why: Option<WhyVerify>, verdict: Verdict },
}

/// What the scripts of a block come to.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// They are right, or need not be.
    Right,
    /// They are not run before somebody waits for them.
    Asked,
    /// They run.
    Awaited(scripts::Verdict),
}

impl Engine {
    /// The block of `id`, whose turn it is. If there is one to look at beside it, its scripts begin.
    pub(crate) fn next_in_turn(&mut self, id: NodeId, beside: bool) -> Result<Ahead, Fatal> {
        if let Some(ahead) = self.ahead.take().filter(|ahead| ahead.id == id) {
            return Ok(ahead);
        }
        let mut found = self.look(id, &Changes::default())?;
        if beside {
            self.let_run(&mut found);
        }
        Ok(found)
    }

    /// Reads the block of `id` and checks it on top of `pending`.
    fn look(&mut self, id: NodeId, pending: &Changes) -> Result<Ahead, Fatal> {
        let node = self.node(id);
        let block = if let Some(block) = self.recent.take(id) {
            block
        } else {
            let pos = node.block_pos().ok_or_else(|| Fatal::Inconsistent("Failed to read block.".to_owned()))?;
            Arc::new(self.shared.read_block(pos)?)
        };
        let state = match self.prepare(&block, &node, pending)? {
            Ok(prepared) => {
                let why = self.why_verify(&node);
                let needless = why.is_none() || prepared.spendings.is_empty();
                let verdict = if needless { Verdict::Right } else { Verdict::Asked };
                State::Running { prepared, why, verdict }
            }
            Err(reason) => State::Wrong(reason),
        };
        Ok(Ahead { id, node, block, state })
    }

    /// Lets the scripts begin, on other threads if there are any.
    fn let_run(&self, ahead: &mut Ahead) {
        if let State::Running { prepared, verdict: verdict @ Verdict::Asked, .. } = &mut ahead.state {
            let begun = ScriptChecker::begin(&self.scripts, &prepared.spendings, prepared.flags, self.rules.dialect());
            *verdict = begun.map_or(Verdict::Asked, Verdict::Awaited);
        }
    }

    /// Waits for the scripts of a block that was looked at. Meanwhile `following` is looked at, if there is one, and its
    /// scripts are put in line.
    pub(crate) fn conclude(
        &mut self,
        node: &Node,
        state: State,
        following: Option<NodeId>,
    ) -> Result<(Result<Connected, ConnectReason>, Option<Ahead>), Fatal> {
        let (prepared, why, verdict) = match state {
            State::Wrong(reason) => return Ok((Err(reason), None)),
            State::Running { prepared, why, verdict } => (prepared, why, verdict),
        };
        self.log_why(node, why);
        let (verdict, next) = match verdict {
            Verdict::Right => (Ok(()), None),
            Verdict::Asked => {
                let dialect = self.rules.dialect();
                (ScriptChecker::check(&self.scripts, &prepared.spendings, prepared.flags, dialect), None)
            }
            Verdict::Awaited(verdict) => {
                // A disk that fails here fails again when it is the block's turn.
                let mut next = following.and_then(|id| self.look(id, prepared.changes()).ok());
                if let Some(next) = &mut next {
                    self.let_run(next);
                }
                let gone = |_| Fatal::Inconsistent("the script verification threads are gone".to_owned());
                (verdict.recv().map_err(gone)?, next)
            }
        };
        match verdict {
            Ok(()) => Ok((Ok(prepared.pass()), next)),
            Err(failed) => Ok((Err(ConnectReason::Script(Box::new(failed))), None)),
        }
    }

    /// The block after `id` on the way to `target`, if it is one that may be looked at before its turn.
    pub(crate) fn following(&self, id: NodeId, target: NodeId) -> Option<NodeId> {
        if id == target || self.interrupted() {
            return None;
        }
        let tree = read(&self.shared.tree);
        let height = tree[id].height;
        if self.options.stop_at_height.is_some_and(|stop| height >= stop) {
            return None;
        }
        let next = tree.ancestor(target, height + 1)?;
        let known = self.rules.frontier().is_none_or(|frontier| height + 1 < frontier);
        (known && tree[next].has_data()).then_some(next)
    }
}
