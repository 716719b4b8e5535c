//! Partially signed transactions (BIP174, BIP370, BIP371, BIP373), and spending with signatures that others made.
//!
//! A [`Psbt`] is read from bytes or made of a transaction, gets what other copies know, and is written again. Both
//! versions of the format are one type: version 0 carries the transaction as a whole, version 2 in parts. Records are
//! kept in the order in which they are written, and those that nobody knows are kept as they are.
//!
//! [`produce`](produce::produce) puts signatures and scripts in their places, [`finalize`] does so for all inputs, and
//! [`analyze`] says what is missing. Nothing here signs.

pub mod analyze;
mod error;
pub mod extract;
pub mod finalize;
mod merge;
mod model;
pub mod produce;
mod read;
#[cfg(test)]
mod tests;
mod tree;
mod write;

pub use error::PsbtError;
pub use model::{
    ControlBlocks, Input, KeyOrigin, Leaf, MuSig2Key, Output, Proprietary, Psbt, Records, TaprootOrigin, Version, Xpub,
};
