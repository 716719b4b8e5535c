//! What this node relays and mines by its own choice: rules that may differ from node to node, unlike consensus.

mod ephemeral;
mod inputs;
mod package;
mod standard;
mod truc;

use script::Flags;

pub use ephemeral::{check_ephemeral_spends, check_ephemeral_tx};
pub use inputs::{check_inputs_standard, is_witness_standard, spends_witness_program};
pub use package::{
    MAX_PACKAGE_COUNT, MAX_PACKAGE_WEIGHT, check_well_formed, is_child_with_parents, is_child_with_parents_tree,
    package_hash,
};
pub use standard::{
    check_standard, check_standard_with_assets, dust_outputs, dust_threshold, is_dust, is_standard_output,
};
pub(crate) use truc::{Relative, check_package_truc, check_single_truc};

/// The heaviest transaction that is relayed.
pub const MAX_STANDARD_TX_WEIGHT: u64 = 400_000;
/// The smallest, without witness: one larger than 64, which an inner node of a Merkle tree could be mistaken for.
pub const MIN_STANDARD_TX_NONWITNESS_SIZE: usize = 65;
/// The most signature operations in a redeem script.
pub const MAX_P2SH_SIGOPS: usize = 15;
/// The most signature operations outside witnesses that a transaction may run (BIP54).
pub const MAX_TX_LEGACY_SIGOPS: usize = 2500;
/// A transaction may use this part of a block's signature operations.
pub const BLOCK_SIGOPS_SHARE: u64 = 5;
/// The most clusters that one replacement may touch.
pub const MAX_REPLACEMENT_CANDIDATES: usize = 100;
/// The version of transactions that stay small and in pairs.
pub const TRUC_VERSION: u32 = 3;
/// How large such a transaction may be.
pub const TRUC_MAX_VSIZE: i64 = 10_000;
/// How large it may be if it spends an unconfirmed one.
pub const TRUC_CHILD_MAX_VSIZE: i64 = 1000;

/// The flags that every transaction of the pool must satisfy: those of consensus, and those that keep malleability and
/// future upgrades away.
pub const STANDARD_FLAGS: Flags = MANDATORY_FLAGS
    .with(Flags::STRICTENC)
    .with(Flags::MINIMALDATA)
    .with(Flags::DISCOURAGE_UPGRADABLE_NOPS)
    .with(Flags::CLEANSTACK)
    .with(Flags::MINIMALIF)
    .with(Flags::NULLFAIL)
    .with(Flags::LOW_S)
    .with(Flags::DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM)
    .with(Flags::WITNESS_PUBKEYTYPE)
    .with(Flags::CONST_SCRIPTCODE)
    .with(Flags::DISCOURAGE_UPGRADABLE_TAPROOT_VERSION)
    .with(Flags::DISCOURAGE_OP_SUCCESS)
    .with(Flags::DISCOURAGE_UPGRADABLE_PUBKEYTYPE);

/// The flags that new blocks must satisfy.
pub const MANDATORY_FLAGS: Flags = Flags::P2SH
    .with(Flags::DERSIG)
    .with(Flags::NULLDUMMY)
    .with(Flags::CHECKLOCKTIMEVERIFY)
    .with(Flags::CHECKSEQUENCEVERIFY)
    .with(Flags::WITNESS)
    .with(Flags::TAPROOT);

/// The weight of a transaction, or what its signature operations count for if that is more.
pub fn adjusted_weight(weight: u64, sigops: u64, bytes_per_sigop: u64) -> u64 {
    weight.max(sigops.saturating_mul(bytes_per_sigop))
}

/// The virtual size of a transaction with so many signature operations.
pub fn virtual_size(weight: u64, sigops: u64, bytes_per_sigop: u64) -> u64 {
    adjusted_weight(weight, sigops, bytes_per_sigop).div_ceil(4)
}

#[cfg(test)]
mod tests;
