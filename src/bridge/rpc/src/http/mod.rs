//! The HTTP server. One thread reads requests and writes answers, a pool of threads runs them.
//!
//! A connection is served one request at a time, in order, so what it can hold in memory is bounded: a head of 16 KiB,
//! a body of 32 MiB, one answer. A head that is too long is answered with 400 and a body that is too long with 413, a
//! request for which the pool has no room with 503. Silence for longer than the time-out ends the connection, except
//! while its request runs. A client that goes away cancels its request.

mod connection;
mod guard;
mod message;
mod pool;
mod route;
mod server;

#[cfg(test)]
mod tests;

pub use message::{HttpMethod, HttpReply, HttpRequest, query_parameter, url_decode};
pub use route::{Begun, Handler, JsonRpcHandler, Rest, Route, Routes};
pub use server::{Server, ServerConfig};
