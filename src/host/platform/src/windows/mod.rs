//! How Windows does what the modules above offer. `unix` is its counterpart: the same names, the same meanings.
//!
//! What it does not have is refused with one error (`unsupported`), and never half done: sockets in the file system,
//! inherited descriptors, going to the background.

use std::io;

pub(crate) mod files;
pub(crate) mod memory;
pub(crate) mod pages;
pub(crate) mod processes;
pub(crate) mod sandbox;
pub(crate) mod signals;
pub(crate) mod terminal;

/// What is asked of a system that does not have it.
pub(crate) fn unsupported(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("{what} not supported on this operating system"))
}

/// The system's functions answer with zero when they fail, and leave the reason elsewhere.
fn check(answer: i32) -> io::Result<()> {
    if answer == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
