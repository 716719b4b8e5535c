//! Transactions as hex: made, read, combined, found in a block, and proven to be in one.

pub(super) mod assets;
mod combine;
mod construct;
mod create;
mod get;
mod proof;
mod script;

use ::rpc::Method;

use crate::NodeContext;

pub(super) use construct::{construct, construct_args};
pub(super) use create::{is_witness_arg, read_tx};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    let pure = [create::decode(), script::decode()];
    let mut methods: Vec<Method<NodeContext>> =
        pure.into_iter().map(|method| method.within(|node: &NodeContext| node.config.as_ref())).collect();
    methods.insert(0, create::create());
    methods.extend([combine::combine(), get::get(), proof::make(), proof::verify()]);
    methods
}

#[cfg(test)]
mod tests;
