//! What an answer can be.

use interfaces::{Answer, Call, IpcError};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The node is gone: the connection's screen says so, and nothing else has to.
    Gone,
    /// What the user reads.
    Said(String),
}

/// An answer, or why there is none.
pub type Reply<T> = Result<T, Trouble>;

impl From<IpcError> for Trouble {
    fn from(error: IpcError) -> Self {
        match error {
            IpcError::Disconnected | IpcError::Interrupted => Self::Gone,
            other => Self::Said(other.to_string()),
        }
    }
}

/// Both levels of a result as one.
pub(crate) fn flat<T>(call: Call<Answer<T>>) -> Reply<T> {
    call?.map_err(|failure| Trouble::Said(failure.0))
}

/// The error of a JSON-RPC method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcFailure {
    /// Its number; 0 if the method was not reached.
    pub code: i64,
    /// What the user reads.
    pub message: String,
}

impl RpcFailure {
    /// A failure without a number.
    pub(crate) fn said(message: impl Into<String>) -> Self {
        Self { code: 0, message: message.into() }
    }
}

impl From<Trouble> for RpcFailure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Gone => Self::said("The node is gone. Whether it did what it was asked to is not known."),
            Trouble::Said(text) => Self::said(text),
        }
    }
}
