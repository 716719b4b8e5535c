//! Script: may this input spend that output?
//!
//! An output carries a script, an input another one, and both run one after the other on one stack: spending succeeds
//! if a true value is left. An output that is the hash of a script (BIP16) makes the last push of the input the third
//! script. An output that is a *witness program* (BIP141) moves the input's part out of its script into the witness:
//! version 0 is the hash of a key or of a script, version 1 is taproot (BIP341), a key that may hide a tree of scripts
//! (BIP342). [`verify_script`] walks this road and ends with `Ok` or with one [`ScriptError`].
//!
//! What flows through it, in this order:
//!
//! 1. [`TxData`] is made for the spending transaction and the outputs it spends. It computes the hashes that all
//!    signatures of the transaction share, each kind once, when it is first asked for.
//! 2. A [`TxSignatureChecker`] is made for each input: it answers the two questions that a script may ask about its
//!    transaction, about signatures and about lock times. Behind it are the messages of [`sighash`], the curve, and a
//!    [`SignatureCache`] of what was good before. Anything else may stand in its
//!    place: [`SignatureChecker`] is a trait.
//! 3. [`verify_script`] runs the scripts under a set of [`Flags`]. Each flag is a rule that came later than the first
//!    release, or one that is only asked of transactions that are relayed. Which flags hold when is for others to say.
//!
//! The interpreter does not allocate while it runs: stack elements are slices of the scripts and of the witness, or
//! values of at most 32 bytes that lie in the element itself. No input, however made, makes it panic.
//!
//! Chains that differ in Script do so in data: [`TxData`] takes a lock height and reference heights into the messages,
//! and a [`Dialect`] holds limits and the way in which witnesses are read.
//!
//! Beside the interpreter the crate holds what is known about scripts without running them: [`templates`] names the
//! standard forms, [`sigops`] counts signature operations, [`asm`] prints and reads scripts as text, [`taproot`] hashes
//! trees of scripts.
//!
//! Nothing here knows a database, a clock or a policy.

#![deny(clippy::as_conversions)]

pub mod asm;
mod cache;
mod checker;
mod curve;
mod dialect;
mod encoding;
mod error;
mod eval;
mod flags;
pub mod fuzz;
mod hashing;
pub mod instruction;
mod keys;
mod mast;
mod merkle_proof;
pub mod num;
mod opcode;
pub mod sighash;
mod signers;
pub mod sigops;
mod stack;
pub mod taproot;
pub mod templates;
#[cfg(test)]
mod tests;
mod txdata;
mod verify;
mod witness;

pub use cache::{DEFAULT_VALIDATION_CACHE_BYTES, ExecutionCache, HashSet, SignatureCache};
pub use checker::{Keep, LOCKTIME_THRESHOLD, NoTransaction, SignatureChecker, TxSignatureChecker};
pub use dialect::{BITCOIN, Dialect, Limits, MAST, Opcodes, WitnessRules};
pub use encoding::{check_signature_encoding, is_strict_der, is_valid_pubkey_size};
pub use error::{NumError, ScriptError};
pub use eval::{ExecutionData, MAX_PUBKEYS_PER_MULTISIG, SigVersion, eval_script, find_and_delete};
pub use flags::{Flags, UnknownFlag};
pub use hashing::Digest;
pub use mast::{mast_leaf, mast_short};
pub use opcode::Opcode;
pub use signers::Signers;
pub use templates::{Solution, TxoutType, WitnessProgram, solve};
pub use txdata::{Prevout, SharedHashes, TxData};
pub use verify::{verify_script, verify_script_in};
