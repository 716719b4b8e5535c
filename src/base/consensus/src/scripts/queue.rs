//! Handing out the checks of a block.
//!
//! There is one list, and whoever is free takes the next check from it. A thread that is slow, or that comes late, or that
//! meets the expensive inputs, takes fewer: all are done at the same time, but for one check. Nobody waits in here.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::ScriptCheck;
use crate::reason::ScriptFailure;

/// The checks of a block, for as many threads as there are to help. They stand in the order of the block.
#[derive(Debug)]
pub struct ScriptQueue {
    checks: Vec<ScriptCheck>,
    next: AtomicUsize,
    passed: AtomicUsize,
    failed: Mutex<Option<(usize, ScriptFailure)>>,
}

impl ScriptQueue {
    /// A queue of these checks.
    pub const fn new(checks: Vec<ScriptCheck>) -> Self {
        Self { checks, next: AtomicUsize::new(0), passed: AtomicUsize::new(0), failed: Mutex::new(None) }
    }

    /// How many checks there are.
    pub const fn len(&self) -> usize {
        self.checks.len()
    }

    /// Whether there is nothing to check.
    pub const fn is_empty(&self) -> bool {
        self.checks.is_empty()
    }

    /// Takes checks and lets `run` decide on them, until none is left or one has failed. Any number of threads may be in
    /// here.
    pub fn work(&self, run: impl Fn(&ScriptCheck) -> Result<(), ScriptFailure>) {
        let mut passed = 0;
        loop {
            let place = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(check) = self.checks.get(place) else { break };
            match run(check) {
                Ok(()) => passed += 1,
                Err(failure) => {
                    self.fail(place, failure);
                    break;
                }
            }
        }
        self.passed.fetch_add(passed, Ordering::Relaxed);
    }

    /// Hands out nothing more. What stands before `place` is with somebody already, so the first failure in the order of
    /// the block will be known when all have come back.
    fn fail(&self, place: usize, failure: ScriptFailure) {
        self.next.fetch_max(self.checks.len(), Ordering::Relaxed);
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.as_ref().is_none_or(|(first, _)| place < *first) {
            *failed = Some((place, failure));
        }
    }

    /// Does what is left to do, and tells the verdict. The failure, if any, is the first in the order of the block.
    pub fn finish(self, run: impl Fn(&ScriptCheck) -> Result<(), ScriptFailure>) -> Result<(), ScriptFailure> {
        self.work(&run);
        let Self { checks, passed, failed, .. } = self;
        match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some((_, failure)) => Err(failure),
            None if passed.into_inner() == checks.len() => Ok(()),
            // Somebody took a check and never came back. Nothing passes because nobody looked at it.
            None => checks.iter().try_for_each(run),
        }
    }
}
