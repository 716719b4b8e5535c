//! A descriptor, how it is written, and what it is.

use std::fmt;

use bitcoin::ScriptBuf;
use bitcoin::hashes::{Hash, sha256};
use primitives::{Destination, hex};

use crate::checksum;
use crate::key::Style;
use crate::policy::Policy;
use crate::{Key, Notation, PrivateKeys};

/// Scripts, one or one for each index, and how to spend them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    pub(crate) node: Node,
    pub(crate) notation: Notation,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Pk(Key),
    Pkh(Key),
    Wpkh(Key),
    Combo(Key),
    Multi {
        threshold: u32,
        keys: Vec<Key>,
        sorted: bool,
    },
    MultiA {
        threshold: u32,
        keys: Vec<Key>,
        sorted: bool,
    },
    Sh(Box<Node>),
    Wsh(Box<Node>),
    /// Leaves have depths and stand from left to right.
    Tr {
        internal: Key,
        leaves: Vec<(u8, Node)>,
    },
    Rawtr(Key),
    Addr(Destination),
    Raw(ScriptBuf),
    Unused(Key),
    Policy(Policy),
}

impl fmt::Display for Descriptor {
    /// The canonical form, without private keys, with checksum.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&checksum::add(&self.body(Style::Public)))
    }
}

impl Descriptor {
    fn body(&self, style: Style) -> String {
        let text = self.node.text(&self.notation, &mut |key| Some(key.text_in(style, &self.notation)));
        text.expect("these styles write every key")
    }

    /// The text with checksum, with each key written by the caller. Nothing if the caller cannot write one.
    pub fn text_with(&self, write: &mut dyn FnMut(&Key) -> Option<String>) -> Option<String> {
        Some(checksum::add(&self.node.text(&self.notation, write)?))
    }

    /// The text that can be expanded without private keys, as far as any can, if somebody takes the hardened steps.
    pub fn normalized(&self, secrets: &dyn PrivateKeys) -> Option<String> {
        self.text_with(&mut |key| key.normalized(&self.notation, secrets))
    }

    /// What wallets call it by: the hash of the form that older versions wrote.
    pub fn id(&self) -> [u8; 32] {
        sha256::Hash::hash(checksum::add(&self.body(Style::Compat)).as_bytes()).to_byte_array()
    }

    /// Whether there are other scripts at each index.
    pub fn is_range(&self) -> bool {
        self.expressions().iter().any(|key| key.is_range())
    }

    /// Whether it says how to spend, and not only to what.
    pub fn is_solvable(&self) -> bool {
        !matches!(self.node, Node::Addr(_) | Node::Raw(_))
    }

    /// Whether there is one script at each index.
    pub fn is_single(&self) -> bool {
        !matches!(self.node, Node::Combo(_))
    }

    /// The keys in it that somebody may have the private keys of, in the order in which they stand there. For a `musig()`
    /// these are its participants.
    pub fn keys(&self) -> Vec<&Key> {
        self.expressions().into_iter().flat_map(Key::leaves).collect()
    }

    /// The keys in it as they stand there.
    pub fn expressions(&self) -> Vec<&Key> {
        let mut keys = Vec::new();
        self.node.collect_keys(&mut keys);
        keys
    }

    /// What its owner should know: locks that are shorter than they look, because the network sees only some of their bits.
    pub fn warnings(&self) -> Vec<String> {
        let mut locks = Vec::new();
        self.node.collect_locks(&mut locks);
        locks.into_iter().filter_map(unsafe_lock).collect()
    }

    /// How its keys and addresses are written.
    pub fn notation(&self) -> &Notation {
        &self.notation
    }
}

/// The bit that makes a relative lock one of time.
const LOCK_IS_TIME: u32 = 1 << 22;
/// The longest relative lock.
const LONGEST_LOCK: u32 = 0xffff;

fn unsafe_lock(lock: u32) -> Option<String> {
    if lock & !LOCK_IS_TIME <= LONGEST_LOCK {
        return None;
    }
    Some(if lock & LOCK_IS_TIME == 0 {
        format!("height-based relative locktime: older({lock}) > 65535 blocks is unsafe")
    } else {
        format!("time-based relative locktime: older({lock}) > (65535 * 512) seconds is unsafe")
    })
}

impl Node {
    fn collect_locks(&self, out: &mut Vec<u32>) {
        match self {
            Self::Sh(inner) | Self::Wsh(inner) => inner.collect_locks(out),
            Self::Tr { leaves, .. } => leaves.iter().for_each(|(_, leaf)| leaf.collect_locks(out)),
            Self::Policy(policy) => out.extend(policy.relative_locks()),
            _ => {}
        }
    }

