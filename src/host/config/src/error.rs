//! Everything that can be wrong with a command line, a configuration file or a settings file, in the daemon's words.

use crate::names::Role;
use crate::text::{bullets, quoted};

/// Why a program cannot start. The text is what stands behind `Error: ` on standard error; the exit code is 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The command line could not be read.
    #[error("Error parsing command line arguments: {0}")]
    CommandLine(#[source] ArgumentError),
    /// A word on the command line that is neither an option nor expected.
    #[error("Command line contains unexpected token '{token}', see {executable} -h for a list of options.")]
    UnexpectedToken {
        /// The word.
        token: String,
        /// Whose help to read.
        executable: String,
    },
    /// A release whose answers nobody remembers.
    #[error("-rpccompat knows the releases 29, 30 and 31, not '{0}'.")]
    RpcRelease(String),
    /// Two places for one node.
    #[error("-ephemeral makes a data directory of its own and cannot be used together with -datadir.")]
    EphemeralDataDir,
    /// A payment request was followed by options.
    #[error("Options ('{0}') cannot follow a BIP-21 payment URI")]
    OptionAfterUri(String),
    /// The descriptor handed down by the parent process is not a number.
    #[error("Invalid -ipcfd number '{0}'")]
    IpcDescriptor(String),
    /// A configuration file could not be used.
    #[error("Error reading configuration file: {0}")]
    Conf(#[source] ConfError),
    /// `-datadir` on the command line names nothing.
    #[error("Specified data directory \"{0}\" does not exist.")]
    NoDataDir(String),
    /// `-blocksdir` names nothing.
    #[error("Specified blocks directory \"{0}\" does not exist.")]
    NoBlocksDir(String),
    /// Two chains at once.
    #[error("Invalid combination of {0} and -chain. Can use at most one.")]
    ChainCombination(String),
    /// A chain that this coin does not have.
    #[error("Unknown chain {0}.")]
    UnknownChain(String),
    /// The data directory holds a configuration file that is not the one in use.
    #[error("{}", ignored_conf_text(.0, true))]
    IgnoredConf(Box<IgnoredConf>),
    /// Options of one network stand in the default section.
    #[error("{}", section_only_text(options, chain))]
    SectionOnly {
        /// The options, with their dash.
        options: Vec<String>,
        /// The chain in use.
        chain: &'static str,
    },
    /// A directory could not be made.
    #[error("Cannot create directory {}: {reason}", quoted(path))]
    CreateDirectory {
        /// The directory.
        path: String,
        /// The system's reason.
        reason: String,
    },
    /// `settings.json` could not be read.
    #[error("Settings file could not be read:\n{}", bullets(&[.0.to_string()]))]
    SettingsRead(#[source] SettingsError),
    /// `settings.json` could not be written.
    #[error("Settings file could not be written:\n{}", bullets(&[.0.to_string()]))]
    SettingsWrite(#[source] SettingsError),
    /// More than one command of `-cli` at once.
    #[error("Only one of {0} may be specified.")]
    ManyCliCommands(String),
    /// Options that do not go with the wallet tool's command.
    #[error("Invalid arguments provided:\n{}", bullets(.0))]
    CommandOptions(Vec<String>),
}

impl ConfigError {
    /// The whole text for standard error. The tools print some errors without `Error: ` in front, as Bitcoin Core's do.
    pub fn report(&self, role: Role) -> String {
        match (role, self) {
            (Role::Cli, Self::CommandLine(_) | Self::Conf(_)) | (Role::Wallet, Self::CommandLine(_)) => {
                format!("{self}\n")
            }
            (Role::Cli, Self::ManyCliCommands(_)) => format!("error: {self}\n"),
            _ => format!("Error: {self}\n"),
        }
    }
}

/// What is wrong with one argument or one line of a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArgumentError {
    /// No such option.
    #[error("Invalid parameter {0}")]
    Unknown(String),
    /// No such command.
    #[error("Invalid command '{0}'")]
    UnknownCommand(String),
    /// `-noname` for an option that cannot be switched off.
    #[error("Negating of -{0} is meaningless and therefore forbidden")]
    Negated(String),
    /// `-name` for an option that needs a value.
    #[error("Can not set -{0} with no value. Please specify value with -{0}=value.")]
    NoValue(String),
    /// `-includeconf` on the command line.
    #[error("-includeconf cannot be used from commandline; -includeconf={0}")]
    IncludeConf(String),
}

/// What is wrong with a configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfError {
    /// The path is a directory.
    #[error("Config file \"{0}\" is a directory.")]
    Directory(String),
    /// The path given with `-conf` cannot be read.
    #[error("specified config file \"{0}\" could not be opened.")]
    Unreadable(String),
    /// An included path is a directory.
    #[error("Included config file \"{0}\" is a directory.")]
    IncludedDirectory(String),
    /// An included path cannot be read.
    #[error("Failed to include configuration file {0}")]
    IncludeUnreadable(String),
    /// A line starts with a dash.
    #[error("parse error on line {line}: {text}, options in configuration file must be specified without leading -")]
    LeadingDash {
        /// The line's number, from one.
        line: usize,
        /// The line.
        text: String,
    },
    /// A line is neither a section nor an assignment.
    #[error("parse error on line {line}: {text}{}", negation_hint(text))]
    NoAssignment {
        /// The line's number, from one.
        line: usize,
        /// The line.
        text: String,
    },
    /// A password was cut by a comment.
    #[error("parse error on line {line}, using # in rpcpassword can be ambiguous and should be avoided")]
    PasswordComment {
        /// The line's number, from one.
        line: usize,
    },
    /// `conf` cannot lead to another file.
    #[error(
        "conf cannot be set in the configuration file; use includeconf= if you want to include additional config files"
    )]
    ConfInConf,
    /// An option's value is not allowed.
    #[error(transparent)]
    Value(ArgumentError),
    /// `datadir` in the file names nothing.
    #[error("specified data directory \"{0}\" does not exist.")]
    NoDataDir(String),
}

