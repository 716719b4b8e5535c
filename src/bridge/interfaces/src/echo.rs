//! The smallest interfaces: is the other side there, and stop telling me.

use crate::{Call, IpcError};

/// Answers with what it is given. Used to test a connection.
pub trait Echo: Send + Sync {
    /// Returns `echo`.
    fn echo(&self, echo: &str) -> Call<String>;
}

/// A subscription. Dropping it ends it, as [`Handler::disconnect`] does.
pub trait Handler: Send + Sync {
    /// Ends the subscription. When this returns, no further notification begins; one may still be running.
    fn disconnect(&self) -> Call<()>;
}

/// An `Echo` that lives here is its own contract's simplest implementation.
impl<F> Echo for F
where
    F: Fn(&str) -> String + Send + Sync,
{
    fn echo(&self, echo: &str) -> Result<String, IpcError> {
        Ok(self(echo))
    }
}
