//! Running the scripts of a block on a pool of threads, and remembering which ones were right.

use std::{
    num::NonZeroUsize,
    sync::{Arc, mpsc},
};

use consensus::{ScriptCheck, ScriptFailure, ScriptQueue};
use rayon::ThreadPool;
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

/// Where the verdict on a block's scripts arrives.
pub(crate) type Verdict = mpsc::Receiver<Result<(), ScriptFailure>>;

/// Inputs of one transaction that one thread takes at a time. What they share is computed once.
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

    /// Runs every script of a block with `flags`. The failure, if any, is the first in the order of the block.
    pub(crate) fn check(
        checker: &Arc<Self>,
        spendings: &[Spending],
        flags: Flags,
        dialect: Dialect,
    ) -> Result<(), ScriptFailure> {
        let queue = checker.queue(spendings, flags, dialect);
        match &checker.pool {
            Some(pool) if queue.len() > 1 => {
                let verdict = share_out(checker, pool, queue, flags).recv();
                verdict.unwrap_or_else(|_| checker.queue(spendings, flags, dialect).finish(|c| checker.run(c, flags)))
            }
            _ => queue.finish(|check| checker.run(check, flags)),
        }
    }

    /// Runs the scripts beside whatever the caller does next, who receives the verdict when there is one. Blocks take
    /// their turns, and threads that find nothing more to do in one go on with the next. `None` if this checker has no
    /// threads for that.
    pub(crate) fn begin(
        checker: &Arc<Self>,
        spendings: &[Spending],
        flags: Flags,
        dialect: Dialect,
    ) -> Option<Verdict> {
        let pool = checker.pool.as_ref()?;
        Some(share_out(checker, pool, checker.queue(spendings, flags, dialect), flags))
    }

    fn queue(&self, spendings: &[Spending], flags: Flags, dialect: Dialect) -> ScriptQueue {
        // Of a transaction in several parts, the first would take the entry away from the others: it is asked for here.
        let is_fresh = |spending: &&Spending| {
            spending.tx.inputs().len() <= PART.get() || !self.executions.contains(spending.tx.wtxid(), flags, true)
        };
        let fresh = spendings.iter().filter(is_fresh);
        let mut checks = Vec::with_capacity(spendings.len());
        checks.extend(fresh.flat_map(|s| ScriptCheck::split(&s.tx, &s.spent, flags, dialect, PART)));
        ScriptQueue::new(checks)
    }

    /// Runs a check, unless the memory pool has run all of it. What is in the caches was put there for the block that
    /// confirms it, and is not needed any longer.
    fn run(&self, check: &ScriptCheck, flags: Flags) -> Result<(), ScriptFailure> {
        if check.whole_tx().is_some_and(|tx| self.executions.contains(tx.wtxid(), flags, true)) {
            return Ok(());
        }
        check.run(Some((&self.signatures, Keep::Forget)))
    }
}

/// A block's scripts under way.
struct Job {
    checker: Arc<ScriptChecker>,
    queue: ScriptQueue,
    flags: Flags,
    answer: mpsc::SyncSender<Result<(), ScriptFailure>>,
}

fn share_out(checker: &Arc<ScriptChecker>, pool: &ThreadPool, queue: ScriptQueue, flags: Flags) -> Verdict {
    let (answer, verdict) = mpsc::sync_channel(1);
    let threads = pool.current_num_threads().min(queue.len()).max(1);
    let job = Arc::new(Job { checker: Arc::clone(checker), queue, flags, answer });
    for job in std::iter::repeat_n(job, threads) {
        pool.spawn(move || Job::help(job));
    }
    verdict
}

impl Job {
    /// One thread's part. The last one to leave answers, so that none waits for another.
    fn help(job: Arc<Self>) {
        job.queue.work(|check| job.checker.run(check, job.flags));
        if let Some(Self { checker, queue, flags, answer }) = Arc::into_inner(job) {
            // The queue lets go of the coins here: the caller takes them as soon as the verdict is there.
            let verdict = queue.finish(|check| checker.run(check, flags));
            // Whoever asked may have turned to another branch.
            let _ = answer.send(verdict);
        }
    }
}

#[cfg(test)]
mod tests;
