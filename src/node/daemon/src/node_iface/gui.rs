//! One GUI's view of the node.

use std::sync::Arc;

use ::rpc::{Caller, Engine};
use chainstate::{ChainEvent, Reader};
use interfaces::{Answer, Call, Failure, Handler, IpcError, Json, Node, NodeNotifications, NodeStatus, WalletLoader};
use platform::Clock;

use crate::NodeContext;
use crate::chain_iface::{Happening, Subscriber, block_ref, height_of};

/// The node, for one GUI.
pub(crate) struct GuiNode {
    node: Arc<NodeContext>,
    engine: Arc<Engine<NodeContext>>,
}

impl GuiNode {
    pub(crate) fn new(node: Arc<NodeContext>, engine: Arc<Engine<NodeContext>>) -> Self {
        Self { node, engine }
    }

    fn reader(&self) -> Call<&Reader> {
        let chain = self.node.chain.get().ok_or_else(|| IpcError::Remote("The chain is not loaded yet.".to_owned()))?;
        Ok(chain.reader())
    }
}

impl Node for GuiNode {
    fn status(&self) -> Call<NodeStatus> {
        let reader = self.reader()?;
        let (tip, best) = (reader.tip(), reader.best_header());
        let mut status = reader.tree(|tree| {
            let mut status = NodeStatus::default();
            if let Some(tip) = tip {
                status.tip = block_ref(tree, tip.id);
                status.tip_time = i64::from(tip.time);
            }
            if let Some(best) = best {
                status.header_height = height_of(tree[best].height);
                status.header_time = i64::from(tree[best].header.time);
            }
            status
        });
        status.progress = tip.map_or(0.0, |tip| reader.progress(&reader.node(tip.id), self.node.clock.unix_seconds()));
        status.initial_block_download = reader.initial_download();
        let network = self.node.network_state();
        status.network_active = network.active;
        (status.connections_in, status.connections_out) = (network.incoming, network.outgoing);
        if let Ok(totals) = self.node.net().and_then(|net| net.call(|net| net.totals())) {
            (status.bytes_received, status.bytes_sent) = (totals.received, totals.sent);
        }
        status.warnings = self.node.warnings.texts().join("\n");
        if let Some(pool) = self.node.mempool.get() {
            let pool = pool.read();
            status.mempool_count = u64::try_from(pool.len()).unwrap_or(u64::MAX);
            status.mempool_bytes = u64::try_from(pool.memory_usage()).unwrap_or(u64::MAX);
        }
        Ok(status)
    }

    fn execute_rpc(&self, request: &Json, uri: &str) -> Call<Answer<Json>> {
        let caller = Caller { uri: uri.to_owned(), ..Caller::default() };
        let answer = self.engine.answer_text(request.as_str(), &caller);
        Ok(answer.map(Json::new).map_err(|error| Failure::new(error.to_string())))
    }

    fn list_rpc_commands(&self) -> Call<Vec<String>> {
        Ok(self.node.directory.names())
    }

    fn set_network_active(&self, active: bool) -> Call<()> {
        let stopped = |error: net::Stopped| IpcError::Remote(error.to_string());
        self.node.set_network_active(active).map(drop).map_err(stopped)
    }

    fn wallet_loader(&self) -> Call<Option<Arc<dyn WalletLoader>>> {
        Ok(self.node.wallets().ok().and_then(|wallets| wallets.loader()))
    }

    fn handle_notifications(&self, notifications: Arc<dyn NodeNotifications>) -> Call<Arc<dyn Handler>> {
        let reader = self.reader()?.clone();
        let (clock, told) = (Arc::clone(&self.node.clock), Arc::clone(&notifications));
        let deliver = move |what: Option<&Happening>| match what {
            Some(Happening::Chain(ChainEvent::Tip { hash, .. })) => {
                let Some((id, node)) = reader.find(hash) else { return Ok(()) };
                let shown = reader.tree(|tree| block_ref(tree, id));
                let progress = reader.progress(&node, clock.unix_seconds());
                told.block_tip(shown, i64::from(node.header.time), progress)
            }
            Some(Happening::Chain(ChainEvent::Announced { block, .. })) => {
                let Some((id, node)) = reader.find(&block.hash()) else { return Ok(()) };
                let shown = reader.tree(|tree| block_ref(tree, id));
                told.header_tip(shown, i64::from(node.header.time))
            }
            _ => Ok(()),
        };
        let no_thread = |error: std::io::Error| IpcError::Remote(error.to_string());
        let (subscriber, _) = Subscriber::start(&self.node.feed, "guiblocks", deliver).map_err(no_thread)?;
        let number = self.node.ui.watch(notifications).map_err(no_thread)?;
        self.node.count_connections();
        Ok(Arc::new(Watching { node: Arc::clone(&self.node), number, subscriber }))
    }

    fn start_shutdown(&self) -> Call<()> {
        self.node.shutdown.request();
        Ok(())
    }
}

/// A GUI's subscription.
struct Watching {
    node: Arc<NodeContext>,
    number: u64,
    subscriber: Subscriber,
}

impl Handler for Watching {
    fn disconnect(&self) -> Call<()> {
        self.node.ui.unwatch(self.number);
        self.subscriber.disconnect()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.node.ui.unwatch(self.number);
    }
}
