//! From the options and the node's chain to the wallets of a process.
//!
//! `<coin>d` calls [`wallets`] with its own chain, `<coin>-wallet` with the node's at the other end of a connection. Nothing
//! is opened before `WalletLoader::load`.

use std::sync::Arc;

use config::Config;
use interfaces::{Answer, Chain, Failure, WalletLoader};
use platform::{MockableClock, SystemEntropy};

use crate::loader::{Loader, Wallets};
use crate::shared::Shared;

/// The wallets of this process.
pub fn wallets(config: Arc<Config>, clock: Arc<MockableClock>, chain: Arc<dyn Chain>) -> Answer<Arc<dyn WalletLoader>> {
    Ok(loader(config, clock, chain)?)
}

/// The same, for a process that also answers requests at a port of its own.
pub fn loader(config: Arc<Config>, clock: Arc<MockableClock>, chain: Arc<dyn Chain>) -> Answer<Arc<Loader>> {
    let shared = Shared::new(config, chain, clock, Arc::new(SystemEntropy));
    let shared = shared.map_err(|error| Failure::new(error.to_string()))?;
    Ok(Arc::new(Loader::new(Arc::new(Wallets::new(Arc::new(shared))))))
}
