//! What RPC methods see of the node.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, OnceLock},
};

use ::rpc::{Caller, Code, RpcError, RpcState};
use bitcoin::OutPoint;
use chainstate::{ChainHandle, Fatal, Reader};
use config::Config;
use consensus::Rules;
use logging::LogHandle;
use mempool::Mempool;
use platform::{Clock, MockableClock};
use primitives::{Tx, TxOutEntry};
use store::StoreError;

use crate::{
    chain_iface::Feed,
    library::Library,
    mining::{Miner, TipSignal},
    node_iface::Ui,
    rpc::Scan,
    scheduler::Scheduler,
    wallet_host::WalletHost,
    warnings::Warnings,
};

/// The node's clock: `setmocktime` moves it.
pub type NodeClock = MockableClock;

/// The height of coins that no block has made yet.
const MEMPOOL_HEIGHT: u32 = 0x7fff_ffff;

/// Everything that a method may use.
#[derive(Debug)]
pub struct NodeContext {
    /// What the user said.
    pub config: Arc<Config>,
    /// The way to the validation thread; set when the chain is loaded, which is before any method runs.
    pub(crate) chain: OnceLock<ChainHandle>,
    /// The memory pool; set with the chain.
    pub(crate) mempool: OnceLock<Mempool>,
    /// What makes blocks; set with the chain.
    pub(crate) miner: OnceLock<Arc<Miner>>,
    /// The network; set last.
    pub(crate) net: OnceLock<net::Network>,
    /// The indexes; set with the chain.
    pub(crate) library: OnceLock<Library>,
    /// The wallets; set before anybody asks.
    pub(crate) wallets: OnceLock<Arc<WalletHost>>,
    /// What happens to the chain and to the pool, in one order.
    pub(crate) feed: Feed,
    /// What is published to programs that subscribe.
    pub(crate) publisher: OnceLock<Arc<notify::zmq::Publisher>>,
    /// What the operator's own programs are told.
    pub(crate) commands: Arc<notify::Commands>,
    /// What is wrong at the moment.
    pub(crate) warnings: Warnings,
    /// What a person is told.
    pub(crate) ui: Ui,
    /// What is done again and again.
    pub scheduler: Arc<Scheduler>,
    /// Rings when the tip has changed.
    pub tip_signal: Arc<TipSignal>,
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
    /// Scans that run.
    pub scans: Scans,
    /// When the node started, in seconds that mock time does not move.
    pub started: std::time::Duration,
}

/// The scans of which only one of a kind may run at a time.
#[derive(Debug, Default)]
pub struct Scans {
    /// Of the UTXO set.
    pub coins: Scan,
    /// Of block filters.
    pub filters: Scan,
    /// Of the coins that `fundaddress` pays from, and what is done with them.
    pub funds: Mutex<()>,
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

    /// What makes blocks.
    pub fn miner(&self) -> &Arc<Miner> {
        self.miner.get().expect("methods are refused until the chain is loaded")
    }

    /// The indexes.
    pub fn library(&self) -> &Library {
        self.library.get().expect("methods are refused until the chain is loaded")
    }

    /// The wallets. There is a host for them in every node that runs.
    pub(crate) fn wallets(&self) -> Result<&Arc<WalletHost>, RpcError> {
        self.wallets.get().ok_or_else(|| RpcError::misc("This node has no wallet."))
    }

    /// What an output of the chain or of the pool holds, whether or not the pool spends it.
    pub fn coin(&self, out: &OutPoint) -> Result<Option<TxOutEntry>, StoreError> {
        let of_pool = || {
            let pool = self.mempool().read();
            let parent = &pool.entry(&out.txid)?.tx;
            self.reader().codec().new_coin(parent, usize::try_from(out.vout).ok()?, MEMPOOL_HEIGHT)
        };
        Ok(self.reader().coin(out)?.or_else(of_pool))
    }

    /// What a transaction of the pool spends; `None` if a block has taken some of it in the meantime.
    pub fn spent_by(&self, tx: &Tx) -> Result<Option<Vec<TxOutEntry>>, StoreError> {
        tx.inputs().iter().map(|input| self.coin(&input.previous_output)).collect()
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
            crate::startup::abort(&self.shutdown, &e);
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
