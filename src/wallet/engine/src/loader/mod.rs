//! All wallets of the process: which are open, and how they are opened, made, restored and closed.
//!
//! [`Wallets`] is the set, and what RPC methods work on. [`Loader`] is the same for the node: it answers
//! `interfaces::WalletLoader` with the set, the RPC engine and the timers.

mod face;
mod open;
mod settings;
mod startup;
#[cfg(test)]
pub(crate) mod tests;
mod timers;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use crate::shared::Shared;
use crate::wallet::{Wallet, WalletError, lock};

pub use face::Loader;
pub use open::Opened;
pub(crate) use timers::Bell;

/// The wallets that are open.
#[derive(Debug)]
pub struct Wallets {
    shared: Arc<Shared>,
    open: Mutex<Vec<Arc<Wallet>>>,
    /// Names of wallets that somebody is opening at this moment.
    opening: Mutex<BTreeSet<String>>,
    bell: Arc<Bell>,
}

impl Wallets {
    /// None.
    pub fn new(shared: Arc<Shared>) -> Self {
        Self { shared, open: Mutex::default(), opening: Mutex::default(), bell: Arc::default() }
    }

    /// What all wallets have in common.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Rings when a timer has to be set anew.
    pub(crate) fn bell(&self) -> &Arc<Bell> {
        &self.bell
    }

    /// The open wallets, in the order in which they were opened.
    pub fn list(&self) -> Vec<Arc<Wallet>> {
        lock(&self.open).clone()
    }

    /// The open wallet of a name.
    pub fn find(&self, name: &str) -> Option<Arc<Wallet>> {
        lock(&self.open).iter().find(|wallet| wallet.name() == name).cloned()
    }

    /// Closes a wallet, and waits until its file is closed. `wallet` must be the caller's last hold on it. Returns warnings.
    pub fn unload(&self, wallet: Arc<Wallet>, load_on_startup: Option<bool>) -> Result<Vec<String>, WalletError> {
        let name = wallet.name().to_owned();
        wallet.close();
        lock(&self.open).retain(|other| !Arc::ptr_eq(other, &wallet));
        let warnings = self.update_setting(&name, load_on_startup)?;
        let released = wallet.released();
        drop(wallet);
        released.wait();
        Ok(warnings)
    }

    /// Closes all wallets.
    pub fn unload_all(&self) {
        let mut wallets = std::mem::take(&mut *lock(&self.open));
        while let Some(wallet) = wallets.pop() {
            wallet.close();
            let released = wallet.released();
            drop(wallet);
            released.wait();
        }
    }
}
