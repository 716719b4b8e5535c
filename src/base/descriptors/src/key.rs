//! Key expressions: a key or the root of many, with the path to them and the place that they come from.

use bitcoin::PublicKey;
use primitives::hex;

use crate::extended::HARDENED;
use crate::known::key_hash;
use crate::{ExtendedKey, Notation, Origin, PrivateKeys, format_path, musig};

/// What stands at the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wildcard {
    /// Nothing: there is one key.
    None,
    /// `*`
    Unhardened,
    /// `*h`
    Hardened,
}

/// A key expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub(crate) origin: Option<Origin>,
    /// Whether hardened steps were marked by an apostrophe.
    pub(crate) apostrophe: bool,
    pub(crate) source: Source,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// One key. In taproot it may be written without its parity.
    Single { key: PublicKey, x_only: bool },
    /// Descendants of a root. While parsing there may be several paths, in a descriptor there is one.
    Extended { root: ExtendedKey, paths: Vec<Vec<u32>>, wildcard: Wildcard },
    /// What several people have together, or descendants of it.
    Musig { participants: Vec<Key>, paths: Vec<Vec<u32>>, wildcard: Wildcard },
}

/// A key that was derived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// The key.
    pub key: PublicKey,
    /// Where it comes from.
    pub origin: Origin,
}

/// What a `musig()` stands for.
pub(crate) struct Together {
    /// What its participants have together.
    pub(crate) aggregate: PublicKey,
    /// Their keys, in order.
    pub(crate) keys: Vec<PublicKey>,
    /// That key, or the path from it, as an expression.
    pub(crate) key: Key,
}

/// For whom keys are written.
#[derive(Clone, Copy)]
pub(crate) enum Style {
    /// As it was read.
    Public,
    /// As older versions wrote it, of which ids are made.
    Compat,
}

impl Key {
    pub(crate) fn single(key: PublicKey, x_only: bool, origin: Option<Origin>) -> Self {
        Self { origin, apostrophe: false, source: Source::Single { key, x_only } }
    }

    /// The key, if it is a single one.
    pub fn single_key(&self) -> Option<&PublicKey> {
        match &self.source {
            Source::Single { key, .. } => Some(key),
            Source::Extended { .. } | Source::Musig { .. } => None,
        }
    }

    /// The keys that are put together in it, if it is a `musig()`.
    pub fn participants(&self) -> Option<&[Key]> {
        match &self.source {
            Source::Musig { participants, .. } => Some(participants),
            _ => None,
        }
    }

    /// The keys in it that somebody may have the private keys of: those that are put together, or else itself.
    pub(crate) fn leaves(&self) -> &[Key] {
        self.participants().unwrap_or(std::slice::from_ref(self))
    }

    /// What a `musig()` stands for when its participants have these keys.
    pub(crate) fn together(&self, mut keys: Vec<PublicKey>) -> Option<Together> {
        musig::sort(&mut keys);
        let aggregate = musig::aggregate(&keys)?;
        let (path, wildcard) = (self.fixed_path().to_vec(), self.wildcard());
        let key = if path.is_empty() && wildcard == Wildcard::None {
            Self::single(aggregate, false, None)
        } else {
            let source = Source::Extended { root: musig::root(&aggregate)?, paths: vec![path], wildcard };
            Self { origin: None, apostrophe: false, source }
        };
        Some(Together { aggregate, keys, key })
    }

    /// Whether it is a single key that was written without its parity.
    pub fn is_x_only(&self) -> bool {
        matches!(&self.source, Source::Single { x_only: true, .. })
    }

    /// The root, if there is one.
    pub fn root(&self) -> Option<&ExtendedKey> {
        match &self.source {
            Source::Single { .. } | Source::Musig { .. } => None,
            Source::Extended { root, .. } => Some(root),
        }
    }

    /// Whether there is another key at each index.
    pub fn is_range(&self) -> bool {
        self.wildcard() != Wildcard::None
            || self.participants().is_some_and(|participants| participants.iter().any(Self::is_range))
    }

    /// Bytes of its serialized form.
    pub(crate) fn size(&self) -> usize {
        match &self.source {
            Source::Single { key, .. } if !key.compressed => 65,
            _ => 33,
        }
    }

    /// How many paths it stands for.
    pub(crate) fn width(&self) -> usize {
        match &self.source {
            Source::Single { .. } => 1,
            Source::Extended { paths, .. } => paths.len(),
            Source::Musig { participants, paths, .. } => {
                participants.iter().map(Self::width).max().unwrap_or(1).max(paths.len())
            }
        }
    }

    /// The key of one path.
    pub(crate) fn branch(&self, index: usize) -> Self {
        let mut key = self.clone();
        if let Source::Extended { paths, .. } | Source::Musig { paths, .. } = &mut key.source
            && paths.len() > 1
        {
            *paths = vec![paths[index].clone()];
        }
        if let Source::Musig { participants, .. } = &mut key.source {
            for participant in participants {
                *participant = participant.branch(index);
            }
        }
        key
    }

    /// What stands at the end of its path.
    pub fn wildcard(&self) -> Wildcard {
        match &self.source {
            Source::Single { .. } => Wildcard::None,
            Source::Extended { wildcard, .. } | Source::Musig { wildcard, .. } => *wildcard,
        }
    }

    /// The steps that are the same at each index.
    pub fn fixed_path(&self) -> &[u32] {
        match &self.source {
            Source::Single { .. } => &[],
            Source::Extended { paths, .. } | Source::Musig { paths, .. } => paths.first().map_or(&[], Vec::as_slice),
        }
    }

