//! Partially signed transactions (BIP174, BIP370, BIP371, BIP373), and spending with signatures that others made.
//!
//! A [`Psbt`] is read from bytes or made of a transaction, gets what other copies know, and is written again. Both
//! versions of the format are one type: version 0 carries the transaction as a whole, version 2 in parts. Records are
//! kept in the order in which they are written, and those that nobody knows are kept as they are.
//!
//! [`produce`](produce::produce) puts signatures and scripts in their places, [`finalize`] does so for all inputs, and
//! [`analyze`] says what is missing. Nothing here holds a key: signatures that are not there yet are asked of a
//! [`Creator`](spend::Creator), which the wallet has and the node has not.
#![deny(clippy::as_conversions)]

pub mod analyze;
mod error;
pub mod extract;
mod fill;
pub mod finalize;
pub mod fuzz;
pub mod joint;
mod merge;
mod model;
pub mod process;
pub mod produce;
mod read;
pub mod spend;
#[cfg(test)]
mod tests;
mod tree;
mod write;

pub use error::PsbtError;
pub use fill::is_segwit;
pub use model::{
    ControlBlocks, Input, KeyOrigin, Leaf, MuSig2Key, Output, Proprietary, Psbt, Records, TaprootOrigin, Version, Xpub,
};
