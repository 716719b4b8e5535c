//! Proofs that some hashes are leaves of a fast Merkle tree.
//!
//! A proof is a tree without its leaves: for each inner node, from the top and from the left, three bits say what is on
//! either side of it: another inner node, a hash that is to be verified, or a hash that stands for a part of the tree that
//! is skipped. Behind the nodes come the skipped hashes.

use bitcoin::hashes::{Hash, sha256d};
use primitives::{Reader, fast_merkle};

use crate::hashing::Digest;

/// What an inner node has on one side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Link {
    /// Another inner node.
    Down,
    /// A hash to verify.
    Verify,
    /// A hash of a part that is skipped.
    Skip,
}

/// Left and right of a node, by its three bits.
const NODES: [(Link, Link); 8] = [
    (Link::Verify, Link::Skip),
    (Link::Verify, Link::Verify),
    (Link::Verify, Link::Down),
    (Link::Down, Link::Skip),
    (Link::Down, Link::Verify),
    (Link::Down, Link::Down),
    (Link::Skip, Link::Verify),
    (Link::Skip, Link::Down),
];

/// A proof.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct MerkleProof {
    nodes: Vec<(Link, Link)>,
    skipped: Vec<Digest>,
}

impl MerkleProof {
    /// Reads a proof that uses all bytes and has no bit that could be another one.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let count = usize::try_from(reader.varint_u64().ok()?).ok()?;
        let size = count.checked_mul(3)?.div_ceil(8);
        let packed = reader.take(size).ok()?;
        let nodes = (0..count).map(|n| NODES[three_bits(packed, 3 * n)]).collect();
        // What is left of the last byte is zero.
        let unused = size * 8 - count * 3;
        if packed.last().is_some_and(|last| u32::from(*last) & ((1u32 << unused) - 1) != 0) {
            return None;
        }
        let count = usize::try_from(reader.varint_u64().ok()?).ok()?;
        let skipped = reader.take(count.checked_mul(32)?).ok()?;
        reader.finish().ok()?;
        Some(Self { nodes, skipped: skipped.as_chunks::<32>().0.to_vec() })
    }

    /// The root that these leaves lead to; `None` if the proof is not one for so many leaves.
    pub(crate) fn root(&self, leaves: &[Digest]) -> Option<Digest> {
        if self.nodes.is_empty() && leaves.is_empty() && self.skipped.is_empty() {
            return Some(sha256d::Hash::hash(&[]).to_byte_array());
        }
        // As in every binary tree.
        if leaves.len() + self.skipped.len() != self.nodes.len() + 1 {
            return None;
        }
        let (mut nodes, mut leaves, mut skipped) = (self.nodes.iter(), leaves.iter(), self.skipped.iter());
        let Some(top) = nodes.next() else { return leaves.next().or(skipped.next()).copied() };
        // The inner nodes between the top and here, each with its left side once that is known.
        let mut open: Vec<((Link, Link), Option<Digest>)> = vec![(*top, None)];
        while let Some((links, left)) = open.last_mut() {
            let link = if left.is_none() { links.0 } else { links.1 };
            let mut hash = match link {
                Link::Down => {
                    open.push((*nodes.next()?, None));
                    continue;
                }
                Link::Verify => *leaves.next()?,
                Link::Skip => *skipped.next()?,
            };
            // A right side completes its node, which may complete the one above.
            loop {
                let Some((_, left)) = open.last_mut() else {
                    let all = nodes.next().is_none() && leaves.next().is_none() && skipped.next().is_none();
                    return all.then_some(hash);
                };
                match *left {
                    None => {
                        *left = Some(hash);
                        break;
                    }
                    Some(left) => {
                        hash = fast_merkle::pair(&left, &hash);
                        open.pop();
                    }
                }
            }
        }
        None
    }
}

/// Three bits of a stream whose first bit is the highest of the first byte.
fn three_bits(bytes: &[u8], at: usize) -> usize {
    (at..at + 3).fold(0, |number, bit| {
        let byte = bytes.get(bit / 8).copied().unwrap_or(0);
        number << 1 | usize::from(byte >> (7 - bit % 8) & 1)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_leaf_is_the_root() {
        let proof = MerkleProof::parse(&[0, 0]).unwrap();
        assert_eq!(proof.root(&[[5; 32]]), Some([5; 32]));
        assert_eq!(proof.root(&[]), Some(sha256d::Hash::hash(&[]).to_byte_array()));
        assert_eq!(proof.root(&[[5; 32], [6; 32]]), None);
    }

    #[test]
    fn a_pair_with_one_side_skipped() {
        let (a, b) = ([1; 32], [2; 32]);
        let mut bytes = vec![1, 0, 1];
        bytes.extend(b);
        assert_eq!(MerkleProof::parse(&bytes).unwrap().root(&[a]), Some(fast_merkle::pair(&a, &b)));
        bytes[1] = 0b1100_0000;
        assert_eq!(MerkleProof::parse(&bytes).unwrap().root(&[a]), Some(fast_merkle::pair(&b, &a)));
        // A bit behind the last node, a byte behind the end, and a byte short.
        bytes[1] |= 1;
        assert_eq!(MerkleProof::parse(&bytes), None);
        bytes[1] = 0;
        assert_eq!(MerkleProof::parse(&bytes[..34]), None);
        bytes.push(0);
        assert_eq!(MerkleProof::parse(&bytes), None);
    }

    #[test]
    fn three_leaves() {
        let [a, b, c] = [[1; 32], [2; 32], [3; 32]];
        let root = fast_merkle::pair(&fast_merkle::pair(&a, &b), &c);
        // Down and verify; verify twice.
        let proof = MerkleProof::parse(&[2, 0b1000_0100, 0]).unwrap();
        assert_eq!(proof.root(&[a, b, c]), Some(root));
        assert_ne!(proof.root(&[a, c, b]), Some(root));
        // The second node is never reached, or is not there.
        assert_eq!(MerkleProof::parse(&[2, 0b0010_0100, 0]).unwrap().root(&[a, b, c]), None);
        assert_eq!(MerkleProof::parse(&[2, 0b1010_0100, 0]).unwrap().root(&[a, b, c]), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), leaves in 0usize..6) {
            if let Some(proof) = MerkleProof::parse(&bytes) {
                let _ = proof.root(&vec![[9; 32]; leaves]);
            }
        }
    }
}
