//! The node's side of the wallet: where it is, what it is given, and how its methods are reached.
//!
//! 1. A [`WalletSource`] says where wallets come from: nowhere, this process, or `<coin>-wallet` beside this program.
//! 2. `child` starts that process with what it needs to know; `supervise` keeps it running: a wallet that ends is started
//!    again with growing pauses and opens what was open.
//! 3. [`WalletHost`] has the one object through which wallets are reached, and the order of their life: opened while the
//!    chain loads, loaded before the start is done, started after it, stopped before the chain.
//! 4. `forward` lists the wallet's methods among the node's and passes requests on; `keys` does that for the few methods
//!    of the node that are given private keys, which this process never works with.
//!
//! Assumed: a wallet may end or hang at any time. The node goes on, and requests get one clear error.

mod child;
mod desk;
mod forward;
mod host;
mod keys;
mod supervise;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::sync::Arc;

use config::Config;
use interfaces::{Answer, Chain, WalletLoader};

use crate::context::NodeClock;

pub(crate) use desk::Absent;
pub(crate) use host::WalletHost;
pub(crate) use keys::{methods as key_methods, scripts_behind_keys, with_private_keys};

/// Makes the wallets of this process. It is cheap: nothing is opened before `load`.
pub type MakeWallets =
    Box<dyn Fn(Arc<Config>, Arc<NodeClock>, Arc<dyn Chain>) -> Answer<Arc<dyn WalletLoader>> + Send + Sync>;

/// Where wallets come from.
pub enum WalletSource {
    /// This program has none.
    None,
    /// This process.
    Local(MakeWallets),
    /// A process of their own, `<coin>-wallet` beside this program. It gets the arguments that this program was given.
    Process(Vec<OsString>),
}

impl std::fmt::Debug for WalletSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Local(_) => "Local",
            Self::Process(_) => "Process",
        })
    }
}
