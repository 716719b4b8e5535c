//! Shapes that several methods answer with: scripts, transactions, headers and blocks as JSON, with the descriptions of
//! their fields beside them.

mod assets;
mod block;
mod script;
#[cfg(test)]
mod tests;
mod tx;

pub use assets::{meaning, meaning_fields};
pub use block::{block, block_fields, header, header_fields};
pub use script::{descriptor, inner_script, script, script_pubkey, script_pubkey_fields, script_pubkey_of};
pub use tx::{Prevouts, tx, tx_fields};

use primitives::hex;

/// A 256-bit number in hex, highest digit first, with all its zeros.
pub fn hex256(number: consensus::U256) -> String {
    hex::encode(&number.to_be_bytes())
}
