//! The life of the wallets beside the node's.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use ::rpc::Registry;
use config::Config;
use interfaces::{Answer, Chain, Failure, Hello, WalletLoader};

use super::child::Plan;
use super::desk::{Absent, Desk};
use super::supervise::Supervisor;
use super::{WalletSource, forward};
use crate::NodeContext;
use crate::chain_iface::NodeChain;

/// How long a wallet process may take to say hello.
const HELLO: Duration = Duration::from_mins(1);

/// How long one may take to close its wallets.
const STOP: Duration = Duration::from_secs(30);

/// Closes wallets, and waits for it no longer than `limit`.
pub(super) fn close(loader: Arc<dyn WalletLoader>, limit: Duration) -> Result<(), String> {
    let (done, told) = channel();
    // Who waits has given up if nobody takes the answer.
    platform::thread::spawn("walletstop", move || drop(done.send(loader.stop()))).map_err(|error| error.to_string())?;
    match told.recv_timeout(limit) {
        Ok(stopped) => stopped.map_err(|error| error.to_string()),
        Err(_) => Err(format!("no answer within {} seconds", limit.as_secs())),
    }
}

/// The wallets of a node.
pub(crate) struct WalletHost {
    source: WalletSource,
    enabled: bool,
    node: Weak<NodeContext>,
    hello: Hello,
    pub(super) desk: Arc<Desk>,
    supervisor: Mutex<Option<Supervisor>>,
}

impl std::fmt::Debug for WalletHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WalletHost")
            .field("source", &self.source)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

impl WalletHost {
    /// Nothing is started yet.
    pub(crate) fn new(source: WalletSource, node: &Arc<NodeContext>, hello: Hello) -> Arc<Self> {
        let wanted = !matches!(source, WalletSource::None) && !node.config.args().get_bool("disablewallet", false);
        let (desk, supervisor) = (Arc::default(), Mutex::default());
        let mut host = Self { source, enabled: wanted, node: Arc::downgrade(node), hello, desk, supervisor };
        host.enabled = wanted && host.is_installed(node);
        Arc::new(host)
    }

    /// Whether wallets are opened at the start and their methods offered.
    pub(crate) fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Starts whatever wallets need. They may be there only later: see [`WalletHost::ready`].
    pub(crate) fn open(&self) -> Result<(), Absent> {
        let node = self.node.upgrade().ok_or(Absent::Stopping)?;
        match &self.source {
            WalletSource::None => Err(Absent::None),
            WalletSource::Local(make) => {
                let chain: Arc<dyn Chain> = Arc::new(NodeChain::new(Arc::clone(&node)));
                let made = make(Arc::clone(&node.config), Arc::clone(&node.clock), chain);
                let loader = made.map_err(|failure| Absent::Failed(failure.0))?;
                self.desk.change(|state| state.loader = Some(loader));
                Ok(())
            }
            WalletSource::Process(arguments) => {
                let mut supervisor = self.supervisor.lock().unwrap_or_else(PoisonError::into_inner);
                if supervisor.is_none() {
                    *supervisor = Some(self.supervise(self.plan(&node.config, arguments)?)?);
                }
                Ok(())
            }
        }
    }

    fn plan(&self, config: &Config, arguments: &[std::ffi::OsString]) -> Result<Plan, Absent> {
        Plan::new(config, arguments, self.hello.clone()).map_err(|error| Absent::Failed(error.to_string()))
    }

    /// Whether there is a program to start. Who installs the node alone gets a node without wallets, unless he names one.
    fn is_installed(&self, node: &NodeContext) -> bool {
        let WalletSource::Process(arguments) = &self.source else { return true };
        let Ok(plan) = self.plan(&node.config, arguments) else { return true };
        if plan.is_possible() || !node.config.args().get_all("wallet").is_empty() {
            return true;
        }
        tracing::warn!("There is no {} beside this program: the node runs without wallets.", plan.program());
        false
    }

