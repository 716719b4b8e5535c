//! Staying awake for a moment.
//!
//! A client that has its answer often asks again at once, and whoever is asked is often done at once. A thread that went
//! to sleep in between takes as long to wake up as a small request takes altogether, and a request to another process
//! wakes one thread after the other. So a thread that serves sockets looks round for a moment before it sleeps, and lets
//! everybody else go first who has something to do.

use std::cell::Cell;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::Instant;

/// A few times as long as a thread takes to wake up: what a request to another process takes there and back.
const AWAKE: Duration = Duration::from_micros(200);

/// Keeps a thread with an event loop awake while something is likely to come.
#[derive(Debug)]
pub struct Linger {
    until: Cell<Instant>,
    asked: Notify,
    is_useful: bool,
}

impl Linger {
    /// For the loop of one thread. Where there is one processor only, it keeps nobody from sleeping.
    #[must_use]
    pub fn new() -> Self {
        Self { until: Cell::new(Instant::now()), asked: Notify::new(), is_useful: platform::machine::cores() > 1 }
    }

    /// Something is likely to come soon.
    pub fn stay(&self) {
        if self.is_useful {
            self.until.set(Instant::now() + AWAKE);
            self.asked.notify_one();
        }
    }

    /// Runs beside all else on that loop.
    pub async fn run(&self) {
        loop {
            self.asked.notified().await;
            while Instant::now() < self.until.get() {
                // Others may be waiting for this processor, among them whoever will wake us.
                std::thread::yield_now();
                // Each turn looks at all sockets.
                yield_now().await;
            }
        }
    }
}

impl Default for Linger {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future as _;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::{Context, Wake};

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicU32);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn it_looks_round_for_a_moment_after_each_call_and_sleeps_then() {
        let linger = Linger { is_useful: true, ..Linger::new() };
        let wakes = Arc::new(Wakes::default());
        let waker = Arc::clone(&wakes).into();
        let mut run = pin!(linger.run());
        // How often it is awake until it sleeps.
        let mut turns = || {
            for turn in 0_u32.. {
                wakes.0.store(0, Ordering::SeqCst);
                assert!(run.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
                if wakes.0.load(Ordering::SeqCst) == 0 {
                    return turn;
                }
            }
            u32::MAX
        };
        assert_eq!(turns(), 0, "nobody has asked");
        // A machine with much to do may let the moment pass before the first look, but not each time.
        let seen = (0..1000).find(|_| {
            let started = Instant::now();
            linger.stay();
            let stayed = turns() > 0;
            assert!(!stayed || started.elapsed() >= AWAKE);
            assert_eq!(turns(), 0, "it sleeps until the next call");
            stayed
        });
        assert!(seen.is_some());
    }

    #[test]
    fn on_one_processor_it_sleeps_at_once() {
        let linger = Linger { is_useful: false, ..Linger::new() };
        linger.stay();
        let wakes = Arc::new(Wakes::default());
        let waker = Arc::clone(&wakes).into();
        assert!(pin!(linger.run()).poll(&mut Context::from_waker(&waker)).is_pending());
        assert_eq!(wakes.0.load(Ordering::SeqCst), 0);
    }
}
