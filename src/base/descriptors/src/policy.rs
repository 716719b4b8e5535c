//! Scripts of any shape: miniscript, with this crate's keys in it.
//!
//! The `miniscript` crate differs from the reference in two ways that show. It does not know that tapscript makes `d:`
//! leave exactly one, so `tr()` refuses some expressions that the reference takes. And when types do not fit, it does not
//! tell the innermost part that is to blame, so the error names the whole expression.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bitcoin::hashes::{hash160, ripemd160, sha256};
use bitcoin::{PublicKey, Script, ScriptBuf, XOnlyPublicKey};
use miniscript::iter::TreeLike;
use miniscript::{
    Error, ExtParams, Miniscript, MiniscriptKey, ScriptContext, Segwitv0, Tap, Terminal, Translator, hash256,
    translate_hash_clone,
};

use crate::parse::{Parser, Place, same_width};
use crate::{Key, NoPrivateKeys, ParseError};

/// The number of a key in the expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Slot(usize);

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

impl FromStr for Slot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_prefix('@').and_then(|number| number.parse().ok());
        number.map(Self).ok_or_else(|| "not the number of a key".to_owned())
    }
}

impl MiniscriptKey for Slot {
    type Sha256 = sha256::Hash;
    type Hash256 = hash256::Hash;
    type Ripemd160 = ripemd160::Hash;
    type Hash160 = hash160::Hash;
}

/// An expression and its keys, in the order in which they stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) keys: Vec<Key>,
    tree: Tree,
    /// How many more `n:` stand in front, each one OP_0NOTEQUAL at the end of the script. They change nothing, and the
    /// library is not made for as many as a taproot leaf can have.
    padding: usize,
}

/// The largest script in a taproot leaf that can be spent by any transaction that is relayed, whatever its witness.
const MAX_LEAF: usize = 329_482;

/// The script without all but one of the OP_0NOTEQUAL at its end, and how many those were.
pub fn without_padding(script: &Script) -> (&Script, usize) {
    const NOT_EQUAL_0: u8 = 0x92;
    let bytes = script.as_bytes();
    let run = bytes.iter().rev().take_while(|byte| **byte == NOT_EQUAL_0).count();
    let padding = run.saturating_sub(1);
    (Script::from_bytes(&bytes[..bytes.len() - padding]), padding)
}

