//! The network as an argument: what listens, connects and looks names up. Tests bring one of their own.

use std::fmt::Debug;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::pin::Pin;

use p2p::Service;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// A connection.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// What takes a while.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A connection with both its ends.
pub struct Connected {
    /// The bytes.
    pub stream: Box<dyn Stream>,
    /// Our end.
    pub local: Option<Service>,
    /// The other end.
    pub remote: Option<Service>,
}

impl Debug for Connected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connected").field("local", &self.local).field("remote", &self.remote).finish_non_exhaustive()
    }
}

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A socket in the file system, as some proxies have.
    Unix(PathBuf),
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Something that connections come to.
pub trait Listener: Debug + Send {
    /// Where it listens.
    fn address(&self) -> SocketAddr;
    /// The next connection.
    fn accept(&mut self) -> Later<'_, io::Result<Connected>>;
}

/// The network.
pub trait Sockets: Debug + Send {
    /// Listens on an address. Called before there is a runtime.
    fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>>;
    /// Connects.
    fn connect(&self, to: Endpoint) -> Later<'static, io::Result<Connected>>;
    /// Looks a name up.
    fn resolve(&self, host: String) -> Later<'static, Vec<IpAddr>>;
}

/// The machine's network.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealSockets;

#[derive(Debug)]
enum RealListener {
    /// Bound, but not yet part of a runtime.
    Fresh(Option<TcpListener>, SocketAddr),
    Running(tokio::net::TcpListener, SocketAddr),
}

impl Listener for RealListener {
    fn address(&self) -> SocketAddr {
        match self {
            Self::Fresh(_, address) | Self::Running(_, address) => *address,
        }
    }

    fn accept(&mut self) -> Later<'_, io::Result<Connected>> {
        Box::pin(async move {
            if let Self::Fresh(listener, address) = self {
                let listener = listener.take().ok_or(io::ErrorKind::NotConnected)?;
                *self = Self::Running(tokio::net::TcpListener::from_std(listener)?, *address);
            }
            let Self::Running(listener, _) = self else { return Err(io::ErrorKind::NotConnected.into()) };
            let (stream, _) = listener.accept().await?;
            wrap(stream)
        })
    }
}

fn wrap(stream: TcpStream) -> io::Result<Connected> {
    // Small messages must not wait for others.
    stream.set_nodelay(true)?;
    let (local, remote) = (stream.local_addr().ok().map(Service::from), stream.peer_addr().ok().map(Service::from));
    Ok(Connected { stream: Box::new(stream), local, remote })
}

#[cfg(unix)]
async fn connect_local(path: &Path) -> io::Result<Box<dyn Stream>> {
    Ok(Box::new(tokio::net::UnixStream::connect(path).await?))
}

/// There are no such sockets: the system says so.
#[cfg(not(unix))]
async fn connect_local(path: &Path) -> io::Result<Box<dyn Stream>> {
    let stream = platform::socket::connect_local(path)?;
    stream.set_nonblocking(true)?;
    Ok(Box::new(TcpStream::from_std(stream)?))
}

impl Sockets for RealSockets {
    fn listen(&self, address: SocketAddr) -> io::Result<Box<dyn Listener>> {
        let listener = platform::socket::listen(address)?;
        let bound = listener.local_addr()?;
        Ok(Box::new(RealListener::Fresh(Some(listener), bound)))
    }

    fn connect(&self, to: Endpoint) -> Later<'static, io::Result<Connected>> {
        Box::pin(async move {
            match to {
                Endpoint::Tcp(address) => wrap(TcpStream::connect(address).await?),
                Endpoint::Unix(path) => {
                    Ok(Connected { stream: connect_local(&path).await?, local: None, remote: None })
                }
            }
        })
    }

    fn resolve(&self, host: String) -> Later<'static, Vec<IpAddr>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((host, 0)).await;
            found.map_or_else(|_| Vec::new(), |list| list.map(|address| address.ip().to_canonical()).collect())
        })
    }
}
