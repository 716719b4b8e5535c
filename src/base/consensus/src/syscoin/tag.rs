//! The tag in a parent's coinbase that names a recent block of ours.
//!
//! A parent that was mined for one branch can so not be used on another. The tag is `sys`, followed somewhere in the same
//! output by the hash and the height of the block.

use primitives::Tx;

use super::auxpow::find;
use crate::reason::HeaderReason;
use crate::view::HeaderView;

/// What a tag begins with.
pub const TAG: &[u8; 3] = b"sys";

/// How many blocks the named one is behind at least, and what its height is a multiple of.
const BEHIND: u32 = 5;
const STEP: u32 = 10;

/// The height of the block that the header after `prev` must name.
pub fn height_after(prev: u32) -> u32 {
    let below = prev.saturating_sub(BEHIND);
    below - below % STEP
}

/// Hash and height of the block that the header after `prev` must name, as a tag holds them.
pub fn content(prev: &dyn HeaderView) -> Option<Vec<u8>> {
    let named = prev.at(height_after(prev.height()))?;
    let mut content = bitcoin::hashes::Hash::to_byte_array(named.hash).to_vec();
    content.extend(named.height.to_le_bytes());
    Some(content)
}

/// The script of an output that names the block which the header after `prev` must name.
pub fn output(prev: &dyn HeaderView) -> Option<Vec<u8>> {
    let data = [TAG.as_slice(), &content(prev)?].concat();
    let mut script = vec![script::Opcode::RETURN.0];
    script::instruction::push_data(&mut script, &data);
    Some(script)
}

/// Checks the coinbase of a parent.
pub fn check(coinbase: &Tx, prev: &dyn HeaderView) -> Result<(), HeaderReason> {
    let expected = content(prev).ok_or(HeaderReason::TagReference)?;
    let mut found = false;
    for output in coinbase.outputs() {
        let script = output.script_pubkey.as_bytes();
        if !script::templates::is_unspendable(&output.script_pubkey) {
            continue;
        }
        let Some(at) = find(script, TAG) else { continue };
        if find(&script[at + TAG.len()..], &expected).is_none() {
            return Err(HeaderReason::TagMismatch);
        }
        if std::mem::replace(&mut found, true) {
            return Err(HeaderReason::ManyTags);
        }
    }
    if found { Ok(()) } else { Err(HeaderReason::MissingTag) }
}
