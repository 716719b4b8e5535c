//! The terminal.

use std::io;
use std::os::fd::AsFd;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

/// What the terminal was set to before its echo was taken away.
pub(crate) struct Before(Termios);

/// Standard input, if it is a terminal, shows no more what is typed.
pub(crate) fn hide_echo() -> Option<Before> {
    let terminal = io::stdin();
    let before = tcgetattr(terminal.as_fd()).ok()?;
    let mut hidden = before.clone();
    hidden.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(terminal.as_fd(), SetArg::TCSANOW, &hidden).ok()?;
    Some(Before(before))
}

/// Back to what was.
pub(crate) fn restore(before: &Before) {
    // If the terminal has gone there is nothing to restore.
    let _ = tcsetattr(io::stdin().as_fd(), SetArg::TCSANOW, &before.0);
}
