//! Calls that have been given to a worker, and what becomes of them when their connection ends.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::thread::lock;

/// What the worker and the loop thread tell each other about a call.
#[derive(Default)]
pub(crate) struct Flight {
    started: AtomicBool,
    cancelled: AtomicBool,
}

impl Flight {
    /// The worker comes to it. `false` if nobody wants it any more: either the worker sees that, or who has cancelled it
    /// sees that it has started.
    pub(crate) fn start(&self) -> bool {
        self.started.store(true, Ordering::SeqCst);
        !self.is_cancelled()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Nobody wants its answer. `true` if it has started.
    pub(crate) fn cancel(&self) -> bool {
        self.cancelled.store(true, Ordering::SeqCst);
        self.has_started()
    }

    fn has_started(&self) -> bool {
        self.started.load(Ordering::SeqCst)
    }
}

/// How a call is woken that waits for something. `false` if nothing waits.
pub(crate) type Wake = Box<dyn Fn() -> bool + Send>;

/// Calls that workers have been given, by number.
#[derive(Default)]
pub(crate) struct Flights {
    flying: Mutex<BTreeMap<u64, (Arc<Flight>, Wake)>>,
    landed: Condvar,
}

impl Flights {
    pub(crate) fn take_off(self: &Arc<Self>, request: u64, flight: &Arc<Flight>, wake: Wake) -> Landing {
        lock(&self.flying).insert(request, (flight.clone(), wake));
        Landing { flights: self.clone(), request }
    }

    /// Waits until none runs, where all have been cancelled; `false` if time is up first. Those that have not started will
    /// not: the thread that they are for may have something better to do for a long time.
    pub(crate) fn wait(&self, limit: Duration) -> bool {
        let flies =
            |flying: &BTreeMap<u64, (Arc<Flight>, Wake)>| flying.values().any(|(flight, _)| flight.has_started());
        let flying = lock(&self.flying);
        let (flying, _) = self
            .landed
            .wait_timeout_while(flying, limit, |flying| flies(flying))
            .unwrap_or_else(PoisonError::into_inner);
        !flies(&flying)
    }

    pub(crate) fn interrupt(&self) {
        for (_, wake) in lock(&self.flying).values() {
            wake();
        }
    }
}

/// Takes a call off the list when it ends, however it ends.
pub(crate) struct Landing {
    flights: Arc<Flights>,
    request: u64,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let flown = lock(&self.flights.flying).remove(&self.request);
        self.flights.landed.notify_all();
        // It may hold the last reference to the object, whose end may take a lock of its own.
        drop(flown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_runs_is_waited_for() {
        let flights = Arc::new(Flights::default());
        let (waits, runs) = (Arc::new(Flight::default()), Arc::new(Flight::default()));
        let _queued = flights.take_off(1, &waits, Box::new(|| false));
        let landing = flights.take_off(2, &runs, Box::new(|| false));
        assert!(runs.start());
        assert!(!waits.cancel());
        assert!(runs.cancel());
        assert!(!flights.wait(Duration::ZERO));
        drop(landing);
        assert!(flights.wait(Duration::ZERO));
        assert!(!waits.start(), "what was cancelled does not run");
    }
}
