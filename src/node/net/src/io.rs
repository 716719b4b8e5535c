//! The thread that owns all sockets. It only moves bytes; what they mean is the driver's business.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use p2p::{Chance, Service, Transport};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::LocalSet;

use crate::driver::Input;
use crate::i2p::{self, Router};
use crate::link::{self, Link};
use crate::sockets::{Connected, Endpoint, Listener, Sockets, Stream};
use crate::socks5::{self, Credentials};
use crate::tor;
use crate::waker::Waker;

/// How long a listener rests after it could not accept, as when no descriptors are left.
const ACCEPT_REST: Duration = Duration::from_millis(500);
/// How long a proxy may take until it has connected.
const PROXY_TIMEOUT: Duration = Duration::from_secs(20);

/// What the driver asks for.
pub(crate) enum Command {
    /// Move the bytes of this connection.
    Run(Arc<Link>, Transport, Box<dyn Stream>),
    /// Connect by the first of these routes that works.
    Dial {
        /// Comes back with the answer.
        ticket: u64,
        /// The routes.
        routes: Vec<Route>,
        /// How long each may take.
        timeout: Duration,
    },
    /// Look a name up.
    Resolve {
        /// Comes back with the answer.
        ticket: u64,
        /// The name.
        host: String,
    },
}

/// A way to a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// Straight.
    Direct(SocketAddr),
    /// Through a proxy.
    Socks {
        /// The proxy.
        proxy: Endpoint,
        /// Where it is to lead.
        host: String,
        /// And to which port.
        port: u16,
        /// What the proxy is told about us.
        credentials: Option<Credentials>,
    },
    /// Through I2P.
    I2p {
        /// Where to.
        to: Service,
        /// Not from the address that others know us by.
        hidden: bool,
    },
}

/// Networks that hide who talks to whom, and what leads into them.
#[derive(Debug)]
pub(crate) struct Hidden {
    /// The router of I2P, how long connecting to it may take, the file for the key of our address if we have one, and
    /// chance.
    pub(crate) i2p: Option<(Endpoint, Duration, Option<PathBuf>, Chance)>,
    /// Tor's control port.
    pub(crate) tor: Option<tor::Control>,
}

/// What became of a call.
#[derive(Debug)]
pub(crate) struct Dialed {
    /// The connection, and by which of the routes it was made.
    pub(crate) connected: Option<(usize, Connected)>,
    /// For each route that was tried, whether the failure may be the peer's: a proxy that is gone says nothing of it.
    pub(crate) peers_fault: Vec<bool>,
}

/// Starts the thread. It ends when the sender of commands is dropped.
pub(crate) fn start(
    sockets: Box<dyn Sockets>,
    listeners: Vec<Box<dyn Listener>>,
    commands: UnboundedReceiver<Command>,
    hidden: Hidden,
    waker: Waker,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build()?;
    let body = move || {
        let local = LocalSet::new();
        let sockets: Rc<dyn Sockets> = Rc::from(sockets);
        let router = hidden.i2p.map(|(endpoint, timeout, key_file, chance)| {
            Rc::new(Router::new(Rc::clone(&sockets), endpoint, timeout, key_file, chance))
        });
        if let Some(router) = router.as_ref().filter(|router| router.listens()) {
            local.spawn_local(i2p::accept(Rc::clone(router), waker.clone()));
        }
        if let Some(control) = hidden.tor {
            local.spawn_local(tor::run(Rc::clone(&sockets), control, waker.clone()));
        }
        for (index, listener) in listeners.into_iter().enumerate() {
            local.spawn_local(accept(index, listener, waker.clone()));
        }
        local.block_on(&runtime, obey(&sockets, router, commands, waker));
        // Connections that are left are closed with the set; a name that is being looked up is not waited for.
        drop(local);
        runtime.shutdown_background();
    };
    platform::thread::spawn("net", move || logging::run_traced("net", body))
}

