//! A program's configuration once it is read: chain, directories, options.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use coin::{Chain, Coin};

use crate::args::Args;
use crate::conf::SectionInfo;
use crate::error::{ConfigError, SettingsError};
use crate::names::{Role, executable};
use crate::notice::Notice;
use crate::paths::{Env, default_data_dir};
use crate::settings_file;
use crate::spec::Category;
use crate::value::Value;

/// The releases that `-rpccompat` knows.
const OLD_RELEASES: std::ops::RangeInclusive<u32> = 29..=31;
/// Parts of answers, and methods, that are gone, each with the last release that had it without being asked.
const GONE_SINCE: [(&str, u32); 5] =
    [("bip125", 31), ("fullrbf", 31), ("psbtv0", 31), ("removeprunedfunds", 31), ("startingheight", 30)];

/// What the user said, and what follows from it.
#[derive(Debug)]
pub struct Config {
    pub(crate) role: Role,
    pub(crate) chain: &'static Chain,
    pub(crate) args: Args,
    pub(crate) env: Env,
    pub(crate) base_dir: PathBuf,
    pub(crate) net_dir: PathBuf,
    pub(crate) ephemeral_dir: Option<PathBuf>,
    pub(crate) conf_path: Option<PathBuf>,
    pub(crate) settings_file: Option<PathBuf>,
    pub(crate) sections: Vec<SectionInfo>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) warnings: Vec<String>,
    pub(crate) words: Vec<OsString>,
}

