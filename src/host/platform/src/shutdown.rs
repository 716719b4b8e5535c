//! The wish to stop, shared by all threads of one node.
//!
//! Signals belong to the process; a [`Shutdown`] belongs to a node, so that tests can run several nodes in one process.
//! The main program connects the two with [`Signals::forward`](crate::Signals::forward). Anybody may ask, and nobody
//! can take it back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A request to stop that can be made, asked for and waited for. Copies share the request.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    shared: Arc<(Mutex<bool>, Condvar)>,
    failed: Arc<AtomicBool>,
}

impl Shutdown {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks everybody to stop.
    pub fn request(&self) {
        let (requested, changed) = &*self.shared;
        *requested.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    /// Asks everybody to stop because something failed that nobody can go on without. Says whether that is the first
    /// such failure.
    pub fn fail(&self) -> bool {
        let first = !self.failed.swap(true, Ordering::AcqRel);
        self.request();
        first
    }

    /// Whether a failure is the reason.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Whether somebody has asked. Long work looks at this between its steps.
    pub fn is_requested(&self) -> bool {
        *self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until somebody asks.
    pub fn wait(&self) {
        let (requested, changed) = &*self.shared;
        let guard = requested.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_while(guard, |requested| !*requested).unwrap_or_else(PoisonError::into_inner));
    }

    /// Waits until somebody asks, but no longer than `timeout`. Says whether somebody has. This is how a thread that
    /// works at intervals sleeps.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        let (requested, changed) = &*self.shared;
        let guard = requested.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = changed.wait_timeout_while(guard, timeout, |requested| !*requested);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Ends this process at once and without a word to anybody, as a crash does, but with the exit code 0.
pub fn vanish() -> ! {
    crate::system::processes::vanish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_wakes_everybody_and_stays() {
        let shutdown = Shutdown::new();
        assert!(!shutdown.wait_timeout(Duration::ZERO));
        assert!(!shutdown.is_requested());
        std::thread::scope(|scope| {
            let waiting = shutdown.clone();
            let first = scope.spawn(move || waiting.wait());
            let second = scope.spawn(|| shutdown.wait_timeout(Duration::from_hours(1)));
            shutdown.clone().request();
            first.join().unwrap();
            assert!(second.join().unwrap());
        });
        assert!(shutdown.is_requested());
        shutdown.wait();
        assert!(shutdown.wait_timeout(Duration::ZERO));
    }

    #[test]
    fn a_failure_is_a_request_that_is_remembered() {
        let shutdown = Shutdown::new();
        shutdown.request();
        assert!(!shutdown.has_failed());
        assert!(shutdown.clone().fail());
        assert!(!shutdown.fail());
        assert!(shutdown.has_failed() && shutdown.is_requested());
    }
}
