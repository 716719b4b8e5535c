//! The wallet's RPC methods, a file per family. What they say of themselves is in [`docs`], what they do beside it.
//!
//! Every method works on the [`Wallets`] of the process. The path of the request names the wallet.

mod addresses;
mod backup;
mod coins;
mod common;
mod describe;
mod descriptors;
mod device;
pub(crate) mod docs;
mod encrypt;
mod export;
mod gettransaction;
mod hdkeys;
mod history;
mod import;
mod keyless;
mod pruned;
mod received;
mod render;
mod rescan;
mod sign;
mod simulate;
mod spend;
#[cfg(test)]
mod tests;
mod unspent;
mod wallets;
mod with_keys;

use ::rpc::Method;

use crate::loader::Wallets;

pub(crate) use common::url_encode;

/// Every method that there is.
pub fn methods() -> Vec<Method<Wallets>> {
    [
        addresses::methods(),
        backup::methods(),
        coins::methods(),
        descriptors::methods(),
        device::methods(),
        encrypt::methods(),
        hdkeys::methods(),
        history::methods(),
        keyless::methods(),
        received::methods(),
        rescan::methods(),
        sign::methods(),
        spend::methods(),
        wallets::methods(),
        with_keys::methods(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
