//! Inputs of transactions to judge engines with, and the search for a difference.
//!
//! A [`Subject`] is one input with all that an engine must know to judge it. Subjects come from two sources: the vectors of
//! Bitcoin Core, read by [`script_cases`] and [`tx_cases`], and descriptions that proptest makes up ([`generate`]), which
//! become transactions with live signatures ([`Spend::build`]). A few [`Change`]s bend them. [`search`] judges as many as
//! it is asked for, from a seed, and shrinks what fails.
//!
//! The rules of one engine are never asked here what is valid: that is what the tests compare.

#![expect(clippy::unwrap_used, reason = "a vector that cannot be read, or a helper that fails, fails the test")]

mod assemble;
mod bend;
pub mod generate;
pub mod notation;
pub mod script_cases;
mod search;
mod subject;
pub mod tx_cases;

pub use bend::{Bend, Change, changes};
pub use generate::Spend;
pub use search::{number, search};
pub use subject::{Subject, subjects};
