//! Unit and property tests of the parts.

mod cache;
mod encoding;
mod multisig;
mod numbers;
mod scripts;
mod sighash;
mod templates;
mod verify;
