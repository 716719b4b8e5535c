//! The node's chain as a wallet reads it: one small trait per reader, and their sum.
//!
//! A function that only estimates fees takes `&dyn ChainFees`, and its test needs a fake of six methods, not of forty.

mod blocks;
mod events;
mod host;
mod mempool;
mod tip;

pub use blocks::{
    ChainBlocks, CommonAncestor, FoundBlock, Locator, ScanBatch, ScanMatch, ScanReply, ScanRequest, ScanSink, ScannedTx,
};
pub use events::{ChainEvents, ChainNotifications, ConnectedBlock};
pub use host::ChainHost;
pub use mempool::{
    Broadcast, BumpFee, ChainBroadcast, ChainFees, ChainMempool, Coin, FeeEstimate, PackageLimits, TxAncestry,
};
pub use tip::ChainTip;

/// Everything a wallet may ask of a node.
pub trait Chain: ChainTip + ChainBlocks + ChainMempool + ChainFees + ChainBroadcast + ChainEvents + ChainHost {}

impl<T> Chain for T where T: ChainTip + ChainBlocks + ChainMempool + ChainFees + ChainBroadcast + ChainEvents + ChainHost
{}
