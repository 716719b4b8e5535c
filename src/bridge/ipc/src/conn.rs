//! A connection: its loop thread, and the handle that other threads hold.
//!
//! The loop thread owns every capnp object of the connection. Other threads post closures to it and wait. The thread ends
//! when the peer hangs up, when the last handle is dropped, or when it is told to; then every call that is waiting ends
//! with an error, and calls that are still being served are interrupted after a grace.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use capnp::capability::FromClientHook;
use capnp_rpc::rpc_twoparty_capnp::Side;
use capnp_rpc::{CapabilityServerSet, RpcSystem};
use linger::Linger;
use platform::socket::LocalSocket;
use tokio::sync::mpsc;

use crate::flights::Flights;
use crate::limits::Limits;
use crate::line::Line;
use crate::network::Network;
use crate::object::{self, Dispatch, Object};
use crate::remote::Remote;
use crate::socket::Stream;
use crate::thread::{self, ThreadQueue, Work, lock};
use crate::threadmap::{PoolSlot, ThreadServer};
use crate::transport::Wire;
use crate::wire::proxy_capnp::{context, thread as thread_capnp, thread_map};

/// Something to run on the loop thread.
pub(crate) type Job = Box<dyn FnOnce(&Rc<Loop>) + Send>;

/// Connections that exist right now, in the whole process.
pub(crate) static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);

/// What the two halves of a connection, and its logs, agree on.
#[derive(Debug, Clone)]
pub(crate) struct ConnInfo {
    /// The program's name for log lines: `bitcoin-node`.
    pub(crate) exe: Arc<str>,
    /// Who is at the other end.
    pub(crate) peer: Arc<str>,
    pub(crate) limits: Limits,
}

/// Makes the object that a client gets first.
pub(crate) type Bootstrap = Box<dyn FnOnce(&Rc<Loop>) -> capnp::capability::Client + Send>;

/// Who talks first.
pub(crate) enum Role {
    /// We serve this object to whoever asks.
    Server(Bootstrap),
    /// We ask for theirs and keep it under this id.
    Client(u64),
}

/// The handle of a connection, for any thread.
pub(crate) struct Conn {
    pub(crate) id: u64,
    pub(crate) info: ConnInfo,
    jobs: mpsc::UnboundedSender<Job>,
    next_object: AtomicU64,
    open: Arc<Ended>,
}

/// Whether the loop thread has ended, for whoever waits for that.
#[derive(Default)]
struct Ended {
    closed: AtomicBool,
    over: Mutex<bool>,
    wake: Condvar,
}

impl Conn {
    /// Starts the loop thread on a socket.
    pub(crate) fn start(
        stream: LocalSocket,
        info: ConnInfo,
        role: Role,
        on_end: impl FnOnce() + Send + 'static,
    ) -> io::Result<Arc<Self>> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        stream.set_nonblocking(true)?;
        let (jobs, inbox) = mpsc::unbounded_channel();
        let open = Arc::new(Ended::default());
        let conn = Arc::new(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            info,
            jobs,
            next_object: AtomicU64::new(1),
            open: open.clone(),
        });
        let weak = Arc::downgrade(&conn);
        let (id, info) = (conn.id, conn.info.clone());
        CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        let spawned = std::thread::Builder::new().name("capnp-loop".to_owned()).spawn(move || {
            thread::enter(ThreadQueue::new("capnp-loop".to_owned()), true);
            let flights = Arc::new(Flights::default());
            let run = AssertUnwindSafe(|| run(stream, weak, id, info.clone(), role, inbox, flights.clone(), &open));
            if catch_unwind(run).is_err() {
                tracing::error!(target: "ipc", "ipc: {} the event loop of a connection failed", info.tag());
            }
            // Handles learn of it here at the latest, also when the loop never ran.
            open.closed.store(true, Ordering::Release);
            on_end();
            CONNECTIONS.fetch_sub(1, Ordering::Relaxed);
            *lock(&open.over) = true;
            open.wake.notify_all();
        });
        if let Err(error) = spawned {
            CONNECTIONS.fetch_sub(1, Ordering::Relaxed);
            return Err(error);
        }
        Ok(conn)
    }

    /// Runs a job on the loop thread. `false` if it is gone; a job that is accepted may still be dropped unrun.
    pub(crate) fn post(&self, job: Job) -> bool {
        self.is_open() && self.jobs.send(job).is_ok()
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.open.closed.load(Ordering::Acquire)
    }

    /// An id for an object of the other side.
    pub(crate) fn new_object(&self) -> u64 {
        self.next_object.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets go of what the loop keeps for a thread of ours that has ended.
    pub(crate) fn forget_thread(&self, key: u64) {
        self.post(Box::new(move |cx| {
            cx.remote_threads.borrow_mut().remove(&key);
            cx.local_threads.borrow_mut().remove(&key);
        }));
    }

    /// Hangs up. With `now`, calls that are being served are interrupted without grace.
    pub(crate) fn close(&self, now: bool) {
        self.post(Box::new(move |cx| cx.close(now)));
    }

    /// Waits for the loop thread to end. `false` if time is up first.
    pub(crate) fn wait_ended(&self, limit: Duration) -> bool {
        let ended = lock(&self.open.over);
        let (ended, _) =
            self.open.wake.wait_timeout_while(ended, limit, |ended| !*ended).unwrap_or_else(PoisonError::into_inner);
        *ended
    }
}

