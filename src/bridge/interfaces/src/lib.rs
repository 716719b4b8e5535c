//! The only road between the rooms: what node, wallet and GUI may ask of one another.
//!
//! A caller holds an `Arc<dyn Chain>` and cannot tell whether the chain is in the same process, in a child at the other
//! end of a socket pair, behind a unix socket, or a fake in a test. Everything here follows from that:
//!
//! - **Traits are synchronous and dyn-compatible, `Send + Sync`.** A call blocks its thread until the answer is there.
//!   Arguments are values, slices of values or other interfaces; no generics, no overloads, no closures.
//! - **Results have two levels.** The outer one ([`Call`]) says that the *road* failed: the other process is gone, or the
//!   call was interrupted. The inner one ([`Answer`], or a plain value) is what the other room said. A caller that has no
//!   use for the difference can flatten it with `?` twice; one that supervises processes needs it.
//! - **Data is plain.** Hashes, transactions and blocks cross as bytes in newtypes ([`BlockHash`], [`RawTx`]); no type of
//!   a Bitcoin library, a database or a wire format appears. This crate depends on nothing of ours.
//! - **Secrets are types.** A passphrase or a key is a [`Secret`]: it prints as `<redacted>`, so no log can leak it, and
//!   is wiped when dropped. JSON that may hold secrets is a [`Json`], which prints its length only.
//! - **Bulk work is one call.** [`ChainBlocks::scan_blocks`] streams matches in batches with back-pressure, so a rescan
//!   does not pay a round trip per block.
//!
//! The order of the files is the order in which a connection uses them: `init` (who are you, give me your interfaces),
//! `echo` (are you there), `chain` and its readers, `mining`, `rpc`, `node`, `wallet`.
//!
//! The crate `ipc` reads these files when it is built: a method that exists here and in the schema gets its client
//! proxy, server dispatch, request log and round-trip test from there (`doc/ipc.md`). That is why a trait is written
//! plainly, one `fn` per method, and why every method returns [`Call`].
//!
//! The crate `fakes` has a working in-memory implementation of every trait, and the tests that each implementation,
//! local, remote or fake, has to pass.
#![deny(clippy::as_conversions)]

mod chain;
mod data;
mod echo;
mod error;
mod init;
mod mining;
mod mining30;
mod node;
mod rpc;
mod secret;
mod wallet;

pub use chain::{
    Broadcast, BumpFee, Chain, ChainBlocks, ChainBroadcast, ChainEvents, ChainFees, ChainHost, ChainMempool,
    ChainNotifications, ChainTip, Coin, CommonAncestor, ConnectedBlock, FeeEstimate, FoundBlock, Locator,
    PackageLimits, ScanBatch, ScanMatch, ScanReply, ScanRequest, ScanSink, ScannedTx, TxAncestry,
};
pub use data::{
    Amount, BlockHash, BlockRef, Bytes, MerkleHash, OutPoint, RawBlock, RawHeader, RawTx, Script, Txid, Wait, Wtxid,
};
pub use echo::{Echo, Handler};
pub use error::{Answer, Call, Failure, IpcError};
pub use init::{BulkheadInit, Hello, Init, old_mining_refused};
pub use mining::{
    BlockCheck, BlockCheckOptions, BlockCreateOptions, BlockTemplate, BlockWaitOptions, CoinbaseTx, Mining,
};
pub use mining30::{BlockCheckOptions30, BlockCreateOptions30, BlockTemplate30, BlockWaitOptions30, Mining30};
pub use node::{Node, NodeNotifications, NodeStatus};
pub use rpc::{Rpc, RpcCommand};
pub use secret::{Json, Secret};
pub use wallet::{
    Wallet, WalletBalances, WalletCoin, WalletCreate, WalletDirEntry, WalletLoader, WalletNotifications, WalletOpened,
};
