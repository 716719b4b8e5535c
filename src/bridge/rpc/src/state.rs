//! What methods and the server share: whether the daemon is starting or stopping, and which requests run.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use platform::Clock;

use crate::error::{Code, RpcError};

/// The state of the RPC server.
#[derive(Debug)]
pub struct RpcState {
    clock: Arc<dyn Clock>,
    running: AtomicBool,
    warmup: Mutex<Option<String>>,
    active: Mutex<Active>,
}

#[derive(Debug, Default)]
struct Active {
    next: u64,
    commands: BTreeMap<u64, (String, Duration)>,
}

/// A request that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveCommand {
    /// Its method.
    pub method: String,
    /// For how long.
    pub duration: Duration,
}

impl RpcState {
    /// Starting: every request is answered with an error until [`RpcState::finish_warmup`].
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            running: AtomicBool::new(true),
            warmup: Mutex::new(Some("RPC server started".to_owned())),
            active: Mutex::default(),
        }
    }

    /// What requests are told while the daemon starts.
    pub fn set_warmup_status(&self, status: impl Into<String>) {
        let mut warmup = self.warmup.lock().unwrap_or_else(PoisonError::into_inner);
        if warmup.is_some() {
            *warmup = Some(status.into());
        }
    }

    /// From now on requests are answered.
    pub fn finish_warmup(&self) {
        *self.warmup.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What the daemon is doing while it starts; none when it has started.
    pub fn warmup_status(&self) -> Option<String> {
        self.warmup.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on methods that wait give up.
    pub fn interrupt(&self) {
        self.running.store(false, Ordering::SeqCst);
    }

    /// Whether methods may go on.
    pub fn is_running(&self) -> bool {
        self.running.load(Ordering::SeqCst)
    }

    /// The error of a method that gives up because the daemon stops; methods that loop call it now and then.
    pub fn interruption_point(&self) -> Result<(), RpcError> {
        if self.is_running() { Ok(()) } else { Err(RpcError::new(Code::CLIENT_NOT_CONNECTED, "Shutting down")) }
    }

    /// The requests that run, oldest first.
    pub fn active_commands(&self) -> Vec<ActiveCommand> {
        let now = self.clock.monotonic();
        let active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        let command = |(method, start): &(String, Duration)| ActiveCommand {
            method: method.clone(),
            duration: now.saturating_sub(*start),
        };
        active.commands.values().map(command).collect()
    }

    /// Counts a request as running until the guard is dropped.
    pub(crate) fn begin(&self, method: &str) -> Running<'_> {
        let start = self.clock.monotonic();
        let mut active = self.active.lock().unwrap_or_else(PoisonError::into_inner);
        let number = active.next;
        active.next += 1;
        active.commands.insert(number, (method.to_owned(), start));
        Running { state: self, number }
    }
}

pub(crate) struct Running<'a> {
    state: &'a RpcState,
    number: u64,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.state.active.lock().unwrap_or_else(PoisonError::into_inner).commands.remove(&self.number);
    }
}