impl ConnInfo {
    /// What log lines begin with, as Core's do.
    pub(crate) fn tag(&self) -> String {
        format!("{{{}-{}/{}}}", self.exe, std::process::id(), thread::name())
    }
}

/// What the loop thread knows. Only it ever touches this.
pub(crate) struct Loop {
    conn: Weak<Conn>,
    pub(crate) id: u64,
    pub(crate) info: ConnInfo,
    /// Objects of the other side that we hold.
    pub(crate) remote_objects: RefCell<HashMap<u64, capnp::capability::Client>>,
    /// Our threads that the other side may name.
    pub(crate) threads: RefCell<CapabilityServerSet<ThreadServer, thread_capnp::Client>>,
    /// By thread of ours: the thread object that stands for it here.
    pub(crate) local_threads: RefCell<HashMap<u64, thread_capnp::Client>>,
    /// By thread of ours: the worker over there that runs its calls.
    remote_threads: RefCell<HashMap<u64, thread_capnp::Client>>,
    /// By call that we serve: the caller's thread.
    pub(crate) callbacks: RefCell<HashMap<u64, thread_capnp::Client>>,
    /// The other side's means to make threads, once it has told us.
    pub(crate) thread_map: RefCell<Option<thread_map::Client>>,
    pub(crate) pool: RefCell<Vec<Rc<PoolSlot>>>,
    pub(crate) worker_count: Cell<usize>,
    pub(crate) object_count: Cell<usize>,
    /// The oldest first: ends one object that holds much memory.
    pub(crate) bounded: RefCell<VecDeque<std::rc::Weak<dyn EndEarly>>>,
    /// Calls whose worker is not known yet, in the order they came.
    pub(crate) line: Rc<Line>,
    pub(crate) flights: Arc<Flights>,
    /// Where objects are destroyed whose end might block.
    cleanup: RefCell<Option<Arc<ThreadQueue>>>,
    closer: RefCell<Option<Box<dyn Fn()>>>,
    no_grace: Cell<bool>,
}

/// An object that can be told to let go of its implementation.
pub(crate) trait EndEarly {
    fn end_early(&self);
}

/// A thread of ours that makes a call.
pub(crate) struct Caller {
    pub(crate) queue: Arc<ThreadQueue>,
    pub(crate) callback: Option<u64>,
}

impl Loop {
    /// Makes an object of ours callable from the other side.
    pub(crate) fn export<T: Dispatch + ?Sized, C: FromClientHook>(self: &Rc<Self>, imp: Arc<T>) -> C {
        object::capability(Object::new(self, imp))
    }

    /// Makes an object of the other side callable here.
    pub(crate) fn import<T: Dispatch + ?Sized>(&self, client: capnp::capability::Client) -> Arc<T> {
        // With the last handle gone nobody can call it; the dead end is an ordinary object.
        let conn = self.conn.upgrade();
        let number = conn.as_ref().map_or(0, |conn| conn.new_object());
        if conn.is_some() {
            self.remote_objects.borrow_mut().insert(number, client);
        }
        T::proxy(Remote::new(conn, number))
    }

    /// Fills in who calls and where it is to run.
    pub(crate) fn fill(self: &Rc<Self>, mut builder: context::Builder<'_>, caller: &Caller) {
        let key = caller.queue.key;
        let callback = caller.callback.and_then(|token| self.callbacks.borrow().get(&token).cloned());
        let thread = callback.or_else(|| {
            if let Some(thread) = self.remote_threads.borrow().get(&key) {
                return Some(thread.clone());
            }
            let mut request = self.thread_map.borrow().as_ref()?.make_thread_request();
            request.get().set_name(&caller.queue.name);
            // Not waited for: the call that is being built arrives after it, and names its result.
            let thread = request.send().pipeline.get_result();
            self.remote_threads.borrow_mut().insert(key, thread.clone());
            Some(thread)
        });
        if let Some(thread) = thread {
            builder.set_thread(thread);
        }
        let known = self.local_threads.borrow().get(&key).cloned();
        let local = known.unwrap_or_else(|| {
            let server = ThreadServer::caller(self, caller.queue.clone());
            let client = self.threads.borrow_mut().new_client(server);
            self.local_threads.borrow_mut().insert(key, client.clone());
            client
        });
        builder.set_callback_thread(local);
    }

    /// Runs something that may block, such as the end of an object.
    pub(crate) fn clean_up(&self, work: Work) {
        let mut cleanup = self.cleanup.borrow_mut();
        let queue = cleanup.get_or_insert_with(|| {
            let queue = ThreadQueue::new("ipc-cleanup".to_owned());
            if let Err(error) = queue.spawn() {
                tracing::error!(target: "ipc", "ipc: no thread to clean up on: {error}");
                queue.close();
            }
            queue
        });
        queue.push(work);
    }

