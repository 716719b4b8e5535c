//! Making progress durable: block files, then the index that points into them, then the coins; and pruning.

use std::{collections::HashSet, sync::atomic::Ordering};

use store::FileInfo;

use crate::{
    Engine, Fatal, NodeId,
    shared::{CoinsState, read, write},
};

/// How strongly a flush is wanted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum FlushMode {
    /// Only if the cache is over its limit.
    IfNeeded,
    /// Also if the last one was long ago.
    Periodic,
    /// Everything, and the cache stays warm.
    Sync,
    /// Everything, and the cache is emptied.
    Empty,
}

/// The index is written at least this often, so that a crash costs little: seconds.
const WRITE_INTERVAL: i64 = 60 * 60;
/// Batches of this size keep the memory of a flush small.
const BATCH_BYTES: usize = 8 << 20;
/// Blocks below the tip that are never pruned: as deep as a reorganisation may be.
pub const MIN_BLOCKS_TO_KEEP: u32 = 288;
/// Whoever needs blocks from some height on also gets this many below it: it may have to go back over a fork.
const PRUNE_LOCK_BUFFER: u32 = 10;
/// The cache may go over its limit by a tenth of it, but not by more than this, before it must be flushed at once.
const LARGE_MARGIN: usize = 10 << 20;

impl Engine {
    /// Flushes if `mode` asks for it or the cache is full.
    pub fn flush(&mut self, mode: FlushMode) -> Result<(), Fatal> {
        let now = self.clock.unix_seconds();
        let memory = read(&self.shared.state).cache.memory();
        let limit = self.options.cache_bytes;
        let critical = memory > limit;
        let large = mode >= FlushMode::Periodic && memory > (limit * 9 / 10).max(limit.saturating_sub(LARGE_MARGIN));
        let due = mode == FlushMode::Periodic && now >= self.last_write + WRITE_INTERVAL;
        if !(mode >= FlushMode::Sync || critical || large || due) {
            return Ok(());
        }
        self.write_index()?;
        self.write_coins(mode != FlushMode::Empty && !critical && !large)?;
        self.last_write = now;
        Ok(())
    }

    /// Writes everything, at the end of a program, in the form that the next start reads fastest.
    pub fn finish(&mut self) -> Result<(), Fatal> {
        self.flush(FlushMode::Empty)?;
        self.behind(|engine| {
            engine.flush(FlushMode::Empty)?;
            Ok::<_, Fatal>(engine.shared.coins_db().settle()?)
        })
        .transpose()?;
        self.index_db.settle()?;
        if !self.abandoned {
            self.shared.coins_db().settle()?;
        }
        Ok(())
    }

    /// Writes block data and the index, in the order that keeps every pointer valid.
    fn write_index(&mut self) -> Result<(), Fatal> {
        self.shared.files.flush()?;
        let files = self.shared.files.take_dirty();
        let records: Vec<_> = {
            let tree = read(&self.shared.tree);
            self.dirty.iter().map(|id| (tree[*id].hash, tree.record(*id))).collect()
        };
        self.index_db.write(records.iter().map(|(hash, record)| (hash, record)), &files, true)?;
        self.dirty.clear();
        Ok(())
    }

    fn write_coins(&mut self, keep: bool) -> Result<(), Fatal> {
        if self.abandoned && !self.in_background {
            return Ok(());
        }
        let mut state = write(&self.shared.state);
        let Some(tip) = state.tip else { return Ok(()) };
        let hash = read(&self.shared.tree)[tip].hash;
        let CoinsState { cache, db, .. } = &mut *state;
        cache.flush(db, &hash, BATCH_BYTES, keep)?;
        drop(state);
        self.shared.events.publish(&crate::ChainEvent::Flushed { hash });
        Ok(())
    }

    /// Removes block files until their size is under the target, or none may go, if the chain is long enough. Returns how
    /// many went.
    pub fn prune_to_target(&mut self) -> Result<usize, Fatal> {
        let Some(target) = self.options.prune_target else { return Ok(0) };
        let height = self.active_tip.map_or(0, |tip| read(&self.shared.tree)[tip].height);
        if height <= self.options.prune_after_height {
            return Ok(0);
        }
        let may_go = self.prunable(u32::MAX);
        let infos = self.shared.files.infos();
        let mut usage: u64 = infos.iter().map(FileInfo::disk_size).sum();
        // Room for the next chunk of each kind, or the target would be passed right after.
        let buffer = 17 << 20;
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
        let locks = read(&self.shared.prune_locks);
        let lowest = locks.iter().map(|(name, at)| (at.saturating_sub(PRUNE_LOCK_BUFFER + 1), name)).min();
        let Some((lowest, name)) = lowest.filter(|(lowest, _)| *lowest <= height) else { return Some(by_tip) };
        tracing::debug!(target: "prune", "{name} limited pruning to height {lowest}");
        Some(lowest.min(by_tip))
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
