//! What one peer, and all of them, may take. A peer that goes over is disconnected; the node goes on.

use std::time::Duration;

/// Limits on connections and on what a connection holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Connections that a listener serves at a time. Further ones wait to be accepted.
    pub connections: usize,
    /// Worker threads that a peer may make.
    pub threads: usize,
    /// Calls of a peer that it has not finished yet.
    pub calls: usize,
    /// Objects that a peer may hold.
    pub objects: usize,
    /// Objects that hold much memory, block templates above all. The oldest is ended when there are more.
    pub bounded_objects: usize,
    /// The size of one message in bytes.
    pub message_bytes: usize,
    /// How deep a message may nest.
    pub nesting: i32,
    /// Capabilities in one message.
    pub capabilities: u32,
    /// Bytes that wait for the peer to read them.
    pub unsent_bytes: usize,
    /// How long a call whose client is gone may go on waiting before it is interrupted.
    pub cancel_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            threads: 256,
            calls: 10_000,
            objects: 100_000,
            bounded_objects: 512,
            // Core's own limit: the default traversal limit of Cap'n Proto, 8 Mi words.
            message_bytes: 64 << 20,
            nesting: 64,
            capabilities: 1024,
            unsent_bytes: 256 << 20,
            cancel_grace: Duration::from_secs(5),
        }
    }
}