    /// Hangs up on a peer that takes more than it may.
    pub(crate) fn abort(&self, why: &str) {
        tracing::warn!(target: "ipc", "ipc: {} disconnecting {}: {why}", self.info.tag(), self.info.peer);
        self.close(false);
    }

    fn close(&self, now: bool) {
        self.no_grace.set(self.no_grace.get() || now);
        if let Some(closer) = &*self.closer.borrow() {
            closer();
        }
    }

    /// Lets go of everything that refers to the other side.
    fn clear(&self) {
        drop(self.remote_objects.take());
        drop(self.local_threads.take());
        drop(self.remote_threads.take());
        drop(self.callbacks.take());
        drop(self.thread_map.take());
        drop(self.pool.take());
    }
}

/// The life of a loop thread.
#[expect(clippy::too_many_arguments, reason = "called once; a struct would only name them again")]
fn run(
    stream: LocalSocket,
    conn: Weak<Conn>,
    id: u64,
    info: ConnInfo,
    role: Role,
    mut inbox: mpsc::UnboundedReceiver<Job>,
    flights: Arc<Flights>,
    open: &Ended,
) {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(target: "ipc", "ipc: {} no event loop: {error}", info.tag());
            return;
        }
    };
    let serves = matches!(role, Role::Server(_));
    let cx = Rc::new(Loop {
        conn,
        id,
        info,
        remote_objects: RefCell::default(),
        threads: RefCell::new(CapabilityServerSet::new()),
        local_threads: RefCell::default(),
        remote_threads: RefCell::default(),
        callbacks: RefCell::default(),
        thread_map: RefCell::default(),
        pool: RefCell::default(),
        worker_count: Cell::new(0),
        object_count: Cell::new(0),
        bounded: RefCell::default(),
        line: Rc::default(),
        flights,
        cleanup: RefCell::default(),
        closer: RefCell::default(),
        no_grace: Cell::new(false),
    });
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let stream = match Stream::from_std(stream) {
            Ok(stream) => stream,
            Err(error) => {
                tracing::error!(target: "ipc", "ipc: {} {error}", cx.info.tag());
                return;
            }
        };
        let side = if serves { Side::Server } else { Side::Client };
        let linger = Rc::new(Linger::new());
        let network = Network::new(Wire::new(stream, cx.info.limits.clone(), linger.clone()), side);
        cx.closer.replace(Some(Box::new(network.closer())));
        let system = match role {
            Role::Server(make) => {
                tracing::info!(target: "ipc", "ipc: {} IPC server: socket connected.", cx.info.tag());
                RpcSystem::new(Box::new(network), Some(make(&cx)))
            }
            Role::Client(object) => {
                let mut system = RpcSystem::new(Box::new(network), None);
                let bootstrap: capnp::capability::Client = system.bootstrap(Side::Server);
                cx.remote_objects.borrow_mut().insert(object, bootstrap);
                system
            }
        };
        // A task of its own: a panic in the library ends this connection and nothing else.
        let mut system = tokio::task::spawn_local(system);
        let lingering = linger.clone();
        tokio::task::spawn_local(async move { lingering.run().await });
        let lost = loop {
            tokio::select! {
                ended = &mut system => break !matches!(ended, Ok(Ok(()))) || cx.conn.strong_count() > 0,
                job = inbox.recv() => match job {
                    Some(job) => {
                        job(&cx);
                        // Most jobs are calls, and what is called is often done at once.
                        linger.stay();
                    }
                    // The last handle is gone: nobody can call any more, and nobody is told.
                    None => break false,
                },
            }
        };
        open.closed.store(true, Ordering::Release);
        if serves {
            tracing::info!(target: "ipc", "ipc: {} IPC server: socket disconnected.", cx.info.tag());
        } else if lost && !cx.no_grace.get() {
            tracing::warn!(target: "ipc", "ipc: {} IPC client: unexpected network disconnect.", cx.info.tag());
        }
        cx.clear();
        cx.close(false);
        // What the library still has to say, and then what it still holds.
        if !system.is_finished() {
            drop(tokio::time::timeout(Duration::from_secs(1), &mut system).await);
        }
        system.abort();
        inbox.close();
        while inbox.recv().await.is_some() {}
    });
    // Dropping the tasks drops the calls in them, and so tells their callers and their workers.
    drop(local);
    drop(runtime);
    land(&cx);
    if let Some(cleanup) = cx.cleanup.take() {
        cleanup.close();
    }
}

/// Waits for the calls that are still being served, and then interrupts them.
fn land(cx: &Loop) {
    let grace = if cx.no_grace.get() { Duration::ZERO } else { cx.info.limits.cancel_grace };
    if cx.flights.wait(grace) {
        return;
    }
    cx.flights.interrupt();
    if !cx.flights.wait(cx.info.limits.cancel_grace) {
        tracing::warn!(
            target: "ipc",
            "ipc: {} calls of a client that is gone cannot be interrupted; their threads end with them",
            cx.info.tag()
        );
    }
}

/// The text of a panic.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without text")
}
