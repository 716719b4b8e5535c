//! The program `<coin>`: it starts the others, so that people need to remember one name.
//!
//! `bitcoin -m node -regtest` becomes `bitcoin-node -regtest`. Without `-m` or `-M` the monolithic twin is taken,
//! unless an option, on the command line or in the configuration file, asks for processes of their own. A GUI that is
//! not installed in one process is taken in its own.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use coin::Coin;

use crate::about;
use crate::args::Args;
use crate::command_line;
use crate::conf_files;
use crate::names::{Role, executable};
use crate::paths::Env;
use crate::settings::Settings;
use crate::table::table;
use crate::text::{os_bytes, shown};
use crate::{ConfigError, chain};

/// What the wrapper is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Print and end.
    Print {
        /// The text.
        stdout: String,
        /// The exit code.
        code: u8,
    },
    /// Become another program; [`crate::names::candidates`] says where to look for it.
    Start {
        /// Its name, such as `bitcoin-node`.
        executable: String,
        /// What takes its place where it is not installed.
        instead: Option<String>,
        /// Its role, if it is one of the coin's programs that are built here.
        role: Option<Role>,
        /// Its arguments, without its name.
        arguments: Vec<OsString>,
        /// For standard error.
        warnings: Vec<String>,
    },
}

/// Why the wrapper does not know what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrapperError {
    /// An option before the command that there is not.
    #[error("Unknown option: {0}")]
    UnknownOption(String),
    /// A command that there is not.
    #[error("Unrecognized command: '{0}'")]
    UnknownCommand(String),
}

impl WrapperError {
    /// The whole text for standard error.
    pub fn report(&self, invoked_as: &OsStr) -> String {
        format!("Error: {self}\nTry '{} --help' for more information.\n", shown(&os_bytes(invoked_as)))
    }
}

const USAGE: &str = "\
Usage: {exe} [OPTIONS] COMMAND...

Options:
  -m, --multiprocess     Run node, wallet and GUI as processes of their own: {coin}-node, {coin}-gui.
  -M, --monolithic       Run them in one process: {coin}d, {coin}-qt. (Default behavior)
  -v, --version          Show version information
  -h, --help             Show full help message

Commands:
  gui [ARGS]     Start the GUI, same as '{coin}-qt [ARGS]' or '{coin}-gui [ARGS]'.
  node [ARGS]    Start the node, same as '{coin}d [ARGS]' or '{coin}-node [ARGS]'.
  rpc [ARGS]     Call an RPC method, same as '{coin}-cli -named [ARGS]'.
  wallet [ARGS]  Call a wallet command, same as '{coin}-wallet [ARGS]'.
  tx [ARGS]      Work on transactions in hex, same as '{coin}-tx [ARGS]', where that is installed.
  help           Show full help message.
";

const FULL: &str = "
Additional less commonly used commands:
  util [ARGS]    Call a utility command, same as '{coin}-util [ARGS]', where that is installed.
  version        Show version information, same as --version.
";

const SHORT: &str = "
Run '{exe} help' to see additional commands.
";

#[derive(Debug, Default)]
struct Words<'a> {
    multiprocess: Option<bool>,
    version: bool,
    help: bool,
    command: Option<&'a str>,
    arguments: &'a [OsString],
}

/// Reads the wrapper's command line; the first argument is its own name.
pub fn plan(coin: &'static Coin, argv: &[OsString], env: &Env) -> Result<Plan, WrapperError> {
    let words = read(argv.get(1..).unwrap_or_default())?;
    let print = |text: &str| {
        let own = argv.first().map(|name| Path::new(name).file_name().unwrap_or_default().to_string_lossy());
        text.replace("{exe}", &own.unwrap_or_else(|| coin.id.into())).replace("{coin}", coin.id)
    };
    if words.version {
        return Ok(Plan::Print { stdout: about::version(coin, Role::Wrapper, coin.id), code: 0 });
    }
    if words.help {
        return Ok(Plan::Print { stdout: print(USAGE) + &print(FULL), code: 0 });
    }
    let Some(command) = words.command else {
        return Ok(Plan::Print { stdout: print(USAGE) + &print(SHORT), code: 1 });
    };

    let mut warnings = Vec::new();
    let mut twin = |alone: Role, with_all: Role| {
        let multiprocess =
            words.multiprocess.unwrap_or_else(|| asks_for_processes(coin, words.arguments, env, &mut warnings));
        if multiprocess { alone } else { with_all }
    };
    let role = match command {
        "gui" => Some(twin(Role::Gui, Role::Qt)),
        "node" => Some(twin(Role::Node, Role::Daemon)),
        "rpc" => Some(Role::Cli),
        "wallet" => Some(Role::Wallet),
        "tx" | "util" => None,
        _ => return Err(WrapperError::UnknownCommand(command.to_owned())),
    };
    // A new interface need not be compatible: named parameters are on. -nonamed switches them off.
    let named = (role == Some(Role::Cli)).then(|| OsString::from("-named"));
    Ok(Plan::Start {
        // Nobody asked for one process.
        instead: (role == Some(Role::Qt) && words.multiprocess.is_none()).then(|| executable(coin, Role::Gui)),
        executable: role.map_or_else(|| format!("{}-{command}", coin.id), |role| executable(coin, role)),
        role,
        arguments: named.into_iter().chain(words.arguments.iter().cloned()).collect(),
        warnings,
    })
}

fn read(arguments: &[OsString]) -> Result<Words<'_>, WrapperError> {
    let mut words = Words::default();
    for (at, argument) in arguments.iter().enumerate() {
        let unknown = || shown(&os_bytes(argument));
        match argument.to_str() {
            Some("-m" | "--multiprocess") => words.multiprocess = Some(true),
            Some("-M" | "--monolithic") => words.multiprocess = Some(false),
            Some("-v" | "--version" | "version") => words.version = true,
            Some("-h" | "--help" | "help") => words.help = true,
            Some("") => {}
            Some(option) if option.starts_with('-') => return Err(WrapperError::UnknownOption(unknown())),
            Some(command) => {
                words.command = Some(command);
                words.arguments = &arguments[at + 1..];
                break;
            }
            None => return Err(WrapperError::UnknownCommand(unknown())),
        }
    }
    Ok(words)
}

/// Some `-ipc…` option is set, which only programs with processes of their own understand.
fn asks_for_processes(coin: &'static Coin, arguments: &[OsString], env: &Env, warnings: &mut Vec<String>) -> bool {
    let table = table(coin, Role::Wrapper);
    let parsed = command_line::parse(&table, arguments, &mut Vec::new()).unwrap_or_else(|error| {
        warnings.push(format!("Warning: failed to parse subcommand command line options: {error}"));
        command_line::CommandLine::default()
    });
    let mut args = Args::new(table, Settings { command_line: parsed.options, ..Settings::default() });
    match conf_files::read(&mut args, env) {
        Ok(files) => warnings.extend(files.warnings),
        Err(ConfigError::Conf(error)) => {
            warnings.push(format!("Warning: failed to parse subcommand config: {error}"));
        }
        Err(error) => warnings.push(format!("Warning: failed to parse subcommand config: {error}")),
    }
    if let Ok(name) = chain::chosen_name(&args) {
        args.select_network(&name);
    }
    ["ipcbind", "ipcconnect", "ipcfd"].into_iter().any(|name| args.is_set(name))
}

#[cfg(test)]
mod tests;
