//! The memory pool: transactions that wait for a block.
//!
//! What flows through, in order:
//! 1. A transaction, or a package of some, arrives: [`Mempool::accept`], [`Mempool::accept_package`]. It is checked from
//!    the cheap to the expensive: consensus by itself, [`policy`], locks, the coins that it spends (of the chain or of
//!    the pool), its fee, what it would replace, how much would hang together, and last its scripts. Each rule is a
//!    variant of [`Reason`].
//! 2. What is taken becomes an [`Entry`]. Entries that depend on one another form a *cluster*. A cluster is cut into
//!    *chunks*, which are mined in one piece ([`linearize`]), and all chunks of the pool have one order, by fee rate.
//!    Everything economic is read off that order: what goes into a block is its head, what is evicted its tail, and a
//!    replacement must raise it everywhere.
//! 3. A block arrives: the [follower](Mempool::follower) removes what it confirms and what conflicts with it. After a
//!    reorganisation the transactions of lost blocks come back in, and what became impossible leaves.
//! 4. [`Pool::template`] chooses what the next block has. A [`Dump`] carries the pool over a restart. A [`FeeEstimator`]
//!    and a [`Health`] learn from what comes and goes ([`Experience`]), and [`Mempool::estimate`] says what to pay.
//!
//! One writer at a time: acceptance and the chain run on the validation thread, the operator's priorities wait their
//! turn. Readers share a lock with the checks; it is held alone only to make a finished change, never while scripts run or
//! the disk is read. What happened is published in order as [`MempoolEvent`]s.
//!
//! Assumed: [`chainstate::Reader`] stands still while a transaction is checked, and the rules are those of its chain.

mod accept;
mod bump;
mod cluster;
mod dump;
mod entry;
mod estimate;
mod events;
mod feerate;
mod fees;
mod follow;
mod index;
mod limit;
pub mod linearize;
mod mempool;
mod options;
mod plan;
pub mod policy;
mod pool;
mod reason;
mod template;
#[cfg(test)]
mod tests;
mod trim;

pub use accept::{AcceptOptions, Accepted, PackageOptions, PackageOutcome, Rejected, Verdict};
pub use dump::{BadDump, Dump, Dumped, ImportOptions, Imported};
pub use entry::{Entry, EntryId};
pub use estimate::{Estimator, Experience, NoEstimate, RateEstimate};
pub use events::{MempoolEvent, RemovalReason};
pub use feerate::{FeeRate, compare_diagrams};
pub use fees::{
    BadEstimates, BadHealth, BlockWeights, BucketRange, Estimate, EstimateDetail, EstimateReason, FeeEstimator,
    FeeFilterRounder, Health, Horizon, Unhealthy,
};
pub use mempool::{Mempool, NextBlock};
pub use options::{BadOptions, Limits, Options};
pub use pool::Pool;
pub use reason::{InputProblem, PackageReason, Reason};
pub use template::{Template, TemplateOptions, TemplateTx};
