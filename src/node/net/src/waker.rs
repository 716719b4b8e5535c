//! How tasks and other threads reach the driver.

use std::fmt::Debug;
use std::sync::{Arc, mpsc::Sender};
use std::time::Duration;

use platform::Clock;

use crate::driver::Input;

/// A way to the driver's queue, with the clock that the driver lives by.
#[derive(Clone)]
pub(crate) struct Waker {
    inputs: Sender<Input>,
    clock: Arc<dyn Clock>,
}

impl Debug for Waker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Waker").finish_non_exhaustive()
    }
}

impl Waker {
    pub(crate) fn new(inputs: Sender<Input>, clock: Arc<dyn Clock>) -> Self {
        Self { inputs, clock }
    }

    /// Puts something into the queue. Tells whether there is still somebody to read it.
    pub(crate) fn tell(&self, input: Input) -> bool {
        self.inputs.send(input).is_ok()
    }

    /// The time since 1970, as the node sees it.
    pub(crate) fn now(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.clock.unix_micros()).unwrap_or(0))
    }
}
