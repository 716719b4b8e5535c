//! What the node says to a person, on whatever screen there is.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use interfaces::{Call, NodeNotifications};

use crate::NodeContext;

type Watcher = (u64, Arc<dyn NodeNotifications>);

/// The screens.
#[derive(Default)]
pub(crate) struct Ui {
    watchers: Mutex<Vec<Watcher>>,
    next: AtomicU64,
    /// Whether P2P networking was switched off.
    network_off: AtomicBool,
    /// The last error that was shown: it is not shown again when it ends the start.
    last_error: Mutex<String>,
}

impl fmt::Debug for Ui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ui").field("watchers", &self.lock().len()).finish_non_exhaustive()
    }
}

impl Ui {
    fn lock(&self) -> MutexGuard<'_, Vec<Watcher>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a screen. The number takes it away again.
    pub(super) fn watch(&self, watcher: Arc<dyn NodeNotifications>) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.lock().push((number, watcher));
        number
    }

    pub(super) fn unwatch(&self, number: u64) {
        let gone: Vec<Watcher> = self.lock().extract_if(.., |(other, _)| *other == number).collect();
        // Its end may take a lock of its own.
        drop(gone);
    }

    fn tell(&self, tell: impl Fn(&dyn NodeNotifications) -> Call<()>) {
        let watchers = self.lock().clone();
        for (number, watcher) in watchers {
            if tell(&*watcher).is_err() {
                self.unwatch(number);
            }
        }
    }

    /// Shows progress in percent; 100 ends it.
    pub(crate) fn show_progress(&self, title: &str, progress: i32) {
        self.tell(|watcher| watcher.show_progress(title, progress));
    }

    /// Connections, or whether there may be any, changed.
    pub(crate) fn network_changed(&self, connections: u32, active: bool) {
        self.tell(|watcher| watcher.network_changed(connections, active));
    }

    /// The warnings changed.
    pub(crate) fn alerts_changed(&self, warnings: &str) {
        self.tell(|watcher| watcher.alerts_changed(warnings));
    }

    /// Whether this is the error that was shown last.
    pub(crate) fn has_shown(&self, error: &str) -> bool {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) == error
    }
}

impl NodeContext {
    /// Whether P2P networking is on.
    pub(crate) fn network_active(&self) -> bool {
        !self.ui.network_off.load(Ordering::Relaxed)
    }

    /// Switches P2P networking on or off.
    pub(crate) fn set_network_active(&self, active: bool) {
        if self.ui.network_off.swap(!active, Ordering::Relaxed) == active {
            self.ui.network_changed(0, active);
        }
    }

    /// Says what the start is busy with, to clients that ask too early as well.
    pub(crate) fn announce(&self, message: &str) {
        tracing::info!("init message: {message}");
        self.rpc_state.set_warmup_status(message);
        self.ui.tell(|watcher| watcher.init_message(message));
    }

    /// Says what a person should know, and goes on.
    pub(crate) fn warn_user(&self, message: &str) {
        tracing::warn!("{message}");
        crate::startup::eprint_line(&format!("Warning: {message}"));
        self.ui.tell(|watcher| watcher.message_box(message, "warning"));
    }

    /// Says what went wrong.
    pub(crate) fn show_error(&self, message: &str) {
        tracing::error!("{message}");
        crate::startup::eprint_line(&format!("Error: {message}"));
        message.clone_into(&mut self.ui.last_error.lock().unwrap_or_else(PoisonError::into_inner));
        self.ui.tell(|watcher| watcher.message_box(message, "error"));
    }
}
