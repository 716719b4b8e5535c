//! Key expressions: a key or the root of many, with the path to them and the place that they come from.

use bitcoin::PublicKey;

use crate::extended::HARDENED;
use crate::known::key_hash;
use crate::{ExtendedKey, Notation, Origin, PrivateKeys, format_path};

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
}

/// A key that was derived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derived {
    /// The key.
    pub key: PublicKey,
    /// Where it comes from.
    pub origin: Origin,
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
            Source::Extended { .. } => None,
        }
    }

    /// Whether it is a single key that was written without its parity.
    pub fn is_x_only(&self) -> bool {
        matches!(&self.source, Source::Single { x_only: true, .. })
    }

    /// The root, if there is one.
    pub fn root(&self) -> Option<&ExtendedKey> {
        match &self.source {
            Source::Single { .. } => None,
            Source::Extended { root, .. } => Some(root),
        }
    }

    /// Whether there is another key at each index.
    pub fn is_range(&self) -> bool {
        matches!(&self.source, Source::Extended { wildcard: Wildcard::Unhardened | Wildcard::Hardened, .. })
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
        }
    }

    /// The key of one path.
    pub(crate) fn branch(&self, index: usize) -> Self {
        let mut key = self.clone();
        if let Source::Extended { paths, .. } = &mut key.source
            && paths.len() > 1
        {
            *paths = vec![paths[index].clone()];
        }
        key
    }

    /// What stands at the end of its path.
    pub fn wildcard(&self) -> Wildcard {
        match &self.source {
            Source::Single { .. } => Wildcard::None,
            Source::Extended { wildcard, .. } => *wildcard,
        }
    }

    /// The steps that are the same at each index.
    pub fn fixed_path(&self) -> &[u32] {
        match &self.source {
            Source::Single { .. } => &[],
            Source::Extended { paths, .. } => paths.first().map_or(&[], Vec::as_slice),
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
        };
        self.write(&root, self.apostrophe || matches!(style, Style::Compat))
    }

    fn write(&self, root: &str, apostrophe: bool) -> String {
        let origin = self.origin.as_ref().map_or_else(String::new, |origin| {
            format!("[{}{}]", hex(&origin.fingerprint), format_path(&origin.path, apostrophe))
        });
        let (path, wildcard) = match &self.source {
            Source::Single { .. } => (String::new(), ""),
            Source::Extended { paths, wildcard, .. } => {
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

    fn text_root(&self, notation: &Notation) -> String {
        Self { origin: None, ..self.clone() }.text(notation)
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bitcoin::hex::DisplayHex::to_lower_hex_string(bytes)
}

pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    bitcoin::hex::FromHex::from_hex(text).ok()
}
