//! Taproot outputs: by their key if anybody signs with it, else by the leaf that costs least.

use std::collections::BTreeSet;

use bitcoin::{PublicKey, Script, XOnlyPublicKey};
use descriptors::TaprootTree;
use primitives::compact_len;
use script::taproot::{LEAF_TAPSCRIPT, leaf_hash};

use super::Producer;
use crate::spend::{TaprootSpend, Tweak};
use crate::{ControlBlocks, KeyOrigin, Leaf, TaprootOrigin};

impl Producer<'_> {
    pub(super) fn taproot(&mut self, output: &[u8; 32]) -> Option<Vec<Vec<u8>>> {
        if let Some(tree) = self.known.taproot.get(output) {
            self.spend.taproot.learn(tree);
        }
        let internal = self.spend.taproot.internal_key;
        for key in internal.iter().chain([output]) {
            self.note_origin(key, None);
        }
        if self.spend.taproot.signature.is_none() {
            let tweak = self.spend.taproot.merkle_root.map_or(Tweak::KeyOnly, Tweak::Tree);
            let by_internal = internal.and_then(|key| self.schnorr(&key, tweak, None));
            let made = by_internal.or_else(|| self.schnorr(output, Tweak::None, None));
            self.spend.taproot.signature = made;
        }
        if let Some(signature) = &self.spend.taproot.signature {
            return Some(vec![signature.clone()]);
        }
        let mut shortest: Option<(usize, Vec<Vec<u8>>)> = None;
        for ((script, version), controls) in self.spend.taproot.scripts.clone() {
            let Some((_, control)) = controls.into_iter().next() else { continue };
            let Some(mut stack) = self.leaf(&script, version) else { continue };
            stack.extend([script, control]);
            let size = stack.iter().map(|element| compact_len(element.len()) + element.len()).sum();
            let size: usize = compact_len(stack.len()).saturating_add(size);
            if shortest.as_ref().is_none_or(|(best, _)| size < *best) {
                shortest = Some((size, stack));
            }
        }
        shortest.map(|(_, stack)| stack)
    }

    fn leaf(&mut self, script: &[u8], version: u8) -> Option<Vec<Vec<u8>>> {
        if version != LEAF_TAPSCRIPT {
            return None;
        }
        self.satisfy_leaf(Script::from_bytes(script), &leaf_hash(version, script))
    }

    /// The signature by a key in a leaf: one that is there, or one that is made now.
    pub(super) fn leaf_signature(&mut self, key: &XOnlyPublicKey, leaf: &[u8; 32]) -> Option<Vec<u8>> {
        let key = key.serialize();
        self.note_origin(&key, Some(leaf));
        if let Some(there) = self.spend.taproot.script_signatures.get(&(key, *leaf)) {
            return Some(there.clone());
        }
        let made = self.schnorr(&key, Tweak::None, Some(leaf))?;
        self.spend.taproot.script_signatures.insert((key, *leaf), made.clone());
        Some(made)
    }

    /// Notes where a key comes from, and the leaf that it is in.
    pub(super) fn note_origin(&mut self, key: &[u8; 32], leaf: Option<&[u8; 32]>) {
        let origin = XOnlyPublicKey::from_slice(key).ok().and_then(|key| self.known.origin_x_only(&key));
        if let Some(origin) = origin {
            let noted = self.spend.taproot.origins.entry(*key);
            let noted =
                noted.or_insert_with(|| TaprootOrigin { leaves: BTreeSet::new(), origin: KeyOrigin::from(origin) });
            noted.leaves.extend(leaf);
        }
    }

    /// The x coordinate of the key with this id.
    pub(super) fn x_only_key(&self, id: &[u8; 20]) -> Option<XOnlyPublicKey> {
        Some(PublicKey::from_slice(&self.key(id)?).ok()?.inner.x_only_public_key().0)
    }
}

impl TaprootSpend {
    /// Adds what a tree says, to what is known already.
    pub(crate) fn learn(&mut self, tree: &TaprootTree) {
        self.internal_key = self.internal_key.or(Some(tree.internal_key.serialize()));
        self.tree = Some(tree.clone());
        let Some(info) = tree.info() else { return };
        self.merkle_root = self.merkle_root.or(info.merkle_root().map(|root| *root.as_ref()));
        for ((script, version), branches) in info.script_map() {
            let leaf: Leaf = (script.to_bytes(), version.to_consensus());
            let first = info.output_key_parity().to_u8() | version.to_consensus();
            let blocks: &mut ControlBlocks = self.scripts.entry(leaf).or_default();
            for branch in branches {
                let path = branch.iter().flat_map(|node| -> &[u8] { node.as_ref() }).copied();
                let key = tree.internal_key.serialize();
                let block: Vec<u8> = std::iter::once(first).chain(key).chain(path).collect();
                blocks.insert((block.len(), block));
            }
        }
    }
}
