//! Making progress durable: block files, then the index that points into them, then the coins.

use crate::{
    Engine, Fatal,
    coins::Batches,
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
    pub(crate) fn write_index(&mut self) -> Result<(), Fatal> {
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

    pub(crate) fn write_coins(&mut self, keep: bool) -> Result<(), Fatal> {
        if self.abandoned && !self.in_background {
            return Ok(());
        }
        let mut state = write(&self.shared.state);
        let Some(tip) = state.tip else { return Ok(()) };
        let hash = read(&self.shared.tree)[tip].hash;
        let CoinsState { cache, db, .. } = &mut *state;
        cache.flush(db, &hash, &Batches::of(&self.options), keep)?;
        drop(state);
        self.shared.events.publish(&crate::ChainEvent::Flushed { hash });
        Ok(())
    }
}
