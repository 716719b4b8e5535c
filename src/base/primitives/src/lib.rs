//! Transactions, headers and blocks of six coins: how they are kept, how they turn into bytes and back, and how the
//! things that they pay to are written as text.
//!
//! Bytes come in from a peer, a file or a client as a slice. A [`Reader`] walks over it and never goes back or beyond; a
//! [`Codec`] knows the coin's formats and makes values of what the reader finds. While a transaction is read, its ids are
//! hashed from the very bytes, so a [`Tx`], a [`Header`] and a [`Block`] know their ids from birth and never serialize
//! themselves to find them. They do not change afterwards and are shared as `Arc<Tx>`. What they are made of is
//! rust-bitcoin's [`bitcoin::Transaction`] and [`bitcoin::block::Header`]; its network and address types, which are closed
//! to other coins, are not used.
//!
//! Writing needs no codec: each value carries the tails that its coin puts on the wire. These are
//! - Freicoin's `lock_height` behind the lock time, 0xff as the marker of witnesses, and [`FreicoinAuxPow`] behind headers;
//! - Syscoin's [`NamecoinAuxPow`] behind headers, NEVM data behind blocks, and lists of [`assets`] inside transactions.
//!
//! What a block creates is kept as [`TxOutEntry`], what it destroys as [`BlockUndo`], both in the reference's compact form,
//! so that its snapshots and undo files can be read. [`Destination`] says where an output pays to, [`Addresses`] how a
//! chain writes that, and where a mistyped address is wrong.
//!
//! Everything here may be fed by an enemy. Lengths are checked against what is left before memory is reserved, errors are
//! values, and their texts are the daemon's. Nothing is judged by consensus: amounts may be negative, scripts may be
//! nonsense, proofs may prove nothing.
#![deny(clippy::as_conversions)]

mod address;
pub mod assets;
mod auxpow;
pub mod base58;
pub mod base64;
pub mod bech32;
mod block;
mod codec;
mod compress;
mod destination;
mod error;
pub mod fast_merkle;
pub mod fuzz;
mod genesis;
mod header;
pub mod hex;
mod keys;
pub mod merkle;
mod reader;
#[cfg(test)]
mod strategies;
mod tx;
mod txout;
mod undo;
mod writer;

pub use address::{AddressError, Addresses};
pub use assets::Tails;
pub use auxpow::{AuxPow, Branch, FreicoinAuxPow, NamecoinAuxPow};
pub use block::Block;
pub use codec::Codec;
pub use compress::{compress_amount, decompress_amount};
pub use destination::Destination;
pub use error::DecodeError;
pub use genesis::genesis_block;
pub use header::{HEADER_SIZE, Header};
pub use keys::{EXTENDED_KEY_SIZE, SecretText, decode_extended, decode_secret, encode_extended, encode_secret};
pub use reader::{MAX_SIZE, Reader};
pub use tx::{Tx, WitnessMode, encode_output};
pub use txout::{CoinTail, TxOutEntry};
pub use undo::{BlockUndo, FinalTx, TxUndo};
pub use writer::{compact_len, put_bytes, put_compact_size, put_compact_u64, put_varint};
