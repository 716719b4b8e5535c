//! The keys that the wallet uses, as descriptors.
//!
//! A [`Manager`] is one descriptor with the scripts that it has given out and some ahead of them. It expands from its
//! [`descriptors::Cache`] of extended public keys; only to fill that are private keys needed. The private keys are in the [`Vault`],
//! by descriptor, in the clear or encrypted. [`Keys`] holds all of it, and knows for each script whose it is and for each
//! kind of address which descriptor is active.
//!
//! Everything that changes is noted as records for the file, and the wallet writes them before it answers.

mod addresses;
mod manager;
#[cfg(test)]
mod tests;
mod vault;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use bitcoin::{Script, ScriptBuf};
use descriptors::{Descriptor, Known, Notation};
use signer::{AddressType, KeyRing};
use walletdb::{DescriptorId, Record};

pub use addresses::{AddressFault, HdKey, new_root};
pub use manager::{Extent, Manager, ManagerFault};
pub use vault::{Vault, VaultFault};

use crate::ledger::Owner;

/// The descriptors of a wallet and their private keys.
#[derive(Debug)]
pub struct Keys {
    notation: Notation,
    keypool: i32,
    managers: BTreeMap<DescriptorId, Manager>,
    active: BTreeMap<(bool, AddressType), DescriptorId>,
    scripts: HashMap<ScriptBuf, Vec<DescriptorId>>,
    vault: Vault,
    /// Scripts that are new, while somebody wants to know.
    journal: Option<Vec<ScriptBuf>>,
}

impl Owner for Keys {
    fn is_mine(&self, script: &Script) -> bool {
        self.scripts.contains_key(script)
    }
}

impl Keys {
    /// None yet. `keypool` is how many scripts to have ahead.
    pub fn new(notation: Notation, keypool: i32) -> Self {
        Self {
            notation,
            keypool,
            managers: BTreeMap::new(),
            active: BTreeMap::new(),
            scripts: HashMap::new(),
            vault: Vault::new(notation),
            journal: None,
        }
    }

    /// How keys and addresses are written.
    pub fn notation(&self) -> &Notation {
        &self.notation
    }

    /// How many scripts to have ahead.
    pub fn keypool(&self) -> i32 {
        self.keypool
    }

    /// The private keys.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The private keys, to be changed.
    pub fn vault_mut(&mut self) -> &mut Vault {
        &mut self.vault
    }

    /// All descriptors.
    pub fn managers(&self) -> impl Iterator<Item = &Manager> {
        self.managers.values()
    }

    /// Whether there is no descriptor.
    pub fn is_empty(&self) -> bool {
        self.managers.is_empty()
    }

    /// A descriptor.
    pub fn manager(&self, id: &DescriptorId) -> Option<&Manager> {
        self.managers.get(id)
    }

