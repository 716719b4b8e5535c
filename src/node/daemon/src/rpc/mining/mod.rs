//! Making blocks, taking them from those who made them, and telling miners what to make.

mod fund;
mod generate;
mod info;
pub(super) mod merged;
mod priority;
mod proposal;
mod submit;
mod template;

use ::rpc::{Code, Method, RpcError};

use crate::{NodeContext, mining::MineError};

pub(super) fn methods() -> Vec<Method<NodeContext>> {
    [fund::methods(), generate::methods(), info::methods(), priority::methods(), submit::methods(), template::methods()]
        .into_iter()
        .flatten()
        .collect()
}

/// What a caller is told when no block could be made.
fn failed(error: &MineError) -> RpcError {
    let code = match error {
        MineError::Stopped => Code::CLIENT_NOT_CONNECTED,
        MineError::Fatal(_) => Code::DATABASE_ERROR,
        MineError::Refused => Code::INTERNAL_ERROR,
        MineError::Unnamed => Code::INVALID_PARAMETER,
        MineError::NoTip | MineError::Order(_) | MineError::Invalid(_) => Code::MISC,
    };
    RpcError::new(code, error.to_string())
}
