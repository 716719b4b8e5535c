//! Where the wallets are handed out: whoever starts them puts them here, whoever needs them takes them.

use std::collections::BTreeSet;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::rpc::{Code, RpcError};
use interfaces::{Echo, IpcError, WalletLoader};

/// Why no wallet can be reached.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Absent {
    /// There is none.
    #[error("This node has no wallet.")]
    None,
    /// Its process ended.
    #[error("The wallet process has ended and is being started again. Try again in a few seconds.")]
    Gone,
    /// Its process ended while it worked on the request.
    #[error("The wallet process ended while it worked on this request. It may or may not have been carried out.")]
    Interrupted,
    /// It could not be started.
    #[error("{0}")]
    Failed(String),
    /// The node stops.
    #[error("Shutting down")]
    Stopping,
    /// The road failed in another way.
    #[error("{0}")]
    Road(IpcError),
}

impl From<IpcError> for Absent {
    fn from(error: IpcError) -> Self {
        match error {
            IpcError::Disconnected => Self::Gone,
            IpcError::Interrupted => Self::Interrupted,
            other => Self::Road(other),
        }
    }
}

impl From<Absent> for RpcError {
    fn from(absent: Absent) -> Self {
        let code = match absent {
            Absent::None => Code::MISC,
            Absent::Stopping => Code::CLIENT_NOT_CONNECTED,
            _ => Code::WALLET_ERROR,
        };
        Self::new(code, absent.to_string())
    }
}

/// What is known of the wallets.
#[derive(Default)]
pub(super) struct State {
    /// The way to them; none while there is none.
    pub(super) loader: Option<Arc<dyn WalletLoader>>,
    /// What tests the connection to their process, if they have one.
    pub(super) echo: Option<Arc<dyn Echo>>,
    /// Why there is none, if that is known.
    pub(super) trouble: Option<Absent>,
    /// The wallets of the settings were opened: a wallet process that is started again opens them by itself.
    pub(super) loaded: bool,
    /// Background work was started.
    pub(super) started: bool,
    /// What was open when we last looked.
    pub(super) open: BTreeSet<String>,
    /// The time of a test, if it was set since the start.
    pub(super) mock_time: Option<i64>,
    /// The node stops.
    pub(super) stopping: bool,
}

/// The desk.
#[derive(Default)]
pub(super) struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

impl Desk {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known, and wakes whoever waits for it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_all();
        result
    }

    /// The wallets as they are now.
    pub(super) fn loader(&self) -> Result<Arc<dyn WalletLoader>, Absent> {
        let state = self.lock();
        if state.stopping {
            return Err(Absent::Stopping);
        }
        state.loader.clone().ok_or_else(|| state.trouble.clone().unwrap_or(Absent::None))
    }

    /// The wallets, as soon as somebody has put them here or said why not.
    pub(super) fn wait(&self, limit: Duration) -> Result<Arc<dyn WalletLoader>, Absent> {
        let waiting = |state: &mut State| state.loader.is_none() && state.trouble.is_none() && !state.stopping;
        drop(self.changed.wait_timeout_while(self.lock(), limit, waiting));
        self.loader()
    }
}
