//! Extended public keys, and the children that need no private key (BIP32).

use std::sync::LazyLock;

use bitcoin::NetworkKind;
use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpub};
use bitcoin::secp256k1::{PublicKey, Secp256k1, VerifyOnly};
use primitives::EXTENDED_KEY_SIZE;

/// The tables that derivation needs. They hold no state.
pub(crate) static CURVE: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

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
        self.0.ckd_pub(&*CURVE, ChildNumber::from(index)).ok().map(Self)
    }

    /// The child with an index, and the number by which its key is further along the curve.
    pub fn tweak(&self, index: u32) -> Option<([u8; 32], Self)> {
        let (tweak, _) = self.0.ckd_pub_tweak(ChildNumber::from(index)).ok()?;
        Some((tweak.secret_bytes(), self.child(index)?))
    }

    /// The descendant at the end of a path.
    pub fn descendant(&self, path: &[u32]) -> Option<Self> {
        path.iter().try_fold(*self, |key, index| key.child(*index))
    }
}
