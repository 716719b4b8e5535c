//! One descriptor, the scripts that it has given out, and those ahead.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

use bitcoin::{PublicKey, Script, ScriptBuf};
use descriptors::{Cache, Cached, Descriptor, Expansion, NoPrivateKeys, PrivateKeys};
use platform::thread;
use signer::{AddressType, KeyRing};
use walletdb::{DescriptorId, DescriptorRecord, Record, Text};

use super::AddressFault;

/// What goes wrong with a descriptor of the wallet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManagerFault {
    /// The cache does not have what the range needs.
    #[error("Error: Unable to expand wallet descriptor from cache")]
    Cache,
    /// One script at two places of the range.
    #[error("Error: Already loaded script at index {0} as being at index {1}")]
    Twice(i32, i32),
    /// An import would forget scripts that were given out.
    #[error("new range must include current range = [{0},{1}]")]
    Narrower(i32, i32),
    /// Private keys cannot be encrypted while the wallet is locked.
    #[error("Error: Please enter the wallet passphrase with walletpassphrase first.")]
    Locked,
    /// Scripts ahead cannot be made.
    #[error("Could not top up scriptPubKeys")]
    TopUp,
}

/// Since when a descriptor is used, and how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// When it was made.
    pub created: u64,
    /// The first index.
    pub start: i32,
    /// The index behind the last one that has scripts.
    pub end: i32,
    /// The next index to give out.
    pub next: i32,
}

/// One descriptor in use.
#[derive(Debug, Clone)]
pub struct Manager {
    id: DescriptorId,
    descriptor: Descriptor,
    extent: Extent,
    cache: Cache,
    scripts: HashMap<ScriptBuf, i32>,
    keys: HashMap<PublicKey, i32>,
    /// The last index whose scripts are in `scripts`; -1 for none.
    last: i32,
    /// The text for people, once the cache has all that it needs. Long lists name it in every row.
    text: OnceLock<String>,
}

impl Manager {
    /// A descriptor without scripts yet.
    pub fn new(descriptor: Descriptor, extent: Extent) -> Self {
        Self {
            id: descriptor.id(),
            descriptor,
            extent,
            cache: Cache::default(),
            scripts: HashMap::new(),
            keys: HashMap::new(),
            last: -1,
            text: OnceLock::new(),
        }
    }

    /// From the file: makes the scripts again from the cache.
    pub fn restore(
        id: DescriptorId,
        descriptor: Descriptor,
        extent: Extent,
        cache: Cache,
    ) -> Result<Self, ManagerFault> {
        let mut manager = Self { id, cache, ..Self::new(descriptor, extent) };
        manager.last = extent.start - 1;
        let expansions = manager.expand_all(extent.start..extent.end).ok_or(ManagerFault::Cache)?;
        for (index, expansion) in (extent.start..).zip(expansions) {
            for script in &expansion.scripts {
                if let Some(at) = manager.scripts.get(script) {
                    return Err(ManagerFault::Twice(index, *at));
                }
            }
            manager.note(index, &expansion);
        }
        Ok(manager)
    }

    /// The same descriptor for another range, which must include the old one.
    pub fn with_extent(&self, extent: Extent) -> Result<Self, ManagerFault> {
        let old = self.extent;
        if self.descriptor.is_range() && (extent.start > old.start || extent.end < old.end) {
            return Err(ManagerFault::Narrower(old.start, old.end - 1));
        }
        Ok(Self { cache: self.cache.clone(), id: self.id, ..Self::new(self.descriptor.clone(), extent) })
    }

    /// What the wallet calls it by.
    pub fn id(&self) -> &DescriptorId {
        &self.id
    }

    /// The descriptor.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Since when it is used, and how far.
    pub fn extent(&self) -> Extent {
        self.extent
    }

    /// What was derived for it.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Which kind of address it gives out, if it is a kind that has a name.
    pub fn kind(&self) -> Option<AddressType> {
        self.descriptor.address_type()
    }

    /// The text for people: public, with hardened steps behind it.
    pub fn text(&self) -> String {
        if let Some(text) = self.text.get() {
            return text.clone();
        }
        match self.descriptor.normalized_from(&self.cache, &NoPrivateKeys) {
            Some(text) => self.text.get_or_init(|| text).clone(),
            None => self.descriptor.to_string(),
        }
    }

    /// All scripts.
    pub fn scripts(&self) -> impl Iterator<Item = &ScriptBuf> {
        self.scripts.keys()
    }

    /// The index of a script.
    pub fn index_of(&self, script: &Script) -> Option<i32> {
        self.scripts.get(script).copied()
    }

    /// The index at which a key occurs.
    pub fn index_of_key(&self, key: &PublicKey) -> Option<i32> {
        self.keys.get(key).copied()
    }

    /// How many scripts are ahead.
    pub fn ahead(&self) -> usize {
        usize::try_from(self.extent.end.saturating_sub(self.extent.next)).unwrap_or(0)
    }

    /// The scripts at an index and what is known of them, from the cache.
    pub fn expand(&self, index: i32) -> Option<Expansion> {
        self.descriptor.expand_from(u32::try_from(index).ok()?, &self.cache)
    }

    /// The same for a range. Deriving keys is most of the work of opening and making wallets, so all processors share it.
    fn expand_all(&self, range: Range<i32>) -> Option<Vec<Expansion>> {
        const WORTH_SHARING: usize = 128;
        let indices: Vec<i32> = range.collect();
        let expand = |part: &[i32]| part.iter().map(|index| self.expand(*index)).collect::<Option<Vec<Expansion>>>();
        let shares = thread::share(indices.chunks(WORTH_SHARING).collect(), expand);
        Some(shares.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten().collect())
    }

