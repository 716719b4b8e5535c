//! Transactions as hex: made, read, combined, found in a block, and proven to be in one.

mod combine;
mod construct;
mod create;
mod get;
mod proof;
mod script;

use ::rpc::Method;
use config::Config;

use crate::NodeContext;

pub(super) use construct::{construct, construct_args};
pub(super) use create::{is_witness_arg, read_tx};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    let mut methods: Vec<Method<NodeContext>> =
        pure().into_iter().map(|method| method.within(|node: &NodeContext| node.config.as_ref())).collect();
    methods.extend([combine::combine(), get::get(), proof::make(), proof::verify()]);
    methods
}

/// Methods that need to know the coin and the chain, but nothing that is in the chain.
pub(in crate::rpc) fn pure() -> Vec<Method<Config>> {
    vec![create::create(), create::decode(), script::decode()]
}

#[cfg(test)]
mod tests;
