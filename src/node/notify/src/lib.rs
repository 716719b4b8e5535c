//! Telling the operator's own programs what happens, by running the commands that he configured.
//!
//! What flows through, in order:
//!
//! 1. [`Commands`] holds the four options as they were given. An empty one is no command.
//! 2. The daemon calls [`Commands::started`], [`Commands::block`] and [`Commands::alert`] when something happens. Each
//!    command gets a shell on a thread of its own and runs as long as it wants; nobody waits for it.
//! 3. [`Commands::stopping`] runs the commands of the shutdown side by side and waits for all of them.
//!
//! Other programs subscribe instead: [`zmq`] publishes blocks and transactions to them.
//!
//! What goes into a command comes from the network only as a hash, or as a text from which everything that a shell could
//! misunderstand was taken. A command that fails is logged and changes nothing. What runs at the same time is bounded:
//! beyond that a command is left out, with a warning.

pub mod zmq;

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::warn;

/// So many commands run at the same time.
const MAX_RUNNING: usize = 256;

/// The commands, as the options give them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// `-startupnotify`
    pub startup: String,
    /// `-blocknotify`
    pub block: String,
    /// `-alertnotify`
    pub alert: String,
    /// `-shutdownnotify`, each.
    pub shutdown: Vec<String>,
}

/// Runs a command in a shell and waits for it.
pub type Shell = fn(&str) -> io::Result<ExitStatus>;

/// Runs the operator's commands.
#[derive(Debug)]
pub struct Commands {
    options: Options,
    shell: Shell,
    running: Arc<AtomicUsize>,
}

impl Commands {
    /// With the system's shell.
    pub fn new(options: Options) -> Self {
        Self::with_shell(options, platform::shell::run)
    }

    /// With another shell.
    pub fn with_shell(options: Options, shell: Shell) -> Self {
        Self { options, shell, running: Arc::default() }
    }

    /// Whether somebody wants to know of blocks.
    pub fn wants_blocks(&self) -> bool {
        !self.options.block.is_empty()
    }

    /// The start is done.
    pub fn started(&self) {
        self.run(self.options.startup.clone());
    }

    /// The chain has a new tip. `hash` is as the daemon prints it.
    pub fn block(&self, hash: &str) {
        self.run(self.options.block.replace("%s", hash));
    }

    /// Something is wrong that a person should know.
    pub fn alert(&self, text: &str) {
        let quoted = platform::shell::quote(&harmless(text));
        self.run(self.options.alert.replace("%s", &quoted));
    }

    /// The shutdown begins when the commands of it have ended.
    pub fn stopping(&self) {
        std::thread::scope(|scope| {
            for command in self.options.shutdown.iter().filter(|command| !command.is_empty()) {
                scope.spawn(|| attempt(self.shell, command));
            }
        });
    }

    fn run(&self, command: String) {
        if command.is_empty() {
            return;
        }
        let running = Running::begin(&self.running);
        if self.running.load(Ordering::Relaxed) > MAX_RUNNING {
            warn!("Too many commands run at the same time; not run: {command}");
            return;
        }
        let shell = self.shell;
        let spawned = platform::thread::spawn("notify", move || {
            attempt(shell, &command);
            drop(running);
        });
        if let Err(error) = spawned {
            warn!("Cannot run a command: {error}");
        }
    }
}

/// Counts a command as running.
struct Running(Arc<AtomicUsize>);

impl Running {
    fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn attempt(shell: Shell, command: &str) {
    match shell(command) {
        Ok(status) if status.success() => {}
        Ok(status) => {
            let number = status.code().unwrap_or(-1);
            warn!("runCommand error: system({command}) returned {number}");
        }
        Err(error) => warn!("runCommand error: system({command}): {error}"),
    }
}

/// The characters that mean nothing to a shell inside of quotes.
fn harmless(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || " .,;-_/:?@()".contains(*c)).collect()
}

#[cfg(test)]
mod tests;
