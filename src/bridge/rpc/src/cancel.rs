//! Tells a method that takes long that nobody waits for its answer any more.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Shared by the connection, which cancels, and the method, which looks or asks to be called.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Inner>);

type Callback = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Inner {
    cancelled: AtomicBool,
    callbacks: Mutex<Vec<Callback>>,
}

impl Cancel {
    /// Not cancelled.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the client has gone or the server stops.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    /// Calls `callback` once when that happens, or now if it has. It runs on the server's thread and must not block:
    /// typically it notifies the condition variable that the method waits on.
    pub fn on_cancel(&self, callback: impl FnOnce() + Send + 'static) {
        let mut callbacks = self.0.callbacks.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_cancelled() {
            drop(callbacks);
            callback();
        } else {
            callbacks.push(Box::new(callback));
        }
    }

    /// Cancels. Later calls do nothing.
    pub fn cancel(&self) {
        let mut callbacks = self.0.callbacks.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.cancelled.store(true, Ordering::SeqCst);
        let due = std::mem::take(&mut *callbacks);
        drop(callbacks);
        for callback in due {
            callback();
        }
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Cancel").field(&self.is_cancelled()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    #[test]
    fn callbacks_run_once_whenever_they_were_added() {
        let (cancel, count) = (Cancel::new(), Arc::new(AtomicU32::new(0)));
        let add = || {
            let count = Arc::clone(&count);
            cancel.on_cancel(move || {
                count.fetch_add(1, Ordering::SeqCst);
            });
        };
        add();
        assert!(!cancel.is_cancelled());
        assert_eq!(count.load(Ordering::SeqCst), 0);
        cancel.clone().cancel();
        cancel.cancel();
        assert!(cancel.is_cancelled());
        assert_eq!(count.load(Ordering::SeqCst), 1);
        add();
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }
}
