//! Addresses, multisigs and signed messages: what can be said of them without a chain and without a key.

mod address;
mod descriptors;
mod message;
mod multisig;

use ::rpc::Method;
use config::Config;

use crate::{NodeContext, wallet_host::with_private_keys};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    let within = |method: Method<Config>| {
        let takes_descriptor = method.doc.args.iter().any(|arg| arg.name() == "descriptor");
        let method = method.within(|node: &NodeContext| node.config.as_ref());
        // Private keys are kept out of here; who has them answers for descriptors with some.
        if takes_descriptor { with_private_keys(method, "descriptor") } else { method }
    };
    pure().into_iter().map(within).collect()
}

/// All of them need to know no more than the coin and the chain.
pub(super) fn pure() -> Vec<Method<Config>> {
    vec![address::validate(), descriptors::info(), descriptors::derive(), multisig::create(), message::verify()]
}

#[cfg(test)]
mod tests;
