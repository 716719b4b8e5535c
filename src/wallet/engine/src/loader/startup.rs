//! Opening the wallets that the settings name.

use std::collections::BTreeSet;
use std::time::Duration;

use interfaces::Failure;
use walletdb::{OpenOptions, OpenStatus, WalletFile, bdb_file, is_bdb_file, sqlite_file, wallet_path};

use super::Wallets;
use crate::wallet::WalletError;

/// How long a wallet process waits for its predecessor to let go of a wallet.
const PATIENCE: Duration = Duration::from_secs(5);

const BAD_VALUE: &str = "Invalid value detected for '-wallet' or '-nowallet'. '-wallet' requires a string value, while \
    '-nowallet' accepts only '1' to disable all wallets";

impl Wallets {
    /// Checks the settings and opens the wallets that they name. The error ends the start of the node.
    pub(super) fn load_configured(&self) -> Result<Result<(), Failure>, WalletError> {
        let chain = &self.shared.chain;
        tracing::info!("Using wallet directory {}", self.shared.wallet_dir().display());
        tracing::info!("Using SQLite Version {}", walletdb::sqlite_version());
        chain.init_message("Verifying wallet(s)…")?;
        if !self.shared.config.args().is_set("wallet") && self.has_unnamed() {
            self.use_unnamed()?;
        }
        let configured = self.configured()?;
        let Some(names) = configured.into_iter().collect::<Option<Vec<String>>>() else {
            return Ok(Err(Failure::new(BAD_VALUE)));
        };
        let mut seen = BTreeSet::new();
        let mut wanted = Vec::new();
        for name in names {
            if !seen.insert(self.shared.wallet_dir().join(&name)) {
                chain.init_warning(&format!("Ignoring duplicate -wallet {name}."))?;
                continue;
            }
            match self.verify(&name) {
                Ok(()) => wanted.push(name),
                Err(WalletError::Open(error)) if error.status() == OpenStatus::NotFound => {
                    chain.init_warning(&format!("Skipping -wallet path that doesn't exist. {error}"))?;
                }
                Err(WalletError::Open(error)) if error.status() == OpenStatus::Legacy => {
                    chain.init_warning(&error.to_string())?;
                }
                Err(WalletError::Open(error)) => return Ok(Err(Failure::new(error.to_string()))),
                Err(WalletError::Name(error)) => return Ok(Err(Failure::new(error.to_string()))),
                Err(other) => return Ok(Err(Failure::new(other.to_string()))),
            }
        }
        for name in wanted.iter().filter(|name| self.find(name).is_none()) {
            let mut warnings = Vec::new();
            let opened = self.open_and_attach(name, &mut warnings);
            if !warnings.is_empty() {
                chain.init_warning(&warnings.join("\n"))?;
            }
            match opened {
                Ok(wallet) => crate::wallet::lock(&self.open).push(wallet),
                Err(WalletError::WhileLoading(error)) => return Ok(Err(Failure::new(error.to_string()))),
                Err(error) => return Ok(Err(Failure::new(error.to_string()))),
            }
        }
        Ok(Ok(()))
    }

    /// Whether there is a wallet without a name.
    fn has_unnamed(&self) -> bool {
        let Ok(path) = wallet_path(self.shared.wallet_dir(), "") else { return false };
        let sqlite = walletdb::is_sqlite_file(&sqlite_file(&path), &self.shared.format).unwrap_or(false);
        sqlite || is_bdb_file(&bdb_file(&path)).unwrap_or(false)
    }

    /// Opens and checks a file, and closes it again.
    fn verify(&self, name: &str) -> Result<(), WalletError> {
        let path = wallet_path(self.shared.wallet_dir(), name)?;
        // A node that was killed and is started again can be faster than the end of the wallet process it had.
        let is_of_node = self.shared.config.role() == config::Role::Wallet;
        let patience = if is_of_node { PATIENCE } else { Duration::ZERO };
        WalletFile::open_with(&path, self.shared.format, OpenOptions::EXISTING.patience(patience))?;
        Ok(())
    }
}
