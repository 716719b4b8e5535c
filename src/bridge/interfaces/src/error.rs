//! The two levels of a result: the road, and the answer.

/// Why a call did not reach the other room, or why its answer did not come back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IpcError {
    /// The connection was already gone when the call was made.
    #[error("IPC client method called after disconnect.")]
    Disconnected,
    /// The connection went away while the call was waiting. The other side may or may not have acted on it.
    #[error("IPC client method call interrupted by disconnect.")]
    Interrupted,
    /// The other side is another version and does not have the method.
    #[error("IPC method is not implemented by the other process: {0}")]
    Unimplemented(String),
    /// The other side refused the call, or failed in a way that the method does not describe.
    #[error("{0}")]
    Remote(String),
    /// The call was made on a thread that must not block, and would have waited for itself.
    #[error("IPC method called on an event loop thread")]
    WouldDeadlock,
}

/// What a method returns when the other room was asked and could not do it. The text is what a user reads.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

impl Failure {
    /// A failure with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// The outer level: did the call reach the other side and come back.
pub type Call<T> = Result<T, IpcError>;

/// The inner level: the domain's own answer.
pub type Answer<T> = Result<T, Failure>;
