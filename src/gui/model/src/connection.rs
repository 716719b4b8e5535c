//! Whether there is a node.

/// Where the GUI stands with its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connection {
    /// It is being started or connected to. The text says what is waited for.
    Starting(String),
    /// It answers.
    Connected,
    /// It was lost and is waited for. The text says so.
    Waiting(String),
    /// It cannot be used. The text says why.
    Refused(String),
    /// It is being stopped, because the user leaves.
    Stopping,
    /// It has ended: the window may close.
    Stopped,
}

impl Connection {
    /// What stands across the window while there is no node to show.
    pub fn banner(&self) -> Option<&str> {
        match self {
            Self::Starting(text) | Self::Waiting(text) | Self::Refused(text) => Some(text),
            Self::Connected => None,
            Self::Stopping => Some("The node is being stopped. Please wait until this window closes."),
            Self::Stopped => Some("The node has stopped."),
        }
    }

    /// Whether the node can be asked.
    pub fn is_connected(&self) -> bool {
        *self == Self::Connected
    }

    /// Whether the user is leaving.
    pub fn is_ending(&self) -> bool {
        matches!(self, Self::Stopping | Self::Stopped)
    }
}

impl Default for Connection {
    fn default() -> Self {
        Self::Starting("The node is being started.".to_owned())
    }
}
