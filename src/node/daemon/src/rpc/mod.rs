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
mod zmq;

use ::rpc::Method;
use coin::{HeaderFormat, TxFormat};

use crate::NodeContext;

pub use blockchain::Scan;
pub(crate) use blockchain::header_bytes;
pub(crate) use psbt::with_transactions;

/// The methods that only coins with these formats have.
pub fn methods_of(header: HeaderFormat, tx: TxFormat) -> Vec<Method<NodeContext>> {
    let merged = match header {
        HeaderFormat::Bitcoin => Vec::new(),
        HeaderFormat::AuxpowNamecoin => mining::merged::methods(),
        HeaderFormat::AuxpowFreicoin => blockchain::merged_methods(),
    };
    let assets = if tx.carries_assets() { rawtx::assets::methods() } else { Vec::new() };
    merged.into_iter().chain(assets).collect()
}

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
        zmq::methods(),
        crate::wallet_host::key_methods(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
