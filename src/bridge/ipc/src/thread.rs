//! Threads as the other side sees them: a queue of work with a name.
//!
//! A thread that waits for a reply runs what arrives on its queue meanwhile. That is how a callback comes back to the
//! very thread whose call caused it, as it would in one process.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use crate::conn::Conn;

/// Something to run on a thread.
pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// Worker threads that exist right now, in the whole process.
pub(crate) static WORKERS: AtomicUsize = AtomicUsize::new(0);

/// Locks, whatever a thread that panicked left behind: every critical section here leaves its data whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct State {
    work: VecDeque<Work>,
    closed: bool,
}

/// The queue of one thread.
pub(crate) struct ThreadQueue {
    /// Tells threads apart; never reused.
    pub(crate) key: u64,
    /// The name that logs and the other side see.
    pub(crate) name: String,
    state: Mutex<State>,
    wake: Condvar,
}

impl ThreadQueue {
    pub(crate) fn new(name: String) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let key = NEXT.fetch_add(1, Ordering::Relaxed);
        Arc::new(Self { key, name, state: Mutex::default(), wake: Condvar::new() })
    }

    /// Adds work at the end. Work for a closed queue is dropped, which tells whoever waits for it.
    pub(crate) fn push(&self, work: Work) {
        let mut state = lock(&self.state);
        if !state.closed {
            state.work.push_back(work);
            drop(state);
            self.wake.notify_all();
        }
    }

    /// Lets the thread end once its work is done.
    pub(crate) fn close(&self) {
        lock(&self.state).closed = true;
        self.wake.notify_all();
    }

    /// Makes a thread that waits look again.
    pub(crate) fn nudge(&self) {
        // Taking the lock orders this after the check that the waiting thread made before it slept.
        drop(lock(&self.state));
        self.wake.notify_all();
    }

    /// Runs what arrives until `ready` has something.
    pub(crate) fn run_until<T>(&self, mut ready: impl FnMut() -> Option<T>) -> T {
        let mut state = lock(&self.state);
        loop {
            if let Some(value) = ready() {
                return value;
            }
            if let Some(work) = state.work.pop_front() {
                drop(state);
                work();
                state = lock(&self.state);
            } else {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// The life of a worker: runs what arrives until the queue is closed and empty.
    fn run(&self) {
        let mut state = lock(&self.state);
        loop {
            if let Some(work) = state.work.pop_front() {
                drop(state);
                work();
                state = lock(&self.state);
            } else if state.closed {
                return;
            } else {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Starts a worker on this queue.
    pub(crate) fn spawn(self: &Arc<Self>) -> std::io::Result<()> {
        let queue = self.clone();
        WORKERS.fetch_add(1, Ordering::Relaxed);
        let spawned = std::thread::Builder::new().name("ipc-worker".to_owned()).spawn(move || {
            enter(queue.clone(), false);
            // Work catches its own panics; this one keeps the count right if that is ever forgotten.
            drop(catch_unwind(AssertUnwindSafe(|| queue.run())));
            CURRENT.with(|current| current.borrow_mut().take());
            WORKERS.fetch_sub(1, Ordering::Relaxed);
        });
        if let Err(error) = spawned {
            WORKERS.fetch_sub(1, Ordering::Relaxed);
            return Err(error);
        }
        Ok(())
    }
}

/// What a thread knows of itself.
struct Local {
    queue: Arc<ThreadQueue>,
    /// Connections that keep something for this thread.
    used: Vec<Weak<Conn>>,
    /// For each connection whose call this thread is serving, the caller's thread: calls back go there.
    callbacks: Vec<(u64, u64)>,
    on_loop: bool,
}

impl Drop for Local {
    fn drop(&mut self) {
        for conn in self.used.iter().filter_map(Weak::upgrade) {
            conn.forget_thread(self.queue.key);
        }
    }
}

thread_local! {
    static CURRENT: RefCell<Option<Local>> = const { RefCell::new(None) };
}

/// Makes this thread the one behind `queue`.
pub(crate) fn enter(queue: Arc<ThreadQueue>, on_loop: bool) {
    let local = Local { queue, used: Vec::new(), callbacks: Vec::new(), on_loop };
    CURRENT.with(|current| current.replace(Some(local)));
}

fn with<T>(f: impl FnOnce(&mut Local) -> T) -> T {
    CURRENT.with(|current| {
        let mut current = current.borrow_mut();
        f(current.get_or_insert_with(|| {
            let name = std::thread::current().name().unwrap_or("thread").to_owned();
            Local { queue: ThreadQueue::new(name), used: Vec::new(), callbacks: Vec::new(), on_loop: false }
        }))
    })
}

/// Whether this thread drives a connection, and so must never wait for one.
pub(crate) fn on_loop() -> bool {
    with(|local| local.on_loop)
}

/// The name of this thread.
pub(crate) fn name() -> String {
    with(|local| local.queue.name.clone())
}

/// This thread as a caller over a connection: its queue, and the thread that its calls have to run on if it is serving
/// that connection itself.
pub(crate) fn caller(conn: &Arc<Conn>) -> (Arc<ThreadQueue>, Option<u64>) {
    with(|local| {
        if !local.used.iter().any(|used| std::ptr::eq(used.as_ptr(), Arc::as_ptr(conn))) {
            local.used.retain(|used| used.strong_count() > 0);
            local.used.push(Arc::downgrade(conn));
        }
        let callback = local.callbacks.iter().find(|(id, _)| *id == conn.id).map(|(_, token)| *token);
        (local.queue.clone(), callback)
    })
}

/// Runs `f` while calls over the connection go back to the thread behind `token`. In a nested call the outermost
/// token stays: it is the same thread.
pub(crate) fn serving<T>(conn: u64, token: Option<u64>, f: impl FnOnce() -> T) -> T {
    let Some(token) = token else { return f() };
    with(|local| local.callbacks.push((conn, token)));
    let value = f();
    with(|local| local.callbacks.pop());
    value
}