    pub(crate) fn collect_keys<'n>(&'n self, out: &mut Vec<&'n Key>) {
        match self {
            Self::Pk(key)
            | Self::Pkh(key)
            | Self::Wpkh(key)
            | Self::Combo(key)
            | Self::Rawtr(key)
            | Self::Unused(key) => out.push(key),
            Self::Multi { keys, .. } | Self::MultiA { keys, .. } => out.extend(keys),
            Self::Policy(policy) => out.extend(&policy.keys),
            Self::Sh(inner) | Self::Wsh(inner) => inner.collect_keys(out),
            Self::Tr { internal, leaves } => {
                out.push(internal);
                for (_, leaf) in leaves {
                    leaf.collect_keys(out);
                }
            }
            Self::Addr(_) | Self::Raw(_) => {}
        }
    }

    /// How many paths it stands for. The parser saw to it that keys agree.
    pub(crate) fn width(&self) -> usize {
        let mut keys = Vec::new();
        self.collect_keys(&mut keys);
        keys.iter().map(|key| key.width()).max().unwrap_or(1)
    }

    /// The node of one path.
    pub(crate) fn branch(&self, index: usize) -> Self {
        let all = |keys: &[Key]| keys.iter().map(|key| key.branch(index)).collect();
        match self {
            Self::Pk(key) => Self::Pk(key.branch(index)),
            Self::Pkh(key) => Self::Pkh(key.branch(index)),
            Self::Wpkh(key) => Self::Wpkh(key.branch(index)),
            Self::Combo(key) => Self::Combo(key.branch(index)),
            Self::Rawtr(key) => Self::Rawtr(key.branch(index)),
            Self::Unused(key) => Self::Unused(key.branch(index)),
            Self::Multi { threshold, keys, sorted } => {
                Self::Multi { threshold: *threshold, keys: all(keys), sorted: *sorted }
            }
            Self::MultiA { threshold, keys, sorted } => {
                Self::MultiA { threshold: *threshold, keys: all(keys), sorted: *sorted }
            }
            Self::Sh(inner) => Self::Sh(Box::new(inner.branch(index))),
            Self::Wsh(inner) => Self::Wsh(Box::new(inner.branch(index))),
            Self::Tr { internal, leaves } => Self::Tr {
                internal: internal.branch(index),
                leaves: leaves.iter().map(|(depth, leaf)| (*depth, leaf.branch(index))).collect(),
            },
            Self::Policy(policy) => Self::Policy(policy.with_keys(all(&policy.keys))),
            Self::Addr(_) | Self::Raw(_) => self.clone(),
        }
    }

    fn text(&self, notation: &Notation, write: &mut dyn FnMut(&Key) -> Option<String>) -> Option<String> {
        Some(match self {
            Self::Pk(key) => format!("pk({})", key.spell(write)?),
            Self::Pkh(key) => format!("pkh({})", key.spell(write)?),
            Self::Wpkh(key) => format!("{}({})", notation.witness_key_name(), key.spell(write)?),
            Self::Combo(key) => format!("combo({})", key.spell(write)?),
            Self::Rawtr(key) => format!("rawtr({})", key.spell(write)?),
            Self::Unused(key) => format!("unused({})", key.spell(write)?),
            Self::Multi { threshold, keys, sorted } => {
                let name = if *sorted { "sortedmulti" } else { "multi" };
                format!("{name}({threshold},{})", join(keys, write)?)
            }
            Self::MultiA { threshold, keys, sorted } => {
                let name = if *sorted { "sortedmulti_a" } else { "multi_a" };
                format!("{name}({threshold},{})", join(keys, write)?)
            }
            Self::Sh(inner) => format!("sh({})", inner.text(notation, write)?),
            Self::Wsh(inner) => format!("wsh({})", inner.text(notation, write)?),
            Self::Tr { internal, leaves } if leaves.is_empty() => format!("tr({})", internal.spell(write)?),
            Self::Tr { internal, leaves } => {
                let internal = internal.spell(write)?;
                format!("tr({internal},{})", tree_text(leaves, notation, write)?)
            }
            Self::Addr(destination) => {
                format!("addr({})", notation.addresses().encode(destination).unwrap_or_default())
            }
            Self::Raw(script) => format!("raw({})", hex::encode(script.as_bytes())),
            Self::Policy(policy) => policy.text(write)?,
        })
    }
}

fn join(keys: &[Key], write: &mut dyn FnMut(&Key) -> Option<String>) -> Option<String> {
    Some(keys.iter().map(|key| key.spell(write)).collect::<Option<Vec<_>>>()?.join(","))
}

/// Braces come from the depths: one is opened for each level down, and a side that is complete closes its brace.
fn tree_text(
    leaves: &[(u8, Node)],
    notation: &Notation,
    write: &mut dyn FnMut(&Key) -> Option<String>,
) -> Option<String> {
    let mut out = String::new();
    // For each open brace: whether its right side has been reached.
    let mut open: Vec<bool> = Vec::new();
    for (position, (depth, leaf)) in leaves.iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        while open.len() < usize::from(*depth) {
            out.push('{');
            open.push(false);
        }
        out.push_str(&leaf.text(notation, write)?);
        while open.pop_if(|right| *right).is_some() {
            out.push('}');
        }
        if let Some(right) = open.last_mut() {
            *right = true;
        }
    }
    Some(out)
}
