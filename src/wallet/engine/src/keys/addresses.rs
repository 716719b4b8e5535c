//! Giving out addresses, and listing the HD keys behind them.

use std::collections::BTreeMap;

use bitcoin::{PublicKey, Script, ScriptBuf};
use descriptors::{ExtendedKey, NoPrivateKeys, parse};
use signer::{AddressType, ExtendedPrivateKey, KeyRing, default_descriptor};
use walletdb::{DescriptorId, Record};

use super::{Extent, Keys, Manager, ManagerFault};

/// Why there is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressFault {
    /// No descriptor of that kind is active.
    #[error("Error: No {} addresses available.", .0.name())]
    NoDescriptor(AddressType),
    /// The active descriptor gives out none.
    #[error("No addresses available")]
    NotAvailable,
    /// All that were made ahead are given out, and more need private keys.
    #[error("Error: Keypool ran out, please call keypoolrefill first")]
    RanOut,
}

/// An HD key and the descriptors that use it.
pub type HdKey<'k> = (ExtendedKey, Vec<&'k Manager>);

impl Keys {
    /// Whether any new address can be given out.
    pub fn can_give_addresses(&self, internal: bool) -> bool {
        AddressType::ALL.into_iter().filter_map(|kind| self.active(kind, internal)).any(|manager| self.gives(manager))
    }

    fn gives(&self, manager: &Manager) -> bool {
        manager.can_give_addresses(self.vault.has_keys(manager.id()))
    }

    /// The next address of a kind.
    pub fn give(
        &mut self,
        kind: AddressType,
        internal: bool,
        out: &mut Vec<Record>,
    ) -> Result<ScriptBuf, AddressFault> {
        let manager = self.active(kind, internal).ok_or(AddressFault::NoDescriptor(kind))?;
        if !self.gives(manager) {
            return Err(AddressFault::NotAvailable);
        }
        let id = *manager.id();
        self.top_up_one(&id, 0, out);
        let manager = self.managers.get_mut(&id).ok_or(AddressFault::NotAvailable)?;
        manager.give(out)
    }

    /// Takes back an address that was given out last and is not needed.
    pub fn take_back(&mut self, script: &Script, out: &mut Vec<Record>) {
        let ids = self.scripts.get(script).cloned().unwrap_or_default();
        for id in ids {
            if let Some(manager) = self.managers.get_mut(&id) {
                manager.take_back(script, out);
            }
        }
    }

    /// Makes the descriptor of a root for one kind of address, and activates it.
    pub fn set_up(
        &mut self,
        root: &ExtendedPrivateKey,
        kind: AddressType,
        internal: bool,
        chain: coin::ChainKind,
        now: i64,
        out: &mut Vec<Record>,
    ) -> Result<DescriptorId, ManagerFault> {
        let descriptor = default_descriptor(root.public(), kind, internal, chain, &self.notation);
        let created = u64::try_from(now).unwrap_or(0);
        let mut ring = KeyRing::new(self.notation);
        ring.insert(root.key().clone());
        let id = self.import(descriptor, Extent { created, start: 0, end: 0, next: 0 }, &ring, out)?;
        self.activate(id, kind, internal, out);
        Ok(id)
    }

    /// The roots of all descriptors, of the active ones, or of those that are there for their key only.
    pub fn hd_keys(&self, wanted: impl Fn(&Manager) -> bool) -> Vec<HdKey<'_>> {
        let mut found: BTreeMap<ExtendedKey, Vec<&Manager>> = BTreeMap::new();
        for manager in self.managers.values().filter(|manager| wanted(manager)) {
            for root in manager.descriptor().expressions().into_iter().filter_map(|key| key.root()) {
                let users = found.entry(*root).or_default();
                if users.last().is_none_or(|last| last.id() != manager.id()) {
                    users.push(manager);
                }
            }
        }
        found.into_iter().collect()
    }

    /// The private key of a public one, from any descriptor. None while locked.
    pub fn private_key(&self, public: &PublicKey) -> Option<signer::PrivateKey> {
        let holder = self.managers.keys().find(|id| self.vault.has_key(id, public))?;
        self.vault.ring(holder).of(public).cloned()
    }

    /// The private key of an HD key.
    pub fn private_root(&self, root: &ExtendedKey) -> Option<ExtendedPrivateKey> {
        ExtendedPrivateKey::from_parts(self.private_key(&root.public_key())?, *root)
    }

    /// Reads a descriptor of the file.
    pub fn read_descriptor(&self, text: &str) -> Option<descriptors::Descriptor> {
        let parsed = parse(text, false, &self.notation, &mut NoPrivateKeys).ok()?;
        parsed.descriptors.into_iter().next()
    }
}

impl Keys {
    /// Derives once more what older versions did not keep.
    pub fn upgrade_caches(&mut self, out: &mut Vec<Record>) {
        for (id, manager) in &mut self.managers {
            manager.upgrade_cache(&self.vault.ring(id), out);
        }
    }
}
