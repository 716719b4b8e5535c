//! There is no filter of system calls here.

use std::io;

use super::unsupported;
use crate::sandbox::{Mode, Sockets};

pub(crate) fn confine(_sockets: Sockets, _mode: Mode) -> io::Result<()> {
    Err(unsupported("sandboxes are"))
}
