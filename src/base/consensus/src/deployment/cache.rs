//! Remembered states, one per period.
//!
//! The key is the hash of the last block of a period: the state of the blocks after it depends on nothing else, so an
//! entry is never wrong, also after a reorganisation.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use bitcoin::BlockHash;

use super::ThresholdState;

/// What a state is the state of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum CacheSlot {
    /// A known upgrade, by its name.
    Deployment(&'static str),
    /// A bit that no known upgrade uses.
    UnknownBit(u8),
}

/// A memory for states. It belongs to one set of parameters.
pub trait VersionBitsCache {
    /// The state of the blocks after the period that ends with `period_end`, if it is known.
    fn get(&self, slot: CacheSlot, period_end: BlockHash) -> Option<ThresholdState>;
    /// Remembers it.
    fn put(&self, slot: CacheSlot, period_end: BlockHash, state: ThresholdState);
}

/// Remembers nothing.
#[derive(Clone, Copy, Default, Debug)]
pub struct NoCache;

impl VersionBitsCache for NoCache {
    fn get(&self, _: CacheSlot, _: BlockHash) -> Option<ThresholdState> {
        None
    }
    fn put(&self, _: CacheSlot, _: BlockHash, _: ThresholdState) {}
}

/// Remembers everything: an entry per period and slot, which is a few thousand over the life of a chain.
#[derive(Default, Debug)]
pub struct MemoryCache {
    states: Mutex<HashMap<(CacheSlot, BlockHash), ThresholdState>>,
}

impl MemoryCache {
    /// Forgets everything.
    pub fn clear(&self) {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl VersionBitsCache for MemoryCache {
    fn get(&self, slot: CacheSlot, period_end: BlockHash) -> Option<ThresholdState> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).get(&(slot, period_end)).copied()
    }

    fn put(&self, slot: CacheSlot, period_end: BlockHash, state: ThresholdState) {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).insert((slot, period_end), state);
    }
}
