//! What every wallet process does first: private files, a clock, and the node's log.

use std::sync::Arc;

use anyhow::Context as _;
use config::Config;
use logging::{LogHandle, Settings};
use platform::{Clock, MockableClock, SystemClock};

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
