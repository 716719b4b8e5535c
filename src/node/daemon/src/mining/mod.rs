//! Making blocks, and waiting for reasons to make another one.
//!
//! 1. [`Settings`] are what the operator said about new blocks, an [`Order`] what one caller wants; together they make
//!    the options of a template, or are refused.
//! 2. The [`Miner`] makes a [`Draft`] on the validation thread: transactions of the pool, a coinbase, a header, and the
//!    proof that it would be valid. Drafts share their transactions with the pool, and callers that want the same
//!    within a second share the draft.
//! 3. Somebody finds a nonce ([`solve`]), or mines elsewhere, and hands the block in ([`Submission`]).
//! 4. Whoever waits for a new tip sleeps on the [`TipSignal`], which rings when the chain and the pool have come to
//!    rest; an [`Interrupt`] ends the waits of one object.
//!
//! The RPC methods use the [`Miner`] itself; clients of the socket get [`MiningObject`]s, each with its own interrupt.
//! Clients of release 30 get the same in the shape that they know ([`MiningObject30`]).

mod burst;
mod draft;
mod held;
mod merged;
mod miner;
mod object;
mod release30;
mod settings;
mod signal;
mod solve;
mod submit;
mod template;
#[cfg(test)]
mod tests;

pub use draft::{CoinbasePlan, Draft, header_after, minimum_time};
pub use merged::{MergedBlock, MergedWork};
pub use miner::{MineError, Miner};
pub use object::MiningObject;
pub use release30::{MiningObject30, wants_release30};
pub use settings::{BadOrder, Order, Settings};
pub use signal::{Interrupt, TipSignal, Waited};
pub use solve::solve;
pub use submit::Submission;
pub use template::TemplateObject;
