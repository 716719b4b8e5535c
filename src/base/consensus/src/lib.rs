//! Consensus: which headers, blocks and transactions a chain accepts.
//!
//! Everybody on a network must give the same answer here, for ever. The crate is a function of what it is given: it knows
//! no disk, no clock, no thread and no peer. Coins and headers come in as views, the time as a number.
//!
//! What flows through it, in this order:
//!
//! 1. [`ChainParams`] are made from a coin's profile and from the options that change it. [`rules_for`] turns them into
//!    [`Rules`], or names what the chain demands and nobody has written: such a chain is refused.
//! 2. A **header** arrives. [`Rules::check_header`] looks at its proof of work, [`Rules::check_header_context`] at its
//!    target, time and version, against the branch that it extends: a [`HeaderView`].
//! 3. Its **block** arrives. [`Rules::check_block`] looks at it alone, [`Rules::check_block_context`] with the headers
//!    before it. [`BlockChecks`] travels with the block and remembers what it has passed.
//! 4. The block is to become the **tip**. [`Connecting`] adds its transactions up: [`spent_coins`] takes what each spends
//!    from a [`CoinView`]; amounts, maturity, relative locks and signature operations are checked; and unless
//!    [`AssumeValid`] says that it is not needed, the scripts are handed out as [`ScriptCheck`]s, which may run on any
//!    thread, from a [`ScriptQueue`]. In the end the coinbase must not pay itself too much.
//!
//! A transaction on its own takes the same steps as inside a block, without the block.
//!
//! Every rule has a variant in [`TxReason`], [`HeaderReason`], [`BlockReason`] or [`ConnectReason`], and the variant's text
//! is the reject reason of the reference daemon.
//!
//! Assumed: the bytes were decoded by `primitives`, which caps what they may make it allocate; the caller applies what it
//! has checked, in order, and takes it back when a branch loses.

#![deny(clippy::as_conversions)]

mod assume_valid;
mod block;
mod coins;
mod connect;
mod deployment;
pub mod freicoin;
pub mod fuzz;
mod money;
mod params;
mod pow;
mod reason;
mod rules;
mod scripts;
pub mod signet;
mod subsidy;
pub mod syscoin;
#[cfg(test)]
mod testing;
mod tx;
mod uint256;
mod view;

pub use assume_valid::{AssumeValid, WhyVerify};
pub use block::{
    BlockChecks, HeaderContext, Scope, WITNESS_RESERVED_VALUE, behind_commitment, commitment_index, commitment_output,
    commitment_root, height_script, is_mutated,
};
pub use coins::{UnsupportedRules, rules_for};
pub use connect::{Connecting, is_bip30_repeat, is_bip30_unspendable};
pub use deployment::{
    ActivationOverride, BadOption, Bip9Info, Bip9Stats, Buried, CacheSlot, Deployment, GbtDeployment, GbtStatus,
    Machine, MemoryCache, NUM_BITS, NoCache, SignalOverride, Start, ThresholdState, VERSION_TOP_BITS, VERSION_TOP_MASK,
    VersionBitsCache, block_version, state_after, state_since, unknown_activations,
};
pub use money::{format_money, in_range, value_of};
pub use params::{ChainParams, OwnStart};
pub use pow::{
    PowParams, claimed_work, difficulty, equivalent_time, header_work, is_proven, next_target_after_period,
    next_work_required, permitted_transition, proof_of_bits, target_of,
};
pub use reason::{
    BlockReason, BlockResult, ConnectReason, FinalTxReason, HeaderReason, ScriptFailure, TxReason, TxResult,
};
pub use rules::{BlockEnds, Era, MergedMining, Rules, Unverified};
pub use scripts::{ScriptCheck, ScriptQueue};
pub use subsidy::SubsidySchedule;
pub use tx::{CoinView, LOCKTIME_THRESHOLD, SequenceLocks, is_final, legacy_sigops, spent_coins, value_spent};
pub use uint256::{Compact, U256};
pub use view::{Below, HeaderFacts, HeaderVec, HeaderView, MEDIAN_TIME_SPAN, MergedFacts};
