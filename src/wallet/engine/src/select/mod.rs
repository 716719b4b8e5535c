//! Coin selection: which coins pay for a transaction.
//!
//! Pure: coins, a target, parameters and [`Dice`] in, a [`Selection`] out. What happens, in order:
//!
//! 1. Each [`Coin`] is priced: its effective value is what is left after the input that spends it, and after what its
//!    unconfirmed ancestors lack to be mined at the same rate.
//! 2. Coins are put into [`Group`]s that are spent together: single coins, or all of a script when partial spends are
//!    avoided.
//! 3. A [`Selector`] climbs a ladder of filters, from well confirmed coins to unconfirmed change in long chains. On each
//!    rung every family of scripts is tried by itself before they are mixed.
//! 4. On a pool, the algorithms compete: [`branch_and_bound`] (no change), [`knapsack`], [`coin_grinder`] (least weight, when
//!    fees are high) and [`random_draw`]. The least [waste](Selection::waste) wins.
//!
//! The rules are the reference wallet's, so the same coins lead to the same kind of choice. Filters are applied when they
//! are reached, not all in advance, since the first one nearly always does. Sums saturate: an amount that a hostile node
//! made up gives a bad choice, never a panic.

mod bnb;
mod choose;
mod coin;
mod dice;
mod draw;
mod error;
mod feerate;
mod grinder;
mod group;
mod knapsack;
mod ladder;
mod params;
mod selection;
#[cfg(test)]
mod tests;
mod walk;

pub use bnb::branch_and_bound;
pub use choose::{BumpFees, Selector};
pub use coin::{Coin, Kind, WITNESS_SCALE};
pub use dice::Dice;
pub use draw::random_draw;
pub use error::SelectError;
pub use feerate::FeeRate;
pub use grinder::coin_grinder;
pub use group::{GROUP_MAX, Group, Grouped, Pool, Pools};
pub use knapsack::knapsack;
pub use ladder::{Filter, Limits};
pub use params::{
    CHANGE_LOWER, CHANGE_UPPER, MAX_STANDARD_TX_WEIGHT, Params, TRUC_CHILD_MAX_WEIGHT, TRUC_VERSION, change_target,
};
pub use selection::{Algorithm, Selection};
