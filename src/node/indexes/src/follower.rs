//! The thread of an index: from where the index stood to the tip, and then along with it.

use std::{
    iter::successors,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use bitcoin::{BlockHash, hashes::Hash};
use chainstate::{ChainEvent, Node, NodeId, Reader, Received, Subscription};
use platform::Clock;
use primitives::Block;
use store::KvBatch;
use tracing::{error, info};

use crate::{
    Index, IndexError, IndexedBlock,
    index::{BEST, STATE},
};

/// Between two looks at whether to stop while nothing happens.
const NAP: Duration = Duration::from_millis(50);
/// Between two lines about progress, and between two notes of it on disk.
const REPORT: Duration = Duration::from_secs(30);

/// Where an index stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// The name of the index.
    pub name: String,
    /// Whether it has caught up with the tip once.
    pub synced: bool,
    /// The block; `None` before the first.
    pub best: Option<(BlockHash, u32)>,
    /// Whether it has failed and will not go on.
    pub failed: bool,
}

#[derive(Debug)]
struct Shared {
    status: Mutex<Status>,
    moved: Condvar,
    /// Catching up ends at the next block.
    hurry: AtomicBool,
    /// Everything ends.
    stop: AtomicBool,
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut Status)) {
        // Every change leaves the status whole, so a panic elsewhere did not damage it.
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
        self.moved.notify_all();
    }
}

/// An index at work. Dropping it stops the thread.
#[derive(Debug)]
pub struct Follower {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// Puts an index to work. `failed` is called if it cannot go on.
pub fn start(
    index: impl Index,
    chain: Reader,
    clock: Arc<dyn Clock>,
    failed: impl FnOnce(String) + Send + 'static,
) -> Result<Follower, IndexError> {
    let status = Status { name: index.name().to_owned(), synced: false, best: None, failed: false };
    let shared = Arc::new(Shared {
        status: Mutex::new(status),
        moved: Condvar::new(),
        hurry: AtomicBool::new(false),
        stop: AtomicBool::new(false),
    });
    let name = index.thread();
    let mut walk = Walk::begin(index, chain, clock, Arc::clone(&shared))?;
    let thread = platform::thread::spawn(name, move || {
        if let Err(e) = logging::run_traced(name, || walk.run()) {
            error!("{e}");
            walk.shared.change(|status| status.failed = true);
            failed(e.to_string());
        }
    })?;
    Ok(Follower { shared, thread: Some(thread) })
}

impl Follower {
    /// Where the index stands.
    pub fn status(&self) -> Status {
        self.shared.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until an index that has caught up has also seen the tip of now. `false` if it is still catching up, has
    /// failed, or does not get there in time.
    pub fn wait_for(&self, chain: &Reader, limit: Duration) -> bool {
        let Some(tip) = chain.proven_tip() else { return false };
        let seen = |status: &Status| {
            let at = status.best.and_then(|(hash, _)| chain.find(&hash));
            at.is_some_and(|(id, _)| chain.tree(|tree| tree.ancestor(id, tip.height)) == Some(tip.id))
        };
        let status = self.shared.status.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |status: &mut Status| status.synced && !status.failed && !seen(status);
        let (status, _) =
            self.shared.moved.wait_timeout_while(status, limit, waiting).unwrap_or_else(PoisonError::into_inner);
        status.synced && seen(&status)
    }

    /// Asks an index that is catching up to end after the block at hand. One that has caught up ends with the chain.
    pub fn interrupt(&self) {
        self.shared.hurry.store(true, Ordering::Release);
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.interrupt();
        self.shared.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("The thread of {} panicked", self.status().name);
        }
    }
}

/// What the thread works with.
struct Walk<I> {
    index: I,
    chain: Reader,
    events: Subscription<ChainEvent>,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    best: Option<NodeId>,
    /// The last block whose coins are on disk.
    flushed: Option<NodeId>,
    /// The block of the event at hand, to spare reading it again.
    fresh: Option<(BlockHash, Arc<Block>)>,
}

impl<I: Index> Walk<I> {
    fn begin(mut index: I, chain: Reader, clock: Arc<dyn Clock>, shared: Arc<Shared>) -> Result<Self, IndexError> {
        let events = chain.subscribe();
        let stored = index.kv().get(STATE, BEST)?;
        let best = stored.map(|bytes| {
            let hash = BlockHash::from_slice(&bytes).ok();
            let known = hash.and_then(|hash| chain.find(&hash));
            known.ok_or_else(|| IndexError::UnknownBest { index: index.name().to_owned() })
        });
        let best = best.transpose()?;
        index.resume(best.as_ref().map(|(_, node)| node))?;
        // What the chain state is loaded from is on disk.
        let flushed = chain.proven_tip().map(|tip| tip.id);
        let best = best.map(|(id, _)| id);
        let walk = Self { index, chain, events, clock, shared, best, flushed, fresh: None };
        walk.check_pruned()?;
        walk.publish(walk.next().is_none() && walk.best.is_some());
        Ok(walk)
    }

    /// Refuses to begin if a block on the way to the tip is gone.
    fn check_pruned(&self) -> Result<(), IndexError> {
        if !self.chain.have_pruned() {
            return Ok(());
        }
        let Some(tip) = self.chain.proven_tip() else { return Ok(()) };
        let undo = self.index.wants_undo();
        let gone = self.chain.tree(|tree| {
            let fork = self.best.and_then(|best| tree.fork(best, tip.id));
            let seen = fork.map_or(0, |fork| tree[fork].height);
            let ahead = successors(Some(tip.id), |id| tree[*id].parent()).map(|id| &tree[id]);
            // Files go as a whole, and a block that came late may be in a later one than those above it.
            ahead.take_while(|node| node.height > seen).any(|node| !node.has_data() || undo && !node.has_undo())
        });
        if gone { Err(IndexError::Pruned { index: self.index.name().to_owned(), undo }) } else { Ok(()) }
    }

