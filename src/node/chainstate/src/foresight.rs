//! Looking ahead while blocks are taken back. What a block made has to be looked up before it can go, and on a disk that
//! nobody has read from for a while that is most of the work. A thread asks the disk for what the next blocks made, so that
//! it is in memory when their turn comes. It changes nothing, and whatever it cannot read is read again by who needs it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use store::FlatPos;

use crate::{
    Engine,
    disconnect::created,
    shared::{Shared, read},
};

/// Fewer blocks than this are not worth a thread.
const FEW: usize = 4;
/// So many blocks before their turn at most, so that nothing is forgotten again until then.
const AHEAD: usize = 16;

/// A thread that looks ahead, until this is dropped.
#[derive(Debug)]
pub(crate) struct Foresight {
    done: Arc<Done>,
    thread: Option<JoinHandle<()>>,
}

/// How many blocks have been taken back.
#[derive(Debug, Default)]
struct Done {
    blocks: Mutex<usize>,
    more: Condvar,
}

impl Done {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, to: impl FnOnce(usize) -> usize) {
        let mut blocks = self.lock();
        *blocks = to(*blocks);
        self.more.notify_one();
    }

    /// Which block to look at after `last`, once it is near enough. One whose turn has come needs no help.
    fn next(&self, last: usize) -> usize {
        let near = self.more.wait_while(self.lock(), |done| last >= done.saturating_add(AHEAD));
        (last + 1).max(near.unwrap_or_else(PoisonError::into_inner).saturating_add(1))
    }
}

impl Engine {
    /// Begins to look ahead, if the tip is to go back by many blocks, to this height.
    pub(crate) fn foresee(&self, height: u32) -> Option<Foresight> {
        let mut blocks = Vec::new();
        {
            let tree = read(&self.shared.tree);
            let mut at = self.active_tip;
            while let Some(node) = at.map(|id| &tree[id]).filter(|node| node.height > height) {
                blocks.push(node.block_pos()?);
                at = node.parent();
            }
        }
        if blocks.len() < FEW {
            return None;
        }
        let done = Arc::new(Done::default());
        let (shared, progress) = (Arc::clone(&self.shared), Arc::clone(&done));
        let look = move || look(&shared, &blocks, &progress);
        let thread = platform::thread::spawn("foresight", look).ok()?;
        Some(Foresight { done, thread: Some(thread) })
    }
}

fn look(shared: &Shared, blocks: &[FlatPos], done: &Done) {
    let mut at = done.next(0);
    while let Some(pos) = blocks.get(at) {
        let Ok(block) = shared.read_block(*pos) else { return };
        let mut outs: Vec<_> = created(&block).collect();
        outs.sort_unstable();
        if shared.coins_db().get_many(&outs).is_err() {
            return;
        }
        at = done.next(at);
    }
}

impl Foresight {
    /// A block has been taken back.
    pub(crate) fn step(&self) {
        self.done.set(|blocks| blocks.saturating_add(1));
    }
}

impl Drop for Foresight {
    fn drop(&mut self) {
        self.done.set(|_| usize::MAX - 1);
        if let Some(thread) = self.thread.take() {
            // What it had to say, a panic at most, matters to nobody.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_between_who_it_helps_and_what_is_too_far() {
        let done = Done::default();
        assert_eq!(done.next(0), 1);
        assert_eq!(done.next(AHEAD - 1), AHEAD);
        done.set(|_| 5);
        assert_eq!(done.next(2), 6, "what is done is passed over");
        assert_eq!(done.next(AHEAD + 4), AHEAD + 5);
        done.set(|_| usize::MAX - 1);
        assert_eq!(done.next(1_000_000), usize::MAX, "at the end nothing is waited for");
    }
}
