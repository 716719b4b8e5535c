//! Staying awake for a moment.
//!
//! A client that has its answer often asks again at once, and a worker is often done at once. A thread that went to sleep
//! in between takes about as long to wake up as a small request takes altogether. So the server's thread looks round for
//! a few microseconds before it sleeps, on machines where that keeps nobody else from working.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::Instant;

/// About as long as a thread takes to wake up.
const AWAKE: Duration = Duration::from_micros(50);

/// Keeps the thread awake while something is likely to come.
pub(super) struct Linger {
    until: Cell<Instant>,
    asked: Notify,
    is_useful: bool,
}

impl Linger {
    pub(super) fn new() -> Self {
        Self { until: Cell::new(Instant::now()), asked: Notify::new(), is_useful: platform::machine::cores() > 1 }
    }

    /// Something is likely to come soon.
    pub(super) fn stay(&self) {
        if self.is_useful {
            self.until.set(Instant::now() + AWAKE);
            self.asked.notify_one();
        }
    }

    /// Runs beside all else on the server's thread.
    pub(super) async fn run(&self) {
        loop {
            self.asked.notified().await;
            // Each turn looks at all sockets.
            while Instant::now() < self.until.get() {
                yield_now().await;
            }
        }
    }
}
