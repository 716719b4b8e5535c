//! How a POSIX system does what the modules above offer. `windows` is its counterpart: the same names, the same meanings.

pub(crate) mod files;
pub(crate) mod memory;
pub(crate) mod pages;
pub(crate) mod processes;
pub(crate) mod sandbox;
pub(crate) mod signals;
pub(crate) mod terminal;
