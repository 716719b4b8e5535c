//! Running the scripts of a block on a pool of threads, and remembering which ones were right.

use std::{
    num::NonZeroUsize,
    sync::{Arc, mpsc},
};

use consensus::{ScriptCheck, ScriptFailure};
use rayon::{ThreadPool, prelude::*};
use script::{Dialect, ExecutionCache, Flags, Keep, SignatureCache};

use crate::{Spending, hashing::SaltedState};

/// Checks the scripts of many transactions.
#[derive(Debug)]
pub struct ScriptChecker {
    /// `None`: everything on the calling thread.
    pool: Option<ThreadPool>,
    signatures: SignatureCache,
    executions: ExecutionCache,
    salt: SaltedState,
}

/// Inputs of one transaction that one thread takes at a time. What they share is computed once for each such part.
const PART: NonZeroUsize = NonZeroUsize::new(16).expect("not zero");

impl ScriptChecker {
    /// A checker of `threads` threads, with caches of `cache_bytes` together.
    pub fn new(threads: usize, cache_bytes: usize, cache_salt: &[u8; 32], salt: SaltedState) -> Self {
        let pool = (threads > 1).then(|| {
            rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|n| format!("scriptch.{n}")).build()
        });
        let pool = pool.and_then(|built| {
            built.inspect_err(|e| tracing::warn!("Cannot start script verification threads ({e}); using one")).ok()
        });
        Self {
            pool,
            signatures: SignatureCache::new(cache_bytes / 2, cache_salt),
            executions: ExecutionCache::new(cache_bytes / 2, cache_salt),
            salt,
        }
    }

    /// The salt of this process's tables.
    pub(crate) fn salt(&self) -> SaltedState {
        self.salt
    }

    /// The cache of signatures, which the memory pool fills.
    pub fn signatures(&self) -> &SignatureCache {
        &self.signatures
    }

    /// The cache of whole transactions, which the memory pool fills.
    pub fn executions(&self) -> &ExecutionCache {
        &self.executions
    }

    /// Runs every script of a chain with `flags`. The failure, if any, is the first in the order of the block.
    pub fn check(&self, spendings: &[Spending], flags: Flags, dialect: Dialect) -> Result<(), ScriptFailure> {
        let fresh = spendings.iter().filter(|s| !self.executions.contains(s.tx.wtxid(), flags, true));
        let checks: Vec<ScriptCheck> =
            fresh.flat_map(|s| ScriptCheck::split(&s.tx, &s.spent, flags, dialect, PART)).collect();
        // A signature in the cache was put there for the block that confirms it: it is not needed any longer.
        let run = |check: &ScriptCheck| check.run(Some((&self.signatures, Keep::Forget))).err();
        let failed = match &self.pool {
            Some(pool) if checks.len() > 1 => pool.install(|| checks.par_iter().find_map_first(run)),
            _ => checks.iter().find_map(run),
        };
        failed.map_or(Ok(()), Err)
    }

    /// Runs the scripts beside whatever the caller does next, who receives the verdict when there is one. `None` if this
    /// checker has no threads for that.
    pub(crate) fn begin(
        checker: &Arc<Self>,
        spendings: Arc<Vec<Spending>>,
        flags: Flags,
        dialect: Dialect,
    ) -> Option<mpsc::Receiver<Result<(), ScriptFailure>>> {
        let pool = checker.pool.as_ref()?;
        let (answer, verdict) = mpsc::sync_channel(1);
        let checker = Arc::clone(checker);
        pool.spawn(move || {
            let checked = checker.check(&spendings, flags, dialect);
            // The caller takes the coins out of it as soon as the verdict is there.
            drop(spendings);
            // Whoever asked may have turned to another branch.
            let _ = answer.send(checked);
        });
        Some(verdict)
    }
}