/// The same for an expression.
fn without_wrappers(text: &str) -> (&str, usize) {
    let wrappers = text.bytes().take_while(|byte| *byte == b'n').count();
    let is_prefix =
        text[wrappers..].split_once(':').is_some_and(|(rest, _)| rest.bytes().all(|b| b.is_ascii_lowercase()));
    let padding = if is_prefix { wrappers.saturating_sub(1) } else { 0 };
    (&text[padding..], padding)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Tree {
    Wsh(Arc<Miniscript<Slot, Segwitv0>>),
    Tr(Arc<Miniscript<Slot, Tap>>),
}

impl Policy {
    /// Reads an expression, if it is one.
    pub(crate) fn parse(text: &str, place: Place, parser: &mut Parser<'_>) -> Result<Option<Self>, ParseError> {
        let (inner, padding) = if place == Place::Tr { without_wrappers(text) } else { (text, 0) };
        let (template, names) = template(inner);
        let tree = if place == Place::Wsh {
            Miniscript::from_str_insane(&template).map(|tree| Tree::Wsh(Arc::new(tree)))
        } else {
            Miniscript::from_str_insane(&template).map(|tree| Tree::Tr(Arc::new(tree)))
        };
        let key_place = if place == Place::Wsh { place } else { Place::Tr };
        let mut keys = |names: Vec<&str>| -> Result<Vec<Key>, ParseError> {
            names.into_iter().map(|name| Ok(parser.key(name, key_place)?)).collect()
        };
        let tree = match tree {
            Ok(tree) => tree,
            Err(Error::TypeCheck(_) | Error::NonTopLevel(_)) => {
                keys(names)?;
                let fits = matches!(place, Place::Wsh | Place::Tr);
                let invalid = || ParseError::MiniscriptInvalid(text.to_owned());
                return Err(if fits { invalid() } else { ParseError::MiniscriptPlace });
            }
            Err(_) => return Ok(None),
        };
        let policy = Self { keys: keys(names)?, tree, padding };
        if !matches!(place, Place::Wsh | Place::Tr) {
            return Err(ParseError::MiniscriptPlace);
        }
        if place == Place::Tr && policy.script_size() > MAX_LEAF {
            return Ok(None);
        }
        policy.check(parser)?;
        same_width(policy.keys.iter().map(Key::width)).ok_or(ParseError::Multipath("Miniscript"))?;
        Ok(Some(policy))
    }

    /// The expression of a witness script, if it is a sane one. `key_of` says what is known of a key.
    pub(crate) fn of_wsh(script: &ScriptBuf, key_of: impl Fn(&PublicKey) -> Key, known: &crate::Known) -> Option<Self> {
        let tree = Miniscript::<PublicKey, Segwitv0>::decode_with_ext(script, &ExtParams::sane().raw_pkh()).ok()?;
        // The decoder takes long keys, with which no such script is ever satisfied.
        tree.iter_pk().all(|key| key.compressed).then_some(())?;
        let hashes = known.keys.iter().filter(|(_, key)| key.compressed);
        let hashes = hashes.map(|(hash, key)| (bitcoin::hashes::Hash::from_byte_array(*hash), *key)).collect();
        let tree = tree.substitute_raw_pkh(&hashes);
        tree.sanity_check().ok().filter(|()| !tree.contains_raw_pkh())?;
        let mut numbering = Numbering { keys: Vec::new(), key_of };
        let tree = tree.translate_pk(&mut numbering).ok()?;
        Some(Self { keys: numbering.keys, tree: Tree::Wsh(Arc::new(tree)), padding: 0 })
    }

    /// The expression of a script in a taproot tree.
    pub(crate) fn of_tr(script: &ScriptBuf, key_of: impl Fn(&XOnlyPublicKey) -> Key) -> Option<Self> {
        let (script, padding) = without_padding(script);
        let tree = Miniscript::<XOnlyPublicKey, Tap>::decode_with_ext(script, &ExtParams::sane()).ok()?;
        let mut numbering = Numbering { keys: Vec::new(), key_of };
        let tree = tree.translate_pk(&mut numbering).ok()?;
        Some(Self { keys: numbering.keys, tree: Tree::Tr(Arc::new(tree)), padding })
    }

    pub(crate) fn with_keys(&self, keys: Vec<Key>) -> Self {
        Self { keys, tree: self.tree.clone(), padding: self.padding }
    }

    /// The text, with each key written by the caller.
    pub(crate) fn text(&self, write: &mut dyn FnMut(&Key) -> Option<String>) -> Option<String> {
        let texts: Vec<String> = self.keys.iter().map(|key| key.spell(write)).collect::<Option<_>>()?;
        Some(match &self.tree {
            Tree::Wsh(tree) => fill(&tree.to_string(), &texts),
            Tree::Tr(tree) => "n".repeat(self.padding) + &fill(&tree.to_string(), &texts),
        })
    }

    /// The script for one key each.
    pub(crate) fn script(&self, keys: &[PublicKey]) -> Option<ScriptBuf> {
        match &self.tree {
            Tree::Wsh(tree) => Some(tree.translate_pk(&mut Filling { keys }).ok()?.encode()),
            Tree::Tr(tree) => {
                let keys: Vec<XOnlyPublicKey> = keys.iter().map(|key| key.inner.x_only_public_key().0).collect();
                let mut script = tree.translate_pk(&mut Filling { keys: &keys }).ok()?.encode().into_bytes();
                script.resize(script.len() + self.padding, 0x92);
                Some(script.into())
            }
        }
    }

    /// The relative locks in it, as they stand there.
    pub(crate) fn relative_locks(&self) -> Vec<u32> {
        match &self.tree {
            Tree::Wsh(tree) => relative_locks(tree),
            Tree::Tr(tree) => relative_locks(tree),
        }
    }

    /// Bytes of its script.
    pub(crate) fn script_size(&self) -> usize {
        match &self.tree {
            Tree::Wsh(tree) => tree.script_size(),
            Tree::Tr(tree) => tree.script_size() + self.padding,
        }
    }

    /// The most bytes that satisfy it, with their lengths.
    pub(crate) fn satisfaction_size(&self) -> Option<usize> {
        match &self.tree {
            Tree::Wsh(tree) => tree.max_satisfaction_size().ok(),
            Tree::Tr(tree) => tree.max_satisfaction_size().ok(),
        }
    }

    /// The most elements that satisfy it, without the script.
    pub(crate) fn satisfaction_elements(&self) -> Option<usize> {
        let with_script = match &self.tree {
            Tree::Wsh(tree) => tree.max_satisfaction_witness_elements(),
            Tree::Tr(tree) => tree.max_satisfaction_witness_elements(),
        };
        with_script.ok()?.checked_sub(1)
    }

    fn check(&self, parser: &Parser<'_>) -> Result<(), ParseError> {
        match &self.tree {
            Tree::Wsh(tree) => self.check_tree(tree, parser),
            Tree::Tr(tree) => self.check_tree(tree, parser),
        }
    }

    /// Refuses what could be spent otherwise than meant, and names the innermost part that is to blame.
    fn check_tree<Ctx: ScriptContext>(
        &self,
        tree: &Miniscript<Slot, Ctx>,
        parser: &Parser<'_>,
    ) -> Result<(), ParseError> {
        let texts: Vec<String> = self.keys.iter().map(|key| key.text(parser.notation)).collect();
        // Keys are the same if they are at the first index; those that cannot be derived are, if they are written so.
        let identity = |key: &Key| key.derive(0, &NoPrivateKeys).map(|derived| derived.key.to_string());
        let names: Vec<String> =
            self.keys.iter().zip(&texts).map(|(k, t)| identity(k).unwrap_or_else(|| t.clone())).collect();
        let duplicates = |part: &Miniscript<Slot, Ctx>| {
            let mut slots: Vec<&str> =
                part.iter_pk().filter_map(|slot| names.get(slot.0)).map(String::as_str).collect();
            slots.sort_unstable();
            slots.windows(2).any(|pair| pair[0] == pair[1])
        };
        let satisfiable = |part: &Miniscript<Slot, Ctx>| Ctx::max_satisfaction_size(part).is_some();
        let reason = |part: &Miniscript<Slot, Ctx>, whole: bool| {
            Some(if !part.is_non_malleable() {
                ": malleable witnesses exist"
            } else if whole && !part.requires_sig() {
                ": witnesses without signature exist"
            } else if part.has_mixed_timelocks() {
                ": contains mixes of timelocks expressed in blocks and seconds"
            } else if duplicates(part) {
                ": contains duplicate public keys"
            } else if satisfiable(part) && !part.within_resource_limits() {
                ": needs witnesses that may exceed resource limits"
            } else {
                return None;
            })
        };
        let inner = tree.post_order_iter().find_map(|item| Some((item.node, reason(item.node, false)?)));
        if let Some((part, reason)) = inner.or_else(|| Some((tree, reason(tree, true)?))) {
            return Err(ParseError::MiniscriptInsane { expression: fill(&part.to_string(), &texts), reason });
        }
        if satisfiable(tree) {
            return Ok(());
        }
        Err(ParseError::MiniscriptUnsatisfiable(fill(&tree.to_string(), &texts)))
    }
}

fn relative_locks<Ctx: ScriptContext>(tree: &Miniscript<Slot, Ctx>) -> Vec<u32> {
    let lock = |part: &Miniscript<Slot, Ctx>| match part.node {
        Terminal::Older(lock) => Some(lock.to_consensus_u32()),
        _ => None,
    };
    tree.pre_order_iter().filter_map(lock).collect()
}

/// Which arguments of an open function are keys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Arguments {
    Keys,
    /// A number comes first.
    NumberThenKeys,
    Other,
}

