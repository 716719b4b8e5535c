//! The node as a GUI sees it.

use std::sync::Arc;

use crate::{Answer, BlockRef, Call, Handler, Json, WalletLoader};

/// Controls and watches a node.
pub trait Node: Send + Sync {
    /// A snapshot of what a status bar shows.
    fn status(&self) -> Call<NodeStatus>;

    /// Runs a JSON-RPC request, as [`crate::Rpc::execute_rpc`] does.
    fn execute_rpc(&self, request: &Json, uri: &str) -> Call<Answer<Json>>;

    /// The names of all RPC methods, for completion.
    fn list_rpc_commands(&self) -> Call<Vec<String>>;

    /// Turns P2P networking on or off.
    fn set_network_active(&self, active: bool) -> Call<()>;

    /// The wallets, if this node has any to offer.
    fn wallet_loader(&self) -> Call<Option<Arc<dyn WalletLoader>>>;

    /// Calls `notifications` until the handler is dropped or disconnected.
    fn handle_notifications(&self, notifications: Arc<dyn NodeNotifications>) -> Call<Arc<dyn Handler>>;

    /// Asks the node to stop. Returns at once.
    fn start_shutdown(&self) -> Call<()>;
}

/// Is told what a GUI shows.
pub trait NodeNotifications: Send + Sync {
    /// A start-up message.
    fn init_message(&self, message: &str) -> Call<()>;

    /// Progress in percent; 100 ends it.
    fn show_progress(&self, title: &str, progress: i32) -> Call<()>;

    /// A message box: `style` is `info`, `warning` or `error`.
    fn message_box(&self, message: &str, style: &str) -> Call<()>;

    /// The chain has a new tip.
    fn block_tip(&self, tip: BlockRef, time: i64, progress: f64) -> Call<()>;

    /// The best header changed.
    fn header_tip(&self, tip: BlockRef, time: i64) -> Call<()>;

    /// The number of connections, or whether there may be any, changed.
    fn network_changed(&self, connections: u32, active: bool) -> Call<()>;

    /// The warnings changed.
    fn alerts_changed(&self, warnings: &str) -> Call<()>;
}

/// What a status bar shows.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NodeStatus {
    /// The tip.
    pub tip: BlockRef,
    /// Its time.
    pub tip_time: i64,
    /// The best header's height.
    pub header_height: i32,
    /// The best header's time.
    pub header_time: i64,
    /// The fraction of all transactions that is verified.
    pub progress: f64,
    /// Whether the node is still catching up.
    pub initial_block_download: bool,
    /// Incoming connections.
    pub connections_in: u32,
    /// Outgoing connections.
    pub connections_out: u32,
    /// Whether P2P networking is on.
    pub network_active: bool,
    /// Transactions in the mempool.
    pub mempool_count: u64,
    /// Memory used by the mempool.
    pub mempool_bytes: u64,
    /// Bytes received from peers.
    pub bytes_received: u64,
    /// Bytes sent to peers.
    pub bytes_sent: u64,
    /// Warnings for the user.
    pub warnings: String,
}