    /// The steps from the root to the key at an index, if there is a root.
    pub fn path(&self, index: u32) -> Vec<u32> {
        let Source::Extended { paths, wildcard, .. } = &self.source else { return Vec::new() };
        let mut path = paths.first().cloned().unwrap_or_default();
        match wildcard {
            Wildcard::None => {}
            Wildcard::Unhardened => path.push(index & !HARDENED),
            Wildcard::Hardened => path.push(index | HARDENED),
        }
        path
    }

    /// Whether a step on its way needs the private key.
    pub fn is_hardened(&self) -> bool {
        self.path(0).iter().any(|step| step & HARDENED != 0)
    }

    /// The key at an index. Hardened steps need somebody who knows the private key.
    pub fn derive(&self, index: u32, secrets: &dyn PrivateKeys) -> Option<Derived> {
        self.derive_by(index, &mut |root, path| {
            let hardened = path.iter().any(|step| step & HARDENED != 0);
            if hardened { secrets.derive(root, path) } else { root.descendant(path) }
        })
    }

    /// The key at an index, with somebody else going the way from the root.
    pub(crate) fn derive_by(
        &self,
        index: u32,
        walk: &mut dyn FnMut(&ExtendedKey, &[u32]) -> Option<ExtendedKey>,
    ) -> Option<Derived> {
        let path = self.path(index);
        let (key, fingerprint) = match &self.source {
            Source::Single { key, .. } => {
                let [a, b, c, d, ..] = key_hash(key);
                (*key, [a, b, c, d])
            }
            Source::Extended { root, .. } => (walk(root, &path)?.public_key(), root.fingerprint()),
            Source::Musig { participants, .. } => {
                let keys = participants.iter().map(|participant| Some(participant.derive_by(index, walk)?.key));
                return self.together(keys.collect::<Option<_>>()?)?.key.derive_by(index, walk);
            }
        };
        let origin = match &self.origin {
            None => Origin { fingerprint, path },
            Some(origin) => Origin { fingerprint: origin.fingerprint, path: [origin.path.as_slice(), &path].concat() },
        };
        Some(Derived { key, origin })
    }

    /// The expression with another text in the place of the key or the root, which a wallet fills with a private one.
    pub fn text_with(&self, root: &str) -> String {
        self.write(root, self.apostrophe)
    }

    /// The expression.
    pub fn text(&self, notation: &Notation) -> String {
        self.text_in(Style::Public, notation)
    }

    pub(crate) fn text_in(&self, style: Style, notation: &Notation) -> String {
        let root = match &self.source {
            Source::Single { key, x_only } => {
                let text = key.to_string();
                if *x_only { text.get(2..66).unwrap_or_default().to_owned() } else { text }
            }
            Source::Extended { root, .. } => notation.write_extended(root),
            Source::Musig { participants, .. } => {
                let texts: Vec<String> = participants.iter().map(|key| key.text_in(style, notation)).collect();
                format!("musig({})", texts.join(","))
            }
        };
        self.write(&root, self.apostrophe || matches!(style, Style::Compat))
    }

    fn write(&self, root: &str, apostrophe: bool) -> String {
        let origin = self.origin.as_ref().map_or_else(String::new, |origin| {
            format!("[{}{}]", hex::encode(&origin.fingerprint), format_path(&origin.path, apostrophe))
        });
        let (path, wildcard) = match &self.source {
            Source::Single { .. } => (String::new(), ""),
            Source::Extended { paths, wildcard, .. } | Source::Musig { paths, wildcard, .. } => {
                let mark = match wildcard {
                    Wildcard::None => "",
                    Wildcard::Unhardened => "/*",
                    Wildcard::Hardened if apostrophe => "/*'",
                    Wildcard::Hardened => "/*h",
                };
                (format_path(paths.first().map_or(&[], Vec::as_slice), apostrophe), mark)
            }
        };
        format!("{origin}{root}{path}{wildcard}")
    }

    /// The expression with the key after the last hardened step as its root, if somebody can take that step.
    pub fn normalized(&self, notation: &Notation, secrets: &dyn PrivateKeys) -> Option<String> {
        let Source::Extended { root, paths, wildcard } = &self.source else {
            return Some(self.write(&self.text_root(notation), false));
        };
        let path = paths.first().map_or(&[][..], Vec::as_slice);
        let hardened = path.iter().rposition(|step| step & HARDENED != 0).map_or(0, |last| last + 1);
        if *wildcard == Wildcard::Hardened || hardened == 0 {
            return Some(self.write(&notation.write_extended(root), false));
        }
        let (before, after) = path.split_at(hardened);
        let (fingerprint, start) = match &self.origin {
            None => (root.fingerprint(), &[][..]),
            Some(origin) => (origin.fingerprint, origin.path.as_slice()),
        };
        let key = Self {
            origin: Some(Origin { fingerprint, path: [start, before].concat() }),
            apostrophe: false,
            source: Source::Extended {
                root: secrets.derive(root, before)?,
                paths: vec![after.to_vec()],
                wildcard: *wildcard,
            },
        };
        Some(key.text(notation))
    }

    /// The expression, with each key that somebody may have the private key of written by the caller.
    pub(crate) fn spell(&self, write: &mut dyn FnMut(&Key) -> Option<String>) -> Option<String> {
        let Some(participants) = self.participants() else { return write(self) };
        let texts = participants.iter().map(|key| key.spell(write)).collect::<Option<Vec<_>>>()?;
        Some(self.write(&format!("musig({})", texts.join(",")), false))
    }

    fn text_root(&self, notation: &Notation) -> String {
        Self { origin: None, ..self.clone() }.text(notation)
    }
}
