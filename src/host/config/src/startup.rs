//! From a command line to a configuration, step by step, in the daemon's order.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use coin::Coin;

use crate::about;
use crate::args::Args;
use crate::argument::is_switch;
use crate::chain;
use crate::command_line::{self, CommandLine};
use crate::conf_files;
use crate::config::{Config, create_dirs};
use crate::error::{ArgumentError, ConfigError, IgnoredConf, ignored_conf_text};
use crate::names::{Role, executable};
use crate::notice::Notice;
use crate::paths::{Env, same_file};
use crate::settings::Settings;
use crate::settings_file;
use crate::table::{Table, table};
use crate::text::{os_bytes, quoted, shown};
use crate::value::Value;

/// What a program is to do next.
#[derive(Debug)]
pub enum Outcome {
    /// Run.
    Run(Box<Config>),
    /// Print and end: help, version, or a tool that was called without what it needs.
    PrintAndExit {
        /// For standard output.
        stdout: String,
        /// For standard error.
        stderr: String,
        /// The exit code.
        code: u8,
    },
    /// Serve the parent process over the socket that it passed as `-ipcfd N`. The parent tells the rest.
    Spawned {
        /// The descriptor's number.
        descriptor: i32,
        /// Arguments behind it.
        arguments: Vec<OsString>,
    },
}

/// Reads the configuration of a program. The first argument is the program's own name.
pub fn load(role: Role, coin: &'static Coin, argv: &[OsString], env: &Env) -> Result<Outcome, ConfigError> {
    Loader { role, coin, env, reset_settings: false, spawned: false }.load(argv)
}

/// Reads the configuration of a wallet that a node has started with these arguments. Its options are the node's, and it
/// changes no file that is the node's.
pub fn load_spawned(coin: &'static Coin, arguments: &[OsString], env: &Env) -> Result<Box<Config>, ConfigError> {
    let argv: Vec<OsString> =
        std::iter::once(executable(coin, Role::Wallet).into()).chain(arguments.iter().cloned()).collect();
    let loader = Loader { role: Role::Wallet, coin, env, reset_settings: false, spawned: true };
    match loader.load(&argv)? {
        Outcome::Run(config) => Ok(config),
        // A node does not pass on what makes it print and end.
        _ => Err(ConfigError::CommandLine(ArgumentError::Unknown("-help".to_owned()))),
    }
}

/// As [`load`], but a settings file that cannot be read is replaced by an empty one, because the user said so.
pub fn load_resetting_settings(
    role: Role,
    coin: &'static Coin,
    argv: &[OsString],
    env: &Env,
) -> Result<Outcome, ConfigError> {
    Loader { role, coin, env, reset_settings: true, spawned: false }.load(argv)
}

struct Loader<'a> {
    role: Role,
    coin: &'static Coin,
    env: &'a Env,
    reset_settings: bool,
    /// The process belongs to a node, which has made and checked everything before.
    spawned: bool,
}