    fn run(&mut self) -> Result<(), IndexError> {
        let (mut reported, mut noted) = (self.clock.monotonic(), self.clock.monotonic());
        loop {
            while let Some(next) = self.next() {
                if self.shared.hurry.load(Ordering::Acquire) {
                    info!("{}: m_interrupt set; exiting ThreadSync", self.index.name());
                    return self.commit();
                }
                self.step(next)?;
                if self.since(reported) >= REPORT && !self.synced() {
                    let height = self.chain.node(next).height;
                    info!("Syncing {} with block chain from height {height}", self.index.name());
                    reported = self.clock.monotonic();
                }
                if self.since(noted) >= REPORT && !self.synced() {
                    self.commit()?;
                    noted = self.clock.monotonic();
                }
            }
            if !self.synced() {
                self.commit()?;
                if self.next().is_some() {
                    continue;
                }
                self.publish(true);
                let at = self.best.map_or(String::new(), |best| format!(" at height {}", self.chain.node(best).height));
                info!("{} is enabled{at}", self.index.name());
            }
            if !self.listen() {
                return self.commit();
            }
        }
    }

    /// Waits for something to happen. `false` if it is time to end.
    fn listen(&mut self) -> bool {
        loop {
            match self.events.next_within(NAP) {
                Some(Received::Event(ChainEvent::Connected { block, hash, .. })) => {
                    self.fresh = Some((hash, block));
                    return true;
                }
                Some(Received::Event(ChainEvent::Flushed { hash })) => {
                    self.flushed = self.chain.find(&hash).map(|(id, _)| id);
                    if let Err(e) = self.commit() {
                        error!("Failed to commit latest {} state: {e}", self.index.name());
                    }
                    return true;
                }
                Some(Received::Event(ChainEvent::Tip { .. }) | Received::Lagged(_)) => return true,
                None if self.shared.stop.load(Ordering::Acquire) || self.events.ended() => return false,
                // Nothing is told of what happens behind a snapshot.
                None if self.next().is_some() => return true,
                Some(Received::Event(_)) | None => {}
            }
        }
    }

    /// The next block of the active chain after where the index stands, or after the fork if it stands beside it. Behind a
    /// snapshot that is not proven yet, blocks come as they are validated.
    fn next(&self) -> Option<NodeId> {
        let tip = self.chain.proven_tip()?;
        self.chain.tree(|tree| {
            let height = match self.best {
                None => 0,
                Some(best) => tree[tree.fork(best, tip.id)?].height + 1,
            };
            tree.ancestor(tip.id, height)
        })
    }

    /// Moves to `next`, back over a fork first if need be.
    fn step(&mut self, next: NodeId) -> Result<(), IndexError> {
        let node = self.chain.node(next);
        while self.best != node.parent() {
            let Some(best) = self.best else { break };
            let mut batch = KvBatch::default();
            let block = self.load(self.chain.node(best), true)?;
            self.index.remove(&block, &mut batch)?;
            self.index.kv().write(batch, false)?;
            self.best = block.node.parent();
        }
        let mut batch = KvBatch::default();
        let block = self.load(node, self.index.wants_undo())?;
        self.index.append(&block, &mut batch)?;
        self.index.kv().write(batch, false)?;
        self.best = Some(next);
        self.publish(self.synced());
        Ok(())
    }

    fn load(&mut self, node: Node, undo: bool) -> Result<IndexedBlock, IndexError> {
        let fresh = self.fresh.take_if(|(hash, _)| *hash == node.hash);
        let block = match fresh {
            Some((_, block)) => block,
            None => Arc::new(self.chain.block(&node).ok_or(IndexError::NoBlock(node.hash))??),
        };
        let undo = (undo && node.height > 0)
            .then(|| Ok::<_, IndexError>(self.chain.undo(&node).ok_or(IndexError::NoUndo(node.hash))??))
            .transpose()?;
        Ok(IndexedBlock { node, block, undo })
    }

    fn since(&self, then: Duration) -> Duration {
        self.clock.monotonic().saturating_sub(then)
    }

    fn synced(&self) -> bool {
        self.shared.status.lock().unwrap_or_else(PoisonError::into_inner).synced
    }

    fn publish(&self, synced: bool) {
        let best = self.best.map(|id| self.chain.tree(|tree| (tree[id].hash, tree[id].height)));
        // What is not indexed yet must not be pruned.
        self.chain.set_prune_lock(self.index.name(), Some(best.map_or(0, |(_, height)| height)));
        self.shared.change(|status| (status.synced, status.best) = (status.synced || synced, best));
    }

    /// Writes where the index stands, unless the chain state on disk is not as far.
    fn commit(&mut self) -> Result<(), IndexError> {
        while let Some(event) = self.events.try_next() {
            match event {
                Received::Event(ChainEvent::Flushed { hash }) => {
                    self.flushed = self.chain.find(&hash).map(|(id, _)| id);
                }
                Received::Event(_) | Received::Lagged(_) => {}
            }
        }
        let (Some(best), Some(flushed)) = (self.best, self.flushed) else { return Ok(()) };
        let behind = self.chain.tree(|tree| tree.ancestor(flushed, tree[best].height) == Some(best));
        if !behind {
            return Ok(());
        }
        let mut batch = KvBatch::default();
        self.index.save(&mut batch);
        let hash = self.chain.node(best).hash;
        self.index.kv().put(&mut batch, STATE, BEST, hash.as_byte_array());
        Ok(self.index.kv().write(batch, true)?)
    }
}
