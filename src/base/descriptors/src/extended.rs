//! Extended public keys, and the children that need no private key (BIP32).

use std::sync::LazyLock;

use bitcoin::NetworkKind;
use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpub};
use bitcoin::secp256k1::{All, PublicKey, Secp256k1};
use primitives::EXTENDED_KEY_SIZE;

use crate::multiple;

/// The tables that derivation needs. They hold no state.
pub(crate) static CURVE: LazyLock<Secp256k1<All>> = LazyLock::new(Secp256k1::new);

/// The first index of hardened children.
pub(crate) const HARDENED: u32 = 1 << 31;

/// A public key that has children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExtendedKey(Xpub);

impl ExtendedKey {
    /// Reads what stands behind the prefix. A root with parents and a key that is no point are refused.
    pub fn from_bytes(bytes: &[u8; EXTENDED_KEY_SIZE]) -> Option<Self> {
        let (depth, rest) = bytes.split_first()?;
        let (parent, rest) = rest.split_first_chunk::<4>()?;
        let (child, rest) = rest.split_first_chunk::<4>()?;
        let (chain_code, key) = rest.split_first_chunk::<32>()?;
        if *depth == 0 && (*parent != [0; 4] || *child != [0; 4]) {
            return None;
        }
        Some(Self(Xpub {
            network: NetworkKind::Main, // Not used: the prefix is the notation's.
            depth: *depth,
            parent_fingerprint: Fingerprint::from(*parent),
            child_number: ChildNumber::from(u32::from_be_bytes(*child)),
            public_key: PublicKey::from_slice(key).ok()?,
            chain_code: ChainCode::from(*chain_code),
        }))
    }

    /// What stands behind the prefix.
    pub fn to_bytes(&self) -> [u8; EXTENDED_KEY_SIZE] {
        let [_, _, _, _, bytes @ ..] = self.0.encode();
        bytes
    }

    /// The key itself.
    pub fn public_key(&self) -> bitcoin::PublicKey {
        bitcoin::PublicKey::new(self.0.public_key)
    }

    /// The first bytes of the key's hash.
    pub fn fingerprint(&self) -> [u8; 4] {
        self.0.fingerprint().to_bytes()
    }

    /// The child with an index. There is none if the index is hardened or the key is too deep.
    pub fn child(&self, index: u32) -> Option<Self> {
        self.tweak(index).map(|(_, child)| child)
    }

    /// The child with an index, and the number by which its key is further along the curve.
    pub fn tweak(&self, index: u32) -> Option<([u8; 32], Self)> {
        let child_number = ChildNumber::from(index);
        let (tweak, chain_code) = self.0.ckd_pub_tweak(child_number).ok()?;
        let tweak = tweak.secret_bytes();
        let child = Xpub {
            network: self.0.network,
            depth: self.0.depth.checked_add(1)?,
            parent_fingerprint: self.0.fingerprint(),
            child_number,
            public_key: multiple::step(&self.0.public_key, &tweak)?,
            chain_code,
        };
        Some((tweak, Self(child)))
    }

    /// The descendant at the end of a path.
    pub fn descendant(&self, path: &[u32]) -> Option<Self> {
        path.iter().try_fold(*self, |key, index| key.child(*index))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn children_are_those_of_bip32(seed: [u8; 32], index in 0..HARDENED) {
            let root = bitcoin::bip32::Xpriv::new_master(NetworkKind::Main, &seed).unwrap();
            let parent = Xpub::from_priv(&CURVE, &root);
            let child = parent.ckd_pub(&*CURVE, ChildNumber::from(index)).unwrap();
            prop_assert_eq!(ExtendedKey(parent).child(index), Some(ExtendedKey(child)));
        }

        #[test]
        fn hardened_children_need_more(seed: [u8; 32], index in HARDENED..) {
            let root = bitcoin::bip32::Xpriv::new_master(NetworkKind::Main, &seed).unwrap();
            prop_assert_eq!(ExtendedKey(Xpub::from_priv(&CURVE, &root)).child(index), None);
        }
    }
}
