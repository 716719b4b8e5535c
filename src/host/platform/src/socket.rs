//! Sockets: those that listen on the network, and those in the file system that processes of one machine share.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use socket2::{Domain, Socket, Type};

/// Connections that may wait to be accepted; the system may keep fewer.
const WAITING: i32 = 4096;

/// Listens on an address of this machine. The socket does not block. One that has ended a moment ago is not in the way.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    // On Windows this would let two programs listen at the same port, and what it does elsewhere needs no asking.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // So that the same port of IPv4 stays free for its own socket.
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(WAITING)?;
    Ok(socket.into())
}

/// A connection between two processes of this machine.
#[cfg(unix)]
pub type LocalSocket = std::os::unix::net::UnixStream;
/// What such connections come to.
#[cfg(unix)]
pub type LocalListener = std::os::unix::net::UnixListener;

/// A connection between two processes of this machine. Nothing makes one yet.
#[cfg(windows)]
pub type LocalSocket = std::net::TcpStream;
/// What such connections would come to.
#[cfg(windows)]
pub type LocalListener = TcpListener;

/// Two sockets that are connected to each other.
#[cfg(unix)]
pub fn local_pair() -> io::Result<(LocalSocket, LocalSocket)> {
    LocalSocket::pair()
}

/// Connects to the socket at a path.
#[cfg(unix)]
pub fn connect_local(path: &Path) -> io::Result<LocalSocket> {
    LocalSocket::connect(path)
}

/// Listens at a path, where nothing may be yet.
#[cfg(unix)]
pub fn listen_local(path: &Path) -> io::Result<LocalListener> {
    LocalListener::bind(path)
}

/// Two sockets that are connected to each other: there are none.
#[cfg(windows)]
pub fn local_pair() -> io::Result<(LocalSocket, LocalSocket)> {
    Err(crate::system::unsupported("unix sockets are"))
}

/// Connects to the socket at a path: there is none.
#[cfg(windows)]
pub fn connect_local(_path: &Path) -> io::Result<LocalSocket> {
    Err(crate::system::unsupported("unix sockets are"))
}

/// Listens at a path: nobody can.
#[cfg(windows)]
pub fn listen_local(_path: &Path) -> io::Result<LocalListener> {
    Err(crate::system::unsupported("unix sockets are"))
}

/// Whether there are sockets in the file system.
pub const HAS_LOCAL_SOCKETS: bool = cfg!(unix);

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr, TcpStream};

    #[test]
    fn a_port_is_taken_once_and_free_again_at_once() {
        let first = listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = first.local_addr().unwrap();
        assert_eq!(listen(address).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(first.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let client = TcpStream::connect(address).unwrap();
        drop((first, client));
        listen(address).unwrap();
    }

    #[test]
    fn both_protocols_have_the_port_for_themselves() {
        // Not every machine has IPv6.
        let Ok(six) = listen((Ipv6Addr::UNSPECIFIED, 0).into()) else { return };
        let port = six.local_addr().unwrap().port();
        match listen((Ipv4Addr::UNSPECIFIED, port).into()) {
            Ok(four) => assert_eq!(four.local_addr().unwrap().port(), port),
            // Somebody else has it.
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::AddrInUse),
        }
    }

    #[cfg(windows)]
    #[test]
    fn what_is_not_there_is_said() {
        let error = connect_local(Path::new("node.sock")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert_eq!(error.to_string(), "unix sockets are not supported on this operating system");
    }
}
