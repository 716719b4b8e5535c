//! The node as a whole: everything is started here in order, joined, and stopped in the reverse order.
//!
//! A start goes through these files:
//! 1. [`options`]: the configuration, by name, becomes typed options for each part; what does not fit is refused now.
//! 2. [`startup`] goes to the background if asked; `node` opens the log, locks the directories, lets the RPC server
//!    answer that it is warming up, loads the chain state (`import`), and announces that all is ready ([`ready`]).
//! 3. [`context`]: what RPC methods see of the node: a [`chainstate::Reader`] that never waits, a handle to the
//!    validation thread, clock, log and shutdown.
//! 4. [`rpc`]: the methods, a file per family. [`render`] holds the shapes that several of them answer with, [`miner`]
//!    makes blocks for those that generate, [`psbt`] reads, writes and finishes partially signed transactions.
//!
//! Nothing here validates or stores: that is what the rooms below do. No method holds a key.

pub mod context;
mod import;
mod ipc_server;
pub mod miner;
mod node;
pub mod options;
pub mod psbt;
pub mod ready;
pub mod render;
pub mod rpc;
mod server;
pub mod startup;
#[cfg(test)]
mod testing;

pub use context::NodeContext;
pub use startup::run;
