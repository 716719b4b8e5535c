//! Looking for a nonce, on chains where that is easy. Where blocks need a proof of merged mining, that comes first.

use bitcoin::{BlockHash, block::Header as RawHeader};
use consensus::Rules;
use primitives::{Block, Header};

/// How often, in nonces, it is asked whether to go on.
const PAUSE: u32 = 65_536;

/// Looks for a nonce, up to `tries` of them; takes from `tries` what it used. The merkle root is made anew.
pub fn solve(
    block: &mut Block,
    rules: &dyn Rules,
    tries: &mut u64,
    mut go_on: impl FnMut() -> bool,
) -> Option<BlockHash> {
    if !rules.solve_proof(block, tries) {
        return None;
    }
    let raw = RawHeader { merkle_root: block.merkle_root().0, ..*block.header.raw() };
    let aux = block.header.aux().cloned();
    for nonce in 0..u32::MAX {
        if *tries == 0 || (nonce % PAUSE == PAUSE - 1 && !go_on()) {
            return None;
        }
        let header = Header::with_aux(RawHeader { nonce, ..raw }, aux.clone());
        if rules.is_proven(&header) {
            block.header = header;
            return Some(block.hash());
        }
        *tries -= 1;
    }
    None
}
