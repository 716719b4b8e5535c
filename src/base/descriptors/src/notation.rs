//! How a chain writes keys and addresses.

use coin::{Chain, Coin, TxFormat};
use primitives::{Addresses, decode_extended, decode_secret, encode_extended};

use crate::{AddressType, ExtendedKey, PrivateKeyText, PrivateKind};

/// The notation of one chain of one coin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notation {
    addresses: Addresses,
    secret: u8,
    ext_public: [u8; 4],
    ext_secret: [u8; 4],
    trees: bool,
}

impl Notation {
    /// That of a chain.
    pub fn new(coin: &Coin, chain: &Chain) -> Self {
        Self {
            addresses: Addresses::new(coin, chain),
            secret: chain.base58_secret,
            ext_public: chain.ext_public,
            ext_secret: chain.ext_secret,
            trees: coin.consensus.tx_format == TxFormat::FreicoinLockHeight,
        }
    }

    /// Whether witness programs of version 0 are the roots of trees of scripts, and others are not known.
    pub fn has_script_trees(&self) -> bool {
        self.trees
    }

    /// How a descriptor calls an output that a key spends with a witness.
    pub fn witness_key_name(&self) -> &'static str {
        if self.trees { "wpk" } else { "wpkh" }
    }

    /// The kinds of address that a wallet can have.
    pub fn address_types(&self) -> &'static [AddressType] {
        if self.trees { &[AddressType::Legacy, AddressType::Bech32] } else { &AddressType::ALL }
    }

    /// Its addresses.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// What stands in front of a private key.
    pub fn secret_prefix(&self) -> u8 {
        self.secret
    }

    /// What stands in front of an extended private key.
    pub fn extended_secret_prefix(&self) -> [u8; 4] {
        self.ext_secret
    }

    /// Reads an extended public key.
    pub fn read_extended(&self, text: &str) -> Option<ExtendedKey> {
        ExtendedKey::from_bytes(&*decode_extended(text, self.ext_public)?)
    }

    /// Writes an extended public key.
    pub fn write_extended(&self, key: &ExtendedKey) -> String {
        encode_extended(&key.to_bytes(), self.ext_public).to_string()
    }

    /// Tells the text of a private key from other texts.
    pub fn read_private(&self, text: &str) -> Option<PrivateKeyText> {
        let kind = if let Some(secret) = decode_secret(text, self.secret) {
            PrivateKind::Single { compressed: secret.compressed }
        } else {
            decode_extended(text, self.ext_secret)?;
            PrivateKind::Extended
        };
        Some(PrivateKeyText::new(text, kind))
    }
}
