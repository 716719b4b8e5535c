//! What is known of the chain.

mod blocks;
mod coins;
mod manage;
mod overview;
mod wait;

use ::rpc::Method;

use crate::NodeContext;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    [overview::methods(), blocks::methods(), coins::methods(), manage::methods(), wait::methods()]
        .into_iter()
        .flatten()
        .collect()
}
