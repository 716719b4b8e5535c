//! What a header's version says: whether a proof of merged mining and NEVM data follow, and which chain it is for.

/// The version says that a proof of merged mining follows the header.
pub const AUXPOW: i32 = 1 << 8;
/// The version says that NEVM data follow the transactions.
pub const NEVM: i32 = 1 << 7;
/// Where the chain id begins.
const CHAIN_START: u32 = 16;
/// The bits of the chain id, and of the one before.
const CHAIN_ID: i32 = 0x001f;
const OLD_CHAIN_ID: i32 = 0x1fff;
/// The bits of signalling, and one that old headers use as their chain id.
const TOP: i32 = 0x7000_0000;

/// Whether a proof should follow.
pub fn is_auxpow(version: i32) -> bool {
    version & AUXPOW != 0
}

/// Whether NEVM data should follow the block.
pub fn is_nevm(version: i32) -> bool {
    version & NEVM != 0
}

/// Whether this is a plain first version, as blocks had before there was merged mining.
pub fn is_legacy(version: i32) -> bool {
    version == 1
}

/// The chain id of a merged-mined header; 0 for others.
pub fn chain_id(version: i32) -> i32 {
    if is_auxpow(version) { version >> CHAIN_START & CHAIN_ID } else { 0 }
}

/// The chain id of a merged-mined header as it was written at first; 0 for others.
pub fn old_chain_id(version: i32) -> i32 {
    if is_auxpow(version) { version >> CHAIN_START & OLD_CHAIN_ID } else { 0 }
}

/// The version without what merged mining adds to it.
pub fn base_version(version: i32) -> i32 {
    version & !AUXPOW & !(16 << CHAIN_START)
}

/// The same for the headers before that rule.
pub fn old_base_version(version: i32) -> i32 {
    version & !AUXPOW & !(4096 << CHAIN_START)
}

/// Whether nothing of a base version reaches into the bits of the chain id.
pub fn is_valid_base(base: i32) -> bool {
    base & !TOP < 1 << CHAIN_START
}

/// A base version with a chain id.
pub fn with_chain_id(base: i32, id: u32) -> i32 {
    base | (id << CHAIN_START).cast_signed()
}
