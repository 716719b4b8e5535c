//! Every secret of the wallet, and all that is done with one.
//!
//! A private key comes in as text, in a descriptor or by itself, as a record of a wallet file, or is made of random bytes
//! that the caller brings. From then on it is a [`PrivateKey`] in a [`KeyRing`]: in locked memory, wiped when dropped,
//! never printed. A ring plays the part of [`descriptors::PrivateKeys`]: descriptors are read and expanded with it.
//!
//! What goes out is public keys, signatures, and private texts for those who ask for them:
//!
//! 1. [`ExtendedPrivateKey`] makes roots of seeds and takes hardened steps; [`default_descriptors`] says what a new wallet
//!    makes of a root.
//! 2. [`MasterKey`] encrypts the keys of a wallet file, and a passphrase opens it.
//! 3. [`sign_transaction`] and [`fill_psbt`] sign what they are given, no more: which inputs, for which keys, and with
//!    which hash type is the caller's decision. What to put where is known to the crate `psbt`, which asks the ring for
//!    each signature; the script interpreter judges the result. [`sign_message`] signs texts.
//!
//! 4. [`requests`] answers the RPC methods that bring their own private keys.
//!
//! Signatures are deterministic, and the same that Bitcoin Core makes. Only those that several people make together begin
//! with a random nonce: [`Sessions`] keep its secret half until it is used, once, or the process ends.
//!
//! There are no files, sockets or clocks here, and nothing that knows the chain. Entropy and time are arguments.

mod crypter;
mod defaults;
mod extended;
mod keyring;
mod message;
mod psbts;
pub mod requests;
mod secret;
mod sessions;
mod sign;
#[cfg(test)]
mod tests;
mod transaction;

use std::sync::LazyLock;

use bitcoin::secp256k1::{All, Secp256k1};

pub use crypter::{MIN_ROUNDS, MasterKey, SALT_SIZE, SealedMasterKey};
pub use defaults::{default_descriptor, default_descriptors};
pub use descriptors::AddressType;
pub use extended::{ExtendedPrivateKey, HARDENED};
pub use keyring::KeyRing;
pub use message::sign_message;
pub use psbts::{PsbtManner, fill_psbt, process_psbt};
pub use secret::{PrivateKey, key_id};
pub use sessions::Sessions;
pub use sign::{Provider, SignsWithKeys};
pub use transaction::{Coin, InputError, Signed, sign_transaction};

/// The tables that signing needs.
static CURVE: LazyLock<Secp256k1<All>> = LazyLock::new(Secp256k1::new);
