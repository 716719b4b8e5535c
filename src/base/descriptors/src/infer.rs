//! From a script to the descriptor that says most about it.

use bitcoin::hashes::{Hash, ripemd160};
use bitcoin::opcodes::all::{OP_CHECKSIG, OP_CHECKSIGADD, OP_NUMEQUAL};
use bitcoin::script::Instruction;
use bitcoin::{PublicKey, Script, ScriptBuf, XOnlyPublicKey};
use script::{Solution, solve};

use crate::descriptor::{Descriptor, Node};
use crate::parse::Place;
use crate::policy::Policy;
use crate::{Key, Known, Notation};

/// The descriptor of a script. At worst it is `addr()` or `raw()`.
pub fn infer(script: &Script, known: &Known, notation: &Notation) -> Descriptor {
    let inference = Inference { known };
    let node = inference.node(script, Place::Top).unwrap_or_else(|| {
        let destination = notation.addresses().destination(script);
        let says_all = destination.has_address()
            && notation.addresses().encode(&destination).is_some()
            && *notation.addresses().script(&destination) == *script;
        if says_all { Node::Addr(destination) } else { Node::Raw(script.to_owned()) }
    });
    Descriptor { node, notation: *notation }
}

struct Inference<'a> {
    known: &'a Known,
}

impl Inference<'_> {
    /// The only script of a tree: a key behind the short form of a root, anything behind a long one.
    fn tree(&self, program: &[u8], place: Place) -> Option<Node> {
        if place != Place::Top {
            return None;
        }
        let inner = self.node(self.known.tree(program)?, Place::Wsh)?;
        match inner {
            Node::Pk(key) if program.len() == 20 => Some(Node::Wpkh(key)),
            inner if program.len() == 32 => Some(Node::Wsh(Box::new(inner))),
            _ => None,
        }
    }

    fn node(&self, script: &Script, place: Place) -> Option<Node> {
        if place == Place::Tr {
            return self.leaf(script);
        }
        let outside_segwit = place.takes_uncompressed();
        let template = match solve(script) {
            Solution::WitnessV0KeyHash(hash) if self.known.tree(hash).is_some() => self.tree(hash, place),
            Solution::WitnessV0ScriptHash(root) if self.known.tree(root).is_some() => self.tree(root, place),
            Solution::Pubkey(key) => self.key(key, place).map(Node::Pk),
            Solution::PubkeyHash(hash) => self.key_behind(hash, place).map(Node::Pkh),
            Solution::WitnessV0KeyHash(hash) if outside_segwit => self.key_behind(hash, Place::Wpkh).map(Node::Wpkh),
            Solution::Multisig { required, keys } => {
                let keys: Option<Vec<Key>> = keys.iter().map(|key| self.key(key, place)).collect();
                keys.map(|keys| Node::Multi { threshold: u32::from(required), keys, sorted: false })
            }
            Solution::ScriptHash(hash) if place == Place::Top => {
                self.script_behind(hash, Place::Sh).map(|inner| Node::Sh(Box::new(inner)))
            }
            Solution::WitnessV0ScriptHash(hash) if outside_segwit => {
                let hash = ripemd160::Hash::hash(hash).to_byte_array();
                self.script_behind(&hash, Place::Wsh).map(|inner| Node::Wsh(Box::new(inner)))
            }
            Solution::WitnessV1Taproot(key) if place == Place::Top => self.taproot(key),
            _ => None,
        };
        if template.is_some() || place != Place::Wsh {
            return template;
        }
        let key_of = |key: &PublicKey| Key::single(*key, false, self.known.origin(key).cloned());
        Policy::of_wsh(&script.to_owned(), key_of, self.known).map(Node::Policy)
    }

    fn key(&self, bytes: &[u8], place: Place) -> Option<Key> {
        // Hybrid keys have no descriptor. A key that is no point keeps its script from having one.
        if bytes.len() == 65 && bytes.first() != Some(&4) {
            return None;
        }
        let key = PublicKey::from_slice(bytes).ok()?;
        let fits = key.compressed || place.takes_uncompressed();
        fits.then(|| Key::single(key, false, self.known.origin(&key).cloned()))
    }

    fn key_behind(&self, hash: &[u8; 20], place: Place) -> Option<Key> {
        self.key(&self.known.keys.get(hash)?.to_bytes(), place)
    }

    fn script_behind(&self, hash: &[u8; 20], place: Place) -> Option<Node> {
        self.node(self.known.scripts.get(hash)?, place)
    }

    fn x_only(&self, key: &XOnlyPublicKey) -> Key {
        let even = PublicKey::new(key.public_key(bitcoin::key::Parity::Even));
        Key::single(even, true, self.known.origin_x_only(key).cloned())
    }

    fn taproot(&self, output: &[u8; 32]) -> Option<Node> {
        let from_tree = self.known.taproot.get(output).and_then(|tree| {
            let leaf = |(depth, script): &(u8, ScriptBuf)| Some((*depth, self.node(script, Place::Tr)?));
            let leaves: Option<Vec<_>> = tree.leaves.iter().map(leaf).collect();
            Some(Node::Tr { internal: self.x_only(&tree.internal_key), leaves: leaves? })
        });
        from_tree.or_else(|| Some(Node::Rawtr(self.x_only(&XOnlyPublicKey::from_slice(output).ok()?))))
    }

    fn leaf(&self, script: &Script) -> Option<Node> {
        if let [32, key @ .., 0xac] = script.as_bytes()
            && let Ok(key) = XOnlyPublicKey::from_slice(key)
        {
            return Some(Node::Pk(self.x_only(&key)));
        }
        self.multi_a(script).or_else(|| Policy::of_tr(&script.to_owned(), |key| self.x_only(key)).map(Node::Policy))
    }

    /// Reads `<key> CHECKSIG (<key> CHECKSIGADD)* <threshold> NUMEQUAL`.
    fn multi_a(&self, script: &Script) -> Option<Node> {
        let mut instructions = script.instructions_minimal();
        let mut keys = Vec::new();
        let threshold = loop {
            let next = instructions.next()?.ok()?;
            if let Instruction::PushBytes(bytes) = next
                && bytes.len() == 32
            {
                let wanted = if keys.is_empty() { OP_CHECKSIG } else { OP_CHECKSIGADD };
                keys.push(self.x_only(&XOnlyPublicKey::from_slice(bytes.as_bytes()).ok()?));
                if instructions.next()?.ok()?.opcode() != Some(wanted) {
                    return None;
                }
                continue;
            }
            break u32::try_from(next.script_num()?).ok()?;
        };
        let ends = instructions.next()?.ok()?.opcode() == Some(OP_NUMEQUAL) && instructions.next().is_none();
        let fits = threshold >= 1 && usize::try_from(threshold).is_ok_and(|threshold| threshold <= keys.len());
        (ends && fits && keys.len() <= 999).then_some(Node::MultiA { threshold, keys, sorted: false })
    }
}
