//! The threads that run requests (`-rpcthreads`), and the queue in front of them (`-rpcworkqueue`).

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder, JoinHandle, Thread};

use tokio::sync::Notify;

type Job = Box<dyn FnOnce() + Send>;

/// Why a job was not taken. It is given back where it can be tried again.
pub(super) enum Rejected {
    /// The queue is full.
    Full(Job),
    /// The pool has stopped.
    Stopped,
}

pub(super) struct Pool {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    queue: Mutex<Queue>,
    depth: usize,
    /// Woken whenever a job leaves the queue.
    room: Notify,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// Threads that have nothing to do. The one that came last goes first: what it needs is in the processor's caches, and
    /// so is what the thread needs that works for it in another process.
    idle: Vec<Thread>,
    stopped: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job, as soon as there is one.
    fn take(&self) -> Option<Job> {
        let this = thread::current();
        loop {
            let mut queue = self.lock();
            // Threads wake up for no reason, too.
            queue.idle.retain(|idle| idle.id() != this.id());
            match queue.jobs.pop_front() {
                Some(job) => return Some(job),
                None if queue.stopped => return None,
                None => queue.idle.push(this.clone()),
            }
            drop(queue);
            thread::park();
        }
    }

    fn run(&self) {
        while let Some(job) = self.take() {
            self.room.notify_one();
            // The job answers for itself when it panics: its caller sees that the answer never comes.
            drop(catch_unwind(AssertUnwindSafe(job)));
        }
    }
}

impl Pool {
    pub(super) fn start(threads: usize, depth: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared { queue: Mutex::default(), depth: depth.max(1), room: Notify::new() });
        let pool = Self { shared, threads: Mutex::default() };
        for number in 0..threads.max(1) {
            let shared = Arc::clone(&pool.shared);
            let thread = Builder::new().name(format!("http_pool_{number}")).spawn(move || shared.run())?;
            pool.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        }
        Ok(pool)
    }

    pub(super) fn submit(&self, job: Job) -> Result<(), Rejected> {
        let mut queue = self.shared.lock();
        if queue.stopped {
            return Err(Rejected::Stopped);
        }
        if queue.jobs.len() >= self.shared.depth {
            return Err(Rejected::Full(job));
        }
        queue.jobs.push_back(job);
        let idle = queue.idle.pop();
        drop(queue);
        if let Some(idle) = idle {
            idle.unpark();
        }
        Ok(())
    }

    /// Waits until a job has left the queue.
    pub(super) async fn room(&self) {
        self.shared.room.notified().await;
    }

    /// Takes no more jobs, and returns when those that were taken are done.
    pub(super) fn stop(&self) {
        let mut queue = self.shared.lock();
        queue.stopped = true;
        queue.idle.drain(..).for_each(|idle| idle.unpark());
        drop(queue);
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            drop(thread.join());
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Pool").field("depth", &self.shared.depth).finish_non_exhaustive()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread::ThreadId;
    use std::time::Duration;

    use super::*;

    const THREADS: usize = 4;

    /// Runs a job, and says which thread ran it.
    fn ran_by(pool: &Pool) -> ThreadId {
        while pool.shared.lock().idle.len() < THREADS {
            thread::yield_now();
        }
        let (sender, receiver) = channel();
        assert!(pool.submit(Box::new(move || sender.send(thread::current().id()).unwrap())).is_ok());
        receiver.recv().unwrap()
    }

    #[test]
    fn who_worked_last_works_next() {
        let pool = Pool::start(THREADS, 1).unwrap();
        let first = ran_by(&pool);
        for _ in 0..20 {
            assert_eq!(ran_by(&pool), first);
        }
    }

    #[test]
    fn every_job_is_done_by_threads_that_wake_up_whenever_they_like() {
        let pool = Pool::start(THREADS, usize::MAX).unwrap();
        let (sender, receiver) = channel();
        for number in 0..1000 {
            let sender = sender.clone();
            let job = move || {
                // Leaves a wake-up behind.
                thread::current().unpark();
                sender.send(number).unwrap();
            };
            assert!(pool.submit(Box::new(job)).is_ok());
        }
        let mut done: Vec<i32> = (0..1000).map(|_| receiver.recv_timeout(Duration::from_mins(1)).unwrap()).collect();
        done.sort_unstable();
        assert!(done.into_iter().eq(0..1000));
        pool.stop();
        assert!(matches!(pool.submit(Box::new(|| {})), Err(Rejected::Stopped)));
    }
}
