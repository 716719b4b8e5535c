//! `Thread` and `ThreadMap`: the other side makes workers here and names them in its calls.

use std::cell::Cell;
use std::io;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::conn::Loop;
use crate::thread::{ThreadQueue, Work};
use crate::wire::proxy_capnp::{thread, thread_map};

/// One of our threads, as an object that the other side holds.
pub(crate) struct ThreadServer {
    queue: Arc<ThreadQueue>,
    /// Calls that it has been given and has not done.
    tasks: Arc<AtomicUsize>,
    /// A worker lives as long as this object; a caller's thread lives by itself.
    worker: Option<Worker>,
}

struct Worker {
    started: Cell<bool>,
    cx: Weak<Loop>,
}

impl ThreadServer {
    /// A worker. Its thread starts with its first call: many are made and never used.
    pub(crate) fn worker(cx: &Rc<Loop>, name: &str) -> Self {
        cx.worker_count.set(cx.worker_count.get() + 1);
        let queue = ThreadQueue::new(name.to_owned());
        let worker = Worker { started: Cell::new(false), cx: Rc::downgrade(cx) };
        Self { queue, tasks: Arc::default(), worker: Some(worker) }
    }

    /// The thread of a caller, which runs callbacks while it waits.
    pub(crate) fn caller(_cx: &Rc<Loop>, queue: Arc<ThreadQueue>) -> Self {
        Self { queue, tasks: Arc::default(), worker: None }
    }

    /// Whether it has done all that it was given.
    pub(crate) fn is_idle(&self) -> bool {
        self.tasks.load(Ordering::Acquire) == 0
    }

    /// Something that it is given now.
    pub(crate) fn task(&self) -> Task {
        self.tasks.fetch_add(1, Ordering::Relaxed);
        Task(self.tasks.clone())
    }

    pub(crate) fn queue(&self) -> &Arc<ThreadQueue> {
        &self.queue
    }

    pub(crate) fn post(&self, work: Work) -> io::Result<()> {
        if let Some(worker) = &self.worker
            && !worker.started.get()
        {
            self.queue.spawn()?;
            worker.started.set(true);
        }
        self.queue.push(work);
        Ok(())
    }
}

/// A call that a thread has been given. Dropped when it is done, or never will be.
pub(crate) struct Task(Arc<AtomicUsize>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

impl Drop for ThreadServer {
    fn drop(&mut self) {
        if let Some(worker) = &self.worker {
            self.queue.close();
            if let Some(cx) = worker.cx.upgrade() {
                cx.worker_count.set(cx.worker_count.get().saturating_sub(1));
            }
        }
    }
}

impl thread::Server for ThreadServer {
    async fn get_name(
        self: Rc<Self>,
        _: thread::GetNameParams,
        mut results: thread::GetNameResults,
    ) -> capnp::Result<()> {
        results.get().set_result(&self.queue.name);
        Ok(())
    }
}

/// A worker for calls that name no thread.
pub(crate) struct PoolSlot {
    pub(crate) thread: Rc<ThreadServer>,
    /// Calls on it now.
    pub(crate) depth: Cell<usize>,
}

/// Makes workers for the other side.
pub(crate) struct ThreadMapServer {
    cx: Rc<Loop>,
}

impl ThreadMapServer {
    pub(crate) fn new(cx: &Rc<Loop>) -> Self {
        Self { cx: cx.clone() }
    }

    fn check_room(&self, more: usize) -> capnp::Result<()> {
        if self.cx.worker_count.get().saturating_add(more) > self.cx.info.limits.threads {
            self.cx.abort("it wants too many threads");
            return Err(capnp::Error::overloaded("too many threads".to_owned()));
        }
        Ok(())
    }
}

impl thread_map::Server for ThreadMapServer {
    async fn make_thread(
        self: Rc<Self>,
        params: thread_map::MakeThreadParams,
        mut results: thread_map::MakeThreadResults,
    ) -> capnp::Result<()> {
        self.check_room(1)?;
        let name = params.get()?.get_name()?.to_str()?.chars().take(MAX_NAME).collect::<String>();
        let server = ThreadServer::worker(&self.cx, &format!("{} (from {name})", self.cx.info.exe));
        let mut threads = self.cx.threads.borrow_mut();
        threads.gc();
        results.get().set_result(threads.new_client(server));
        Ok(())
    }

    async fn make_pool(
        self: Rc<Self>,
        params: thread_map::MakePoolParams,
        _: thread_map::MakePoolResults,
    ) -> capnp::Result<()> {
        if !self.cx.pool.borrow().is_empty() {
            let text = "std::exception: makePool called on connection with existing pool";
            return Err(capnp::Error::failed(text.to_owned()));
        }
        let count = params.get()?.get_count();
        self.check_room(usize::try_from(count).unwrap_or(usize::MAX))?;
        let mut pool = self.cx.pool.borrow_mut();
        for index in 0..count {
            let thread = Rc::new(ThreadServer::worker(&self.cx, &format!("{} (pool/{index})", self.cx.info.exe)));
            pool.push(Rc::new(PoolSlot { thread, depth: Cell::new(0) }));
        }
        Ok(())
    }
}

/// Characters of a name that are kept.
const MAX_NAME: usize = 64;
