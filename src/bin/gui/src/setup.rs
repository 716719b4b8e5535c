//! What the GUI does first: private files, a clock, and the node's log.

use std::sync::Arc;

use anyhow::Context as _;
use config::Config;
use logging::{LogHandle, Settings, Style};
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
    let args = config.args();
    log.apply_levels(&args.get_all("loglevel"))?;
    log.apply_categories(&args.get_all("debug"), &args.get_all("debugexclude"))?;
    Ok(log)
}

/// Lines go where the node's go, in whole lines, so that one file tells the whole story. The file is the node's to
/// shrink. Windows do not print to a console unless they are asked to.
pub(crate) fn open(log: &LogHandle, config: &Config) -> anyhow::Result<()> {
    let args = config.args();
    let console = args.get_bool("printtoconsole", false);
    log.start(Settings {
        file: config.file_option("debuglogfile", "debug.log"),
        json: None,
        console: console.then(|| Box::new(std::io::stdout()) as Box<dyn std::io::Write + Send>),
        style: Style {
            timestamps: args.get_bool("logtimestamps", true),
            time_micros: args.get_bool("logtimemicros", false),
            thread_names: args.get_bool("logthreadnames", false),
            source_locations: args.get_bool("logsourcelocations", false),
            level_always: args.get_bool("loglevelalways", false),
        },
        shrink: Some(false),
        rate_limit: args.get_bool("logratelimit", true),
    })?;
    Ok(())
}
