//! Sockets in the file system, on a system that has none: nobody listens, and nobody is there.
//!
//! A connection that comes from elsewhere is served as everywhere.

use std::io;
use std::path::Path;

use platform::socket::{LocalListener, LocalSocket, connect_local, listen_local};
pub(crate) use tokio::net::tcp::{OwnedReadHalf as ReadHalf, OwnedWriteHalf as WriteHalf};
pub(crate) use tokio::net::{TcpListener as Listening, TcpStream as Stream};

use crate::error::Error;

/// A socket file. There is none to remove.
#[derive(Debug)]
pub(crate) struct SocketFile;

/// Listens at a path.
pub(crate) fn bind(path: &Path) -> Result<(LocalListener, SocketFile), Error> {
    match listen_local(path) {
        Ok(listener) => Ok((listener, SocketFile)),
        Err(error) => Err(Error::Bind(path.to_owned(), error)),
    }
}

/// Connects to a path.
pub(crate) fn connect(path: &Path) -> Result<LocalSocket, Error> {
    connect_local(path).map_err(|error| Error::Connect(path.to_owned(), error))
}

/// Whether the other end runs as this user: nobody vouches for it.
#[expect(clippy::unnecessary_wraps, reason = "other systems fail here")]
pub(crate) fn peer_is_trusted(_stream: &LocalSocket) -> io::Result<bool> {
    Ok(false)
}
