//! The memory pool: what waits in it, and putting something in.

mod info;
mod submit;

use ::rpc::Method;

use crate::NodeContext;

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    [info::methods(), submit::methods()].into_iter().flatten().collect()
}
