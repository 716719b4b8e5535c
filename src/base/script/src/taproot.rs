//! The Merkle tree of scripts behind a taproot output (BIP341).

use bitcoin::hashes::sha256;

use crate::curve;
use crate::hashing::{Digest, finish, tagged};

const TAP_LEAF: sha256::Midstate = sha256::Midstate::hash_tag(b"TapLeaf");
const TAP_BRANCH: sha256::Midstate = sha256::Midstate::hash_tag(b"TapBranch");
const TAP_TWEAK: sha256::Midstate = sha256::Midstate::hash_tag(b"TapTweak");

/// The bits of a control block's first byte that are the leaf version.
pub const LEAF_MASK: u8 = 0xfe;
/// The leaf version of tapscript.
pub const LEAF_TAPSCRIPT: u8 = 0xc0;
/// The first byte of an annex.
pub const ANNEX_TAG: u8 = 0x50;

const NODE: usize = 32;
const MAX_NODES: usize = 128;

/// A control block: where in the tree a leaf is, and the internal key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlBlock<'w> {
    /// Leaf version and parity of the output key.
    pub first: u8,
    /// The internal key.
    pub internal_key: &'w [u8; 32],
    /// The hashes beside the way up, lowest first.
    pub path: &'w [[u8; NODE]],
}

impl<'w> ControlBlock<'w> {
    /// Reads a control block: 33 bytes and up to 128 nodes.
    pub fn parse(bytes: &'w [u8]) -> Option<Self> {
        let ([first, internal_key @ ..], path) = bytes.split_first_chunk::<33>()?;
        let (path, rest) = path.as_chunks::<NODE>();
        (rest.is_empty() && path.len() <= MAX_NODES).then_some(Self { first: *first, internal_key, path })
    }

    /// The version of the leaf.
    pub const fn leaf_version(&self) -> u8 {
        self.first & LEAF_MASK
    }

    /// The root of the tree, seen from this leaf.
    pub fn merkle_root(&self, leaf: Digest) -> Digest {
        self.path.iter().fold(leaf, |below, beside| branch_hash(&below, beside))
    }

    /// Whether an output key commits to this leaf.
    pub fn commits(&self, output_key: &[u8], leaf: Digest) -> bool {
        let tweak = tweak_hash(self.internal_key, Some(&self.merkle_root(leaf)));
        curve::is_tweaked_key(output_key, self.internal_key, tweak, self.first & 1 == 1)
    }
}

/// The hash of a leaf.
pub fn leaf_hash(version: u8, script: &[u8]) -> Digest {
    let mut engine = tagged(&TAP_LEAF);
    engine.headed(&[version], script);
    finish(engine)
}

/// The hash of two nodes, in whichever order they come.
pub fn branch_hash(a: &Digest, b: &Digest) -> Digest {
    let mut engine = tagged(&TAP_BRANCH);
    engine.input(a.min(b));
    engine.input(a.max(b));
    finish(engine)
}

/// What an internal key is tweaked by, with or without scripts.
pub fn tweak_hash(internal_key: &[u8; 32], merkle_root: Option<&Digest>) -> Digest {
    let mut engine = tagged(&TAP_TWEAK);
    engine.input(internal_key);
    if let Some(root) = merkle_root {
        engine.input(root);
    }
    finish(engine)
}

/// The hash of an annex as signatures commit to it: with its length.
pub(crate) fn annex_hash(annex: &[u8]) -> Digest {
    let mut engine = crate::hashing::Engine::default();
    engine.with_len(annex);
    finish(engine)
}
