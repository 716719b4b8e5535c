//! The server's thread, its start and its end.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use linger::Linger;
use tokio::runtime;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use crate::allow::AllowList;
use crate::http::connection::{Phase, Shared, serve};
use crate::http::pool::Pool;
use crate::http::route::Routes;

/// How long the server rests when the system has no descriptor for another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The options of the server.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// `-rpcthreads`
    pub threads: usize,
    /// `-rpcworkqueue`
    pub queue_depth: usize,
    /// `-rpcservertimeout`; zero for none.
    pub timeout: Duration,
    /// `-rpcallowip`
    pub allow: AllowList,
    /// No more connections than this are open; further ones wait to be accepted.
    pub max_connections: usize,
}

impl ServerConfig {
    /// The defaults, for this machine alone.
    ///
    /// # Panics
    ///
    /// Never: there is no value that could be invalid.
    pub fn local() -> Self {
        Self {
            threads: 16,
            queue_depth: 64,
            timeout: Duration::from_secs(30),
            allow: AllowList::new([], false).expect("an empty list of subnets holds no invalid one"),
            max_connections: 1000,
        }
    }
}

/// A running server. Dropping it stops it at once.
#[derive(Debug)]
pub struct Server {
    addresses: Vec<SocketAddr>,
    phase: watch::Sender<Phase>,
    pool: Arc<Pool>,
    connections: Arc<AtomicUsize>,
    grace: watch::Sender<Duration>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `routes` on `listeners`, which [`crate::bind::listen_on`] opened.
    pub fn start(listeners: Vec<TcpListener>, config: ServerConfig, routes: Routes) -> io::Result<Self> {
        info!("Starting HTTP server with {} worker threads", config.threads);
        debug!(target: "http", "set work queue of depth {}", config.queue_depth);
        debug!(target: "http", "Allowing HTTP connections from: {}", config.allow);
        let addresses = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<_>>()?;
        for listener in &listeners {
            listener.set_nonblocking(true)?;
        }
        let pool = Arc::new(Pool::start(config.threads, config.queue_depth)?);
        let (phase, phase_seen) = watch::channel(Phase::Serving);
        let (grace, grace_seen) = watch::channel(Duration::ZERO);
        let connections = Arc::new(AtomicUsize::new(0));
        let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let task = Task {
            config,
            routes,
            pool: Arc::clone(&pool),
            phase: phase_seen,
            grace: grace_seen,
            connections: Arc::clone(&connections),
        };
        let thread = Builder::new().name("http".to_owned()).spawn(move || {
            LocalSet::new().block_on(&runtime, task.run(listeners));
        })?;
        Ok(Self { addresses, phase, pool, connections, grace, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Refuses new requests with 503 and cancels those that run. Returns at once.
    pub fn interrupt(&self) {
        debug!(target: "http", "Interrupting HTTP server");
        self.phase.send_if_modified(|phase| {
            let earlier = *phase < Phase::Refusing;
            *phase = (*phase).max(Phase::Refusing);
            earlier
        });
    }

    /// Ends the server: requests that run are waited for, answers may take `grace` to leave, idle connections are
    /// closed at once.
    pub fn stop(mut self, grace: Duration) {
        debug!(target: "http", "Stopping HTTP server");
        self.end(grace);
        debug!(target: "http", "Stopped HTTP server");
    }

    fn end(&mut self, grace: Duration) {
        let Some(thread) = self.thread.take() else { return };
        self.interrupt();
        self.pool.stop();
        self.grace.send_replace(grace);
        self.phase.send_replace(Phase::Closing);
        if thread.join().is_err() {
            warn!("The HTTP server's thread panicked");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end(Duration::ZERO);
    }
}

/// What the server's thread runs.
struct Task {
    config: ServerConfig,
    routes: Routes,
    pool: Arc<Pool>,
    phase: watch::Receiver<Phase>,
    grace: watch::Receiver<Duration>,
    connections: Arc<AtomicUsize>,
}

impl Task {
    async fn run(self, listeners: Vec<TcpListener>) {
        let Self { config, routes, pool, mut phase, grace, connections } = self;
        let shared =
            Rc::new(Shared { routes, pool, idle: config.timeout, phase: phase.clone(), linger: Linger::new() });
        let lingering = Rc::clone(&shared);
        let acceptor = Rc::new(Acceptor {
            allow: config.allow,
            slots: Arc::new(Semaphore::new(config.max_connections.clamp(1, Semaphore::MAX_PERMITS))),
            next_id: std::cell::Cell::new(0),
            connections,
            shared,
            tasks: std::cell::RefCell::new(JoinSet::new()),
        });
        let mut accepting = JoinSet::new();
        accepting.spawn_local(async move { lingering.linger.run().await });
        for listener in listeners {
            match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => {
                    accepting.spawn_local(Rc::clone(&acceptor).accept(listener));
                }
                Err(error) => warn!("An RPC socket cannot be served: {error}"),
            }
        }
        // An error means that the server itself was dropped.
        drop(phase.wait_for(|phase| *phase == Phase::Closing).await);
        accepting.shutdown().await;
        let mut tasks = acceptor.tasks.take();
        let limit = *grace.borrow();
        if timeout(limit, async { while tasks.join_next().await.is_some() {} }).await.is_err() && !limit.is_zero() {
            let left = tasks.len();
            warn!("Force-disconnecting {left} HTTP client(s) that did not disconnect gracefully");
        }
    }
}

struct Acceptor {
    allow: AllowList,
    slots: Arc<Semaphore>,
    next_id: std::cell::Cell<u64>,
    connections: Arc<AtomicUsize>,
    shared: Rc<Shared>,
    tasks: std::cell::RefCell<JoinSet<()>>,
}

impl Acceptor {
    async fn accept(self: Rc<Self>, listener: tokio::net::TcpListener) {
        loop {
            let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else { return };
            let (socket, peer) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    debug!(target: "http", "Cannot accept new connection: {error}");
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            if !self.allow.allows(peer.ip()) {
                debug!(
                    target: "http",
                    "Connection from {peer} rejected: Client network is not allowed HTTP access"
                );
                continue;
            }
            if let Err(error) = socket.set_nodelay(true) {
                debug!(target: "http", "connection from {peer}: unable to set TCP_NODELAY, continuing anyway: {error}");
            }
            let id = self.next_id.replace(self.next_id.get() + 1);
            debug!(target: "http", "HTTP Connection accepted from {peer} (id={id})");
            let open = Open::new(Arc::clone(&self.connections));
            let shared = Rc::clone(&self.shared);
            let mut tasks = self.tasks.borrow_mut();
            // Those that ended are forgotten here, so that the set does not grow.
            while tasks.try_join_next().is_some() {}
            tasks.spawn_local(async move {
                serve(shared, socket, peer, id).await;
                drop((open, slot));
            });
        }
    }
}

/// Counts a connection while it lives.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(count: Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