/// Replaces the keys of an expression by numbers.
fn template(text: &str) -> (String, Vec<&str>) {
    let mut out = String::with_capacity(text.len());
    let mut names = Vec::new();
    let mut open: Vec<Arguments> = Vec::new();
    let (mut start, mut after_close, mut in_musig) = (0, false, false);
    for (at, mark) in text.match_indices(['(', ')', ',']) {
        let token = &text[start..at];
        // Keys that are put together are one key, with all that follows the bracket.
        if in_musig {
            in_musig = mark != ")";
            continue;
        }
        if mark == "(" && token == "musig" && !after_close && open.last() == Some(&Arguments::Keys) {
            in_musig = true;
            continue;
        }
        start = at + 1;
        if mark != "(" && !after_close && open.last() == Some(&Arguments::Keys) {
            out.push_str(&Slot(names.len()).to_string());
            names.push(token);
        } else {
            out.push_str(token);
        }
        out.push_str(mark);
        after_close = mark == ")";
        match mark {
            "(" => open.push(match token.rsplit(':').next().unwrap_or_default() {
                "pk" | "pkh" | "pk_k" | "pk_h" => Arguments::Keys,
                "multi" | "multi_a" => Arguments::NumberThenKeys,
                _ => Arguments::Other,
            }),
            ")" => {
                open.pop();
            }
            _ => {
                if let Some(arguments @ Arguments::NumberThenKeys) = open.last_mut() {
                    *arguments = Arguments::Keys;
                }
            }
        }
    }
    out.push_str(&text[start..]);
    (out, names)
}

/// Puts texts in the place of numbers.
fn fill(template: &str, texts: &[String]) -> String {
    let mut parts = template.split('@');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at(digits);
        let text = number.parse::<usize>().ok().and_then(|number| texts.get(number));
        out.push_str(text.map_or("", String::as_str));
        out.push_str(rest);
    }
    out
}

/// Numbers the keys of a script.
struct Numbering<F> {
    keys: Vec<Key>,
    key_of: F,
}

impl<Pk, F> Translator<Pk> for Numbering<F>
where
    F: Fn(&Pk) -> Key,
    Pk: MiniscriptKey<
            Sha256 = sha256::Hash,
            Hash256 = hash256::Hash,
            Ripemd160 = ripemd160::Hash,
            Hash160 = hash160::Hash,
        >,
{
    type TargetPk = Slot;
    type Error = ();

    fn pk(&mut self, key: &Pk) -> Result<Slot, ()> {
        self.keys.push((self.key_of)(key));
        Ok(Slot(self.keys.len() - 1))
    }

    translate_hash_clone!(Pk);
}

/// Puts keys in the place of numbers.
struct Filling<'k, Pk> {
    keys: &'k [Pk],
}

impl<Pk> Translator<Slot> for Filling<'_, Pk>
where
    Pk: MiniscriptKey<
            Sha256 = sha256::Hash,
            Hash256 = hash256::Hash,
            Ripemd160 = ripemd160::Hash,
            Hash160 = hash160::Hash,
        >,
{
    type TargetPk = Pk;
    type Error = ();

    fn pk(&mut self, slot: &Slot) -> Result<Pk, ()> {
        self.keys.get(slot.0).cloned().ok_or(())
    }

    translate_hash_clone!(Slot);
}
