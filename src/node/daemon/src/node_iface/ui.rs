//! What the node says to a person, on whatever screen there is.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use interfaces::{Call, NodeNotifications};
use net::Stopped;
use platform::Audience;

use crate::NodeContext;

/// How often connections are counted while a screen shows their number.
const COUNT: Duration = Duration::from_secs(1);

/// The screens.
pub(crate) struct Ui {
    watchers: Audience<dyn NodeNotifications>,
    /// Connections are being counted.
    counting: AtomicBool,
    /// What the screens were told of the network last.
    network: Mutex<Option<NetworkState>>,
    /// The last error that was shown: it is not shown again when it ends the start.
    last_error: Mutex<String>,
}

/// What a screen shows of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NetworkState {
    pub(super) incoming: u32,
    pub(super) outgoing: u32,
    pub(super) active: bool,
}

impl fmt::Debug for Ui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ui").field("watchers", &self.watchers).finish_non_exhaustive()
    }
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            watchers: Audience::new("guinotify"),
            counting: AtomicBool::default(),
            network: Mutex::default(),
            last_error: Mutex::default(),
        }
    }
}

impl Ui {
    /// Adds a screen. The number takes it away again.
    pub(super) fn watch(&self, watcher: Arc<dyn NodeNotifications>) -> std::io::Result<u64> {
        self.watchers.add(watcher)
    }

    pub(super) fn unwatch(&self, number: u64) {
        self.watchers.remove(number);
    }

    fn tell(&self, tell: impl Fn(&dyn NodeNotifications) -> Call<()> + Send + Sync + 'static) {
        self.watchers.tell(move |watcher| tell(watcher).is_ok());
    }

    /// Shows progress in percent; 100 ends it.
    pub(crate) fn show_progress(&self, title: &str, progress: i32) {
        let title = title.to_owned();
        self.tell(move |watcher| watcher.show_progress(&title, progress));
    }

    /// Tells of connections, or of whether there may be any, if that is news.
    fn network_is(&self, now: NetworkState) {
        let before = self.network.lock().unwrap_or_else(PoisonError::into_inner).replace(now);
        if before != Some(now) {
            let connections = now.incoming.saturating_add(now.outgoing);
            self.tell(move |watcher| watcher.network_changed(connections, now.active));
        }
    }

    /// The warnings changed.
    pub(crate) fn alerts_changed(&self, warnings: &str) {
        let warnings = warnings.to_owned();
        self.tell(move |watcher| watcher.alerts_changed(&warnings));
    }

    /// Whether this is the error that was shown last.
    pub(crate) fn has_shown(&self, error: &str) -> bool {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) == error
    }
}

impl NodeContext {
    /// The network as it is now. Before it runs there is nobody, and whether there may be is what the user said.
    pub(super) fn network_state(&self) -> NetworkState {
        let asked = self.net().and_then(|net| net.call(|net| (net.counts(), net.is_active())));
        let ((incoming, outgoing), active) =
            asked.unwrap_or_else(|_| ((0, 0), self.config.args().get_bool("networkactive", true)));
        let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
        NetworkState { incoming: count(incoming), outgoing: count(outgoing), active }
    }

    /// Switches P2P networking on or off, and tells the screens. Answers whether it is on now.
    pub(crate) fn set_network_active(&self, active: bool) -> Result<bool, Stopped> {
        self.net()?.call(move |net| net.set_active(active))?;
        let now = self.network_state();
        self.ui.network_is(now);
        Ok(now.active)
    }

    /// From now on the screens are told of connections that come and go.
    pub(super) fn count_connections(self: &Arc<Self>) {
        if self.ui.counting.swap(true, Ordering::Relaxed) {
            return;
        }
        let node = Arc::downgrade(self);
        self.scheduler.every(COUNT, move || {
            if let Some(node) = node.upgrade().filter(|node| !node.ui.watchers.is_empty()) {
                node.ui.network_is(node.network_state());
            }
        });
    }

    /// Says what the start is busy with, to clients that ask too early as well.
    pub(crate) fn announce(&self, message: &str) {
        tracing::info!("init message: {message}");
        self.rpc_state.set_warmup_status(message);
        let message = message.to_owned();
        self.ui.tell(move |watcher| watcher.init_message(&message));
    }

    /// Says what a person should know, and goes on.
    pub(crate) fn warn_user(&self, message: &str) {
        tracing::warn!("{message}");
        crate::startup::eprint_line(&format!("Warning: {message}"));
        let message = message.to_owned();
        self.ui.tell(move |watcher| watcher.message_box(&message, "warning"));
    }

    /// Says what went wrong.
    pub(crate) fn show_error(&self, message: &str) {
        tracing::error!("{message}");
        crate::startup::eprint_line(&format!("Error: {message}"));
        message.clone_into(&mut self.ui.last_error.lock().unwrap_or_else(PoisonError::into_inner));
        let message = message.to_owned();
        self.ui.tell(move |watcher| watcher.message_box(&message, "error"));
    }
}