/// What is wrong with `settings.json`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file exists and cannot be opened.
    #[error("{0}. Please check permissions.")]
    Permissions(String),
    /// Not JSON.
    #[error(
        "Settings file {0} does not contain valid JSON. This may be caused by a crash, power loss, full disk, or storage \
         error, and can be fixed by removing the file, which will reset settings to default values."
    )]
    NotJson(String),
    /// JSON, but not an object.
    #[error("Found non-object value {value} in settings file {path}")]
    NotAnObject {
        /// What was found.
        value: String,
        /// The file.
        path: String,
    },
    /// A key stands twice.
    #[error("Found duplicate key {key} in settings file {path}")]
    DuplicateKey {
        /// The key.
        key: String,
        /// The file.
        path: String,
    },
    /// The new file cannot be made.
    #[error("Error: Unable to open settings file {0} for writing")]
    Create(String),
    /// The new file cannot be filled.
    #[error("Error: Unable to write settings file {0}")]
    Write(String),
    /// The new file cannot take the old one's place.
    #[error("Failed renaming settings file {from} to {to}\n")]
    Rename {
        /// The new file.
        from: String,
        /// The old one.
        to: String,
    },
}

/// The four names in the message about a configuration file that is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredConf {
    /// The data directory in use.
    pub datadir: String,
    /// The name of the file in it.
    pub file: String,
    /// The configuration file in use.
    pub used: String,
    /// Why that one is in use.
    pub source: String,
}

/// The message; as an error it ends with the option that makes it a warning.
pub(crate) fn ignored_conf_text(ignored: &IgnoredConf, as_error: bool) -> String {
    let (datadir, file, used) = (quoted(&ignored.datadir), quoted(&ignored.file), quoted(&ignored.used));
    let mut text = format!(
        "Data directory {datadir} contains a {file} file which is ignored, because a different configuration file {used} \
         from {} is being used instead. Possible ways to address this would be to:\n\
         - Delete or rename the {file} file in data directory {datadir}.\n\
         - Change datadir= or conf= options to specify one configuration file, not two, and use includeconf= to include \
         any other configuration files.",
        ignored.source
    );
    if as_error {
        text.push_str("\n- Set allowignoredconf=1 option to treat this condition as a warning, not an error.");
    }
    text
}

fn section_only_text(options: &[String], chain: &str) -> String {
    let line =
        |option| format!("Config setting for {option} only applied on {chain} network when in [{chain}] section.");
    let mut lines: Vec<String> = options.iter().map(line).collect();
    lines.push(String::new()); // the daemon ends the last line too
    lines.join("\n")
}

fn negation_hint(text: &str) -> String {
    if text.starts_with("no") {
        format!(", if you intended to specify a negated option, use {text}=1 instead")
    } else {
        String::new()
    }
}
