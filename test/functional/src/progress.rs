//! What is being played right now, on one line of a terminal that is rewritten. Where nobody watches there is no line.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _, stderr};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Columns that are used.
const WIDTH: usize = 100;
/// Clears the line.
const CLEAR: &str = "\r\x1b[2K";

/// The line.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    total: usize,
    done: usize,
    running: BTreeSet<String>,
}

impl State {
    fn line(&self) -> String {
        let names: Vec<&str> = self.running.iter().map(String::as_str).collect();
        let mut line = format!("[{}/{}] {}", self.done, self.total, names.join(", "));
        if let Some((cut, _)) = line.char_indices().nth(WIDTH) {
            line.truncate(cut);
            line.push('…');
        }
        line
    }
}

impl Progress {
    /// For so many cases.
    pub(crate) fn new(total: usize) -> Progress {
        let state = Mutex::new(State { total, ..State::default() });
        Progress { shown: stderr().is_terminal(), state }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self, text: &str) {
        if self.shown {
            // A terminal that cannot be written to shows nothing else either.
            let _ = write!(stderr(), "{CLEAR}{text}").and_then(|()| stderr().flush());
        }
    }

    /// A case begins.
    pub(crate) fn begin(&self, name: &str) {
        let mut state = self.lock();
        state.running.insert(name.to_owned());
        self.draw(&state.line());
    }

    /// A case has ended; `tell` prints how, above the line.
    pub(crate) fn end(&self, name: &str, tell: impl FnOnce()) {
        let mut state = self.lock();
        state.running.remove(name);
        state.done += 1;
        self.draw("");
        tell();
        if state.done < state.total {
            self.draw(&state.line());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_what_is_played() {
        let progress = Progress { shown: false, state: Mutex::new(State { total: 3, ..State::default() }) };
        progress.begin("b");
        progress.begin("a");
        assert_eq!(progress.lock().line(), "[0/3] a, b");
        let mut told = false;
        progress.end("b", || told = true);
        assert!(told);
        assert_eq!(progress.lock().line(), "[1/3] a");
        progress.begin(&"x".repeat(200));
        assert_eq!(progress.lock().line().chars().count(), WIDTH + 1);
    }
}
