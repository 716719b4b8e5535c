//! JSON-RPC as an interface: text in, text out.

use crate::{Answer, Call, Json};

/// Runs JSON-RPC requests.
pub trait Rpc: Send + Sync {
    /// Runs one request, or a batch, as the HTTP server would, for `user`, whose whitelist applies. `uri` names the
    /// wallet (`/wallet/NAME`) or is `/`. The answer is the JSON-RPC response object, errors included.
    ///
    /// Fails with `invalid JSON received over IPC` only if `request` is not JSON: a request that fails is an answer.
    fn execute_rpc(&self, request: &Json, uri: &str, user: &str) -> Call<Answer<Json>>;
}

/// An RPC method that another process offers and the node forwards.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RpcCommand {
    /// The section of `help` that it is listed under.
    pub category: String,
    /// Its name.
    pub name: String,
    /// The names of its arguments, in order, `|` between aliases.
    pub args: Vec<String>,
    /// Its help page and all else that can be asked about it, as the crate `rpc` writes it (`Described::to_json`). If
    /// it is empty, the method `describemethods` is asked when somebody wants to read it, or else `help`.
    pub description: Json,
}
