//! Descriptors that come from or go to another process: there are none that can be named by a number.

use std::fs::File;
use std::io;

use thiserror::Error;

use crate::socket::LocalSocket;

/// The option by which a parent tells a child the number of its socket.
pub const IPC_FD_OPTION: &str = "-ipcfd";

/// Why a descriptor number cannot be adopted.
#[derive(Debug, Error)]
pub enum AdoptError {
    /// No program inherits any.
    #[error("{IPC_FD_OPTION} is not supported on this operating system")]
    Unsupported,
}

/// Takes the socket that a parent process has passed under `number`. There is none.
pub fn adopt_socket(_number: &str) -> Result<LocalSocket, AdoptError> {
    Err(AdoptError::Unsupported)
}

/// Takes whatever a parent process has passed under `number`, to write to it. There is nothing.
pub fn adopt_writable(number: &str) -> io::Result<File> {
    Err(io::Error::other(format!("no descriptor was passed under number '{number}'")))
}
