//! How much memory the templates may hold that clients keep.
//!
//! A template is dear only for the transactions that nobody else has any more: a client that asks for one at each block
//! and forgets it ends up with days of blocks. Each transaction is counted once, however many templates share it. When
//! all together are too large, the oldest templates let go of what they hold, and calls on them fail with a sentence.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use bitcoin::Wtxid;
use interfaces::{Call, IpcError};
use primitives::Tx;

use super::Draft;

/// What a client is told that calls a template which was given up.
const GIVEN_UP: &str = "This block template was given up: newer ones needed its memory. Ask for another.";
/// Bytes of memory for each byte of a transaction, and for each transaction: its parts are allocated one by one.
const PER_BYTE: usize = 3;
const PER_TX: usize = 300;

/// The memory that templates may share.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// How many templates hold each transaction.
    txs: HashMap<Wtxid, usize>,
    bytes: usize,
    /// The oldest first.
    templates: VecDeque<Weak<HeldDraft>>,
}

impl Held {
    fn add(&mut self, draft: &Draft) {
        for tx in &draft.txs {
            let holders = self.txs.entry(tx.tx.wtxid()).or_default();
            *holders += 1;
            if *holders == 1 {
                self.bytes += memory(&tx.tx);
            }
        }
    }

    fn remove(&mut self, draft: &Draft) {
        for tx in &draft.txs {
            if let Entry::Occupied(mut holders) = self.txs.entry(tx.tx.wtxid()) {
                *holders.get_mut() -= 1;
                if *holders.get() == 0 {
                    holders.remove();
                    self.bytes = self.bytes.saturating_sub(memory(&tx.tx));
                }
            }
        }
    }
}

fn memory(tx: &Tx) -> usize {
    tx.total_size() * PER_BYTE + PER_TX
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Budget {
    /// So many bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, held: Mutex::default() }
    }

    /// Counts a draft for as long as it is held. The newest stays, however large.
    pub(super) fn hold(self: &Arc<Self>, draft: Arc<Draft>) -> Arc<HeldDraft> {
        let mut held = lock(&self.held);
        held.add(&draft);
        let new = Arc::new(HeldDraft { draft: Mutex::new(Some(draft)), budget: Arc::clone(self) });
        // What ends here takes the lock itself, so it ends after this.
        let mut ended = Vec::new();
        while held.bytes > self.limit
            && let Some(oldest) = held.templates.pop_front()
        {
            let Some(oldest) = oldest.upgrade() else { continue };
            if let Some(draft) = lock(&oldest.draft).take() {
                held.remove(&draft);
            }
            ended.push(oldest);
        }
        held.templates.push_back(Arc::downgrade(&new));
        // Templates that ended by themselves leave their places behind.
        if held.templates.len() > 2 * held.templates.iter().filter(|t| t.strong_count() > 0).count() {
            held.templates.retain(|template| template.strong_count() > 0);
        }
        drop(held);
        new
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        lock(&self.held).bytes
    }
}

/// A draft that a client holds, until it is given up.
#[derive(Debug)]
pub(super) struct HeldDraft {
    draft: Mutex<Option<Arc<Draft>>>,
    budget: Arc<Budget>,
}

impl HeldDraft {
    /// The draft, if it is still there.
    pub(super) fn get(&self) -> Call<Arc<Draft>> {
        lock(&self.draft).clone().ok_or_else(|| IpcError::Remote(GIVEN_UP.to_owned()))
    }
}

impl Drop for HeldDraft {
    fn drop(&mut self) {
        let draft = lock(&self.draft).take();
        if let Some(draft) = draft {
            lock(&self.budget.held).remove(&draft);
        }
    }
}
