//! Fast Merkle trees, as Freicoin's witnesses and merged mining use them.
//!
//! A node is one compression of SHA-256 from a starting state of its own, so it costs half of what a pair of the old tree
//! costs, and it can never be mistaken for the hash of anything else. A hash without a partner moves up as it is: no list
//! has the root of another one.

use bitcoin::hashes::{Hash, HashEngine, sha256, sha256d};

/// The starting state: what SHA-256 is in after one block that holds the hash of nothing twice.
const START: [u8; 32] = [
    0x1e, 0x4e, 0x0f, 0x95, 0x5a, 0x4b, 0xc8, 0x1c, 0x08, 0xc8, 0xaf, 0x1c, 0x94, 0xf3, 0x4b, 0x9d, 0x0a, 0xf2, 0xf4,
    0x50, 0xdc, 0x24, 0xa3, 0xbc, 0xef, 0x98, 0x31, 0x8f, 0xaf, 0x5e, 0x25, 0x06,
];

/// The size of a block of SHA-256.
const BLOCK: usize = 64;

/// The hash above two others.
pub fn pair(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let mut engine = sha256::HashEngine::from_midstate(sha256::Midstate::from_byte_array(START), BLOCK);
    engine.input(left);
    engine.input(right);
    engine.midstate().to_byte_array()
}

/// The root over `leaves`; of none, the double hash of nothing.
pub fn root(mut leaves: Vec<[u8; 32]>) -> [u8; 32] {
    while leaves.len() > 1 {
        raise(&mut leaves);
    }
    leaves.first().copied().unwrap_or_else(|| sha256d::Hash::hash(&[]).to_byte_array())
}

/// The hashes beside the way from the leaf at `position` to the root, lowest first, and the way: a bit for each of them,
/// lowest first, set if the way comes from the right.
pub fn branch(mut leaves: Vec<[u8; 32]>, mut position: usize) -> (Vec<[u8; 32]>, u32) {
    let (mut branch, mut path) = (Vec::new(), 0u32);
    while leaves.len() > 1 {
        if let Some(beside) = leaves.get(position ^ 1) {
            path |= u32::from(position & 1 == 1).checked_shl(depth(branch.len())).unwrap_or(0);
            branch.push(*beside);
        }
        raise(&mut leaves);
        position /= 2;
    }
    (branch, path)
}

fn depth(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The root that a leaf and its branch lead to; `None` if the path goes on where the branch has ended.
pub fn root_of_branch(leaf: [u8; 32], branch: &[[u8; 32]], path: u32) -> Option<[u8; 32]> {
    let mut path = path;
    let root = branch.iter().fold(leaf, |hash, beside| {
        let from_right = path & 1 == 1;
        path >>= 1;
        if from_right { pair(beside, &hash) } else { pair(&hash, beside) }
    });
    (path == 0).then_some(root)
}

/// Replaces a level by the one above it.
fn raise(level: &mut Vec<[u8; 32]>) {
    let above = level.len().div_ceil(2);
    for at in 0..above {
        level[at] = match level.get(2 * at + 1) {
            Some(right) => pair(&level[2 * at], right),
            None => level[2 * at],
        };
    }
    level.truncate(above);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_starting_state_is_the_hash_of_nothing_twice() {
        let nothing = sha256::Hash::hash(&[]).to_byte_array();
        let mut engine = sha256::Hash::engine();
        engine.input(&nothing);
        engine.input(&nothing);
        assert_eq!(engine.midstate().to_byte_array(), START);
    }

    #[test]
    fn a_lone_leaf_is_its_own_root() {
        let leaf = [7; 32];
        assert_eq!(root(vec![leaf]), leaf);
        assert_eq!(branch(vec![leaf], 0), (Vec::new(), 0));
        assert_eq!(root_of_branch(leaf, &[], 0), Some(leaf));
        assert_eq!(root_of_branch(leaf, &[], 1), None);
        assert_eq!(root(Vec::new()), sha256d::Hash::hash(&[]).to_byte_array());
    }

    #[test]
    fn three_leaves_lean_to_the_left() {
        let [a, b, c] = [[1; 32], [2; 32], [3; 32]];
        assert_eq!(root(vec![a, b, c]), pair(&pair(&a, &b), &c));
        assert_eq!(branch(vec![a, b, c], 2), (vec![pair(&a, &b)], 1));
    }

    proptest! {
        #[test]
        fn every_leaf_leads_to_the_root(leaves in prop::collection::vec(any::<[u8; 32]>(), 1..40), at in any::<prop::sample::Index>()) {
            let at = at.index(leaves.len());
            let (branch, path) = branch(leaves.clone(), at);
            prop_assert_eq!(root_of_branch(leaves[at], &branch, path), Some(root(leaves)));
        }
    }
}
