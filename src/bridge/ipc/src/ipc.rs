//! The connections of a process: those it makes, those it accepts, and how all of them end.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use interfaces::{BulkheadInit, Hello, IpcError};
use platform::socket::LocalSocket;

use crate::address::{Address, Connect};
use crate::conn::{Conn, ConnInfo, Role};
use crate::error::Error;
use crate::limits::Limits;
use crate::listen::Listener;
use crate::remote::Remote;
use crate::socket;
use crate::thread::lock;
use crate::threadmap::ThreadMapServer;
use crate::wire::init_capnp::init;

/// How a process wants its connections.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program's name in log lines, after whose last part its socket is called: `bitcoin-node`.
    pub exe: String,
    /// What peers may take.
    pub limits: Limits,
}

impl Options {
    /// The usual limits.
    pub fn new(exe: impl Into<String>) -> Self {
        Self { exe: exe.into(), limits: Limits::default() }
    }
}

/// The incoming connections of a process.
#[derive(Clone, Default)]
pub(crate) struct Incoming {
    conns: Arc<Mutex<HashMap<u64, Arc<Conn>>>>,
    next: Arc<AtomicU64>,
}

impl Incoming {
    /// Serves `init` on a socket until one side hangs up; then runs `on_end`.
    pub(crate) fn serve(
        &self,
        stream: LocalSocket,
        info: ConnInfo,
        init: Arc<dyn BulkheadInit>,
        on_end: impl FnOnce() + Send + 'static,
    ) -> Result<Arc<Conn>, Error> {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        let conns = self.conns.clone();
        // The lock is held across the start: a connection that ends at once finds itself in the list.
        let mut list = lock(&self.conns);
        let role = Role::Server(Box::new(move |cx| cx.export(init)));
        let conn = Conn::start(stream, info, role, move || {
            let ended = lock(&conns).remove(&key);
            drop(ended);
            on_end();
        })
        .map_err(Error::Start)?;
        list.insert(key, conn.clone());
        Ok(conn)
    }

    fn all(&self) -> Vec<Arc<Conn>> {
        lock(&self.conns).values().cloned().collect()
    }
}

/// All connections of a process. Dropping it stops listening and hangs up on whoever is connected.
pub struct Ipc {
    options: Options,
    incoming: Incoming,
    listeners: Mutex<Vec<Listener>>,
}