async fn accept(index: usize, mut listener: Box<dyn Listener>, waker: Waker) {
    loop {
        match listener.accept().await {
            Ok(connected) => {
                if !waker.tell(Input::Accepted { listener: Some(index), connected }) {
                    return;
                }
            }
            Err(error) => {
                tracing::info!(target: "net", "socket error accept failed: {}", platform::system_error_text(&error));
                tokio::time::sleep(ACCEPT_REST).await;
            }
        }
    }
}

async fn obey(
    sockets: &Rc<dyn Sockets>,
    router: Option<Rc<Router>>,
    mut commands: UnboundedReceiver<Command>,
    waker: Waker,
) {
    while let Some(command) = commands.recv().await {
        match command {
            Command::Run(link, transport, stream) => {
                tokio::task::spawn_local(link::run(link, transport, stream));
            }
            Command::Dial { ticket, routes, timeout } => {
                let (sockets, router, waker) = (Rc::clone(sockets), router.clone(), waker.clone());
                tokio::task::spawn_local(async move {
                    let dialed = dial(&*sockets, router.as_deref(), &routes, timeout).await;
                    waker.tell(Input::Dialed { ticket, dialed });
                });
            }
            Command::Resolve { ticket, host } => {
                let (looking, waker) = (sockets.resolve(host), waker.clone());
                tokio::task::spawn_local(async move {
                    let found: Vec<IpAddr> = looking.await;
                    waker.tell(Input::Resolved { ticket, found });
                });
            }
        }
    }
}

async fn dial(sockets: &dyn Sockets, router: Option<&Router>, routes: &[Route], timeout: Duration) -> Dialed {
    let mut peers_fault = Vec::new();
    for (index, route) in routes.iter().enumerate() {
        let endpoint = match route {
            Route::Direct(address) => Endpoint::Tcp(*address),
            Route::Socks { proxy, .. } => proxy.clone(),
            Route::I2p { to, hidden } => {
                let Some(router) = router else { continue };
                match router.connect(*to, *hidden).await {
                    Ok(connected) => return Dialed { connected: Some((index, connected)), peers_fault },
                    Err(is_routers) => peers_fault.push(!is_routers),
                }
                continue;
            }
        };
        let connected = match tokio::time::timeout(timeout, sockets.connect(endpoint)).await {
            Ok(Ok(connected)) => connected,
            Ok(Err(error)) => {
                tell_failure(route, &platform::system_error_text(&error));
                peers_fault.push(matches!(route, Route::Direct(_)));
                continue;
            }
            Err(_) => {
                tell_failure(route, "connection timeout");
                peers_fault.push(matches!(route, Route::Direct(_)));
                continue;
            }
        };
        match through(route, connected).await {
            Ok(connected) => return Dialed { connected: Some((index, connected)), peers_fault },
            Err(is_proxys) => peers_fault.push(!is_proxys),
        }
    }
    Dialed { connected: None, peers_fault }
}

fn tell_failure(route: &Route, why: &str) {
    match route {
        Route::Direct(address) => {
            tracing::debug!(target: "net", "connect() to {address} failed: {why}");
        }
        Route::Socks { proxy, .. } => {
            tracing::debug!(target: "proxy", "connect() to proxy {proxy} failed: {why}");
        }
        // Its router tells by itself.
        Route::I2p { .. } => {}
    }
}

/// From a proxy to where it is to lead. The error says whether the proxy itself is at fault.
async fn through(route: &Route, mut connected: Connected) -> Result<Connected, bool> {
    let Route::Socks { host, port, credentials, .. } = route else { return Ok(connected) };
    tracing::debug!(target: "net", "SOCKS5 connecting {host}");
    let asking = socks5::connect(&mut connected.stream, host, *port, credentials.as_ref());
    match tokio::time::timeout(PROXY_TIMEOUT, asking).await {
        Ok(Ok(())) => {
            tracing::debug!(target: "net", "SOCKS5 connected {host}");
            Ok(connected)
        }
        Ok(Err(error)) => {
            tracing::debug!(target: "proxy", "Socks5() connect to {host}:{port} failed: {error}");
            Err(error.is_proxys())
        }
        Err(_) => {
            tracing::debug!(target: "proxy", "Socks5() connect to {host}:{port} failed: InterruptibleRecv() timeout or other failure");
            Err(true)
        }
    }
}
