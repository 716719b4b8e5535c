//! The node's chain as wallets read it: the traits of `interfaces` over what the node has.
//!
//! 1. `feed`: chain and pool publish into one stream with one order, which `events` delivers, a thread for each
//!    subscriber: who is slow delays itself, and who is too slow is told again from the disk what it missed.
//! 2. `tip`, `blocks`, `scan`: the chain and its blocks, read without waiting for validation.
//! 3. `pool`, `broadcast`: unconfirmed transactions and fees; sending one runs on the validation thread.
//! 4. `host`: settings, messages, progress.
//!
//! Callers may be another process, and hostile: every number is checked, and what is asked before the chain is loaded
//! gets an error.

mod blocks;
mod broadcast;
pub(crate) mod convert;
mod events;
mod feed;
mod host;
mod pool;
mod scan;
#[cfg(test)]
mod tests;
mod tip;

use std::sync::Arc;

use chainstate::{ChainHandle, Reader};
use indexes::FilterIndex;
use interfaces::{Call, IpcError};
use mempool::Mempool;

use crate::NodeContext;

pub(crate) use convert::{block_ref, from_hash, height_of, to_hash};
pub(crate) use events::{Subscriber, Subscribers};
pub(crate) use feed::{Feed, Happening};

/// The node's chain, for one client.
pub(crate) struct NodeChain {
    node: Arc<NodeContext>,
    subscribers: Subscribers,
}

impl NodeChain {
    /// For a client that has no subscriptions yet.
    pub(crate) fn new(node: Arc<NodeContext>) -> Self {
        Self { node, subscribers: Subscribers::default() }
    }

    fn chain(&self) -> Call<&ChainHandle> {
        self.node.chain.get().ok_or_else(not_loaded)
    }

    fn reader(&self) -> Call<&Reader> {
        self.chain().map(ChainHandle::reader)
    }

    /// What blocks touch, if the node keeps that.
    fn filters(&self) -> Option<&FilterIndex> {
        self.node.library.get()?.filters.as_ref()
    }

    fn mempool(&self) -> Call<&Mempool> {
        self.node.mempool.get().ok_or_else(not_loaded)
    }
}

fn not_loaded() -> IpcError {
    IpcError::Remote("The chain is not loaded yet.".to_owned())
}

/// What the disk says when a read fails is for the log; a client learns that it failed.
fn disk_failed(error: &store::StoreError) -> IpcError {
    tracing::error!("Cannot read the chain: {error}");
    IpcError::Remote(format!("Cannot read the chain: {error}"))
}
