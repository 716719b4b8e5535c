//! Keys behind hardened steps, kept so that a descriptor expands when the private keys are locked away.

use std::collections::BTreeMap;

use crate::extended::HARDENED;
use crate::{
    Derived, Descriptor, Expansion, ExtendedKey, Key, PrivateKeyText, PrivateKeys, PublicPart, Refusal, Wildcard,
};

/// Keys of one descriptor, by the number of the key expression that they belong to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cache {
    parents: BTreeMap<u32, ExtendedKey>,
    derived: BTreeMap<(u32, u32), ExtendedKey>,
    last_hardened: BTreeMap<u32, ExtendedKey>,
}

/// One key in a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cached {
    /// The key at the end of the path, of which `*` takes children.
    Parent {
        /// Which key expression.
        expression: u32,
        /// The key.
        key: ExtendedKey,
    },
    /// The key at an index, where `*h` takes hardened children.
    Derived {
        /// Which key expression.
        expression: u32,
        /// The index.
        index: u32,
        /// The key.
        key: ExtendedKey,
    },
    /// The key after the last hardened step.
    LastHardened {
        /// Which key expression.
        expression: u32,
        /// The key.
        key: ExtendedKey,
    },
}

impl Cache {
    /// Adds a key. False if that very key was there.
    pub fn insert(&mut self, cached: Cached) -> bool {
        match cached {
            Cached::Parent { expression, key } => self.parents.insert(expression, key) != Some(key),
            Cached::Derived { expression, index, key } => self.derived.insert((expression, index), key) != Some(key),
            Cached::LastHardened { expression, key } => self.last_hardened.insert(expression, key) != Some(key),
        }
    }

    /// All keys.
    pub fn iter(&self) -> impl Iterator<Item = Cached> {
        let parents =
            self.parents.iter().map(|(expression, key)| Cached::Parent { expression: *expression, key: *key });
        let derived = self.derived.iter();
        let derived = derived.map(|((expression, index), key)| Cached::Derived {
            expression: *expression,
            index: *index,
            key: *key,
        });
        let last = self.last_hardened.iter();
        let last = last.map(|(expression, key)| Cached::LastHardened { expression: *expression, key: *key });
        parents.chain(derived).chain(last)
    }

    /// The key of an expression at an index, if it is here or takes no hardened step from what is here.
    fn find(&self, number: u32, key: &Key, index: u32) -> Option<ExtendedKey> {
        if let Some(found) = self.derived.get(&(number, index)) {
            return Some(*found);
        }
        match key.wildcard() {
            Wildcard::Hardened => None,
            Wildcard::None => self.parents.get(&number).copied(),
            Wildcard::Unhardened => self.parents.get(&number)?.child(index & !HARDENED),
        }
    }
}

impl Descriptor {
    /// The scripts at an index, without private keys. Nothing if the cache lacks a key.
    pub fn expand_from(&self, index: u32, cache: &Cache) -> Option<Expansion> {
        self.expand_by(&mut |number, key| {
            key.derive_by(index, &mut |root, path| {
                let found = cache.find(number, key, index);
                found.or_else(|| if key.is_hardened() { None } else { root.descendant(path) })
            })
        })
    }

    /// The scripts at an index. What had to be derived for it is put into the cache; `added` hears of each key that is
    /// new there. Nothing if a hardened step cannot be taken.
    pub fn expand_into(
        &self,
        index: u32,
        secrets: &dyn PrivateKeys,
        cache: &mut Cache,
        added: &mut dyn FnMut(Cached),
    ) -> Option<Expansion> {
        self.expand_by(&mut |number, key| derive_into(number, key, index, secrets, cache, added))
    }

    /// The number of each of its keys. What is put together has one as well, behind its participants.
    fn numbers(&self) -> Vec<u32> {
        let (mut next, mut all) = (0, Vec::new());
        for key in self.expressions() {
            for _ in key.leaves() {
                all.push(next);
                next += 1;
            }
            next += u32::from(key.participants().is_some());
        }
        all
    }

    /// The text that can be expanded without private keys, as far as any can, with keys from a cache, or else from
    /// somebody who takes the hardened steps.
    pub fn normalized_from(&self, cache: &Cache, secrets: &dyn PrivateKeys) -> Option<String> {
        let mut numbers = self.numbers().into_iter();
        self.text_with(&mut |key| {
            let number = numbers.next()?;
            let steps = LastStep { key: cache.last_hardened.get(&number).copied(), secrets };
            key.normalized(self.notation(), &steps)
        })
    }
}

fn derive_into(
    number: u32,
    key: &Key,
    index: u32,
    secrets: &dyn PrivateKeys,
    cache: &mut Cache,
    added: &mut dyn FnMut(Cached),
) -> Option<Derived> {
    let mut add = |cache: &mut Cache, cached| {
        if cache.insert(cached) {
            added(cached);
        }
    };
    key.derive_by(index, &mut |root, path| {
        if let Some(found) = cache.find(number, key, index) {
            return Some(found);
        }
        if key.wildcard() == Wildcard::Hardened {
            let found = secrets.derive(root, path)?;
            add(cache, Cached::Derived { expression: number, index, key: found });
            return Some(found);
        }
        let path = key.fixed_path();
        let hardened = path.iter().rposition(|step| step & HARDENED != 0).map_or(0, |last| last + 1);
        let (before, after) = path.split_at(hardened);
        let mut parent = *root;
        if hardened > 0 {
            parent = secrets.derive(root, before)?;
            add(cache, Cached::LastHardened { expression: number, key: parent });
        }
        parent = parent.descendant(after)?;
        add(cache, Cached::Parent { expression: number, key: parent });
        cache.find(number, key, index)
    })
}

/// Somebody who knows where one key's hardened steps end.
struct LastStep<'a> {
    key: Option<ExtendedKey>,
    secrets: &'a dyn PrivateKeys,
}

impl PrivateKeys for LastStep<'_> {
    fn learn(&mut self, _: &PrivateKeyText) -> Result<PublicPart, Refusal> {
        Err(Refusal::NotHere)
    }

    fn derive(&self, root: &ExtendedKey, path: &[u32]) -> Option<ExtendedKey> {
        self.key.or_else(|| self.secrets.derive(root, path))
    }
}
