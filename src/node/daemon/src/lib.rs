//! The node as a whole: everything is started here in order, joined, and stopped in the reverse order.
//!
//! A start goes through these files:
//! 1. [`options`]: the configuration, by name, becomes typed options for each part; what does not fit is refused now.
//! 2. [`startup`] goes to the background if asked; `node` opens the log, locks the directories, lets the RPC server
//!    answer that it is warming up, loads the chain state (`import`), and announces that all is ready ([`ready`]).
//! 3. [`context`]: what RPC methods see of the node: a [`chainstate::Reader`] that never waits, a handle to the
//!    validation thread, clock, log and shutdown.
//!    `peers` starts the network and shows it the chain.
//! 4. [`rpc`]: the methods, a file per family. [`render`] holds the shapes that several of them answer with, [`mining`]
//!    makes blocks for those that generate, and for miners at the socket.
//!
//! Nothing here validates or stores: that is what the rooms below do. No method holds a key.

mod advice;
mod chain_iface;
pub mod context;
mod ephemeral;
mod estimates;
mod import;
mod ipc_server;
pub mod library;
pub mod mining;
mod mishap;
mod node;
mod node_iface;
mod notices;
pub mod options;
mod peers;
mod publish;
pub mod ready;
pub mod render;
mod rest;
pub mod rpc;
pub mod scheduler;
mod server;
pub mod startup;
#[cfg(test)]
mod testing;
mod wallet_host;
mod warnings;

pub use context::NodeContext;
pub use startup::{run, run_for, run_shown};
pub use wallet_host::{MakeWallets, WalletSource};
