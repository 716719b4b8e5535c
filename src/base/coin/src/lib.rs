//! The coins that Bulkhead runs, as data: what each is called, how its networks are told apart, which numbers its
//! consensus uses and what its genesis blocks are.
//!
//! The facts stand in `data/<coin>.toml`, one file a coin, with their sources. The build script reads every file strictly
//! and writes it out as a static table, so a process parses nothing when it starts and looks a coin up by comparing
//! names. Adding a coin that is only data means adding one file.
//!
//! A [`Coin`] has [`Chain`]s: `main`, `regtest` and up to three test networks. **A chain is known by its coin and its
//! kind, never by its magic, its port or its genesis alone**: all signets share one magic, four regtests share one port,
//! and all of C1pzo's chains share one genesis hash. The tests of this crate hold these collisions as facts.
//!
//! Conventions: a 32-byte hash or number is kept least significant byte first, as nodes keep and send it; scripts,
//! transactions and magic bytes are in wire order; amounts are in the coin's smallest unit, 10^-8 of a coin.
//!
//! C1pzo's published source refuses its own genesis blocks: it pushes the output script once more and asserts a reversed
//! Merkle root. The tables hold the genesis that its author meant, recovered from the asserted hash: the output script is
//! used as it is and the Merkle root is read in wire order. [`Genesis::recovered`] keeps what the source says instead.
//!
//! There is no behaviour here. Which rule reads a number is the business of `consensus`; how bytes are laid out is that of
//! `primitives`.
#![deny(clippy::as_conversions)]

mod chain;
mod extra;
mod genesis;
mod names;
mod schedule;

pub use chain::{
    Activation, Chain, ChainKind, ChainTxData, Checkpoint, Deployment, DifficultyAlgo, FlagException, HeadersSync,
    ScriptFlag, Snapshot, Start, Taproot,
};
pub use extra::{Extra, FreicoinExtra, OtherExtra, SyscoinExtra};
pub use genesis::{Genesis, GenesisOutput, Recovered};
pub use names::{BUG_CONTACT, Bech32V0, Coin, Unit};
pub use schedule::{
    ConsensusConstants, DemurrageVector, FreicoinSubsidy, HashFunction, HeaderFormat, StepsSubsidy, Subsidy,
    SubsidyStep, SubsidyVector, SyscoinSubsidy, TxFormat,
};

#[expect(clippy::unreadable_literal, reason = "the tables are written by the build script; people read the TOML files")]
mod tables {
    use crate::{
        Activation, Bech32V0, Chain, ChainKind, ChainTxData, Checkpoint, Coin, ConsensusConstants, DemurrageVector,
        Deployment, DifficultyAlgo, Extra, FlagException, FreicoinExtra, FreicoinSubsidy, Genesis, GenesisOutput,
        HashFunction, HeaderFormat, HeadersSync, OtherExtra, ScriptFlag, Snapshot, Start, StepsSubsidy, Subsidy,
        SubsidyStep, SubsidyVector, SyscoinExtra, SyscoinSubsidy, Taproot, TxFormat, Unit,
    };

    include!(concat!(env!("OUT_DIR"), "/tables.rs"));
}

use tables::ALL;

/// Every coin, in the order of their names.
pub fn all() -> &'static [&'static Coin] {
    &ALL
}

/// The coin of that name: `bitcoin`, `arcadia`, `freicoin`, `widecoin`, `syscoin` or `c1pzo`, exactly.
pub fn by_id(id: &str) -> Option<&'static Coin> {
    ALL.iter().copied().find(|coin| coin.id == id)
}

#[cfg(test)]
mod tests;
