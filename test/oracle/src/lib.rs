//! Two engines, one question: is this block valid, and if not, why?
//!
//! Blocks are made up on the regtest chain that both engines share, most of them spoilt in one place. Each is handed to
//! Bitcoin Core's kernel ([`kernel`]) and to the rules of this project ([`ours`]); the verdicts must be the same down to
//! the text that the daemon logs. What the kernel takes as its tip is the tip of the other one, so that a difference does
//! not hide what comes after it.
//!
//! - [`kinds`] are the outputs that the chain pays to, and how each is spent;
//! - [`plan`] describes a block and its transactions as plain values that proptest makes, shrinks and prints;
//! - [`build`] turns a plan into a block on the tip, and [`spoil`] changes it where the plan says so;
//! - [`duel`] keeps both engines and counts what was seen.
//!
//! Single transactions are judged in `tests/transactions.rs`, times are compared in `benches/script.rs`.

pub mod build;
pub mod duel;
pub mod kernel;
pub mod kinds;
pub mod ours;
pub mod plan;
pub mod spoil;
pub mod verdict;
