//! Rules of headers and blocks that need no coins.
//!
//! A block is checked in this order: its header alone ([`check_header`]), its header against the headers before it
//! ([`check_header_context`]), its body alone ([`check_block`]), its body against the headers before it
//! ([`check_block_context`]). Whether the body is the one that the header commits to comes before anything that could
//! mark the header as invalid, so that a changed body does not get a good header banned.

mod body;
mod context;
mod header;
mod witness;

pub(crate) use body::check_block;
pub use body::{BlockChecks, Scope, is_mutated};
pub(crate) use context::check_block_context;
pub use context::height_script;
pub use header::HeaderContext;
pub(crate) use header::{check_header, check_header_context, check_place};
pub(crate) use witness::check_witness;
pub use witness::{WITNESS_RESERVED_VALUE, behind_commitment, commitment_index, commitment_output, commitment_root};

#[cfg(test)]
mod tests;
