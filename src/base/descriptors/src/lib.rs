//! Output descriptors: which scripts somebody wants to watch or spend, as text (BIP380 to BIP390).
//!
//! A text comes in from a client or a wallet file. [`checksum`] takes the checksum off and judges it. The parser reads
//! functions from the outside in, and [`Key`] expressions at their ends; what is none of the fixed forms inside `wsh()` and
//! `tr()` is handed to `miniscript`, with the keys replaced by numbers, so that a key's text never leaves this crate. A
//! text with `<0;1>` in it stands for several descriptors; [`parse`] returns all of them.
//!
//! A [`Descriptor`] writes itself ([`std::fmt::Display`], with checksum), tells its [`Expansion`] at an index, and
//! [`infer`] goes the other way, from a script and what is [`Known`] about it to the descriptor that says most. The answers
//! of the RPC methods on descriptors are made of these in [`describe`], [`derive_addresses`] and [`scan_scripts`].
//!
//! How keys and addresses are written differs from chain to chain: a [`Notation`] knows.
//!
//! There are no private keys here. A text that reads as one becomes a [`PrivateKeyText`], which is wiped when dropped, and
//! is shown once to the caller's [`PrivateKeys`]: the wallet answers with the public part and later derives hardened children,
//! the node's [`NoPrivateKeys`] refuses, and [`parse`] ends with [`KeyError::PrivateKey`], which tells the node to ask the
//! wallet.
//!
//! A `musig()` is one [`Key`] whose participants are keys themselves: whoever looks for private keys sees the participants
//! ([`Descriptor::keys`]), and [`musig`] puts them together.
#![deny(clippy::as_conversions)]

mod cache;
pub mod checksum;
mod descriptor;
mod error;
mod expand;
mod extended;
pub mod fuzz;
mod infer;
mod key;
mod known;
mod multiple;
pub mod musig;
mod notation;
mod parse;
mod parse_key;
mod path;
mod policy;
mod private;
mod queries;
mod size;
#[cfg(test)]
mod tests;

pub use cache::{Cache, Cached};
pub use descriptor::Descriptor;
pub use error::{ChecksumError, DeriveError, KeyError, ParseError, RangeError};
pub use expand::Expansion;
pub use extended::ExtendedKey;
pub use infer::infer;
pub use key::{Derived, Key, Wildcard};
pub use known::{Known, Origin, TaprootTree};
pub use notation::Notation;
pub use parse::{Parsed, parse};
pub use path::format_path;
pub use policy::without_padding;
pub use private::{NoPrivateKeys, PrivateKeyText, PrivateKeys, PrivateKind, PublicPart, Refusal};
pub use queries::{Info, Range, derive_addresses, describe, scan_scripts};
pub use size::{AddressType, Satisfaction};
