//! Work that is done again and again: one thread, a list of tasks, and a way for tests to skip time.

use std::{
    fmt,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use platform::Clock;

type Work = Arc<dyn Fn() + Send + Sync>;

struct Task {
    due: Duration,
    period: Duration,
    work: Work,
}

#[derive(Default)]
struct State {
    tasks: Vec<Task>,
    closed: bool,
}

/// The list of tasks. Each runs on the scheduler's thread, so it must not take long.
pub struct Scheduler {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    changed: Condvar,
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scheduler").field("tasks", &self.lock().tasks.len()).finish_non_exhaustive()
    }
}

impl Scheduler {
    /// Nothing to do yet. Durations are those of the clock's monotonic reading.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default(), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change leaves the list whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `work` after each `period` from now on.
    pub fn every(&self, period: Duration, work: impl Fn() + Send + Sync + 'static) {
        let due = self.clock.monotonic().saturating_add(period);
        self.lock().tasks.push(Task { due, period, work: Arc::new(work) });
        self.changed.notify_all();
    }

    /// Everything is due so much earlier.
    pub fn forward(&self, by: Duration) {
        for task in &mut self.lock().tasks {
            task.due = task.due.saturating_sub(by);
        }
        self.changed.notify_all();
    }

    /// Ends [`Scheduler::run`], and forgets the tasks.
    pub fn close(&self) {
        *self.lock() = State { tasks: Vec::new(), closed: true };
        self.changed.notify_all();
    }

    /// Does what is due until it is told to end.
    pub fn run(&self) {
        while let Some(work) = self.next() {
            work();
        }
    }

    /// Waits for what is due next.
    fn next(&self) -> Option<Work> {
        let mut state = self.lock();
        while !state.closed {
            let now = self.clock.monotonic();
            let first = state.tasks.iter_mut().min_by_key(|task| task.due);
            let wait = match first {
                Some(task) if task.due <= now => {
                    task.due = now.saturating_add(task.period);
                    return Some(Arc::clone(&task.work));
                }
                Some(task) => Some(task.due.saturating_sub(now)),
                None => None,
            };
            state = match wait {
                Some(wait) => self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0,
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use platform::ManualClock;

    use super::*;

    #[test]
    fn time_that_is_skipped_makes_things_due() {
        let scheduler = Arc::new(Scheduler::new(Arc::new(ManualClock::new(0))));
        let (done, told) = channel();
        for (name, hours) in [("second", 2), ("first", 1)] {
            let done = done.clone();
            scheduler.every(Duration::from_hours(hours), move || done.send(name).unwrap());
        }
        let running = Arc::clone(&scheduler);
        let thread = std::thread::spawn(move || running.run());
        scheduler.forward(Duration::from_hours(1));
        assert_eq!(told.recv().unwrap(), "first");
        scheduler.forward(Duration::from_hours(1));
        let mut both = [told.recv().unwrap(), told.recv().unwrap()];
        both.sort_unstable();
        assert_eq!(both, ["first", "second"]);
        scheduler.close();
        thread.join().unwrap();
        assert!(told.try_recv().is_err(), "nothing is done twice");
    }
}
