//! Giving out addresses, and listing the HD keys behind them.

use std::collections::BTreeMap;
use std::io;

use bitcoin::{PublicKey, Script, ScriptBuf};
use descriptors::{ExtendedKey, NoPrivateKeys, parse};
use platform::entropy::random_bytes;
use platform::{Entropy, thread};
use signer::{AddressType, ExtendedPrivateKey, KeyRing, default_descriptor};
use walletdb::{DescriptorId, Record};
use zeroize::Zeroizing;

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

/// A new root key.
pub fn new_root(entropy: &dyn Entropy) -> Result<ExtendedPrivateKey, io::Error> {
    loop {
        let seed = Zeroizing::new(random_bytes::<32>(entropy)?);
        // One seed in 2^127 is no key.
        if let Some(root) = ExtendedPrivateKey::from_seed(seed.as_slice()) {
            return Ok(root);
        }
    }
}

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

    /// Every kind of address that the chain has, for receiving and for change.
    pub fn all_kinds(&self) -> Vec<(AddressType, bool)> {
        let kinds = self.notation.address_types();
        [false, true].into_iter().flat_map(|internal| kinds.iter().map(move |kind| (*kind, internal))).collect()
    }

    /// Makes the descriptors of a root for kinds of addresses, for change or not, and activates them.
    pub fn set_up(
        &mut self,
        root: &ExtendedPrivateKey,
        wanted: &[(AddressType, bool)],
        chain: coin::ChainKind,
        now: i64,
        out: &mut Vec<Record>,
    ) -> Result<Vec<DescriptorId>, ManagerFault> {
        let extent = Extent { created: u64::try_from(now).unwrap_or(0), start: 0, end: 0, next: 0 };
        let mut ring = KeyRing::new(self.notation);
        ring.insert(root.key().clone());
        // Making scripts ahead is most of the work, and all processors share it.
        let make = |&(kind, internal): &(AddressType, bool)| {
            let descriptor = default_descriptor(root.public(), kind, internal, chain, &self.notation);
            let mut manager = self.manager_for(descriptor, extent)?;
            let mut records = Vec::new();
            let done = manager.top_up(self.keypool, &ring, &mut Vec::new(), &mut records);
            if done { Ok((kind, internal, manager, records)) } else { Err(ManagerFault::TopUp) }
        };
        let made: Vec<_> = thread::share(wanted.iter().collect(), make).into_iter().collect::<Result<_, _>>()?;
        let mut ids = Vec::with_capacity(made.len());
        for (kind, internal, manager, mut records) in made {
            let id = *manager.id();
            if !self.vault.add(&id, &ring, out) {
                return Err(ManagerFault::Locked);
            }
            out.append(&mut records);
            self.insert(manager);
            self.activate(id, kind, internal, out);
            ids.push(id);
        }
        Ok(ids)
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
