//! Giving up what a process does not need once it has started, so that whoever takes it over finds little.
//!
//! A filter in the kernel (seccomp) refuses calls with `EPERM`, in every thread. It cannot be taken off again, and programs
//! that the process started would be behind it too, so there are to be none. The kernel's own doors, through which one
//! process reaches into another or code into the kernel, are shut, and so is the way to sockets for those who need no more
//! than they have. Files are not part of it.

use std::{fmt, io};

use crate::system::sandbox as system;

/// Which sockets a process can have after its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sockets {
    /// Those that it has, and pairs of its own.
    Present,
    /// Any.
    Any,
}

/// What happens to a call that was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is refused.
    Refuse,
    /// It is done, and the system's log tells of it.
    Log,
}

impl Mode {
    /// What a user wrote: `1`, `0` for no sandbox at all, or `log`.
    pub fn parse(text: &str) -> Result<Option<Self>, UnknownMode> {
        match text {
            "" | "1" => Ok(Some(Self::Refuse)),
            "0" => Ok(None),
            "log" => Ok(Some(Self::Log)),
            _ => Err(UnknownMode(text.to_owned())),
        }
    }
}

/// A mode that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Unknown mode in -sandbox={0}: it is 1, 0 or log")]
pub struct UnknownMode(String);

/// Why nothing was given up.
#[derive(Debug)]
pub struct Unconfined(pub(crate) io::Error);

impl fmt::Display for Unconfined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the system has no sandbox for this process ({})", crate::system_error_text(&self.0))
    }
}

impl std::error::Error for Unconfined {}

/// Gives up programs, doors, and sockets other than these, for good and in all threads.
pub fn confine(sockets: Sockets, mode: Mode) -> Result<(), Unconfined> {
    system::confine(sockets, mode).map_err(Unconfined)
}
