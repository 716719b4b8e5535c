//! Rules of a transaction: alone, against its coins, and against height and time.

mod check;
mod inputs;
mod locks;
mod sigops;

pub(crate) use check::check_transaction;
pub(crate) use inputs::check_inputs;
pub(crate) use inputs::output_value;
pub use inputs::{CoinView, spent_coins, value_spent};
pub use locks::{LOCKTIME_THRESHOLD, SequenceLocks, is_final};
pub use sigops::legacy_sigops;
pub(crate) use sigops::sigop_cost;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vectors;
