//! Syscoin: Bitcoin's rules, changed.
//!
//! Most of its blocks are mined together with Bitcoin's. The [`version`] of a header says so, and then the work is that
//! of a parent block whose coinbase commits to the header ([`auxpow`]); later parents also name a recent block of ours
//! ([`tag`]). Targets follow the parent's height ([`retarget`]), transactions carry [`assets`], and what a coinbase may
//! pay has bounds of its own ([`reward`]). On regtest blocks can be made to say something of Bitcoin's chain
//! ([`checkpoint`]).
//!
//! The reference does more than this crate can: it asks another machine, the NEVM, about blocks, knows masternodes and
//! their votes, and lets their quorums decide between chains. Chains on which that matters are followed only by
//! somebody who says that it need not be verified ([`Unverified`]); regtest, where nothing of it is in force, is
//! verified in full. A transaction whose meaning lies in those parts is refused where everything is verified.
//!
//! Below the height that the reference calls nexus it runs no scripts and does not look at what coinbases pay: it
//! trusts its checkpoints. So do these rules.

pub mod assets;
pub mod auxpow;
pub mod checkpoint;
mod retarget;
mod reward;
mod rules;
pub mod tag;
pub mod version;

pub use rules::UNVERIFIED;
pub(crate) use rules::{Syscoin, unsupported};

#[cfg(test)]
mod tests;
