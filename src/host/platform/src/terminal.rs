//! The terminal that a person types at.

use std::fmt;

use crate::system::terminal::{Before, hide_echo, restore};

/// While it lives, the terminal does not show what is typed.
pub struct HiddenEcho(Before);

impl HiddenEcho {
    /// Hides it, if standard input is a terminal.
    pub fn start() -> Option<Self> {
        hide_echo().map(Self)
    }
}

impl fmt::Debug for HiddenEcho {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HiddenEcho").finish_non_exhaustive()
    }
}

impl Drop for HiddenEcho {
    fn drop(&mut self) {
        restore(&self.0);
    }
}
