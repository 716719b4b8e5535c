//! The other end of the wire: what `<coin>-cli` and test harnesses need to talk to a daemon.

mod convert;
mod wire;

#[cfg(test)]
mod tests;

pub use convert::{ConvertError, ParamFormat, from_name, from_position, named, positional};
pub(crate) use wire::read_response;
pub use wire::{Connection, HttpResponse, WireError};

use std::io;
use std::path::Path;
use std::time::Duration;

use thiserror::Error;

use crate::base64;
use crate::cookie::read_cookie;
use crate::error::RpcError;
use crate::json::{self, Json, Object};

/// Where the password comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// From the options.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// From a cookie file.
    Cookie(String),
    /// The cookie file could not be read.
    CookieUnreadable,
    /// There is no cookie file (`-norpccookiefile`).
    CookieDisabled,
}

impl Credentials {
    /// From the options: the password if there is one, or else the cookie file.
    pub fn find(user: &str, password: &str, cookie_file: Option<&Path>) -> Self {
        if !password.is_empty() {
            return Self::Password { user: user.to_owned(), password: password.to_owned() };
        }
        let Some(path) = cookie_file else { return Self::CookieDisabled };
        read_cookie(path).map_or_else(|_: io::Error| Self::CookieUnreadable, Self::Cookie)
    }

    fn text(&self) -> String {
        match self {
            Self::Password { user, password } => format!("{user}:{password}"),
            Self::Cookie(text) => text.clone(),
            Self::CookieUnreadable | Self::CookieDisabled => String::new(),
        }
    }

    /// The value of the `Authorization` header.
    pub fn header(&self) -> String {
        format!("Basic {}", base64::encode(self.text().as_bytes()))
    }

    /// Why they were not accepted.
    pub fn refusal(&self) -> &'static str {
        match self {
            Self::Password { .. } => "Incorrect rpcuser or rpcpassword were specified.",
            Self::Cookie(_) => "Cookie file credentials were invalid and no rpcpassword was specified.",
            Self::CookieUnreadable => "Failed to read cookie file and no rpcpassword was specified.",
            Self::CookieDisabled => "Cookie file was disabled via -norpccookiefile and no rpcpassword was specified.",
        }
    }
}

/// Why there is no response object.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Nobody answers, or not in HTTP. Worth trying again when the daemon is just starting.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The password was not accepted.
    #[error("Authorization failed: {0}")]
    Unauthorized(&'static str),
    /// The server is too busy.
    #[error("Server response: {0}")]
    Unavailable(String),
    /// A status that no JSON-RPC server sends with a response.
    #[error("server returned HTTP error {0}")]
    Status(u16),
    /// An empty body.
    #[error("no response from server")]
    Empty,
    /// A body that is no JSON.
    #[error("couldn't parse reply from server")]
    NotJson,
    /// JSON that is no response.
    #[error("expected reply to have result, error and id properties")]
    NotAResponse,
}

/// A daemon's address and how to be let in. Keeps one connection open between calls.
#[derive(Debug)]
pub struct Client {
    host: String,
    port: u16,
    credentials: Credentials,
    timeout: Option<Duration>,
    /// Whether the connection is kept for the next call.
    keep_alive: bool,
    connection: Option<Connection>,
}

impl Client {
    /// Connects at the first call. A call that hears nothing for `timeout` fails.
    pub fn new(host: impl Into<String>, port: u16, credentials: Credentials, timeout: Option<Duration>) -> Self {
        Self { host: host.into(), port, credentials, timeout, keep_alive: true, connection: None }
    }

    /// Opens a connection for each call, as a command does that calls once.
    #[must_use]
    pub fn without_keep_alive(mut self) -> Self {
        self.keep_alive = false;
        self
    }

    /// Sends a request object, or a batch, to `endpoint`, which is `/` or `/wallet/NAME`, and returns what came back.
    pub fn post(&mut self, endpoint: &str, request: &Json) -> Result<Json, ClientError> {
        let response = self.exchange(endpoint, &(request.write() + "\n"))?;
        match response.status {
            401 => return Err(ClientError::Unauthorized(self.credentials.refusal())),
            503 => return Err(ClientError::Unavailable(String::from_utf8_lossy(&response.body).into_owned())),
            400 | 404 | 500 => {}
            status @ 400.. => return Err(ClientError::Status(status)),
            _ => {}
        }
        if response.body.is_empty() {
            return Err(ClientError::Empty);
        }
        let reply = json::parse(&response.body).ok_or(ClientError::NotJson)?;
        if reply.is_empty() { Err(ClientError::NotAResponse) } else { Ok(reply) }
    }

    /// Calls one method. The outer error says that there was no answer, the inner one is the answer.
    pub fn call(&mut self, endpoint: &str, method: &str, params: Json) -> Result<Result<Json, RpcError>, ClientError> {
        let reply = self.post(endpoint, &request(method, params, Json::from("1")))?;
        let Json::Obj(mut reply) = reply else { return Err(ClientError::NotAResponse) };
        match reply.remove("error").unwrap_or_default() {
            Json::Null => Ok(Ok(reply.remove("result").ok_or(ClientError::NotAResponse)?)),
            error => Ok(Err(RpcError::from_json(&error))),
        }
    }

    fn exchange(&mut self, endpoint: &str, body: &str) -> Result<HttpResponse, WireError> {
        let headers = [
            ("Content-Type", "application/json".to_owned()),
            ("Authorization", self.credentials.header()),
            ("Connection", if self.keep_alive { "keep-alive" } else { "close" }.to_owned()),
        ];
        if let Some(mut kept) = self.connection.take() {
            match kept.post(endpoint, &headers, body.as_bytes()) {
                // The server closed it while nobody looked, so the request was not run: ask again.
                Err(WireError::ClosedBeforeAnswer) => {}
                outcome => return self.keep(kept, outcome),
            }
        }
        let mut fresh = Connection::open(&self.host, self.port, self.timeout)?;
        let outcome = fresh.post(endpoint, &headers, body.as_bytes());
        self.keep(fresh, outcome)
    }

    fn keep(
        &mut self,
        connection: Connection,
        outcome: Result<HttpResponse, WireError>,
    ) -> Result<HttpResponse, WireError> {
        if outcome.as_ref().is_ok_and(|response| response.keep_alive) && self.keep_alive {
            self.connection = Some(connection);
        }
        outcome
    }
}

/// A request object in the 2.0 dialect, with its members in the order of `bitcoin-cli`.
pub fn request(method: &str, params: Json, id: Json) -> Json {
    Object::new().with("method", method).with("params", params).with("id", id).with("jsonrpc", "2.0").into()
}

/// The responses of a batch whose identifiers are 0, 1, 2 and so on, in that order.
pub fn batch_in_order(replies: Json) -> Option<Vec<Json>> {
    let Json::Arr(replies) = replies else { return None };
    let mut ordered = vec![Json::Null; replies.len()];
    for reply in replies {
        let place: usize = reply.get("id").as_int().ok()?;
        *ordered.get_mut(place)? = reply;
    }
    Some(ordered)
}
