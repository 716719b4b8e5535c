//! The node's RPC methods, a file per family. Each method is its description and a function on the [`NodeContext`].

mod blockchain;
mod control;
mod mempool;
mod mining;
mod parse;
mod psbt;
mod rawtx;
#[cfg(test)]
mod tests;
mod util;

use ::rpc::Method;

use crate::NodeContext;

/// Every method that there is. What is not here is not in `help` either, and answers that it is not found.
pub fn methods() -> Vec<Method<NodeContext>> {
    [
        blockchain::methods(),
        control::methods(),
        mempool::methods(),
        mining::methods(),
        psbt::methods(),
        rawtx::methods(),
        util::methods(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
