//! From a configuration to an exit code: in the background if asked, and with every failure told to whoever started it.

use std::io::Write as _;
use std::sync::Arc;

use chainstate::LoadError;
use config::{Config, ConfigError};
use logging::LogHandle;
use platform::{
    Clock, DirectoryLock, MockableClock, Shutdown, SystemClock,
    daemonize::{Forked, StartReport, daemonize},
    socket::LocalSocket,
};
use tracing::error;

use crate::{WalletSource, node::Node, options::BadOption, server::ServerError, wallet_host::Absent};

/// What failures begin with that no option would help against.
const FATAL: &str = "A fatal internal error occurred, see debug.log for details: ";

/// Why the node did not start. The text is what the daemon prints behind `Error: `.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Option(#[from] BadOption),
    #[error(transparent)]
    Rules(#[from] consensus::UnsupportedRules),
    #[error(transparent)]
    Lock(#[from] platform::LockError),
    #[error(transparent)]
    Pid(#[from] platform::pidfile::PidFileError),
    #[error("{0}")]
    Daemonize(#[from] platform::daemonize::DaemonError),
    #[error(transparent)]
    Ipc(#[from] ipc::Error),
    #[error("Unable to start HTTP server. See debug log for details.")]
    Server(#[source] ServerError),
    #[error(transparent)]
    Net(net::NetError),
    #[error("{0}")]
    Load(#[from] LoadError),
    /// What is on disk cannot be used as it is.
    #[error("{0}.\nPlease restart with -reindex or -reindex-chainstate to recover.")]
    Unusable(String),
    #[error(transparent)]
    Index(#[from] indexes::IndexError),
    #[error(transparent)]
    Wallet(Absent),
    /// What follows on the chain cannot be verified.
    #[error("{0}")]
    Frontier(String),
    /// Why was shown by whoever failed.
    #[error("the start has failed")]
    Told,
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

impl StartError {
    /// What whoever started the node reads. Where a rebuild helps, the daemon puts it as a question.
    fn told(&self) -> String {
        let text = self.text();
        match self {
            _ if self.asks() => text,
            // The reference notices when it has all but started.
            Self::Index(indexes::IndexError::Pruned { .. }) => {
                format!("Error: {text}\nError: {FATAL}Failed to start indexes, shutting down…")
            }
            _ => format!("Error: {text}"),
        }
    }

    /// The same without a word in front.
    fn text(&self) -> String {
        match self {
            Self::Load(e) if e.reindex_helps() => Self::Unusable(e.to_string()).to_string(),
            _ => self.to_string(),
        }
    }

    /// Whether a rebuild helps.
    fn asks(&self) -> bool {
        match self {
            Self::Unusable(_) => true,
            Self::Load(e) => e.reindex_helps(),
            _ => false,
        }
    }
}

/// Runs a node, with wallets from where `wallets` says, until somebody asks it to stop. Answers the exit code.
pub fn run(config: Config, wallets: WalletSource) -> u8 {
    run_for(config, wallets, None)
}

/// As [`run`], as the child of the program at the other end of this socket: it ends when that hangs up.
pub fn run_for(config: Config, wallets: WalletSource, parent: Option<LocalSocket>) -> u8 {
    let clock = Arc::new(MockableClock::new(SystemClock::new()));
    let log = LogHandle::new(Arc::clone(&clock) as Arc<dyn Clock>);
    match start_in_background(&config) {
        Ok(Background::Launcher(code)) => code,
        Ok(Background::Here(report)) => {
            let shutdown = Shutdown::new();
            let start = || {
                let node = Node::start(config, clock, log, &shutdown, wallets)?;
                match parent.map_or(Ok(()), |parent| node.serve_parent(parent)) {
                    Ok(()) => Ok(node),
                    Err(error) => {
                        node.stop();
                        Err(error)
                    }
                }
            };
            match start() {
                Ok(node) => {
                    if let Some(report) = report {
                        report.started();
                    }
                    node.wait_and_stop();
                    u8::from(shutdown.has_failed())
                }
                Err(e) => {
                    if !matches!(e, StartError::Told) {
                        error!("{e}");
                        eprint_line(&e.told());
                    }
                    if let Some(report) = report {
                        report.failed();
                    }
                    1
                }
            }
        }
        Err(e) => {
            eprint_line(&format!("Error: {e}"));
            1
        }
    }
}

/// As [`run`], in a thread of a program that shows it: `ready` gets the node when all has started, and who holds `shutdown`
/// ends it. A failure is what is to be shown.
pub fn run_shown(
    config: Config,
    wallets: WalletSource,
    shutdown: &Shutdown,
    ready: impl FnOnce(Arc<dyn interfaces::Node>),
) -> Result<(), String> {
    let clock = Arc::new(MockableClock::new(SystemClock::new()));
    let log = LogHandle::new(Arc::clone(&clock) as Arc<dyn Clock>);
    let node = Node::start(config, clock, log, shutdown, wallets).map_err(|e| {
        error!("{e}");
        e.text()
    })?;
    if let Some(shown) = node.shown() {
        ready(shown);
    }
    node.wait_and_stop();
    if shutdown.has_failed() { Err("The node has failed; debug.log says why.".to_owned()) } else { Ok(()) }
}

/// Something failed that the node cannot go on without: it is told, once, and everything stops.
pub(crate) fn abort(shutdown: &Shutdown, why: &dyn std::fmt::Display) {
    let text = format!("{FATAL}{why}");
    error!("{text}");
    if shutdown.fail() {
        eprint_line(&format!("Error: {text}"));
    }
}

/// Tells whoever started the node. That a line cannot be written, as on a full disk, is no reason to fail in what led to it.
pub(crate) fn eprint_line(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", line.trim_end());
}

enum Background {
    /// This process only waited for the daemon.
    Launcher(u8),
    /// This process is the node; a launcher may wait for its report.
    Here(Option<StartReport>),
}

/// Forks if the node is to run in the background. Threads do not survive that, so it comes before any is started.
fn start_in_background(config: &Config) -> Result<Background, StartError> {
    let args = config.args();
    let wait = args.get_bool("daemonwait", false);
    if !wait && !args.get_bool("daemon", false) {
        return Ok(Background::Here(None));
    }
    platform::daemonize::supported()?;
    // Held later, by the daemon itself; probed now, so that a mistake is told on this terminal.
    DirectoryLock::probe(config.net_dir(), config.coin().client_name)?;
    let _ = writeln!(std::io::stdout(), "{} starting", config.coin().client_name);
    match daemonize()? {
        Forked::Launcher(start) if wait => {
            let started = start.wait();
            if !started {
                let log = config.file_option("debuglogfile", "debug.log").unwrap_or_default();
                let name = log.file_name().unwrap_or_default().to_string_lossy();
                eprint_line(&format!("Error during initialization - check {name} for details"));
            }
            Ok(Background::Launcher(u8::from(!started)))
        }
        Forked::Launcher(_) => Ok(Background::Launcher(0)),
        Forked::Daemon(report) => Ok(Background::Here(Some(report))),
    }
}
