//! Merkle trees as block headers use them: pairs are hashed with SHA-256 twice, and an odd last one is its own partner.

use bitcoin::hashes::{Hash, HashEngine, sha256d};

/// The root of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Root {
    /// The hash at the top; zeros for an empty list.
    pub hash: [u8; 32],
    /// Whether two hashes side by side were equal. A list whose end was doubled has the same root as the list that it
    /// came from, so a block with such a list proves nothing about its header (CVE-2012-2459).
    pub mutated: bool,
}

/// The root over `leaves`.
pub fn root(mut leaves: Vec<[u8; 32]>) -> Root {
    let mut mutated = false;
    while leaves.len() > 1 {
        mutated |= leaves.as_chunks::<2>().0.iter().any(|[left, right]| left == right);
        raise(&mut leaves);
    }
    Root { hash: leaves.first().copied().unwrap_or_default(), mutated }
}

/// The hashes beside the way from the leaf at `position` to the root, lowest first.
pub fn branch(mut leaves: Vec<[u8; 32]>, mut position: usize) -> Vec<[u8; 32]> {
    let mut branch = Vec::new();
    while leaves.len() > 1 {
        let beside = leaves.get(position ^ 1).or(leaves.last()).copied();
        branch.extend(beside);
        raise(&mut leaves);
        position /= 2;
    }
    branch
}

/// The root that a leaf and its branch lead to. Each bit of `position`, lowest first, says whether the way comes from
/// the right.
pub fn root_of_branch(leaf: [u8; 32], branch: &[[u8; 32]], position: u32) -> [u8; 32] {
    let mut position = position;
    branch.iter().fold(leaf, |hash, beside| {
        let from_right = position & 1 == 1;
        position >>= 1;
        if from_right { pair(beside, &hash) } else { pair(&hash, beside) }
    })
}

/// The hash above two others.
pub fn pair(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let mut engine = sha256d::Hash::engine();
    engine.input(left);
    engine.input(right);
    sha256d::Hash::from_engine(engine).to_byte_array()
}

/// Replaces a level by the one above it.
fn raise(level: &mut Vec<[u8; 32]>) {
    let above = level.len().div_ceil(2);
    for at in 0..above {
        let left = level[2 * at];
        let right = level.get(2 * at + 1).copied().unwrap_or(left);
        level[at] = pair(&left, &right);
    }
    level.truncate(above);
}

#[cfg(test)]
mod tests;
