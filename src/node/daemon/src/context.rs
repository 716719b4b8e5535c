//! What RPC methods see of the node.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use ::rpc::{Caller, Code, RpcError, RpcState};
use chainstate::{ChainHandle, Fatal, Reader};
use config::Config;
use consensus::Rules;
use logging::LogHandle;
use mempool::Mempool;
use platform::{Clock, MockableClock};

/// The node's clock: `setmocktime` moves it.
pub type NodeClock = MockableClock;

/// Everything that a method may use.
#[derive(Debug)]
pub struct NodeContext {
    /// What the user said.
    pub config: Arc<Config>,
    /// The way to the validation thread; set when the chain is loaded, which is before any method runs.
    pub(crate) chain: OnceLock<ChainHandle>,
    /// The memory pool; set with the chain.
    pub(crate) mempool: OnceLock<Mempool>,
    /// The rules of the chain.
    pub rules: Arc<dyn Rules>,
    /// The clock.
    pub clock: Arc<NodeClock>,
    /// The log.
    pub log: LogHandle,
    /// Asks the node to stop.
    pub shutdown: platform::Shutdown,
    /// Which requests run, and whether the node is stopping.
    pub rpc_state: Arc<RpcState>,
    /// The descriptions of all methods.
    pub directory: ::rpc::Directory,
    /// When the node started, in seconds that mock time does not move.
    pub started: std::time::Duration,
}

impl NodeContext {
    /// The way to the validation thread.
    pub fn chain(&self) -> &ChainHandle {
        self.chain.get().expect("methods are refused until the chain is loaded")
    }

    /// The memory pool.
    pub fn mempool(&self) -> &Mempool {
        self.mempool.get().expect("methods are refused until the chain is loaded")
    }

    /// Where the pool is kept over a restart.
    pub fn mempool_file(&self) -> PathBuf {
        self.config.net_dir().join("mempool.dat")
    }

    /// The view of the chain that never waits.
    pub fn reader(&self) -> &Reader {
        self.chain().reader()
    }

    /// Runs `work` on the validation thread. A failure there ends the node.
    pub fn validate<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut chainstate::Engine) -> Result<T, Fatal> + Send + 'static,
    ) -> Result<T, RpcError> {
        let done = self
            .chain()
            .call(work)
            .map_err(|stopped| RpcError::new(Code::CLIENT_NOT_CONNECTED, stopped.to_string()))?;
        done.map_err(|e| {
            tracing::error!("A fatal internal error occurred, see debug.log for details: {e}");
            self.shutdown.request();
            RpcError::new(Code::DATABASE_ERROR, e.to_string())
        })
    }

    /// Seconds since 1970, mock time included.
    pub fn now(&self) -> i64 {
        self.clock.unix_seconds()
    }

    /// Waits until `done` answers, the node stops, the caller goes away, or `limit` is over. `None` if it never did.
    pub fn wait_until<T>(
        &self,
        caller: &Caller,
        limit: Option<std::time::Duration>,
        mut done: impl FnMut() -> Option<T>,
    ) -> Option<T> {
        let events = self.reader().subscribe();
        let start = self.clock.monotonic();
        loop {
            if let Some(answer) = done() {
                return Some(answer);
            }
            if !self.rpc_state.is_running() || caller.cancel.is_cancelled() {
                return None;
            }
            let step = std::time::Duration::from_millis(100);
            let left = limit.map_or(step, |l| l.saturating_sub(self.clock.monotonic().saturating_sub(start)).min(step));
            if left.is_zero() {
                return None;
            }
            let _ = events.next_within(left);
        }
    }
}
