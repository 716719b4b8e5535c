//! Reading descriptors, from the outside in.

use primitives::hex;

use crate::checksum;
use crate::descriptor::{Descriptor, Node};
use crate::path::read_number;
use crate::policy::Policy;
use crate::{Key, KeyError, Notation, ParseError, PrivateKeys};

/// Keys that OP_CHECKMULTISIG takes.
const MAX_MULTISIG: usize = 20;
/// Keys that `multi_a()` takes.
const MAX_MULTI_A: usize = 999;
/// Bytes of a script behind a hash.
const MAX_REDEEM_SCRIPT: usize = 520;
/// Levels of a taproot tree.
const MAX_TREE_DEPTH: usize = 128;

/// What a text says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// The descriptors: one, or one for each path of `<a;b>`.
    pub descriptors: Vec<Descriptor>,
    /// The checksum of the text, which may differ from that of the descriptor in canonical form.
    pub checksum: String,
    /// Whether a private key was in the text.
    pub has_private_keys: bool,
}

/// Reads a descriptor. Private keys in it are shown to `secrets`.
pub fn parse(
    text: &str,
    require_checksum: bool,
    notation: &Notation,
    secrets: &mut dyn PrivateKeys,
) -> Result<Parsed, ParseError> {
    let (body, checksum) = checksum::split(text, require_checksum)?;
    let mut parser = Parser { notation, secrets, has_private_keys: false };
    let mut rest = body;
    let node = parser.node(expression(&mut rest), Place::Top)?;
    if !rest.is_empty() {
        return Err(ParseError::Trailing);
    }
    let branch = |index| Descriptor { node: node.branch(index), notation: *notation };
    let descriptors = (0..node.width()).map(branch).collect();
    Ok(Parsed { descriptors, checksum, has_private_keys: parser.has_private_keys })
}

/// Where in a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Top,
    Sh,
    Wpkh,
    Wsh,
    Tr,
    /// Among the keys that are put together, in `tr()` too.
    Musig,
}

impl Place {
    pub(crate) fn takes_uncompressed(self) -> bool {
        matches!(self, Self::Top | Self::Sh)
    }
}

pub(crate) struct Parser<'a> {
    pub(crate) notation: &'a Notation,
    pub(crate) secrets: &'a mut dyn PrivateKeys,
    pub(crate) has_private_keys: bool,
}

/// What stands in the brackets of a function with this name.
fn function<'t>(name: &str, text: &'t str) -> Option<&'t str> {
    text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

/// Takes an expression off the start: all up to a comma or a closing bracket that is not its own.
pub(crate) fn expression<'t>(text: &mut &'t str) -> &'t str {
    let mut level = 0_usize;
    let end = text.find(|c| match c {
        '(' | '{' => {
            level += 1;
            false
        }
        ')' | '}' if level > 0 => {
            level -= 1;
            false
        }
        ')' | '}' => true,
        ',' => level == 0,
        _ => false,
    });
    let (found, rest) = text.split_at(end.unwrap_or(text.len()));
    *text = rest;
    found
}

/// Takes one character off the start.
pub(crate) fn take(text: &mut &str, character: char) -> bool {
    text.strip_prefix(character).is_some_and(|rest| {
        *text = rest;
        true
    })
}

fn comma(text: &mut &str, function: &'static str) -> Result<(), ParseError> {
    if take(text, ',') {
        return Ok(());
    }
    Err(ParseError::Comma { function, got: text.chars().next().unwrap_or(')') })
}

