//! What can go wrong with an address, a socket or a first meeting.

use std::io;
use std::path::PathBuf;

/// Why a connection or a listener could not be made. The text is for the user.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Neither `unix`, `unix:PATH` nor `tcp:HOST:PORT`.
    #[error("Unrecognized address '{0}'")]
    UnrecognizedAddress(String),
    /// A socket's path has a limit that the operating system sets.
    #[error(
        "Unix address path {0:?} exceeded maximum socket path length ({1} bytes; the system allows {MAX_PATH}). Give a \
         shorter one with unix:PATH."
    )]
    PathTooLong(PathBuf, usize),
    /// The system has no such sockets, and nothing in their place yet.
    #[error("Unix sockets are not supported on this operating system.")]
    NoUnixSockets,
    /// The place for TCP is kept; it needs a transport that authenticates.
    #[error(
        "Address '{0}' cannot be used: IPC over TCP needs authenticated encryption, which this version does not have. Use \
         a unix socket."
    )]
    TcpNeedsEncryption(String),
    /// Someone accepts connections there.
    #[error("Unable to bind to {0:?} on this computer. Another process is already listening there.")]
    AddressInUse(PathBuf),
    /// A file of that name is something else.
    #[error("Unable to bind to {0:?}: there is a file of that name that is not a socket.")]
    NotASocket(PathBuf),
    /// Others could replace the socket.
    #[error("Unable to bind to {0:?}: everyone may write to its directory.")]
    OpenDirectory(PathBuf),
    /// The operating system said no while binding.
    #[error("Unable to bind to {0:?}: {1}")]
    Bind(PathBuf, #[source] io::Error),
    /// The operating system said no while connecting.
    #[error("{}", system_text(.1))]
    Connect(PathBuf, #[source] io::Error),
    /// The listener belongs to someone else.
    #[error("The process that listens at {0:?} runs as another user.")]
    WrongUser(PathBuf),
    /// A thread or an event loop could not be made.
    #[error("Unable to start an IPC connection: {0}")]
    Start(#[source] io::Error),
    /// The other side is for another coin or chain.
    #[error("{0}")]
    Mismatch(String),
    /// The connection ended before the first answer.
    #[error("{0}")]
    Ipc(#[from] interfaces::IpcError),
}

impl Error {
    /// Whether nobody was there, as opposed to someone who refused.
    pub fn is_nobody_there(&self) -> bool {
        use io::ErrorKind::{ConnectionRefused, NotADirectory, NotFound};
        match self {
            Self::Connect(_, error) => matches!(error.kind(), ConnectionRefused | NotFound | NotADirectory),
            Self::PathTooLong(..) | Self::NoUnixSockets => true,
            _ => false,
        }
    }
}

/// The longest path of a unix socket.
pub(crate) const MAX_PATH: usize = 107;

/// The system's words without Rust's number behind them. A socket that is not there reads like one that nobody listens
/// at: our nodes remove theirs when they stop, Core's leave it, and tools know one text for "not running".
fn system_text(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        return "Connection refused".to_owned();
    }
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::Error;

    #[cfg(unix)]
    #[test]
    fn nobody_there_has_one_text() {
        for number in [2, 111] {
            let error = Error::Connect("/nowhere".into(), io::Error::from_raw_os_error(number));
            assert!(error.is_nobody_there());
            assert_eq!(error.to_string(), "Connection refused");
        }
        let denied = Error::Connect("/nowhere".into(), io::Error::from_raw_os_error(13));
        assert!(!denied.is_nobody_there());
        assert_eq!(denied.to_string(), "Permission denied");
    }
}
