//! Where private keys are kept out: their texts pass through, and somebody else knows what they mean.

use std::fmt;

use bitcoin::PublicKey;
use zeroize::Zeroizing;

use crate::ExtendedKey;

/// The text of a private key of this chain, with a right checksum. It is wiped when dropped and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PrivateKeyText {
    text: Zeroizing<String>,
    kind: PrivateKind,
}

/// What sort of private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivateKind {
    /// A single one, in the wallet import format.
    Single {
        /// Whether its public key is compressed.
        compressed: bool,
    },
    /// One with children.
    Extended,
}

impl PrivateKeyText {
    pub(crate) fn new(text: &str, kind: PrivateKind) -> Self {
        Self { text: Zeroizing::new(text.to_owned()), kind }
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What sort it is.
    pub fn kind(&self) -> PrivateKind {
        self.kind
    }
}

impl fmt::Debug for PrivateKeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKeyText").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// What the world may know of a private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicPart {
    /// Of a single one.
    Single(PublicKey),
    /// Of one with children.
    Extended(ExtendedKey),
}

/// Why there is no public part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Private keys are not for this process.
    NotHere,
    /// The curve has no such key.
    Invalid,
}

/// Who knows private keys.
pub trait PrivateKeys {
    /// Takes a private key in and says its public part.
    fn learn(&mut self, text: &PrivateKeyText) -> Result<PublicPart, Refusal>;

    /// The descendant of an extended key over a path that may have hardened steps, if the private key is known.
    fn derive(&self, root: &ExtendedKey, path: &[u32]) -> Option<ExtendedKey>;
}

/// Nobody: the node, and everything else without keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoPrivateKeys;

impl PrivateKeys for NoPrivateKeys {
    fn learn(&mut self, _: &PrivateKeyText) -> Result<PublicPart, Refusal> {
        Err(Refusal::NotHere)
    }

    fn derive(&self, _: &ExtendedKey, _: &[u32]) -> Option<ExtendedKey> {
        None
    }
}
