//! The peers of the node: from options to a running network, and what it sees of the chain and the memory pool.

mod chain;
mod filters;
pub(crate) mod options;
mod pool;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bitcoin::Txid;
use chainstate::{ChainEvent, Reader};
use net::{ChainNews, NetError, NetHandle, Network, RealSockets, Stopped};
use p2p::PeerManager;
use platform::{Clock, SystemEntropy};

use crate::{NodeContext, startup::StartError};
use chain::PeerChain;
use filters::PeerFilters;
use pool::PeerPool;

/// What is offered to peers: until everything below a snapshot is here, no old blocks.
pub(crate) fn offered(services: u64, chain: &Reader) -> u64 {
    if chain.behind().is_some() { services & !p2p::NODE_NETWORK | p2p::NODE_NETWORK_LIMITED } else { services }
}

/// Blocks that the network has not looked at yet. If it has fallen so far behind, it looks at the chain itself.
const MAX_NEWS: usize = 64;

/// Opens the sockets and starts the network. The chain and the pool are there.
pub(crate) fn start(context: &Arc<NodeContext>) -> Result<Network, StartError> {
    let config = &context.config;
    let (mut net, peers) = (options::net_options(config)?, options::peer_options(config)?);
    net.groups = options::groups(config)?;
    for text in options::warnings(config, &net) {
        context.warn_user(&text);
    }
    context.announce("Loading P2P addresses…");
    context.announce("Loading banlist…");
    let seed = platform::entropy::random_bytes(&SystemEntropy)?;
    let make = |handle: &NetHandle, chance| {
        let (chain, shutdown) = (context.chain().clone(), context.shutdown.clone());
        let view = PeerChain::new(chain.clone(), Arc::clone(&context.rules), handle.clone(), shutdown.clone());
        let pool = PeerPool::new(context.mempool().clone(), chain, shutdown);
        let mut manager = PeerManager::new(view, pool, context.reader().codec(), peers, chance);
        if let Some(index) = &context.library().filters {
            manager.set_filters(Box::new(PeerFilters::new(index.clone(), context.reader().clone())));
        }
        manager
    };
    let clock = Arc::clone(&context.clock) as Arc<dyn Clock>;
    let network = net::start(make, net, Box::new(RealSockets), clock, seed).map_err(|error| match error {
        NetError::Io(error) => StartError::Io(error),
        other => StartError::Net(other),
    })?;
    context.announce("Starting network threads…");
    follow(context, network.handle());
    wait_for_imports(context, network.handle());
    Ok(network)
}

/// While block files are being read in, nothing is taken from peers. That is the first task of the validation thread, so
/// the next one is done when it is over.
fn wait_for_imports(context: &NodeContext, handle: &NetHandle) {
    handle.tell(ChainNews::Loading(true));
    let handle = handle.clone();
    // If the thread is gone already, the node is stopping.
    let _ = context.chain().post(move |_| handle.tell(ChainNews::Loading(false)));
}

/// Tells the network what happens to the chain.
fn follow(context: &NodeContext, handle: &NetHandle) {
    let (handle, reader) = (handle.clone(), context.reader().clone());
    let waiting = Arc::new(AtomicUsize::new(0));
    context.reader().relay(move |event| {
        let news = match event {
            // While the node catches up nobody is told of single blocks.
            ChainEvent::Announced { .. } | ChainEvent::Connected { .. } if reader.initial_download() => return,
            ChainEvent::Announced { block, .. } => ChainNews::Announced(Arc::clone(block)),
            ChainEvent::Connected { block, .. } => ChainNews::Connected(Arc::clone(block)),
            ChainEvent::Disconnected { .. } => ChainNews::Disconnected,
            ChainEvent::Tip { .. } => ChainNews::Tip,
            ChainEvent::Flushed { .. } => return,
        };
        // Blocks are large; the network may be waiting for this very thread.
        let large = matches!(news, ChainNews::Announced(_) | ChainNews::Connected(_));
        if large && waiting.load(Ordering::Relaxed) >= MAX_NEWS {
            return;
        }
        waiting.fetch_add(1, Ordering::Relaxed);
        let done = Arc::clone(&waiting);
        handle.tell_then(news, move || {
            done.fetch_sub(1, Ordering::Relaxed);
        });
    });
}

impl NodeContext {
    /// The network, while it runs.
    pub fn net(&self) -> Result<&NetHandle, Stopped> {
        self.net.get().map(Network::handle).ok_or(Stopped)
    }

    /// Tells every peer of a transaction, if it is in the pool.
    pub fn relay_tx(&self, txid: Txid) {
        let wtxid = self.mempool().read().entry(&txid).map(|entry| entry.tx.wtxid());
        if let (Some(wtxid), Ok(net)) = (wtxid, self.net()) {
            net.tell(ChainNews::Relay(txid, wtxid));
        }
    }
}
