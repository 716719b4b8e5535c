//! The node's RPC methods, a file per family. Each method is its description and a function on the [`NodeContext`].

mod blockchain;
mod control;
mod fees;
mod mempool;
mod mining;
mod net;
pub(crate) mod parse;
mod psbt;
mod rawtx;
#[cfg(test)]
mod tests;
mod util;

use ::rpc::Method;

use crate::NodeContext;

pub use blockchain::Scan;
pub(crate) use psbt::with_transactions;

/// Every method that there is. What is not here is not in `help` either, and answers that it is not found.
pub fn methods() -> Vec<Method<NodeContext>> {
    [
        blockchain::methods(),
        control::methods(),
        fees::methods(),
        mempool::methods(),
        mining::methods(),
        net::methods(),
        psbt::methods(),
        rawtx::methods(),
        util::methods(),
        crate::wallet_host::key_methods(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