impl Loader<'_> {
    fn load(&self, argv: &[OsString]) -> Result<Outcome, ConfigError> {
        let arguments = argv.get(1..).unwrap_or_default();
        if !self.spawned
            && let Some(spawned) = spawned(self.role, arguments)?
        {
            return Ok(spawned);
        }
        let table = self.table(arguments);
        let mut notices = Vec::new();
        let CommandLine { options, words } =
            command_line::parse(&table, arguments, &mut notices).map_err(ConfigError::CommandLine)?;
        let args = Args::new(table, Settings { command_line: options, ..Settings::default() });

        if let Some(printed) = self.printed(&args, arguments.is_empty()) {
            return Ok(printed);
        }
        if !self.is_tool(&table) {
            self.check_words(arguments)?;
        }
        if self.role == Role::Wallet
            && self.is_tool(&table)
            && let Some(printed) = check_tool_words(self.coin, &words)
        {
            return Ok(printed);
        }
        self.read_files(args, words, notices).map(|config| Outcome::Run(Box::new(config)))
    }

    /// The options that count. The wallet of a running node takes the node's.
    fn table(&self, arguments: &[OsString]) -> Table {
        let attaches = |argument: &OsString| {
            let bytes = os_bytes(argument);
            let name = bytes.strip_prefix(b"--").or_else(|| bytes.strip_prefix(b"-")).unwrap_or_default();
            name.starts_with(b"ipcconnect") || name.starts_with(b"ipcbind")
        };
        let role = match self.role {
            Role::Wallet if self.spawned || arguments.iter().any(attaches) => Role::Node,
            role => role,
        };
        table(self.coin, role)
    }

    /// The program neither runs a node nor belongs to one.
    fn is_tool(&self, table: &Table) -> bool {
        self.role == Role::Cli || table.has_commands()
    }

    fn printed(&self, args: &Args, nothing_said: bool) -> Option<Outcome> {
        let executable = executable(self.coin, self.role);
        let too_few = nothing_said && self.is_tool(args.table());
        let stdout = if args.get_bool("version", false) {
            about::version(self.coin, self.role, &executable)
        } else if too_few || ["?", "h", "help", "help-debug"].into_iter().any(|name| args.is_set(name)) {
            about::help(args.table(), self.role, &executable, args.get_bool("help-debug", false))
        } else {
            return None;
        };
        let stderr = if too_few { "Error: too few parameters\n".to_owned() } else { String::new() };
        Some(Outcome::PrintAndExit { stdout, stderr, code: u8::from(too_few) })
    }

    /// A daemon takes options only; a GUI takes one payment request behind them.
    fn check_words(&self, arguments: &[OsString]) -> Result<(), ConfigError> {
        let scheme = format!("{}:", self.coin.id);
        let mut uri_seen = false;
        for argument in arguments {
            let text = shown(&os_bytes(argument));
            let is_uri =
                self.role.is_gui() && text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(&scheme));
            uri_seen |= is_uri;
            if uri_seen && is_switch(argument) {
                return Err(ConfigError::OptionAfterUri(text));
            }
            if !is_uri && !is_switch(argument) {
                return Err(ConfigError::UnexpectedToken { token: text, executable: executable(self.coin, self.role) });
            }
        }
        Ok(())
    }

    fn read_files(
        &self,
        mut args: Args,
        words: Vec<OsString>,
        mut notices: Vec<Notice>,
    ) -> Result<Config, ConfigError> {
        let tool = self.is_tool(args.table());
        if let Some(path) = conf_files::missing_data_dir(&args, self.env) {
            return Err(ConfigError::NoDataDir(path));
        }
        let ephemeral_dir = if tool { None } else { self.make_ephemeral_dir(&args)? };

        // The file may move the data directory, and cannot be moved by it.
        let first_base = conf_files::base_dir(&args, self.env);
        let mut files = if self.role == Role::Wallet && tool {
            conf_files::ConfFiles::default() // the offline tool reads no configuration file
        } else {
            conf_files::read(&mut args, self.env)?
        };
        let chain = chain::chosen(&args)?;
        args.select_network(chain.kind.name());
        let base_dir = conf_files::base_dir(&args, self.env);
        let net_dir = base_dir.join(chain.datadir_subdir);
        let net_dir = if chain.datadir_subdir.is_empty() { base_dir.clone() } else { net_dir };
        notices.append(&mut files.notices);

        if !tool && !self.spawned {
            if ephemeral_dir.is_none() && args.get_bool("ephemeral", false) {
                notices.push(Notice::warning("ephemeral counts on the command line only and is ignored"));
            }
            for directory in [&base_dir, &net_dir] {
                // A new directory gets one for wallets at once, so that they never mix with other files in it.
                if !directory.exists() {
                    create_dirs(&directory.join("wallets"))?;
                }
            }
            notices.extend(self.ignored_conf(&args, &first_base, files.path.as_deref(), &base_dir)?);
        }
        let settings_file = if tool { None } else { args.get_path("settings", "settings.json") };
        let config = Config {
            role: self.role,
            chain,
            args,
            env: self.env.clone(),
            settings_file: settings_file.map(|path| net_dir.join(path)),
            base_dir,
            net_dir,
            ephemeral_dir,
            conf_path: files.path,
            sections: files.sections,
            notices,
            warnings: files.warnings,
            words,
        };
        self.read_settings(config)
    }

    /// Reads `settings.json`, and writes it back, so that a directory that cannot be written is found out now.
    fn read_settings(&self, mut config: Config) -> Result<Config, ConfigError> {
        let Some(path) = config.settings_file.clone() else { return Ok(config) };
        let read = match settings_file::read(&path) {
            Err(_) if self.reset_settings => settings_file::FileSettings::new(),
            read => read.map_err(ConfigError::SettingsRead)?,
        };
        config.notices.extend(settings_file::unknown(config.args.table(), &read));
        // A wallet has its node change the file, and so has a window: the node may run already.
        if !matches!(self.role, Role::Wallet | Role::Gui) {
            config.write_settings(&read, "").map_err(ConfigError::SettingsWrite)?;
        }
        config.args.settings_mut().file = read;
        Ok(config)
    }

    /// Makes the directory of `-ephemeral` and puts it where `-datadir` is read from.
    fn make_ephemeral_dir(&self, args: &Args) -> Result<Option<PathBuf>, ConfigError> {
        if !args.get_bool("ephemeral", false) {
            return Ok(None);
        }
        if args.is_set("datadir") {
            return Err(ConfigError::EphemeralDataDir);
        }
        let name = format!("{}-ephemeral-{}", self.coin.id, self.env.process_id);
        let directory = self.env.temporary_directory.join(name);
        // Never a directory that is there already: it may be someone else's.
        private_dir(&directory).map_err(|error| ConfigError::CreateDirectory {
            path: directory.display().to_string(),
            reason: error.to_string(),
        })?;
        let value = Value::text(directory.clone().into_os_string());
        args.settings_mut().command_line.insert("datadir".into(), vec![value]);
        Ok(Some(directory))
    }

    /// Notices a configuration file in the data directory that is not the one in use.
    fn ignored_conf(
        &self,
        args: &Args,
        first_base: &Path,
        used: Option<&Path>,
        base_dir: &Path,
    ) -> Result<Option<Notice>, ConfigError> {
        let file = self.coin.conf_file;
        let present = base_dir.join(file);
        if !present.exists() {
            return Ok(None);
        }
        let Some(used) = used else {
            let (directory, file) = (quoted(&base_dir.display().to_string()), quoted(file));
            return Ok(Some(Notice::info(format!(
                "Data directory {directory} contains a {file} file which is explicitly ignored using -noconf."
            ))));
        };
        if same_file(used, &present) {
            return Ok(None);
        }
        let given = args.get_str("conf", "");
        let source = if given.is_empty() {
            format!("data directory {}", quoted(&first_base.display().to_string()))
        } else {
            format!("command line argument {}", quoted(&format!("-conf={given}")))
        };
        let ignored = IgnoredConf {
            datadir: base_dir.display().to_string(),
            file: file.to_owned(),
            used: used.display().to_string(),
            source,
        };
        if args.get_bool("allowignoredconf", false) {
            return Ok(Some(Notice::warning(ignored_conf_text(&ignored, false))));
        }
        Err(ConfigError::IgnoredConf(Box::new(ignored)))
    }
}

