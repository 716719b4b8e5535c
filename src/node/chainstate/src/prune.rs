//! Removing block files that nobody needs any more.

use std::{
    collections::{BTreeMap, HashSet},
    iter::successors,
    sync::atomic::Ordering,
};

use store::FileInfo;

use crate::{
    Engine, Fatal, NodeId, Tree,
    shared::{read, write},
};

/// Blocks below the tip that are never pruned: as deep as a reorganisation may be.
pub const MIN_BLOCKS_TO_KEEP: u32 = 288;
/// Whoever needs blocks from some height on also gets this many below it: it may have to go back over a fork.
const PRUNE_LOCK_BUFFER: u32 = 10;

/// From which height on blocks are needed, and by whom.
#[derive(Debug, Default)]
pub(crate) struct PruneLocks(BTreeMap<String, u32>);

impl PruneLocks {
    /// `name` needs the blocks from `height` on, or none.
    pub(crate) fn set(&mut self, name: &str, height: Option<u32>) {
        match height {
            Some(height) => self.0.insert(name.to_owned(), height),
            None => self.0.remove(name),
        };
    }

    /// The tip went back to `height`: who has followed it to a higher one has to go back as well.
    pub(crate) fn move_back(&mut self, height: u32) {
        for (name, at) in self.0.iter_mut().filter(|(_, at)| **at > height) {
            *at = height;
            tracing::debug!(target: "prune", "{name} prune lock moved back to {height}");
        }
    }

    /// The highest block that may go, where that is not above the tip.
    fn limit(&self, tip: u32) -> Option<u32> {
        let lowest = self.0.iter().map(|(name, at)| (at.saturating_sub(PRUNE_LOCK_BUFFER + 1), name)).min();
        let (limit, name) = lowest.filter(|(limit, _)| *limit <= tip)?;
        tracing::debug!(target: "prune", "{name} limited pruning to height {limit}");
        Some(limit)
    }
}

impl Tree {
    /// The height of the last block up to `tip` whose bytes or undo data are not there. Genesis has no undo data, and nobody
    /// misses it.
    pub fn last_pruned(&self, tip: NodeId) -> Option<u32> {
        let down = successors(Some(tip), |id| self[*id].parent()).map(|id| &self[id]);
        let mut pruned = down.filter(|node| node.height > 0 && !(node.has_data() && node.has_undo()));
        pruned.next().map(|node| node.height)
    }
}

impl Engine {
    /// Removes block files until their size is under the target, or none may go, if the chain is long enough. Returns how
    /// many went.
    pub fn prune_to_target(&mut self) -> Result<usize, Fatal> {
        let Some(target) = self.options.prune_target else { return Ok(0) };
        let height = self.active_tip.map_or(0, |tip| read(&self.shared.tree)[tip].height);
        if height <= self.options.prune_after_height {
            return Ok(0);
        }
        let infos = self.shared.files.infos();
        let mut usage: u64 = infos.iter().map(FileInfo::disk_size).sum();
        // Room for the next chunk of each kind, or the target would be passed right after.
        let buffer = 17 << 20;
        if usage + buffer <= target {
            return Ok(0);
        }
        let may_go = self.prunable(u32::MAX);
        let mut gone = HashSet::new();
        for (number, info) in (0u32..).zip(&infos) {
            if usage + buffer <= target {
                break;
            }
            if may_go(info) {
                usage -= info.disk_size();
                gone.insert(number);
            }
        }
        self.remove_files(&gone)
    }

    /// Removes the block files that hold nothing above `height` (`pruneblockchain`).
    pub fn prune_to_height(&mut self, height: u32) -> Result<usize, Fatal> {
        let may_go = self.prunable(height);
        let infos = self.shared.files.infos();
        let gone = (0u32..).zip(&infos).filter(|(_, info)| may_go(info)).map(|(n, _)| n).collect();
        self.remove_files(&gone)
    }

    /// Which files may go, if they hold nothing above `limit`. Until a snapshot is proven, the blocks below it go by the tip of
    /// the chain that is validated behind it.
    fn prunable(&self, limit: u32) -> impl Fn(&FileInfo) -> bool + use<> {
        let last = self.last_prunable(self.active_tip).map(|last| last.min(limit));
        let behind = self.background.as_ref().map(|other| {
            let below = self.last_prunable(other.tip).map(|last| last.min(limit));
            (read(&self.shared.tree)[other.base()].height, below)
        });
        move |info| {
            let below = |last: Option<u32>| last.is_some_and(|last| info.height_last <= last);
            let right = match behind {
                Some((base, last)) if info.height_first <= base => below(last),
                _ => below(last),
            };
            info.size > 0 && right
        }
    }

    /// The highest block that may be pruned: far enough below the tip, and below what every lock asks to keep.
    fn last_prunable(&self, tip: Option<NodeId>) -> Option<u32> {
        let tip = tip?;
        let height = read(&self.shared.tree)[tip].height;
        let by_tip = height.checked_sub(MIN_BLOCKS_TO_KEEP)?;
        Some(read(&self.shared.prune_locks).limit(height).map_or(by_tip, |limit| limit.min(by_tip)))
    }

    fn remove_files(&mut self, gone: &HashSet<u32>) -> Result<usize, Fatal> {
        if gone.is_empty() {
            return Ok(0);
        }
        {
            let mut tree = write(&self.shared.tree);
            let ids: Vec<NodeId> = tree.ids().collect();
            for id in ids {
                if tree[id].file().is_some_and(|f| gone.contains(&f)) {
                    if let Some(parent) = tree[id].parent() {
                        self.candidates.stop_waiting(parent, id);
                    }
                    tree[id].clear_stored();
                    self.dirty.insert(id);
                }
            }
        }
        let mut files: Vec<u32> = gone.iter().copied().collect();
        files.sort_unstable();
        for file in &files {
            self.shared.files.forget(*file);
        }
        if !self.shared.have_pruned.swap(true, Ordering::AcqRel) {
            self.index_db.set_flag("prunedblockfiles", true)?;
        }
        // The index must not name a file that is gone, so it is written first. What coins on disk are the result of must be
        // near enough to their chain's tip to be continued without what goes.
        self.write_index()?;
        self.write_coins(true)?;
        self.behind(|engine| engine.write_coins(true)).transpose()?;
        self.shared.files.unlink(&files)?;
        Ok(files.len())
    }
}
