//! Descriptors that come from or go to another process, and who is at the other end of a socket.

use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, PoisonError};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::{AddressFamily, SockaddrLike, SockaddrStorage, getsockname};
use thiserror::Error;

use crate::socket::LocalSocket;

/// The option by which a parent tells a child the number of its socket.
pub const IPC_FD_OPTION: &str = "-ipcfd";

/// Why a descriptor number cannot be adopted.
#[derive(Debug, Error)]
pub enum AdoptError {
    /// It is not a number, or it is one of the three standard streams.
    #[error("Invalid {IPC_FD_OPTION} number '{0}'")]
    Number(String),
    /// Nothing is open under it.
    #[error("Invalid {IPC_FD_OPTION} number '{0}' (nothing is open there)")]
    Closed(RawFd),
    /// It belongs to something inside this process.
    #[error("Invalid {IPC_FD_OPTION} number '{0}' (it was not inherited)")]
    NotInherited(RawFd),
    /// It is not a unix socket.
    #[error("Invalid {IPC_FD_OPTION} number '{0}' (not a unix socket)")]
    NotSocket(RawFd),
}

/// Takes the socket that a parent process has passed under `number`. It can be taken once.
///
/// What a program opens itself is close-on-exec, as everything in this workspace and in std is. What it inherits cannot
/// be, or it would have been closed. The flag therefore tells the two apart, and setting it marks the descriptor as
/// taken.
pub fn adopt_socket(number: &str) -> Result<LocalSocket, AdoptError> {
    let is_unix_socket = |raw| {
        let address = getsockname::<SockaddrStorage>(raw).ok();
        address.and_then(|address| address.family()) == Some(AddressFamily::Unix)
    };
    adopt(number, |raw| if is_unix_socket(raw) { Ok(()) } else { Err(AdoptError::NotSocket(raw)) })
        .map(LocalSocket::from)
}

/// Takes whatever a parent process has passed under `number`, to write to it. It can be taken once.
pub fn adopt_writable(number: &str) -> io::Result<File> {
    let adopted = adopt(number, |_| Ok(())).map(File::from);
    adopted.map_err(|_| io::Error::other(format!("no descriptor was passed under number '{number}'")))
}

#[expect(unsafe_code, reason = "a number becomes an owned descriptor")]
fn adopt(number: &str, suits: impl FnOnce(RawFd) -> Result<(), AdoptError>) -> Result<OwnedFd, AdoptError> {
    static ADOPTING: Mutex<()> = Mutex::new(());
    let raw = number.parse::<RawFd>().ok().filter(|raw| *raw > 2 && number.bytes().all(|byte| byte.is_ascii_digit()));
    let raw = raw.ok_or_else(|| AdoptError::Number(number.to_owned()))?;
    let _one_at_a_time = ADOPTING.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: only fcntl sees this descriptor, which answers EBADF for a closed one.
    let borrowed = unsafe { BorrowedFd::borrow_raw(raw) };
    let flags = fcntl(borrowed, FcntlArg::F_GETFD).map_err(|_| AdoptError::Closed(raw))?;
    if FdFlag::from_bits_retain(flags).contains(FdFlag::FD_CLOEXEC) {
        return Err(AdoptError::NotInherited(raw));
    }
    suits(raw)?;
    fcntl(borrowed, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).map_err(|_| AdoptError::Closed(raw))?;
    // SAFETY: the descriptor is open, it was inherited, and the flag just set keeps a second call from taking it.
    let owned = unsafe { OwnedFd::from_raw_fd(raw) };
    Ok(owned)
}

/// Why the process at the other end of a socket is not let in.
#[derive(Debug, Error)]
pub enum PeerError {
    /// It runs for another user.
    #[error("connection by user id {peer} refused: only user id {own} may connect")]
    OtherUser {
        /// Its user.
        peer: u32,
        /// Ours.
        own: u32,
    },
    /// The system does not tell.
    #[error("cannot find out who connected: {0}")]
    Unknown(#[from] io::Error),
}

/// The user id of the process at the other end, as the kernel vouches for it.
#[cfg(target_os = "linux")]
pub fn peer_user(socket: &LocalSocket) -> io::Result<u32> {
    use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
    Ok(getsockopt(socket, PeerCredentials)?.uid())
}

/// The user id of the process at the other end, as the kernel vouches for it.
#[cfg(not(target_os = "linux"))]
pub fn peer_user(_socket: &LocalSocket) -> io::Result<u32> {
    Err(nix::errno::Errno::ENOSYS.into())
}

/// Refuses a peer that runs for another user than we do.
pub fn require_same_user(socket: &LocalSocket) -> Result<(), PeerError> {
    let (peer, own) = (peer_user(socket)?, nix::unistd::geteuid().as_raw());
    if peer == own { Ok(()) } else { Err(PeerError::OtherUser { peer, own }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    #[test]
    fn our_own_descriptors_cannot_be_adopted() {
        let (one, _other) = LocalSocket::pair().unwrap();
        let number = one.as_raw_fd();
        let error = adopt_socket(&number.to_string()).unwrap_err();
        assert!(matches!(error, AdoptError::NotInherited(raw) if raw == number), "{error}");
    }

    #[test]
    fn hostile_numbers_are_refused() {
        for bad in ["", "0", "2", "-1", "+9", " 9", "9x", "99999999999999999999"] {
            let error = adopt_socket(bad).unwrap_err();
            assert_eq!(error.to_string(), format!("Invalid -ipcfd number '{bad}'"));
        }
        let error = adopt_socket("1000000").unwrap_err();
        assert!(matches!(error, AdoptError::Closed(1_000_000)), "{error}");
    }

    #[test]
    fn a_peer_of_the_same_user_is_let_in() {
        let (one, _other) = LocalSocket::pair().unwrap();
        require_same_user(&one).unwrap();
        assert_eq!(peer_user(&one).unwrap(), nix::unistd::geteuid().as_raw());
    }
}