impl Config {
    /// The program's role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The coin.
    pub fn coin(&self) -> &'static Coin {
        self.args.table().coin()
    }

    /// The chain.
    pub fn chain(&self) -> &'static Chain {
        self.chain
    }

    /// The options.
    pub fn args(&self) -> &Args {
        &self.args
    }

    /// The program's name for messages.
    pub fn executable(&self) -> String {
        executable(self.coin(), self.role)
    }

    /// The data directory of all networks.
    pub fn base_dir(&self) -> &Path {
        &self.base_dir
    }

    /// The data directory of the chosen chain.
    pub fn net_dir(&self) -> &Path {
        &self.net_dir
    }

    /// The release whose answers `-rpccompat` asks for. An error is a release that nobody can ask for.
    pub fn rpc_release(&self) -> Result<Option<u32>, ConfigError> {
        let Some(text) = self.args.get("rpccompat") else { return Ok(None) };
        let release = text.parse().ok().filter(|release| OLD_RELEASES.contains(release));
        release.map(Some).ok_or(ConfigError::RpcRelease(text))
    }

    /// Whether answers have something that is on its way out: it was asked for by name (`-deprecatedrpc`), or with a
    /// release that had it.
    pub fn answers_deprecated(&self, what: &str) -> bool {
        let release = self.rpc_release().ok().flatten();
        let had = |release| GONE_SINCE.iter().any(|(name, last)| *name == what && release <= *last);
        self.args.get_all("deprecatedrpc").iter().any(|name| name == what) || release.is_some_and(had)
    }

    /// The temporary directory made for `-ephemeral`: to be removed with all that is in it when the program ends.
    pub fn ephemeral_dir(&self) -> Option<&Path> {
        self.ephemeral_dir.as_deref()
    }

    /// The configuration file, whether it exists or not; `None` with `-noconf`.
    pub fn conf_path(&self) -> Option<&Path> {
        self.conf_path.as_deref()
    }

    /// The words of the command line that are no options: a tool's command and its arguments, a GUI's payment request.
    pub fn words(&self) -> &[OsString] {
        &self.words
    }

    /// The environment that the configuration was read in.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// A path from an option: a relative one starts at the chain's data directory.
    pub fn in_net_dir(&self, path: &Path) -> PathBuf {
        if path.as_os_str().is_empty() { PathBuf::new() } else { self.net_dir.join(path) }
    }

    /// A path from an option: a relative one starts at the data directory of all networks.
    pub fn in_base_dir(&self, path: &Path) -> PathBuf {
        if path.as_os_str().is_empty() { PathBuf::new() } else { self.base_dir.join(path) }
    }

    /// The path that a file option gives, or `default`, in the chain's data directory; `None` when negated.
    pub fn file_option(&self, name: &str, default: &str) -> Option<PathBuf> {
        self.args.get_path(name, default).map(|path| self.in_net_dir(&path))
    }

    /// The directory of block files, made if need be.
    pub fn blocks_dir(&self) -> Result<PathBuf, ConfigError> {
        let given = self.args.get_path("blocksdir", "").filter(|path| !path.as_os_str().is_empty());
        let base = match given {
            Some(path) => {
                let path = self.env.absolute(&path);
                if !path.is_dir() {
                    return Err(ConfigError::NoBlocksDir(self.args.get_str("blocksdir", "")));
                }
                path
            }
            None => self.base_dir.clone(),
        };
        let blocks = base.join(self.chain.datadir_subdir).join("blocks");
        create_dirs(&blocks)?;
        Ok(blocks)
    }

    /// Refuses options of one network that stand in the default section only and so have no effect.
    pub fn check_sections(&self) -> Result<(), ConfigError> {
        let options = self.args.ineffective();
        if options.is_empty() {
            Ok(())
        } else {
            Err(ConfigError::SectionOnly { options, chain: self.chain.kind.name() })
        }
    }

    /// The warning about sections that are no chain's, ready to stand behind `Warning: `.
    pub fn unrecognized_sections(&self) -> Option<String> {
        // The five names are known even where a coin has no such chain, so that a file can be shared.
        let unknown = self.sections.iter().filter(|section| coin::ChainKind::from_name(&section.name).is_none());
        let mut lines: Vec<String> = unknown
            .map(|section| format!("{}:{} Section [{}] is not recognized.", section.file, section.line, section.name))
            .collect();
        lines.push(String::new()); // the last line is ended too
        (lines.len() > 1).then(|| lines.join("\n"))
    }

    /// What came up while the configuration was read; for the log, as soon as there is one.
    pub fn notices(&self) -> &[Notice] {
        &self.notices
    }

    /// Lines for standard error, to be printed at once.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The lines that open the log: directories, configuration file, all options. To be written after the log is open.
    pub fn log_lines(&self) -> Vec<Notice> {
        let default = default_data_dir(self.coin(), &self.env);
        let conf = match &self.conf_path {
            None => "Config file: <disabled>".to_owned(),
            Some(path) if path.exists() => format!("Config file: {}", path.display()),
            Some(path) => format!("Config file: {} (not found, skipping)", path.display()),
        };
        let first = [
            format!("Default data directory {}", default.display()),
            format!("Using data directory {}", self.net_dir.display()),
            conf,
        ];
        first.into_iter().chain(self.args.log_lines()).map(Notice::info).collect()
    }

    /// The file of runtime settings; `None` with `-nosettings`.
    pub fn settings_path(&self) -> Option<&Path> {
        self.settings_file.as_deref()
    }

    /// Changes a runtime setting and writes `settings.json`; see [`Config::change_setting`].
    pub fn update_setting(&self, name: &str, change: impl FnOnce(&mut Value)) -> Result<(), SettingsError> {
        self.change_setting(name, true, change)
    }

    /// Changes a runtime setting, with `write` in `settings.json` too. `change` gets the present value and leaves the new
    /// one; null removes the setting. Without a settings file the change is kept in memory only. Two changes never mix.
    pub fn change_setting(
        &self,
        name: &str,
        write: bool,
        change: impl FnOnce(&mut Value),
    ) -> Result<(), SettingsError> {
        let mut settings = self.args.settings_mut();
        let mut value = settings.file.remove(name).unwrap_or_default();
        change(&mut value);
        if !value.is_null() {
            settings.file.insert(name.to_owned(), value);
        }
        if write { self.write_settings(&settings.file, "") } else { Ok(()) }
    }

    /// Copies `settings.json` to `settings.json.bak` and empties it.
    pub fn reset_settings(&self) -> Result<(), SettingsError> {
        let mut settings = self.args.settings_mut();
        self.write_settings(&settings.file, ".bak")?;
        settings.file.clear();
        self.write_settings(&settings.file, "")
    }

    pub(crate) fn write_settings(
        &self,
        settings: &settings_file::FileSettings,
        ending: &str,
    ) -> Result<(), SettingsError> {
        let Some(path) = &self.settings_file else { return Ok(()) };
        let text = settings_file::text(self.coin().client_name, settings);
        settings_file::write(&settings_file::with_ending(path, ending), &text)
    }

    /// Refuses options that do not go with the tool's command.
    pub fn check_command_options(&self) -> Result<(), ConfigError> {
        let table = self.args.table();
        let command = self.words.first().map(|word| word.to_string_lossy()).unwrap_or_default();
        let allowed = table.command(&command).map_or(&[][..], |row| row.command_options);
        let rows = table.group(Category::CommandOptions);
        let refused: Vec<String> = rows
            .filter(|row| self.args.is_set(row.name) && !allowed.contains(&row.name))
            .map(|row| format!("The -{} option cannot be used with the '{command}' command.", row.name))
            .collect();
        if refused.is_empty() { Ok(()) } else { Err(ConfigError::CommandOptions(refused)) }
    }

    /// The one command of the RPC client that starts with a dash, such as `getinfo`.
    pub fn cli_command(&self) -> Result<Option<&'static str>, ConfigError> {
        let rows = self.args.table().group(Category::CliCommands);
        let given: Vec<&'static str> = rows.map(|row| row.name).filter(|name| self.args.is_set(name)).collect();
        match given.as_slice() {
            [] | [_] => Ok(given.first().copied().filter(|name| self.args.get_bool(name, false))),
            many => {
                let mut many: Vec<String> = many.iter().map(|name| format!("-{name}")).collect();
                many.sort_unstable();
                Err(ConfigError::ManyCliCommands(many.join(", ")))
            }
        }
    }
}

/// Makes a directory and those above it, for their owner alone.
pub(crate) fn create_dirs(path: &Path) -> Result<(), ConfigError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|error| ConfigError::CreateDirectory { path: path.display().to_string(), reason: error.to_string() })
}