impl std::fmt::Debug for Ipc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ipc").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Ipc {
    /// No connections yet.
    pub fn new(options: Options) -> Self {
        Self { options, incoming: Incoming::default(), listeners: Mutex::default() }
    }

    fn info(&self, peer: &str) -> ConnInfo {
        ConnInfo { exe: self.options.exe.as_str().into(), peer: peer.into(), limits: self.options.limits.clone() }
    }

    /// What the socket is called. Whoever has the node in it, alone or with all the rest, is found as the node.
    fn role(&self) -> &str {
        match self.options.exe.rsplit_once('-') {
            Some((_, role @ ("wallet" | "gui"))) => role,
            _ => "node",
        }
    }

    /// Listens, and serves `init` to whoever connects. Returns the address in full, for the log. When this returns, the
    /// socket accepts.
    pub fn listen(&self, address: &Address, data_dir: &Path, init: Arc<dyn BulkheadInit>) -> Result<String, Error> {
        let path = address.socket_path(data_dir, self.role())?;
        let (socket, file) = socket::bind(&path)?;
        let shown = format!("unix:{}", path.display());
        let listener = Listener::start(socket, file, self.info(&shown), self.incoming.clone(), init)?;
        lock(&self.listeners).push(listener);
        Ok(shown)
    }

    /// Serves `init` on a socket that is connected already, such as the one a parent process passed on.
    pub fn serve(&self, stream: LocalSocket, peer: &str, init: Arc<dyn BulkheadInit>) -> Result<Served, Error> {
        Ok(Served { conn: self.incoming.serve(stream, self.info(peer), init, || {})? })
    }

    /// Connects as `-ipcconnect` asks. `None` if it asks for nothing, or for whoever is there and nobody is. `role` is
    /// whose socket is meant when none is named: `node`.
    pub fn connect(
        &self,
        to: &Connect,
        data_dir: &Path,
        role: &str,
        hello: Option<&Hello>,
    ) -> Result<Option<Peer>, Error> {
        let (address, optional) = match to {
            Connect::Off => return Ok(None),
            Connect::Auto => (&Address::Unix(None), true),
            Connect::To(address) => (address, false),
        };
        let connected = address.socket_path(data_dir, role).and_then(|path| {
            let stream = socket::connect(&path)?;
            Ok((stream, path))
        });
        match connected {
            Ok((stream, path)) => self.attach(stream, &format!("unix:{}", path.display()), hello).map(Some),
            Err(error) if optional && error.is_nobody_there() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Becomes the client of whoever is at the other end of a socket. With `hello`, first makes sure that both are for
    /// the same coin and chain; a Core process, which knows nothing of that, is taken as it is.
    pub fn attach(&self, stream: LocalSocket, peer: &str, hello: Option<&Hello>) -> Result<Peer, Error> {
        const INIT: u64 = 0;
        let ended = Arc::new(Mutex::new(Vec::<Callback>::new()));
        let on_end = ended.clone();
        let conn = Conn::start(stream, self.info(peer), Role::Client(INIT), move || {
            let callbacks = std::mem::take(&mut *lock(&on_end));
            for callback in callbacks {
                callback();
            }
        })
        .map_err(Error::Start)?;
        conn.post(Box::new(|cx| {
            let Some(client) = cx.remote_objects.borrow().get(&INIT).cloned() else { return };
            let mut request = init::Client { client }.construct_request();
            request.get().set_thread_map(capnp_rpc::new_client(ThreadMapServer::new(cx)));
            let sent = request.send();
            cx.thread_map.replace(Some(sent.pipeline.get_thread_map()));
            tokio::task::spawn_local(async move {
                // Calls that name a thread of a map that never came fail by themselves.
                drop(sent.promise.await);
            });
        }));
        let init: Arc<dyn BulkheadInit> = Arc::new(Remote::<dyn BulkheadInit>::new(Some(conn.clone()), INIT));
        let theirs = match hello.map(|hello| (hello, init.handshake(hello))) {
            None | Some((_, Err(IpcError::Unimplemented(_)))) => None,
            Some((_, Err(error))) => return Err(error.into()),
            Some((_, Ok(Err(failure)))) => return Err(Error::Mismatch(failure.0)),
            Some((ours, Ok(Ok(theirs)))) => {
                ours.check(&theirs).map_err(|failure| Error::Mismatch(failure.0))?;
                Some(theirs)
            }
        };
        Ok(Peer { init, hello: theirs, conn, ended })
    }

    /// Hangs up on everyone who connected to us. Their calls are interrupted; nobody is waited for.
    pub fn disconnect_incoming(&self) {
        for conn in self.incoming.all() {
            conn.close(true);
        }
    }

    /// Stops listening, hangs up, and waits until the connections have ended. `false` if some call did not end in time:
    /// it keeps its thread, and nothing else.
    pub fn shutdown(&self, limit: Duration) -> bool {
        let listeners = std::mem::take(&mut *lock(&self.listeners));
        drop(listeners);
        let conns = self.incoming.all();
        for conn in &conns {
            conn.close(true);
        }
        let deadline = now() + limit;
        // All of them are asked, also when one is late.
        conns.iter().filter(|conn| !conn.wait_ended(deadline.saturating_duration_since(now()))).count() == 0
    }
}

/// Only differences of this are used, to wait no longer than asked.
#[expect(
    clippy::disallowed_methods,
    reason = "a time-out of the operating system's own clock, as condition variables use"
)]
fn now() -> Instant {
    Instant::now()
}

impl Drop for Ipc {
    fn drop(&mut self) {
        lock(&self.listeners).clear();
        self.disconnect_incoming();
    }
}

/// A connection that we serve.
#[derive(Clone)]
pub struct Served {
    conn: Arc<Conn>,
}

impl std::fmt::Debug for Served {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Served").field("peer", &self.conn.info.peer).finish_non_exhaustive()
    }
}

impl Served {
    /// Waits until the other side hangs up. `false` if time is up first.
    pub fn wait(&self, limit: Duration) -> bool {
        self.conn.wait_ended(limit)
    }

    /// Hangs up.
    pub fn disconnect(&self) {
        self.conn.close(true);
    }
}

/// Something to do when a connection has ended.
type Callback = Box<dyn FnOnce() + Send>;

/// A process that we are the client of.
#[derive(Clone)]
pub struct Peer {
    init: Arc<dyn BulkheadInit>,
    hello: Option<Hello>,
    conn: Arc<Conn>,
    ended: Arc<Mutex<Vec<Callback>>>,
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("peer", &self.conn.info.peer).field("hello", &self.hello).finish_non_exhaustive()
    }
}

impl Peer {
    /// What it offers.
    pub fn init(&self) -> &Arc<dyn BulkheadInit> {
        &self.init
    }

    /// Who it is. `None` if it was not asked, or is not one of ours.
    pub fn hello(&self) -> Option<&Hello> {
        self.hello.as_ref()
    }

    /// Whether calls can still reach it.
    pub fn is_connected(&self) -> bool {
        self.conn.is_open()
    }

    /// Waits until the connection has ended. `false` if time is up first.
    pub fn wait_disconnected(&self, limit: Duration) -> bool {
        self.conn.wait_ended(limit)
    }

    /// Runs `callback` when the connection ends, on its last thread; at once if it has ended.
    pub fn on_disconnect(&self, callback: impl FnOnce() + Send + 'static) {
        let mut ended = lock(&self.ended);
        if self.conn.is_open() {
            ended.push(Box::new(callback));
        } else {
            drop(ended);
            callback();
        }
    }

    /// Hangs up. Calls that wait end with an error.
    pub fn disconnect(&self) {
        self.conn.close(true);
    }
}
