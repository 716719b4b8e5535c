//! The memory pool: what waits in it, and putting something in.

mod cluster;
mod info;
mod package;
mod persist;
mod spending;
mod submit;

use ::rpc::Method;

use crate::NodeContext;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    [
        cluster::methods(),
        info::methods(),
        package::methods(),
        persist::methods(),
        spending::methods(),
        submit::methods(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
