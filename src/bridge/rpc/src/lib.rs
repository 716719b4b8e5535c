//! JSON-RPC and HTTP, without any method: the road on which requests reach the daemon.
//!
//! What happens to a request, in order:
//!
//! 1. [`http::Server`] accepts a connection from an address that [`allow::AllowList`] holds, reads a request of bounded
//!    size and finds its [`http::Route`]. [`auth::Authenticator`] knows the user. A thread of the pool takes over.
//! 2. [`json::parse`] makes a [`Json`] value of the body. Numbers keep their text: amounts never pass through a float.
//! 3. [`Engine`] takes one request or a batch apart, in the old dialect or the strict one, asks the [`Whitelist`], and
//!    answers with an error while the daemon starts.
//! 4. [`Registry`] finds the [`Method`]. Its [`MethodDoc`], which is plain data, puts named arguments in their places,
//!    counts them and checks their types.
//! 5. The method's handler gets the daemon's context and the [`Request`] and returns a value or an [`RpcError`]. In
//!    debug builds the value is compared with the description. Clients of an earlier release do not get what came
//!    later.
//! 6. The answer goes back the same way. If the client has gone meanwhile, [`Cancel`] tells the handler.
//!
//! The same descriptions print `help`, the OpenRPC document and `doc/rpc/`: see [`Directory`]. Methods of another
//! process are forwarded, as [`Foreign`] ones: what it says about them is fetched when somebody reads it. Requests that come over IPC enter at step 3
//! through [`Engine::answer_text`].
//!
//! [`client`] is the other end of the wire. It shares the values, and the table of facts that says which words of a
//! command line are JSON.
//!
//! Assumed of callers: handlers may block, because they run on the pool; they must not wait for another request to be
//! answered, because the pool is finite.

#![deny(clippy::as_conversions)]

pub mod allow;
pub mod amount;
pub mod auth;
pub mod bind;
mod cancel;
mod check;
pub mod client;
pub mod cookie;
mod directory;
mod engine;
mod error;
pub mod fuzz;
mod help;
pub mod http;
mod identity;
pub mod json;
mod markdown;
pub mod method;
mod named;
mod openrpc;
mod options;
mod registry;
mod release;
mod request;
mod state;
pub mod values;
mod whitelist;

#[cfg(test)]
mod tests;

pub use primitives::base64;

pub use amount::{amount_from_value, parse_fixed_point};
pub use cancel::Cancel;
pub use directory::{Describe, Described, Directory, Foreign, Outline};
pub use engine::{Answer, Engine, NotJson};
pub use error::{Code, RpcError};
pub use identity::{Identity, Words};
pub use json::{Json, JsonError, Number, Object};
pub use method::{
    Arg, ArgType, Elision, Example, Fallback, Handler, Method, MethodDoc, Res, ResType, elide_group, method,
};
pub use named::to_positional;
pub use options::{BadRpcOption, RpcOptions};
pub use registry::Registry;
pub use request::{Caller, Request, Version};
pub use state::{ActiveCommand, RpcState};
pub use whitelist::{Permission, Whitelist};