impl Parser<'_> {
    fn key_in(&mut self, function: &'static str, text: &str, place: Place) -> Result<Key, ParseError> {
        self.key(text, place).map_err(|error| match error {
            KeyError::PrivateKey => ParseError::Key(error),
            error => ParseError::KeyIn { function, error },
        })
    }

    fn node(&mut self, text: &str, place: Place) -> Result<Node, ParseError> {
        let top = place == Place::Top;
        let outside_segwit = matches!(place, Place::Top | Place::Sh);
        if let Some(inner) = function("pk", text) {
            return Ok(Node::Pk(self.key_in("pk()", inner, place)?));
        }
        if place != Place::Tr
            && let Some(inner) = function("pkh", text)
        {
            return Ok(Node::Pkh(self.key_in("pkh()", inner, place)?));
        }
        if let Some(inner) = function("combo", text) {
            allowed(top, "combo() at top level")?;
            return Ok(Node::Combo(self.key_in("combo()", inner, place)?));
        }
        for (name, sorted) in [("multi", false), ("sortedmulti", true)] {
            if let Some(inner) = function(name, text) {
                allowed(place != Place::Tr, "multi/sortedmulti at top level, in sh(), or in wsh()")?;
                let (threshold, keys) = self.multi(inner, place)?;
                return Ok(Node::Multi { threshold, keys, sorted });
            }
        }
        for (name, sorted) in [("multi_a", false), ("sortedmulti_a", true)] {
            if let Some(inner) = function(name, text) {
                allowed(place == Place::Tr, "multi_a/sortedmulti_a inside tr()")?;
                let (threshold, keys) = self.multi(inner, place)?;
                return Ok(Node::MultiA { threshold, keys, sorted });
            }
        }
        let trees = self.notation.has_script_trees();
        if let Some(inner) = function(self.notation.witness_key_name(), text) {
            if trees {
                allowed(top, "wpk() at top level")?;
            }
            allowed(outside_segwit, "wpkh() at top level or inside sh()")?;
            return Ok(Node::Wpkh(self.key_in("wpkh()", inner, Place::Wpkh)?));
        }
        if let Some(inner) = function("sh", text) {
            allowed(top, "sh() at top level")?;
            return Ok(Node::Sh(Box::new(self.whole(inner, Place::Sh)?)));
        }
        if let Some(inner) = function("wsh", text) {
            if trees {
                allowed(top, "wsh() at top level")?;
            }
            allowed(outside_segwit, "wsh() at top level or inside sh()")?;
            return Ok(Node::Wsh(Box::new(self.whole(inner, Place::Wsh)?)));
        }
        if let Some(inner) = function("addr", text) {
            allowed(top, "addr() at top level")?;
            let destination = self.notation.addresses().decode(inner).map_err(|_| ParseError::Address)?;
            return Ok(Node::Addr(destination));
        }
        if let Some(inner) = function("tr", text) {
            allowed(top && !trees, "tr at top level")?;
            return self.taproot(inner);
        }
        if let Some(mut inner) = function("rawtr", text) {
            allowed(top && !trees, "rawtr at top level")?;
            let key = expression(&mut inner);
            if !inner.is_empty() {
                return Err(ParseError::RawtrKeys);
            }
            return Ok(Node::Rawtr(self.key_in("rawtr()", key, Place::Tr)?));
        }
        if let Some(inner) = function("unused", text) {
            allowed(top, "unused at top level")?;
            return self.unused(inner);
        }
        if let Some(inner) = function("raw", text) {
            allowed(top, "raw() at top level")?;
            // An empty text is not hex to the reference.
            let bytes = hex::decode(inner).filter(|bytes| !bytes.is_empty()).ok_or(ParseError::RawHex)?;
            return Ok(Node::Raw(bytes.into()));
        }
        self.policy(text, place)
    }

    /// A node that has all of the text for itself.
    fn whole(&mut self, mut text: &str, place: Place) -> Result<Node, ParseError> {
        let node = self.node(expression(&mut text), place)?;
        if text.is_empty() { Ok(node) } else { Err(ParseError::Trailing) }
    }

    fn multi(&mut self, mut text: &str, place: Place) -> Result<(u32, Vec<Key>), ParseError> {
        let threshold = expression(&mut text);
        let threshold = read_number(threshold).ok_or_else(|| ParseError::Threshold(threshold.to_owned()))?;
        let mut keys = Vec::new();
        while !text.is_empty() {
            comma(&mut text, "Multi")?;
            let key = expression(&mut text);
            keys.push(self.key_in("Multi", key, place)?);
        }
        let (kind, max) = if place == Place::Tr { ("multi_a", MAX_MULTI_A) } else { ("multisig", MAX_MULTISIG) };
        if keys.is_empty() || keys.len() > max {
            return Err(ParseError::KeyCount { count: keys.len(), function: kind, max });
        }
        if threshold < 1 {
            return Err(ParseError::ThresholdZero(threshold));
        }
        if usize::try_from(threshold).is_ok_and(|threshold| threshold > keys.len()) {
            return Err(ParseError::ThresholdTooLarge { threshold, keys: keys.len() });
        }
        if place == Place::Top && keys.len() > 3 {
            return Err(ParseError::BareKeys(keys.len()));
        }
        let size = 3 + keys.iter().map(|key| key.size() + 1).sum::<usize>();
        if place == Place::Sh && size > MAX_REDEEM_SCRIPT {
            return Err(ParseError::ScriptSize(size));
        }
        same_width(keys.iter().map(Key::width)).ok_or(ParseError::Multipath("multi()"))?;
        Ok((threshold, keys))
    }

    fn taproot(&mut self, mut text: &str) -> Result<Node, ParseError> {
        let internal = self.key_in("tr()", expression(&mut text), Place::Tr)?;
        let mut leaves: Vec<(u8, Node)> = Vec::new();
        if !text.is_empty() {
            comma(&mut text, "tr")?;
            self.tree(text, &mut leaves)?;
        }
        let widths = || leaves.iter().map(|(_, leaf)| leaf.width());
        let most = widths().max().unwrap_or(1).max(internal.width());
        if widths().any(|width| width != 1 && width != most) {
            return Err(ParseError::MultipathLeaves);
        }
        if internal.width() != 1 && internal.width() != most {
            return Err(ParseError::MultipathInternal);
        }
        Ok(Node::Tr { internal, leaves })
    }

    /// Reads a tree of scripts. For each open brace it is kept whether its right side has been reached.
    fn tree(&mut self, mut text: &str, leaves: &mut Vec<(u8, Node)>) -> Result<(), ParseError> {
        let mut branches: Vec<bool> = Vec::new();
        loop {
            while take(&mut text, '{') {
                branches.push(false);
                if branches.len() > MAX_TREE_DEPTH {
                    return Err(ParseError::TreeDepth);
                }
            }
            let depth = u8::try_from(branches.len()).map_err(|_| ParseError::TreeDepth)?;
            let leaf = self.whole(expression(&mut text), Place::Tr)?;
            leaves.push((depth, leaf));
            while branches.pop_if(|right| *right).is_some() {
                if !take(&mut text, '}') {
                    return Err(ParseError::Tree('}'));
                }
            }
            let Some(right) = branches.last_mut() else { break };
            if !take(&mut text, ',') {
                return Err(ParseError::Tree(','));
            }
            *right = true;
        }
        if text.is_empty() { Ok(()) } else { Err(ParseError::Tree(')')) }
    }

    fn unused(&mut self, mut text: &str) -> Result<Node, ParseError> {
        let key = expression(&mut text);
        if !text.is_empty() {
            return Err(ParseError::UnusedKeys);
        }
        let key = self.key(key, Place::Top)?;
        if key.is_range() {
            return Err(ParseError::UnusedRange);
        }
        Ok(Node::Unused(key))
    }

    fn policy(&mut self, text: &str, place: Place) -> Result<Node, ParseError> {
        // Locks take their operand away there, so that miniscript means something else.
        if !self.notation.has_script_trees()
            && let Some(policy) = Policy::parse(text, place, self)?
        {
            return Ok(Node::Policy(policy));
        }
        Err(match place {
            Place::Sh => ParseError::FunctionNeeded("P2SH"),
            Place::Wsh => ParseError::FunctionNeeded("P2WSH"),
            _ => ParseError::Function(text.to_owned()),
        })
    }
}

fn allowed(here: bool, places: &'static str) -> Result<(), ParseError> {
    if here { Ok(()) } else { Err(ParseError::Place(places)) }
}

/// The number of paths that all stand for, apart from those that stand for one.
pub(crate) fn same_width(widths: impl Iterator<Item = usize>) -> Option<usize> {
    widths.filter(|width| *width != 1).try_fold(1, |all, width| (all == 1 || all == width).then_some(width))
}