/// A program that another one started says so with its first argument.
fn spawned(role: Role, arguments: &[OsString]) -> Result<Option<Outcome>, ConfigError> {
    let may_be = role.is_multiprocess() || role == Role::Wallet;
    let [first, number, rest @ ..] = arguments else { return Ok(None) };
    if !may_be || *first != *"-ipcfd" {
        return Ok(None);
    }
    let parsed = number.to_str().and_then(|number| number.parse::<i32>().ok()).filter(|number| *number >= 0);
    let descriptor = parsed.ok_or_else(|| ConfigError::IpcDescriptor(shown(&os_bytes(number))))?;
    Ok(Some(Outcome::Spawned { descriptor, arguments: rest.to_vec() }))
}

/// The wallet tool needs one command, and its commands take no arguments.
fn check_tool_words(coin: &Coin, words: &[OsString]) -> Option<Outcome> {
    let stderr = match words {
        [] => {
            let tool = executable(coin, Role::Wallet);
            format!("No method provided. Run `{tool} -help` for valid methods.\n")
        }
        [_] => return None,
        [_, rest @ ..] => {
            let rest: Vec<String> = rest.iter().map(|word| shown(&os_bytes(word))).collect();
            format!(
                "Error: Additional arguments provided ({}). Methods do not take arguments. Please refer to `-help`.\n",
                rest.join(", ")
            )
        }
    };
    Some(Outcome::PrintAndExit { stdout: String::new(), stderr, code: 1 })
}

#[cfg(unix)]
fn private_dir(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).create(path)
}

#[cfg(not(unix))]
fn private_dir(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir(path)
}

#[cfg(test)]
mod tests;