    fn supervise(&self, plan: Plan) -> Result<Supervisor, Absent> {
        let failed = |error: &dyn std::fmt::Display| Absent::Failed(error.to_string());
        let node = Weak::clone(&self.node);
        let make_chain = move || Some(Arc::new(NodeChain::new(node.upgrade()?)) as Arc<dyn Chain>);
        Supervisor::start(plan, Box::new(make_chain), Arc::clone(&self.desk)).map_err(|error| failed(&error))
    }

    /// The wallets once they are there, for whoever needs them and starts them if nobody has.
    pub(crate) fn ready(&self) -> Result<Arc<dyn WalletLoader>, Absent> {
        match self.desk.loader() {
            Err(Absent::None) => {
                self.open()?;
                self.desk.wait(HELLO)
            }
            found => found,
        }
    }

    /// The wallets as they are now.
    pub(crate) fn loader(&self) -> Option<Arc<dyn WalletLoader>> {
        self.desk.loader().ok()
    }

    /// Lists the methods of the wallets among the node's.
    pub(crate) fn register(&self, registry: &Registry<NodeContext>) -> Result<(), Absent> {
        let loader = self.ready()?;
        forward::register(&*loader, &self.desk, registry)
    }

    /// Opens the wallets that the settings name. An error ends the start.
    pub(crate) fn load(&self) -> Result<(), Absent> {
        let loader = self.ready()?;
        loader.load()?.map_err(|failure| Absent::Failed(failure.0))?;
        self.desk.change(|state| state.loaded = true);
        self.remember(&*loader);
        Ok(())
    }

    /// Starts background work. Without wallets there is none.
    pub(crate) fn start(&self) {
        let Ok(loader) = self.desk.loader() else { return };
        self.desk.change(|state| state.started = true);
        // A wallet that went away meanwhile starts its work when it is back.
        let _ = loader.start();
    }

    /// Notes which wallets are open, to open them again after a crash.
    pub(super) fn remember(&self, loader: &dyn WalletLoader) {
        if let Ok(names) = loader.list_wallets() {
            self.desk.change(|state| state.open = names.into_iter().collect());
        }
    }

    /// Moves the clock of a test.
    pub(crate) fn set_mock_time(&self, time: i64) {
        let loader = self.desk.change(|state| {
            state.mock_time = Some(time);
            state.loader.clone()
        });
        if let Some(loader) = loader {
            // Gone means that it gets the time when it is back.
            let _ = loader.set_mock_time(time);
        }
    }

    /// Does what timers would do within so many seconds.
    pub(crate) fn mock_scheduler(&self, seconds: i64) {
        if let Ok(loader) = self.desk.loader() {
            let _ = loader.mock_scheduler(seconds);
        }
    }

    /// Takes the wallets of a process that was started by itself.
    pub(crate) fn attach(&self, loader: &Arc<dyn WalletLoader>, registry: &Registry<NodeContext>) -> Answer<()> {
        let taken = self.desk.change(|state| {
            // One that has gone leaves its place to the next.
            let free = !self.enabled && state.loader.as_ref().is_none_or(|old| old.list_wallets().is_err());
            if free {
                state.loader = Some(Arc::clone(loader));
            }
            free
        });
        if !taken {
            return Err(Failure::new("This node has wallets already. Start it with -disablewallet to attach others."));
        }
        forward::register(&**loader, &self.desk, registry).map_err(|absent| Failure(absent.to_string()))
    }

    /// Says what it is told, by way of the wallet process if there is one.
    pub(crate) fn echo(&self, text: &str) -> Result<String, Absent> {
        let echo = self.desk.lock().echo.clone();
        echo.map_or_else(|| Ok(text.to_owned()), |echo| Ok(echo.echo(text)?))
    }

    /// Closes all wallets. When this returns, everything is on disk and no process is left.
    pub(crate) fn stop(&self) {
        let loader = self.desk.change(|state| {
            state.stopping = true;
            state.echo = None;
            state.loader.take()
        });
        if let Some(loader) = loader {
            // Those in this process write to the end; one that hangs elsewhere must not keep the chain from being written.
            let limit = if matches!(self.source, WalletSource::Local(_)) { Duration::MAX } else { STOP };
            if let Err(problem) = close(loader, limit) {
                tracing::warn!("The wallets were not stopped in order: {problem}");
            }
        }
        drop(self.supervisor.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
