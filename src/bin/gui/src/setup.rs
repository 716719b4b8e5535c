//! What the GUI does first: private files, a clock, and the node's log.

use std::sync::Arc;

use anyhow::Context as _;
use config::Config;
use logging::{LogHandle, Settings};
use platform::{Clock, MockableClock, SystemClock};

/// A log that keeps its lines in memory until it is opened. There is one in a process.
pub(crate) fn log(config: &Config) -> anyhow::Result<LogHandle> {
    if !config.args().get_bool("sysperms", false) {
        platform::limits::set_private_umask();
    }
    let clock = Arc::new(MockableClock::new(SystemClock::new()));
    clock.set_mock_time(config.args().get_i64("mocktime", 0));
    let log = LogHandle::new(clock as Arc<dyn Clock>);
    log.install().context("no log")?;
    log.apply_options(config)?;
    Ok(log)
}

/// Opens the file of the log. Windows do not print to a console unless they are asked to.
pub(crate) fn open(log: &LogHandle, config: &Config) -> anyhow::Result<()> {
    Ok(log.start(Settings::beside_node(config, false))?)
}
