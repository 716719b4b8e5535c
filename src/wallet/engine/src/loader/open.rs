//! Opening, making and restoring wallets.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use walletdb::{DATA_FILE, wallet_path};

use super::Wallets;
use crate::wallet::{NewWallet, Wallet, WalletError, lock};

/// A wallet that was opened, and what the user should know.
#[derive(Debug)]
pub struct Opened {
    /// The wallet.
    pub wallet: Arc<Wallet>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Keeps a name while its wallet is being opened.
struct Opening<'w> {
    wallets: &'w Wallets,
    name: String,
}

impl<'w> Opening<'w> {
    fn new(wallets: &'w Wallets, name: &str) -> Result<Self, WalletError> {
        if !lock(&wallets.opening).insert(name.to_owned()) {
            return Err(WalletError::Loading);
        }
        Ok(Self { wallets, name: name.to_owned() })
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        lock(&self.wallets.opening).remove(&self.name);
    }
}

impl Wallets {
    /// Opens a wallet.
    pub fn load(&self, name: &str, load_on_startup: Option<bool>) -> Result<Opened, WalletError> {
        if self.find(name).is_some() {
            return Err(WalletError::AlreadyLoaded(name.to_owned()));
        }
        let opening = Opening::new(self, name)?;
        let mut warnings = Vec::new();
        let wallet = self.open_and_attach(name, &mut warnings)?;
        drop(opening);
        self.admit(&wallet, load_on_startup, &mut warnings)?;
        Ok(Opened { wallet, warnings })
    }

    /// Opens a wallet that is not in the set yet.
    pub(super) fn open_and_attach(&self, name: &str, warnings: &mut Vec<String>) -> Result<Arc<Wallet>, WalletError> {
        let path = wallet_path(self.shared.wallet_dir(), name)?;
        self.shared.chain.init_message("Loading wallet…")?;
        let opened = Wallet::open(name, &path, &self.shared, warnings);
        let (wallet, rescan) = opened.map_err(WalletError::while_loading)?;
        let wallet = Arc::new(wallet);
        if let Err(error) = wallet.attach(rescan) {
            wallet.detach();
            return Err(error.while_loading());
        }
        Ok(wallet)
    }

    /// Makes a wallet.
    pub fn create(&self, new: &NewWallet, load_on_startup: Option<bool>) -> Result<Opened, WalletError> {
        use walletdb::WalletFlags;
        if new.name.is_empty() {
            return Err(WalletError::Unnamed);
        }
        let has_device = new.flags.contains(WalletFlags::EXTERNAL_SIGNER);
        if has_device && !new.flags.contains(WalletFlags::DISABLE_PRIVATE_KEYS) {
            return Err(WalletError::KeysBesideSigner);
        }
        if !new.passphrase.expose().is_empty() && new.flags.contains(WalletFlags::DISABLE_PRIVATE_KEYS) {
            return Err(WalletError::PassphraseWithoutKeys);
        }
        let path = wallet_path(self.shared.wallet_dir(), &new.name)?;
        self.shared.chain.init_message("Creating wallet…")?;
        let mut warnings = Vec::new();
        let wallet = Wallet::create(new, &path, &self.shared, &mut warnings).map_err(WalletError::while_creating)?;
        let wallet = Arc::new(wallet);
        if let Err(error) = wallet.attach(false) {
            wallet.detach();
            return Err(error.while_creating());
        }
        self.admit(&wallet, load_on_startup, &mut warnings)?;
        Ok(Opened { wallet, warnings })
    }

    /// Makes a wallet of a copy, and opens it.
    pub fn restore(&self, name: &str, backup: &Path, load_on_startup: Option<bool>) -> Result<Opened, WalletError> {
        if name.is_empty() {
            return Err(WalletError::Unnamed);
        }
        let directory = self.shared.wallet_dir().join(name);
        let file = directory.join(DATA_FILE);
        let made = prepare_restore(backup, &directory, &file)?;
        let copied = walletdb::copy_file(backup, &file).map_err(|_| WalletError::RestorePath(shown(&directory)));
        let opened = copied.and_then(|()| self.load(name, load_on_startup));
        if opened.is_err() {
            // Only what was made here is taken away again.
            remove_made(&file, made.then_some(&directory));
        }
        opened
    }

    /// Adds a wallet to the set.
    pub(super) fn admit(
        &self,
        wallet: &Arc<Wallet>,
        load_on_startup: Option<bool>,
        warnings: &mut Vec<String>,
    ) -> Result<(), WalletError> {
        lock(&self.open).push(Arc::clone(wallet));
        wallet.settle()?;
        warnings.extend(self.update_setting(wallet.name(), load_on_startup)?);
        Ok(())
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Makes the directory if it is not there, and says so. Nothing is ever overwritten.
fn prepare_restore(backup: &Path, directory: &PathBuf, file: &Path) -> Result<bool, WalletError> {
    if !backup.exists() {
        return Err(WalletError::NoBackup);
    }
    if !directory.exists() {
        std::fs::create_dir_all(directory).map_err(|_| WalletError::RestorePath(shown(directory)))?;
        return Ok(true);
    }
    if !directory.is_dir() {
        return Err(WalletError::RestoreOver(shown(directory)));
    }
    if file.exists() {
        return Err(WalletError::RestoreOverIn(shown(file)));
    }
    Ok(false)
}

fn remove_made(file: &Path, directory: Option<&PathBuf>) {
    let removed = std::fs::remove_file(file).and_then(|()| directory.map_or(Ok(()), std::fs::remove_dir));
    if let Err(error) = removed {
        tracing::warn!("A wallet that was not restored could not be removed: {error}");
    }
}
