//! The validation engine: the one owner of the chain state. Its methods run on the validation thread, one at a time.

use std::{
    cell::Cell,
    collections::HashSet,
    fmt::Debug,
    num::NonZeroU32,
    sync::{Arc, atomic::Ordering},
};

use consensus::{Rules, U256, WhyVerify};
use platform::Clock;
use store::{IndexDb, StoreError};

use crate::{
    ChainEvent, Node, NodeId, Reader, TipFollower,
    ahead::Ahead,
    candidates::Candidates,
    recent::Recent,
    scripts::ScriptChecker,
    shared::{Shared, read},
    snapshot::{Background, InvalidSnapshot},
};

/// Something that the chain state cannot go on after: the disk failed, or what is on it is damaged. The program stops.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// The disk or a database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state does not fit together.
    #[error("{0}")]
    Inconsistent(String),
    /// A block of the active chain cannot be undone.
    #[error("Failed to disconnect block.")]
    Disconnect,
    /// The chain behind a snapshot has come to other coins.
    #[error(transparent)]
    InvalidSnapshot(#[from] InvalidSnapshot),
}

/// Something that happens in the middle of a flush. Tests of crashes are made of it.
pub trait Mishap: Debug + Send + Sync {
    /// A batch of coins was written, and it is not the last one.
    fn between_batches(&self);
}

/// What an operator chose.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// `-dbcache`, the part of it for coins.
    pub cache_bytes: usize,
    /// `-checkblockindex`: the block tree is inspected at every so many moves of the tip.
    pub inspect_every: Option<NonZeroU32>,
    /// Whether the coins that a block spends are read in one go (`-prevoutfetchthreads`), instead of one by one.
    pub prefetch: bool,
    /// `-dbbatchsize`: coins are written in batches of about so many bytes.
    pub batch_bytes: usize,
    /// `-dbcrashratio`.
    pub mishap: Option<Arc<dyn Mishap>>,
    /// `-prune`: `None` keeps everything, `Some(u64::MAX)` prunes by hand only.
    pub prune_target: Option<u64>,
    /// The chain must be higher than this before files are pruned by themselves.
    pub prune_after_height: u32,
    /// `-stopatheight`.
    pub stop_at_height: Option<u32>,
    /// `-maxtipage`, in seconds.
    pub max_tip_age: i64,
    /// On a chain of its own making a node has nobody to catch up with.
    pub leave_download_at_first_block: bool,
}

/// Whether the scripts of the block before were run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LastVerified {
    /// There was none since the start.
    #[default]
    Unknown,
    /// They were assumed to be right.
    Assumed,
    /// They were run, and why.
    Run(WhyVerify),
}

/// The chain state's owner.
#[derive(Debug)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    pub(crate) rules: Arc<dyn Rules>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) index_db: IndexDb,
    pub(crate) options: EngineOptions,
    pub(crate) scripts: Arc<ScriptChecker>,
    pub(crate) candidates: Candidates,
    /// Nodes that differ from the index on disk.
    pub(crate) dirty: HashSet<NodeId>,
    /// The tip, as in the shared state, without its lock.
    pub(crate) active_tip: Option<NodeId>,
    pub(crate) next_sequence: i32,
    pub(crate) precious_sequence: i32,
    pub(crate) precious_work: U256,
    pub(crate) last_write: i64,
    /// Moves of the tip since the tree was inspected.
    pub(crate) uninspected: u32,
    /// Why scripts were run at the last block, which is told when it changes.
    pub(crate) verifies: Cell<LastVerified>,
    pub(crate) recent: Recent,
    /// The block that comes next, during a catch-up.
    pub(crate) ahead: Option<Ahead>,
    pub(crate) followers: Vec<Box<dyn TipFollower>>,
    /// What is validated behind a snapshot; nothing while it is the one that is worked on.
    pub(crate) background: Option<Background>,
    /// Whether that is worked on now.
    pub(crate) in_background: bool,
    /// The coins are those of a snapshot that was wrong: nothing of them is kept.
    pub(crate) abandoned: bool,
}

impl Engine {
    /// A view for other threads.
    pub fn reader(&self) -> Reader {
        Reader { shared: Arc::clone(&self.shared) }
    }

    /// The tip.
    pub fn tip(&self) -> Option<NodeId> {
        self.active_tip
    }

    /// The height at which the chain is to end (`-stopatheight`).
    pub fn stops_at(&self) -> Option<u32> {
        self.options.stop_at_height
    }

    /// What runs scripts and remembers those that were right; shared with whoever checks transactions before they are in
    /// a block.
    pub fn scripts(&self) -> &Arc<ScriptChecker> {
        &self.scripts
    }

    /// Adds somebody who follows the tip in step with it.
    pub fn follow(&mut self, follower: Box<dyn TipFollower>) {
        self.followers.push(follower);
    }

    /// The most work chain that is known to be invalid.
    pub fn best_invalid(&self) -> Option<NodeId> {
        *read(&self.shared.best_invalid)
    }

    pub(crate) fn node(&self, id: NodeId) -> Node {
        read(&self.shared.tree)[id].clone()
    }

    pub(crate) fn is_active(&self, id: NodeId) -> bool {
        let tree = read(&self.shared.tree);
        self.active_tip.is_some_and(|tip| tree.ancestor(tip, tree[id].height) == Some(id))
    }

    pub(crate) fn interrupted(&self) -> bool {
        self.shared.interrupt.load(Ordering::Acquire)
    }

    /// Tells the listeners where the chain is now.
    pub(crate) fn announce_tip(&self) {
        let Some(tip) = self.active_tip else { return };
        let (hash, height) = {
            let tree = read(&self.shared.tree);
            (tree[tip].hash, tree[tip].height)
        };
        let initial_download = self.shared.initial_download.load(Ordering::Acquire);
        self.shared.events.publish(&ChainEvent::Tip { hash, height, initial_download });
    }

    /// Leaves initial download, once and for all, when the tip is recent and has enough work.
    pub(crate) fn update_initial_download(&self) {
        if !self.shared.initial_download.load(Ordering::Acquire) {
            return;
        }
        let Some(tip) = self.active_tip else { return };
        let tree = read(&self.shared.tree);
        let node = &tree[tip];
        if node.chain_work < self.rules.params().minimum_chain_work() {
            return;
        }
        let recent = i64::from(node.header.time) >= self.clock.unix_seconds() - self.options.max_tip_age;
        if recent || (self.options.leave_download_at_first_block && node.height > 0) {
            tracing::info!("Leaving InitialBlockDownload (latching to false)");
            self.shared.initial_download.store(false, Ordering::Release);
        }
    }
}

impl Drop for Engine {
    /// Nothing happens any more: those who listen see the end.
    fn drop(&mut self) {
        self.shared.events.close();
    }
}
