//! What every wallet process does first: private files, a clock, and the node's log.

use std::sync::Arc;

use anyhow::Context as _;
use config::Config;
use logging::{LogHandle, Settings, Style};
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
        open(&log, config)?;
        Ok(Self { clock, log })
    }
}

/// Lines go where the node's go, in whole lines, so that one file tells the whole story. The file is the node's to shrink.
fn open(log: &LogHandle, config: &Config) -> anyhow::Result<()> {
    let args = config.args();
    log.apply_levels(&args.get_all("loglevel"))?;
    log.apply_categories(&args.get_all("debug"), &args.get_all("debugexclude"))?;
    log.set_log_ips(args.get_bool("logips", false));
    let background = args.get_bool("daemon", false) || args.get_bool("daemonwait", false);
    let console = args.get_bool("printtoconsole", !background);
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
