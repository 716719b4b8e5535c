//! What is known of the chain.

mod activity;
mod blocks;
mod coins;
mod deployments;
mod dump;
mod index;
mod load;
mod manage;
mod overview;
mod rates;
mod scan;
mod totals;
mod wait;

use ::rpc::Method;

use crate::NodeContext;

pub(crate) use blocks::header_bytes;
pub(in crate::rpc) use blocks::stored_block;
pub(in crate::rpc) use coins::hold_still;
pub(in crate::rpc) use overview::merged_methods;
pub use scan::Scan;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    [
        overview::methods(),
        activity::methods(),
        blocks::methods(),
        coins::methods(),
        deployments::methods(),
        dump::methods(),
        index::methods(),
        load::methods(),
        manage::methods(),
        rates::methods(),
        scan::methods(),
        totals::methods(),
        wait::methods(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
