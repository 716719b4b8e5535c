//! What every wallet process does first: private files, a clock, and the node's log.

use std::sync::Arc;

use anyhow::Context as _;
use config::Config;
use logging::{LogHandle, Settings};
use platform::{
    Clock, MockableClock, SystemClock,
    sandbox::{self, Mode, Sockets},
};
use tracing::info;

/// Gives up, for good, what a process needs no more once it has started: whoever takes it over finds no way out. A program
/// that the user wants to have started would be locked in too, so then nothing is given up.
pub(crate) fn confine(config: &Config, sockets: Sockets) -> anyhow::Result<()> {
    let args = config.args();
    let Some(mode) = Mode::parse(&args.get_str("sandbox", "1"))? else { return Ok(()) };
    if let Some(name) = ["signer", "walletnotify"].iter().find(|name| !args.get_str(name, "").is_empty()) {
        info!("No sandbox for the wallets: -{name} names a program");
    } else if let Err(problem) = sandbox::confine(sockets, mode) {
        info!("No sandbox for the wallets: {problem}");
    }
    Ok(())
}

/// What a process has before its wallets.
pub(crate) struct Surroundings {
    pub(crate) clock: Arc<MockableClock>,
    pub(crate) log: LogHandle,
}

impl Surroundings {
    /// Sets up this process. There is one in a process.
    pub(crate) fn new(config: &Config) -> anyhow::Result<Self> {
        if !config.args().get_bool("sysperms", false) {
            platform::limits::set_private_umask();
        }
        let clock = Arc::new(MockableClock::new(SystemClock::new()));
        let time = config.args().get_i64("mocktime", 0);
        if time > 0 {
            clock.set_mock_time(time);
        }
        let log = LogHandle::new(Arc::clone(&clock) as Arc<dyn Clock>);
        log.install().context("no log")?;
        log.apply_options(config)?;
        let background = config.args().get_bool("daemon", false) || config.args().get_bool("daemonwait", false);
        log.start(Settings::beside_node(config, !background))?;
        Ok(Self { clock, log })
    }
}
