//! The heart of the wallet: what it owns, what it may spend, and what it answers.
//!
//! What happens, in order:
//!
//! 1. [`process`] makes the loader of a process from its options and the node's chain. The loader opens wallets by name.
//! 2. A wallet is its file (crate `walletdb`), its keys (`keys`, over the crates `signer` and `descriptors`) and its
//!    ledger ([`ledger`]: a pure graph of transactions). Opening one reads every record, then rescans from the block
//!    that it saw last.
//! 3. The chain's notifications go to the ledger and, before anything is answered, to the file.
//! 4. Requests come to `rpc`, a method per file or family. Spending chooses coins ([`select`]) and builds transactions
//!    ([`spend`]); both are pure, as the ledger is.
//! 5. Keys may be in a device instead: [`device`] asks the program that talks to it.
//! 6. [`tool`] is the same library offline.
//!
//! Assumed: the chain may lie (a node is another process), so nothing it answers may panic, and nothing is signed that
//! was not asked for. Every change is in the file before it is answered. Time and randomness are arguments.

pub mod book;
mod convert;
pub mod device;
pub mod keys;
pub mod ledger;
pub mod loader;
mod memo;
pub mod process;
pub mod rpc;
pub mod select;
pub mod shared;
pub mod spend;
pub mod tool;
pub mod wallet;
