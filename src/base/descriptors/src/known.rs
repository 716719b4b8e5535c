//! What is known about scripts besides themselves: the keys and scripts behind hashes, and where keys come from.

use std::collections::BTreeMap;

use bitcoin::hashes::{Hash, hash160};
use bitcoin::secp256k1::Parity;
use bitcoin::taproot::{TapTweakHash, TaprootBuilder, TaprootSpendInfo};
use bitcoin::{PublicKey, ScriptBuf, XOnlyPublicKey};

use crate::extended::CURVE;
use crate::multiple;

/// Where a key comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The first bytes of the root key's hash.
    pub fingerprint: [u8; 4],
    /// The steps from there.
    pub path: Vec<u32>,
}

/// What a taproot output commits to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaprootTree {
    /// The key before its tweak.
    pub internal_key: XOnlyPublicKey,
    /// Scripts of version 0xc0 and their depths, from left to right.
    pub leaves: Vec<(u8, ScriptBuf)>,
}

impl TaprootTree {
    /// The output key, and how to spend each leaf. Nothing if the depths make no tree.
    pub fn info(&self) -> Option<TaprootSpendInfo> {
        let add = |builder: TaprootBuilder, (depth, script): &(u8, ScriptBuf)| builder.add_leaf(*depth, script.clone());
        let builder = self.leaves.iter().try_fold(TaprootBuilder::new(), add).ok()?;
        builder.finalize(&CURVE, self.internal_key).ok()
    }

    /// The output key alone, which for a key without scripts takes less.
    pub fn output_key(&self) -> Option<[u8; 32]> {
        if !self.leaves.is_empty() {
            return Some(self.info()?.output_key().serialize());
        }
        let tweak = TapTweakHash::from_key_and_tweak(self.internal_key, None).to_byte_array();
        let output = multiple::step(&self.internal_key.public_key(Parity::Even), &tweak)?;
        Some(output.x_only_public_key().0.serialize())
    }
}

/// Everything that is known. Expanding a descriptor fills it, inferring one reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Keys by their hash.
    pub keys: BTreeMap<[u8; 20], PublicKey>,
    /// Scripts by their hash: redeem scripts and witness scripts.
    pub scripts: BTreeMap<[u8; 20], ScriptBuf>,
    /// Origins by the hash of the key.
    pub origins: BTreeMap<[u8; 20], Origin>,
    /// Trees by the output key.
    pub taproot: BTreeMap<[u8; 32], TaprootTree>,
    /// The scripts behind witness programs that are trees of one script, by the short form of the program.
    pub trees: BTreeMap<[u8; 20], ScriptBuf>,
    /// Keys that are put together, in their order, by what they are together.
    pub aggregates: BTreeMap<[u8; 33], Vec<PublicKey>>,
}

/// The hash of a key, as it is serialized.
pub(crate) fn key_hash(key: &PublicKey) -> [u8; 20] {
    hash160::Hash::hash(&key.to_bytes()).to_byte_array()
}

impl Known {
    /// Adds a key.
    pub fn add_key(&mut self, key: PublicKey) {
        self.keys.insert(key_hash(&key), key);
    }

    /// Adds a script.
    pub fn add_script(&mut self, script: ScriptBuf) {
        self.scripts.insert(hash160::Hash::hash(script.as_bytes()).to_byte_array(), script);
    }

    /// Adds a script that is a tree of its own, and tells the tree's root.
    pub fn add_tree(&mut self, script: ScriptBuf) -> [u8; 32] {
        let root = script::mast_leaf(script.as_bytes());
        self.trees.insert(script::mast_short(&root), script);
        root
    }

    /// The script behind a witness program of version 0 that is the root of a tree, or its short form.
    pub fn tree(&self, program: &[u8]) -> Option<&ScriptBuf> {
        let short = match <&[u8; 32]>::try_from(program) {
            Ok(root) => script::mast_short(root),
            Err(_) => program.try_into().ok()?,
        };
        self.trees.get(&short)
    }

    /// Adds everything of another.
    pub fn merge(&mut self, other: Self) {
        self.keys.extend(other.keys);
        self.scripts.extend(other.scripts);
        self.origins.extend(other.origins);
        self.taproot.extend(other.taproot);
        self.trees.extend(other.trees);
        self.aggregates.extend(other.aggregates);
    }

    /// The origin of a key.
    pub fn origin(&self, key: &PublicKey) -> Option<&Origin> {
        self.origins.get(&key_hash(key))
    }

    /// The origin of either key with this x coordinate.
    pub fn origin_x_only(&self, key: &XOnlyPublicKey) -> Option<&Origin> {
        [Parity::Even, Parity::Odd].into_iter().find_map(|parity| self.origin(&PublicKey::new(key.public_key(parity))))
    }
}

#[cfg(test)]
mod tests {
    use bitcoin::secp256k1::SecretKey;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_output_key_alone_is_that_of_all_there_is_to_know(secret in 1..=u128::MAX, has_script: bool) {
            let secret = [[0; 16], secret.to_be_bytes()].concat();
            let key = SecretKey::from_slice(&secret).unwrap();
            let leaves = if has_script { vec![(0, ScriptBuf::new())] } else { Vec::new() };
            let tree = TaprootTree { internal_key: key.x_only_public_key(&CURVE).0, leaves };
            prop_assert_eq!(tree.output_key(), tree.info().map(|info| info.output_key().serialize()));
        }
    }
}
