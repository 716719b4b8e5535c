//! The offline tool: `<coin>-wallet -wallet=NAME info|create|dump|createfromdump`, with the real tool's texts and exit codes.
//!
//! The program's `main` hands [`run`] the configuration when a command was given, prints what it returns, and ends with its
//! code. There is no node: what a command needs to know stands in the file. `info` and `dump` do not write to it.
//!
//! One thing differs from the real tool: `create` that makes no wallet ends with 1 and not with 0.

mod create;
mod info;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use config::{Config, Role};
use platform::{Clock, Entropy};
use walletdb::{
    BdbError, BdbFile, DbError, DumpError, Format, LoadError, LoadWarning, NameError, OpenError, OpenOptions, Require,
    WalletFile, bdb_file, is_bdb_file, wallet_path,
};

use crate::keys::ManagerFault;
use crate::shared::signet_magic;

/// What a command has printed, and the exit code.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Printed {
    /// On standard output.
    pub stdout: String,
    /// On standard error.
    pub stderr: String,
    /// The exit code.
    pub code: u8,
}

/// Why a command did nothing. The texts are the tool's.
#[derive(Debug, thiserror::Error)]
enum ToolError {
    #[error("Wallet name must be provided when creating a new wallet.")]
    NoName,
    #[error("Wallet name cannot be empty")]
    EmptyName,
    #[error("Invalid command: {0}")]
    Command(String),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("Error loading {name}. Is wallet being used by another process?")]
    Read { name: String },
    #[error(transparent)]
    Legacy(#[from] BdbError),
    #[error(transparent)]
    Dump(#[from] DumpError),
    #[error(transparent)]
    Keys(#[from] ManagerFault),
    #[error("Error: Unable to generate keys: {0}")]
    Entropy(String),
    #[error("Error: Unable to write the new wallet: {0}")]
    Write(#[from] DbError),
}

/// What every command starts from.
struct Tool<'a> {
    config: &'a Config,
    format: Format,
    name: String,
    path: PathBuf,
    options: OpenOptions,
}

/// Runs the command that the user gave.
pub fn run(config: &Config, clock: &dyn Clock, entropy: &dyn Entropy) -> Printed {
    let mut printed = Printed::default();
    let done = match config.check_command_options() {
        Err(error) => Err(error.report(Role::Wallet)),
        Ok(()) => dispatch(config, clock, entropy, &mut printed).map_err(|error| line(&error.to_string())),
    };
    if let Err(text) = done {
        printed.stderr.push_str(&text);
        printed.code = 1;
    }
    printed
}

/// With one line break at the end. Some texts of the database have their own.
fn line(text: &str) -> String {
    format!("{}\n", text.trim_end_matches('\n'))
}

fn dispatch(config: &Config, clock: &dyn Clock, entropy: &dyn Entropy, printed: &mut Printed) -> Result<(), ToolError> {
    let command = config.words().first().map(|word| word.to_string_lossy()).unwrap_or_default();
    let makes_wallet = matches!(&*command, "create" | "createfromdump");
    if makes_wallet && !config.args().is_set("wallet") {
        return Err(ToolError::NoName);
    }
    let name = config.args().get_str("wallet", "");
    let path = wallet_path(&wallet_dir(config), &name)?;
    if makes_wallet && name.is_empty() {
        return Err(ToolError::EmptyName);
    }
    let (coin, chain) = (config.coin(), config.chain());
    let magic = signet_magic(config).unwrap_or(chain.magic);
    let options = OpenOptions::EXISTING.unsafe_sync(config.args().get_bool("unsafesqlitesync", false));
    let tool = Tool { config, format: Format::with_magic(coin, magic), name, path, options };
    match &*command {
        "info" => tool.info(printed),
        "create" => tool.create(clock, entropy, printed),
        "dump" => tool.dump(printed),
        "createfromdump" => tool.create_from_dump(),
        other => Err(ToolError::Command(other.to_owned())),
    }
}

/// `wallets` in the data directory if that exists, or the data directory itself.
fn wallet_dir(config: &Config) -> PathBuf {
    let usual = config.net_dir().join("wallets");
    if usual.is_dir() { usual } else { config.net_dir().to_owned() }
}

impl Tool<'_> {
    /// The file that the user named, if any.
    fn dump_file(&self) -> Option<PathBuf> {
        let given = self.config.args().get("dumpfile").filter(|given| !given.is_empty())?;
        Some(self.config.env().absolute(Path::new(&given)))
    }

    fn new_options(&self) -> OpenOptions {
        OpenOptions { require: Require::New, ..self.options }
    }

    /// Legacy wallets can be dumped, too.
    fn dump(&self, printed: &mut Printed) -> Result<(), ToolError> {
        let destination = || self.dump_file().ok_or(DumpError::NoDestination);
        if is_bdb_file(&bdb_file(&self.path)).unwrap_or(false) {
            let wallet = BdbFile::open(&self.path)?;
            walletdb::dump_legacy(&wallet, &destination()?)?;
        } else {
            let wallet = WalletFile::open_with(&self.path, self.format, self.options)?;
            walletdb::dump(&wallet, &destination()?)?;
        }
        printed.stdout = format!(
            "The dumpfile may contain private keys. To ensure the safety of your {}, do not share the dumpfile.\n",
            self.config.coin().name
        );
        Ok(())
    }

    fn create_from_dump(&self) -> Result<(), ToolError> {
        let source = self.dump_file().ok_or(DumpError::NoSource)?;
        Ok(walletdb::create_from_dump(&source, &self.path, self.format, self.new_options())?)
    }

    /// Warnings go to standard error, and stop nothing.
    fn warn(warning: Option<&LoadWarning>, printed: &mut Printed) {
        if let Some(warning) = warning {
            printed.stderr.push_str(&line(&warning.to_string()));
        }
    }
}