    /// The descriptors that a script comes from.
    pub fn of_script<'k>(&'k self, script: &Script) -> impl Iterator<Item = &'k Manager> {
        let ids = self.scripts.get(script).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.managers.get(id))
    }

    /// All scripts.
    pub fn scripts(&self) -> impl ExactSizeIterator<Item = &ScriptBuf> {
        self.scripts.keys()
    }

    /// What is known of a script besides itself: what solving it needs.
    pub fn known(&self, script: &Script) -> Option<Known> {
        let manager = self.of_script(script).next()?;
        Some(manager.expand_script(script)?.known)
    }

    /// The private keys that sign for a script, and what is known of it.
    pub fn signing(&self, script: &Script) -> Option<(KeyRing, Known)> {
        let (mut ring, mut known) = (KeyRing::new(self.notation), None::<Known>);
        for manager in self.of_script(script) {
            let Some(expansion) = manager.expand_script(script) else { continue };
            match &mut known {
                None => known = Some(expansion.known),
                Some(known) => known.merge(expansion.known),
            }
            if let Some(index) = manager.index_of(script) {
                let index = u32::try_from(index).unwrap_or(0);
                ring.merge(self.vault.ring(manager.id()).expand(manager.descriptor(), index));
            }
        }
        known.map(|known| (ring, known))
    }

    /// Puts a descriptor in, in place of one with its id.
    pub fn insert(&mut self, manager: Manager) {
        let id = *manager.id();
        if let Some(old) = self.managers.remove(&id) {
            for script in old.scripts() {
                self.forget_script(script, &id);
            }
        }
        let scripts: Vec<ScriptBuf> = manager.scripts().cloned().collect();
        self.managers.insert(id, manager);
        self.learn_scripts(scripts, id);
    }

    fn forget_script(&mut self, script: &Script, id: &DescriptorId) {
        if let Some(ids) = self.scripts.get_mut(script) {
            ids.retain(|other| other != id);
            if ids.is_empty() {
                self.scripts.remove(script);
            }
        }
    }

    fn learn_scripts(&mut self, scripts: Vec<ScriptBuf>, id: DescriptorId) {
        self.scripts.reserve(scripts.len());
        for script in scripts {
            let ids = match self.scripts.entry(script) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    self.journal.iter_mut().for_each(|journal| journal.push(place.key().clone()));
                    place.insert(Vec::new())
                }
            };
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
    }

    // Which scripts are new.

    /// Notes scripts that are new from now on.
    pub fn begin_journal(&mut self) {
        self.journal = Some(Vec::new());
    }

    /// The scripts that are new since this was asked last.
    pub fn take_journal(&mut self) -> Vec<ScriptBuf> {
        self.journal.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Notes them no longer.
    pub fn end_journal(&mut self) {
        self.journal = None;
    }

    // Which descriptors give out addresses.

    /// The descriptor that new addresses of a kind come from.
    pub fn active(&self, kind: AddressType, internal: bool) -> Option<&Manager> {
        self.managers.get(self.active.get(&(internal, kind))?)
    }

    /// The active descriptors, each once.
    pub fn active_ids(&self) -> BTreeSet<DescriptorId> {
        self.active.values().copied().collect()
    }

    /// Whether a descriptor is active.
    pub fn is_active(&self, id: &DescriptorId) -> bool {
        self.active.values().any(|active| active == id)
    }

    /// Whether an active descriptor is for change; none if it is not active.
    pub fn is_internal(&self, id: &DescriptorId) -> Option<bool> {
        let found = self.active.iter().filter(|(_, active)| *active == id);
        found.map(|((internal, _), _)| *internal).max()
    }

    /// Lets new addresses of a kind come from a descriptor.
    pub fn activate(&mut self, id: DescriptorId, kind: AddressType, internal: bool, out: &mut Vec<Record>) {
        out.push(Record::Active { internal, output_type: type_number(kind), id });
        self.restore_active(id, kind, internal);
    }

    /// The same, from the file.
    pub fn restore_active(&mut self, id: DescriptorId, kind: AddressType, internal: bool) {
        self.active.insert((internal, kind), id);
        if self.active.get(&(!internal, kind)) == Some(&id) {
            self.active.remove(&(!internal, kind));
        }
    }

    /// Lets new addresses of a kind no longer come from a descriptor. Says whether they did.
    pub fn deactivate(&mut self, id: &DescriptorId, kind: AddressType, internal: bool) -> bool {
        let was = self.active.get(&(internal, kind)) == Some(id);
        if was {
            self.active.remove(&(internal, kind));
        }
        was
    }

    // Scripts ahead.

    /// Makes scripts ahead for one descriptor: `size`, or as many as usual if 0. False if private keys are missing.
    pub fn top_up_one(&mut self, id: &DescriptorId, size: u32, out: &mut Vec<Record>) -> bool {
        let size = if size == 0 { self.keypool } else { i32::try_from(size).unwrap_or(i32::MAX) };
        let ring = self.vault.ring(id);
        let Some(manager) = self.managers.get_mut(id) else { return false };
        let mut fresh = Vec::new();
        let done = manager.top_up(size, &ring, &mut fresh, out);
        self.learn_scripts(fresh, *id);
        done
    }

    /// Makes scripts ahead for all active descriptors.
    pub fn top_up(&mut self, size: u32, out: &mut Vec<Record>) -> bool {
        let ids = self.active_ids();
        let mut all = true;
        for id in ids {
            all &= self.top_up_one(&id, size, out);
        }
        all
    }

    /// How many scripts are ahead, of descriptors for change or of the others.
    pub fn keypool_size(&self, internal: bool) -> usize {
        let ids = self.active.iter().filter(|((of, _), _)| *of == internal).map(|(_, id)| id);
        ids.filter_map(|id| self.managers.get(id)).map(Manager::ahead).sum()
    }

    /// A script of the wallet appeared in a transaction: everything up to it counts as given out, and more is made ahead.
    /// Returns the scripts that had not been given out, each with whether it is for change if that can be told.
    pub fn mark_used(&mut self, script: &Script, out: &mut Vec<Record>) -> Vec<(ScriptBuf, Option<bool>)> {
        let ids: Vec<DescriptorId> = self.scripts.get(script).cloned().unwrap_or_default();
        let mut skipped = Vec::new();
        for id in ids {
            let internal = self.is_internal(&id);
            let Some(manager) = self.managers.get_mut(&id) else { continue };
            skipped.extend(manager.mark_used(script, out).into_iter().map(|script| (script, internal)));
            // What was given out is not made up for until it is used. A pool that is full costs nothing.
            let is_short = i64::try_from(manager.ahead()).unwrap_or(i64::MAX) < i64::from(self.keypool);
            if is_short && manager.descriptor().is_range() && !self.top_up_one(&id, 0, out) {
                tracing::info!("Topping up keypool failed (locked wallet)");
            }
        }
        skipped
    }

    /// A descriptor, new or with another extent.
    fn manager_for(&self, descriptor: Descriptor, extent: Extent) -> Result<Manager, ManagerFault> {
        match self.managers.get(&descriptor.id()) {
            Some(known) => known.with_extent(extent),
            None => Ok(Manager::new(descriptor, extent)),
        }
    }

    /// Adds a descriptor, or changes the extent of one that is there. Its private keys are in `ring`.
    pub fn import(
        &mut self,
        descriptor: Descriptor,
        extent: Extent,
        ring: &KeyRing,
        out: &mut Vec<Record>,
    ) -> Result<DescriptorId, ManagerFault> {
        let manager = self.manager_for(descriptor, extent)?;
        let id = *manager.id();
        if !self.vault.add(&id, ring, out) {
            return Err(ManagerFault::Locked);
        }
        self.insert(manager);
        // The ring may have more than the vault: an encrypted one that is locked, for instance.
        let mut all = self.vault.ring(&id);
        all.merge(ring.clone());
        let size = self.keypool;
        let Some(manager) = self.managers.get_mut(&id) else { return Err(ManagerFault::TopUp) };
        let mut fresh = Vec::new();
        let done = manager.top_up(size, &all, &mut fresh, out);
        self.learn_scripts(fresh, id);
        if done { Ok(id) } else { Err(ManagerFault::TopUp) }
    }
}

/// The number of a kind of address in the file.
pub fn type_number(kind: AddressType) -> u8 {
    match kind {
        AddressType::Legacy => 0,
        AddressType::P2shSegwit => 1,
        AddressType::Bech32 => 2,
        AddressType::Bech32m => 3,
    }
}

/// The kind of address of a number in the file.
pub fn type_of_number(number: u8) -> Option<AddressType> {
    AddressType::ALL.into_iter().find(|kind| type_number(*kind) == number)
}
