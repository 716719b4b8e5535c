//! What typed clients read: the answers of our daemon, in the shapes of the release that `-rpccompat` names, are read
//! into the types that `corepc-types` has for that release.
//!
//! A field that is missing, of another kind, or not in that release is found; then the answer is turned into the types of
//! `bitcoin`, so that a text that is no transaction, hash, script or amount is found too.
//!
//! 1. [`daemon`] starts a daemon as a process and talks JSON-RPC to it, with no code of ours.
//! 2. [`tape`] asks it, reads its answers, and counts.
//! 3. [`story`] makes a small chain and asks everything there is to ask about it: [`chain`] about blocks, the pool, mining
//!    and peers; [`raw`] about transactions, PSBTs and descriptors; [`wallet`] about wallets, [`device`] about those whose
//!    keys are elsewhere.
//! 4. [`unread`] lists the few methods whose answers are not read, and [`known`] where the types do not fit, each with its
//!    reason. A reason that is no longer good is found as well.

pub mod chain;
pub mod daemon;
pub mod device;
pub mod known;
pub mod raw;
pub mod story;
pub mod tape;
pub mod unread;
pub mod wallet;
