//! Partially signed transactions: made, shown, combined and finished.

mod combine;
mod create;
mod decode;
mod fields;
mod finish;
mod update;

use ::rpc::{Code, Method, RpcError};
use config::Config;
use primitives::Codec;

use crate::NodeContext;
use ::psbt::Psbt;
pub(crate) use update::with_transactions;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    let pure = pure().into_iter().map(|method| method.within(|node: &NodeContext| node.config.as_ref()));
    pure.chain([update::update()]).collect()
}

/// Methods that need to know the coin and the chain, but nothing that is in the chain.
pub(super) fn pure() -> Vec<Method<Config>> {
    vec![
        create::create(),
        create::convert(),
        decode::decode(),
        combine::combine(),
        combine::join(),
        finish::finalize(),
        finish::analyze(),
    ]
}

fn read(config: &Config, text: &str) -> Result<Psbt, RpcError> {
    Psbt::decode_base64(Codec::for_coin(config.coin()), text)
        .map_err(|e| RpcError::new(Code::DESERIALIZATION_ERROR, format!("TX decode failed {e}")))
}

fn max_money(config: &Config) -> i64 {
    i64::try_from(config.coin().consensus.max_money).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
