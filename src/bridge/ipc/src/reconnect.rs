//! A peer that is found again after it was gone.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use interfaces::IpcError;

use crate::error::Error;
use crate::ipc::Peer;
use crate::thread::lock;

/// How long to wait between attempts: twice as long each time, up to a bound.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// After the first failure.
    pub first: Duration,
    /// At most.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(100), longest: Duration::from_secs(5) }
    }
}

/// What happens to a peer.
#[derive(Debug, Clone)]
pub enum Change {
    /// It is there, for the first time or again. Objects of its former life are dead: ask for new ones.
    Here(Peer),
    /// It is gone. Calls end with [`IpcError::Disconnected`] until it is back.
    Gone,
    /// An attempt failed; there will be another.
    Failed(Arc<Error>),
}

#[derive(Default)]
struct State {
    peer: Option<Peer>,
    stopped: bool,
    /// Counts changes, to wake whoever waits for one.
    version: u64,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    wake: Condvar,
}

impl Shared {
    fn change(&self, f: impl FnOnce(&mut State)) {
        let mut state = lock(&self.state);
        f(&mut state);
        state.version += 1;
        drop(state);
        self.wake.notify_all();
    }

    /// Sleeps until `wake` or until time is up. Returns whether it is time to stop.
    fn sleep(&self, limit: Duration, wake: impl Fn(&State) -> bool) -> bool {
        let state = lock(&self.state);
        let (state, _) = self
            .wake
            .wait_timeout_while(state, limit, |state| !state.stopped && !wake(state))
            .unwrap_or_else(PoisonError::into_inner);
        state.stopped
    }
}

/// Keeps a connection: connects, waits until it is lost, and connects again.
pub struct Reconnecting {
    shared: Arc<Shared>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl std::fmt::Debug for Reconnecting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reconnecting").finish_non_exhaustive()
    }
}

impl Reconnecting {
    /// Starts. `connect` makes one attempt: connects to a socket, or starts the process and attaches to it. `on_change`
    /// is told what happens, in order, on the thread that does all this.
    pub fn start(
        mut connect: impl FnMut() -> Result<Peer, Error> + Send + 'static,
        backoff: Backoff,
        mut on_change: impl FnMut(Change) + Send + 'static,
    ) -> Result<Self, Error> {
        let shared = Arc::new(Shared::default());
        let ours = shared.clone();
        let thread = std::thread::Builder::new()
            .name("ipc-reconnect".to_owned())
            .spawn(move || {
                let mut pause = backoff.first;
                loop {
                    match connect() {
                        Ok(peer) => {
                            pause = backoff.first;
                            ours.change(|state| state.peer = Some(peer.clone()));
                            on_change(Change::Here(peer.clone()));
                            let wake = ours.clone();
                            peer.on_disconnect(move || wake.change(|_| ()));
                            let stop = ours.sleep(Duration::MAX, |_| !peer.is_connected());
                            ours.change(|state| state.peer = None);
                            if stop {
                                return;
                            }
                            on_change(Change::Gone);
                        }
                        Err(error) => on_change(Change::Failed(Arc::new(error))),
                    }
                    if ours.sleep(pause, |_| false) {
                        return;
                    }
                    pause = (pause * 2).min(backoff.longest);
                }
            })
            .map_err(Error::Start)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// The peer, if it is there now.
    pub fn peer(&self) -> Result<Peer, IpcError> {
        lock(&self.shared.state).peer.clone().filter(Peer::is_connected).ok_or(IpcError::Disconnected)
    }

    /// The peer, when it is there; an error if that takes too long.
    pub fn wait(&self, limit: Duration) -> Result<Peer, IpcError> {
        self.shared.sleep(limit, |state| state.peer.as_ref().is_some_and(Peer::is_connected));
        self.peer()
    }
}

impl Drop for Reconnecting {
    fn drop(&mut self) {
        self.shared.change(|state| state.stopped = true);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