    /// The same for one of its scripts.
    pub fn expand_script(&self, script: &Script) -> Option<Expansion> {
        self.expand(self.index_of(script)?)
    }

    fn note(&mut self, index: i32, expansion: &Expansion) {
        for script in &expansion.scripts {
            self.scripts.insert(script.clone(), index);
        }
        for key in expansion.known.keys.values() {
            self.keys.entry(*key).or_insert(index);
        }
        self.last = index;
    }

    /// The record for the file.
    pub fn record(&self) -> Record {
        let descriptor = DescriptorRecord {
            text: Text::from(self.descriptor.to_string()),
            creation_time: self.extent.created,
            next_index: self.extent.next,
            range_start: self.extent.start,
            range_end: self.extent.end,
        };
        Record::Descriptor { id: self.id, descriptor }
    }

    /// The record for the file, and those of what was derived.
    pub fn all_records(&self) -> Vec<Record> {
        let cached = self.cache.iter().map(|cached| cache_record(self.id, cached));
        std::iter::once(self.record()).chain(cached).collect()
    }

    /// Makes scripts up to `size` ahead of the next one. False if private keys are missing; what was made stays.
    pub fn top_up(&mut self, size: i32, ring: &KeyRing, fresh: &mut Vec<ScriptBuf>, out: &mut Vec<Record>) -> bool {
        let mut end = self.extent.end.max(self.extent.next.saturating_add(size));
        if !self.descriptor.is_range() {
            (self.extent.start, end) = (0, 1);
        }
        let mut first = self.last.max(self.extent.start - 1) + 1;
        if first < end {
            // The first fills the cache. Unless there are hardened steps behind it, that is enough for all others.
            let Ok(position) = u32::try_from(first) else { return false };
            let Some(expansion) = self.expand_filling(position, ring, out) else { return false };
            let others = self.expand_all(first + 1..end).unwrap_or_default();
            for expansion in std::iter::once(expansion).chain(others) {
                fresh.extend(expansion.scripts.iter().cloned());
                self.note(first, &expansion);
                first += 1;
            }
        }
        for index in first..end {
            let Ok(position) = u32::try_from(index) else { return false };
            let Some(expansion) = self.expand_filling(position, ring, out) else { return false };
            fresh.extend(expansion.scripts.iter().cloned());
            self.note(index, &expansion);
        }
        self.extent.end = end;
        out.push(self.record());
        true
    }

    /// Expands with private keys where the cache lacks something, which is noted.
    fn expand_filling(&mut self, index: u32, secrets: &dyn PrivateKeys, out: &mut Vec<Record>) -> Option<Expansion> {
        let id = self.id;
        self.descriptor.expand_into(index, secrets, &mut self.cache, &mut |cached| out.push(cache_record(id, cached)))
    }

    /// Whether it gives out addresses one after the other.
    pub fn can_give_addresses(&self, has_private_keys: bool) -> bool {
        self.descriptor.is_single()
            && self.descriptor.is_range()
            && (has_private_keys || self.extent.next < self.extent.end || self.can_expand_itself())
    }

    /// Whether more scripts can be made without private keys.
    fn can_expand_itself(&self) -> bool {
        self.descriptor.expand(0, &NoPrivateKeys).is_some()
    }

    /// Gives the next script out.
    pub fn give(&mut self, out: &mut Vec<Record>) -> Result<ScriptBuf, AddressFault> {
        if self.extent.next > self.last {
            return Err(AddressFault::RanOut);
        }
        let expansion = self.expand(self.extent.next).ok_or(AddressFault::RanOut)?;
        let script = expansion.scripts.into_iter().next().ok_or(AddressFault::RanOut)?;
        self.extent.next += 1;
        out.push(self.record());
        Ok(script)
    }

    /// Takes the last script back that was given out, if `script` is that.
    pub fn take_back(&mut self, script: &Script, out: &mut Vec<Record>) {
        if self.index_of(script) == Some(self.extent.next - 1) {
            self.extent.next -= 1;
            out.push(self.record());
        }
    }

    /// Counts everything up to a script as given out. Returns the scripts that were not.
    pub fn mark_used(&mut self, script: &Script, out: &mut Vec<Record>) -> Vec<ScriptBuf> {
        let Some(index) = self.index_of(script) else { return Vec::new() };
        let mut skipped = Vec::new();
        while self.extent.next <= index {
            if let Some(expansion) = self.expand(self.extent.next) {
                skipped.extend(expansion.scripts.into_iter().next());
            }
            self.extent.next += 1;
        }
        if !skipped.is_empty() {
            out.push(self.record());
        }
        skipped
    }

    /// Derives once more what older versions did not keep.
    pub fn upgrade_cache(&mut self, secrets: &dyn PrivateKeys, out: &mut Vec<Record>) {
        if self.cache.iter().any(|cached| matches!(cached, Cached::LastHardened { .. })) {
            return;
        }
        let (mut fresh, id) = (Cache::default(), self.id);
        let cache = &mut self.cache;
        self.descriptor.expand_into(0, secrets, &mut fresh, &mut |cached| {
            if cache.insert(cached) {
                out.push(cache_record(id, cached));
            }
        });
    }
}

/// A cached key as the file has it.
fn cache_record(id: DescriptorId, cached: Cached) -> Record {
    match cached {
        Cached::Parent { expression, key } => {
            Record::DescriptorCache { id, key_index: expression, position: None, xpub: key.to_bytes() }
        }
        Cached::Derived { expression, index, key } => {
            Record::DescriptorCache { id, key_index: expression, position: Some(index), xpub: key.to_bytes() }
        }
        Cached::LastHardened { expression, key } => {
            Record::DescriptorLastHardened { id, key_index: expression, xpub: key.to_bytes() }
        }
    }
}
