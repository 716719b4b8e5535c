//! The private keys of a wallet, or of one request.

use std::collections::BTreeMap;

use bitcoin::key::Parity;
use bitcoin::{PublicKey, XOnlyPublicKey};
use descriptors::{
    Descriptor, ExtendedKey, Key, Notation, PrivateKeyText, PrivateKeys, PrivateKind, PublicPart, Refusal,
};
use psbt::spend::Id;
use zeroize::Zeroizing;

use crate::{ExtendedPrivateKey, PrivateKey, key_id};

/// Private keys by the hash of their public key. Of an extended key only the number is kept: the rest is public and
/// stands in the descriptors.
///
/// Reading a descriptor ([`descriptors::parse`]) with a key ring in hand fills it with the private keys of the text.
#[derive(Debug, Clone)]
pub struct KeyRing {
    notation: Notation,
    keys: BTreeMap<Id, PrivateKey>,
}

impl KeyRing {
    /// An empty ring.
    pub fn new(notation: Notation) -> Self {
        Self { notation, keys: BTreeMap::new() }
    }

    /// How keys are written here.
    pub fn notation(&self) -> &Notation {
        &self.notation
    }

    /// Adds a key.
    pub fn insert(&mut self, key: PrivateKey) {
        self.keys.insert(key.id(), key);
    }

    /// Adds all keys of another ring.
    pub fn merge(&mut self, other: Self) {
        self.keys.extend(other.keys);
    }

    /// The keys, in the order of their hashes.
    pub fn keys(&self) -> impl Iterator<Item = &PrivateKey> {
        self.keys.values()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The key with this hash.
    pub fn get(&self, id: &Id) -> Option<&PrivateKey> {
        self.keys.get(id)
    }

    /// The private key of a public one.
    pub fn of(&self, key: &PublicKey) -> Option<&PrivateKey> {
        self.get(&key_id(key))
    }

    /// The key with this x coordinate.
    pub fn of_x_only(&self, key: &XOnlyPublicKey) -> Option<&PrivateKey> {
        [Parity::Even, Parity::Odd].into_iter().find_map(|parity| self.of(&PublicKey::new(key.public_key(parity))))
    }

    /// The private key of a root.
    pub fn root(&self, root: &ExtendedKey) -> Option<ExtendedPrivateKey> {
        ExtendedPrivateKey::from_parts(self.of(&root.public_key())?.clone(), *root)
    }

    /// The private key of a key expression at an index.
    pub fn derive_key(&self, key: &Key, index: u32) -> Option<PrivateKey> {
        match (key.root(), key.single_key()) {
            (Some(root), _) => Some(self.root(root)?.descendant(&key.path(index))?.into_key()),
            (None, Some(single)) if key.is_x_only() => self.of_x_only(&single.inner.x_only_public_key().0).cloned(),
            (None, Some(single)) => self.of(single).cloned(),
            (None, None) => None,
        }
    }

    /// As [`KeyRing::expand`], at all indexes from the first to the last. The steps that are the same at each are taken once.
    #[must_use]
    pub fn expand_all(&self, descriptor: &Descriptor, first: u32, last: u32) -> Self {
        let mut ring = Self::new(self.notation);
        for key in descriptor.keys() {
            let Some(root) = key.root().filter(|_| key.is_range()) else {
                ring.keys.extend(self.derive_key(key, 0).map(|key| (key.id(), key)));
                continue;
            };
            let Some(parent) = self.root(root).and_then(|root| root.descendant(key.fixed_path())) else { continue };
            for index in first..=last {
                let step = key.path(index).pop().unwrap_or(index);
                ring.keys.extend(parent.child(step).map(|child| (child.key().id(), child.into_key())));
            }
        }
        ring
    }

    /// The keys that a descriptor has at an index, as far as they are known: what signing for that script needs.
    #[must_use]
    pub fn expand(&self, descriptor: &Descriptor, index: u32) -> Self {
        let mut ring = Self::new(self.notation);
        for key in descriptor.keys() {
            if let Some(key) = self.derive_key(key, index) {
                ring.insert(key);
            }
        }
        ring
    }

    fn knows(&self, key: &Key) -> bool {
        match (key.root(), key.single_key()) {
            (Some(root), _) => self.of(&root.public_key()).is_some(),
            (None, Some(single)) if key.is_x_only() => self.of_x_only(&single.inner.x_only_public_key().0).is_some(),
            (None, Some(single)) => self.of(single).is_some(),
            (None, None) => false,
        }
    }

    /// Whether the private key of every key in a descriptor is known. A descriptor without keys has none.
    pub fn has_all_of(&self, descriptor: &Descriptor) -> bool {
        let keys = descriptor.keys();
        !keys.is_empty() && keys.iter().all(|key| self.knows(key))
    }

    /// Whether the private key of any key in a descriptor is known.
    pub fn has_any_of(&self, descriptor: &Descriptor) -> bool {
        descriptor.keys().iter().any(|key| self.knows(key))
    }

    /// The text of a descriptor, with checksum, with the private keys that are known. None if none is.
    pub fn private_text(&self, descriptor: &Descriptor) -> Option<Zeroizing<String>> {
        let text = descriptor.text_with(&mut |key| {
            let secret = match key.root() {
                Some(root) => self.root(root).map(|root| root.text(&self.notation)),
                None => self.derive_key(key, 0).map(|single| single.text(self.notation.secret_prefix())),
            };
            Some(secret.map_or_else(|| key.text(&self.notation), |secret| key.text_with(&secret)))
        })?;
        let text = Zeroizing::new(text);
        self.has_any_of(descriptor).then_some(text)
    }
}

impl PrivateKeys for KeyRing {
    fn learn(&mut self, text: &PrivateKeyText) -> Result<PublicPart, Refusal> {
        match text.kind() {
            PrivateKind::Single { .. } => {
                let key = PrivateKey::from_text(text.expose(), self.notation.secret_prefix());
                let key = key.ok_or(Refusal::Invalid)?;
                let public = key.public();
                self.insert(key);
                Ok(PublicPart::Single(public))
            }
            PrivateKind::Extended => {
                let root = ExtendedPrivateKey::from_text(text.expose(), &self.notation).ok_or(Refusal::Invalid)?;
                let public = *root.public();
                self.insert(root.into_key());
                Ok(PublicPart::Extended(public))
            }
        }
    }

    fn derive(&self, root: &ExtendedKey, path: &[u32]) -> Option<ExtendedKey> {
        Some(*self.root(root)?.descendant(path)?.public())
    }
}
