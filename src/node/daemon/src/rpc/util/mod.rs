//! Addresses, multisigs and signed messages: what can be said of them without a chain and without a key.

mod address;
mod descriptors;
mod message;
mod multisig;

use ::rpc::Method;
use config::Config;

use crate::NodeContext;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    pure().into_iter().map(|method| method.within(|node: &NodeContext| node.config.as_ref())).collect()
}

/// All of them need to know no more than the coin and the chain.
pub(super) fn pure() -> Vec<Method<Config>> {
    vec![address::validate(), descriptors::info(), descriptors::derive(), multisig::create(), message::verify()]
}

#[cfg(test)]
mod tests;
