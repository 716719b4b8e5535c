//! From the options of a process to its log.

use config::Config;

use crate::format::Style;
use crate::handle::LogHandle;
use crate::options::OptionError;
use crate::sink::Settings;

impl LogHandle {
    /// Applies what the options say of levels, categories and addresses.
    pub fn apply_options(&self, config: &Config) -> Result<(), OptionError> {
        let args = config.args();
        self.apply_levels(&args.get_all("loglevel"))?;
        self.apply_categories(&args.get_all("debug"), &args.get_all("debugexclude"))?;
        self.set_log_ips(args.get_bool("logips", false));
        Ok(())
    }
}

impl Settings {
    /// What the options of a node say. Unless they say something else, lines are printed if `console`.
    pub fn of_node(config: &Config, console: bool) -> Self {
        let args = config.args();
        let console = args.get_bool("printtoconsole", console);
        Self {
            file: config.file_option("debuglogfile", crate::DEFAULT_LOG_FILE),
            json: args.is_set("logjson").then(|| config.file_option("logjson", "debug.json")).flatten(),
            console: console.then(|| Box::new(std::io::stdout()) as Box<dyn std::io::Write + Send>),
            style: Style {
                timestamps: args.get_bool("logtimestamps", true),
                time_micros: args.get_bool("logtimemicros", false),
                thread_names: args.get_bool("logthreadnames", false),
                source_locations: args.get_bool("logsourcelocations", false),
                level_always: args.get_bool("loglevelalways", false),
            },
            shrink: args.truth("shrinkdebugfile"),
            rate_limit: args.get_bool("logratelimit", true),
        }
    }

    /// The same for a process beside a node. Lines go where the node's go, in whole lines, so that one file tells the whole
    /// story; that file is the node's to shrink.
    pub fn beside_node(config: &Config, console: bool) -> Self {
        Self { json: None, shrink: Some(false), ..Self::of_node(config, console) }
    }
}
