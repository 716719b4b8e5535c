//! What can be found in the chain besides its coins, for those who ask for it: where a transaction is ([`TxIndex`]), who
//! spent an output ([`SpenderIndex`]), which scripts a block touches ([`FilterIndex`], BIP158), and how many coins there
//! were at any height ([`CoinStatsIndex`]).
//!
//! What flows through, in order:
//! 1. [`start`] opens an index, sees where it stood, and gives it a thread of its own ([`Follower`]).
//! 2. The thread walks from there to the tip, block by block, back over a fork where needed, and then along with the tip.
//!    It reads blocks and undo data from their files and never makes validation wait.
//! 3. Records are written at once. *Where the index stands* is written only when the coins of that block are on disk, so
//!    that after a crash an index is never ahead of a chain that has to go back; records are simply written again.
//! 4. Those who ask hold a cheap handle to the database. [`Follower::wait_for`] lets them wait until the index has
//!    seen the tip that they have seen.
//!
//! Assumed: block files keep what the chain state says is in them. An index whose next block was pruned away refuses to
//! start and says what to do.

mod coinstats;
mod error;
mod filters;
mod follower;
mod gcs;
mod heights;
mod index;
mod place;
mod spenders;
#[cfg(test)]
mod tests;
mod txs;

pub use coinstats::{CoinStatsIndex, Totals};
pub use error::IndexError;
pub use filters::{FilterIndex, FilterRecord};
pub use follower::{Follower, Status, start};
pub use gcs::{BlockFilter, filter_header};
pub use index::{Index, IndexedBlock};
pub use place::FoundTx;
pub use spenders::SpenderIndex;
pub use txs::TxIndex;
