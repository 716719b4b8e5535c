//! The threads that run requests (`-rpcthreads`), and the queue in front of them (`-rpcworkqueue`).

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};

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
    work: Condvar,
    depth: usize,
    /// Woken whenever a job leaves the queue.
    room: Notify,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    stopped: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        loop {
            let mut queue = self.lock();
            let job = loop {
                match queue.jobs.pop_front() {
                    Some(job) => break job,
                    None if queue.stopped => return,
                    None => queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner),
                }
            };
            drop(queue);
            self.room.notify_one();
            // The job answers for itself when it panics: its caller sees that the answer never comes.
            drop(catch_unwind(AssertUnwindSafe(job)));
        }
    }
}

impl Pool {
    pub(super) fn start(threads: usize, depth: usize) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            work: Condvar::new(),
            depth: depth.max(1),
            room: Notify::new(),
        });
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
        drop(queue);
        self.shared.work.notify_one();
        Ok(())
    }

    /// Waits until a job has left the queue.
    pub(super) async fn room(&self) {
        self.shared.room.notified().await;
    }

    /// Takes no more jobs, and returns when those that were taken are done.
    pub(super) fn stop(&self) {
        self.shared.lock().stopped = true;
        self.shared.work.notify_all();
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
