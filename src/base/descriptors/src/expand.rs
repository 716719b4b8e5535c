//! From a descriptor to its scripts at an index.

use bitcoin::hashes::{Hash, hash160, sha256};
use bitcoin::opcodes::all::{OP_CHECKMULTISIG, OP_CHECKSIG, OP_CHECKSIGADD, OP_NUMEQUAL};
use bitcoin::script::Builder;
use bitcoin::{PublicKey, ScriptBuf};
use primitives::Destination;

use crate::descriptor::{Descriptor, Node};
use crate::known::key_hash;
use crate::parse::Place;
use crate::{Derived, Key, Known, Notation, PrivateKeys, TaprootTree};

/// What a descriptor stands for at an index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expansion {
    /// The output scripts: one, none of `unused()`, up to four of `combo()`.
    pub scripts: Vec<ScriptBuf>,
    /// What is needed to spend them, but for signatures.
    pub known: Known,
}

impl Descriptor {
    /// The scripts at an index. Nothing if a hardened step cannot be taken.
    pub fn expand(&self, index: u32, secrets: &dyn PrivateKeys) -> Option<Expansion> {
        self.expand_by(&mut |_, key| key.derive(index, secrets))
    }

    /// The scripts whose keys somebody else derives. Keys are asked for by their number, in the order in which they
    /// stand in the text.
    pub(crate) fn expand_by(&self, derive: &mut dyn FnMut(u32, &Key) -> Option<Derived>) -> Option<Expansion> {
        let mut expander = Expander { derive, number: 0, notation: &self.notation, known: Known::default() };
        let scripts = expander.node(&self.node, Place::Top)?;
        Some(Expansion { scripts, known: expander.known })
    }
}

struct Expander<'a> {
    derive: &'a mut dyn FnMut(u32, &Key) -> Option<Derived>,
    /// Of the next key.
    number: u32,
    notation: &'a Notation,
    known: Known,
}

impl Expander<'_> {
    fn key(&mut self, key: &Key) -> Option<PublicKey> {
        let Some(participants) = key.participants() else { return self.single(key) };
        let keys = participants.iter().map(|participant| self.single(participant)).collect::<Option<_>>()?;
        let together = key.together(keys)?;
        self.known.aggregates.insert(together.aggregate.inner.serialize(), together.keys);
        self.single(&together.key)
    }

    fn single(&mut self, key: &Key) -> Option<PublicKey> {
        let derived = (self.derive)(self.number, key)?;
        self.number += 1;
        self.known.add_key(derived.key);
        self.known.origins.insert(key_hash(&derived.key), derived.origin);
        Some(derived.key)
    }

    fn keys(&mut self, keys: &[Key]) -> Option<Vec<PublicKey>> {
        keys.iter().map(|key| self.key(key)).collect()
    }

    fn node(&mut self, node: &Node, place: Place) -> Option<Vec<ScriptBuf>> {
        let one = |destination: Destination| vec![destination.script_pubkey()];
        Some(match node {
            Node::Pk(key) => {
                let key = self.key(key)?;
                if place != Place::Tr {
                    return Some(one(Destination::PubKey(key.to_bytes())));
                }
                vec![
                    Builder::new()
                        .push_x_only_key(&key.inner.x_only_public_key().0)
                        .push_opcode(OP_CHECKSIG)
                        .into_script(),
                ]
            }
            Node::Pkh(key) => one(Destination::PubKeyHash(key_hash(&self.key(key)?))),
            Node::Wpkh(key) if self.notation.has_script_trees() => {
                let key = self.key(key)?;
                one(self.tree_of_key(&key))
            }
            Node::Wpkh(key) => one(Destination::WitnessV0KeyHash(key_hash(&self.key(key)?))),
            Node::Combo(key) => self.combo(key)?,
            Node::Multi { threshold, keys, sorted } => {
                let mut keys = self.keys(keys)?;
                if *sorted {
                    keys.sort_by_cached_key(|key| key.to_bytes());
                }
                vec![multisig(*threshold, &keys)?]
            }
            Node::MultiA { threshold, keys, sorted } => {
                let mut keys: Vec<_> = self.keys(keys)?.iter().map(|key| key.inner.x_only_public_key().0).collect();
                if *sorted {
                    keys.sort_by_key(bitcoin::XOnlyPublicKey::serialize);
                }
                let mut script = Builder::new();
                for (position, key) in keys.iter().enumerate() {
                    let opcode = if position == 0 { OP_CHECKSIG } else { OP_CHECKSIGADD };
                    script = script.push_x_only_key(key).push_opcode(opcode);
                }
                vec![script.push_int(i64::from(*threshold)).push_opcode(OP_NUMEQUAL).into_script()]
            }
            Node::Sh(inner) => {
                let script = self.node(inner, Place::Sh)?.pop()?;
                let hash = hash160::Hash::hash(script.as_bytes()).to_byte_array();
                self.known.add_script(script);
                one(Destination::ScriptHash(hash))
            }
            Node::Wsh(inner) => {
                let script = self.node(inner, Place::Wsh)?.pop()?;
                if self.notation.has_script_trees() {
                    return Some(one(Destination::WitnessV0ScriptHash(self.known.add_tree(script))));
                }
                let hash = sha256::Hash::hash(script.as_bytes()).to_byte_array();
                self.known.add_script(script);
                one(Destination::WitnessV0ScriptHash(hash))
            }
            Node::Tr { internal, leaves } => self.taproot(internal, leaves)?,
            Node::Rawtr(key) => {
                one(Destination::WitnessV1Taproot(self.key(key)?.inner.x_only_public_key().0.serialize()))
            }
            Node::Addr(destination) => vec![self.notation.addresses().script(destination)],
            Node::Raw(script) => vec![script.clone()],
            Node::Unused(key) => {
                self.key(key)?;
                Vec::new()
            }
            Node::Policy(policy) => {
                let keys = self.keys(&policy.keys)?;
                if place == Place::Tr {
                    // Hashes in leaves are of the 32 bytes.
                    for key in &keys {
                        let x_only = key.inner.x_only_public_key().0.serialize();
                        self.known.keys.insert(hash160::Hash::hash(&x_only).to_byte_array(), *key);
                    }
                }
                vec![policy.script(&keys)?]
            }
        })
    }

    /// Where a key is paid to that is the only script of its tree.
    fn tree_of_key(&mut self, key: &PublicKey) -> Destination {
        let script = Builder::new().push_key(key).push_opcode(OP_CHECKSIG).into_script();
        Destination::WitnessV0KeyHash(script::mast_short(&self.known.add_tree(script)))
    }

    fn combo(&mut self, key: &Key) -> Option<Vec<ScriptBuf>> {
        let key = self.key(key)?;
        let hash = key_hash(&key);
        let mut all = vec![Destination::PubKey(key.to_bytes()), Destination::PubKeyHash(hash)];
        if self.notation.has_script_trees() {
            if key.compressed {
                all.push(self.tree_of_key(&key));
            }
        } else if key.compressed {
            let segwit = Destination::WitnessV0KeyHash(hash);
            let program = segwit.script_pubkey();
            all.push(segwit);
            all.push(Destination::ScriptHash(hash160::Hash::hash(program.as_bytes()).to_byte_array()));
            self.known.add_script(program);
        }
        Some(all.iter().map(Destination::script_pubkey).collect())
    }

    fn taproot(&mut self, internal: &Key, leaves: &[(u8, Node)]) -> Option<Vec<ScriptBuf>> {
        let internal_key = self.key(internal)?.inner.x_only_public_key().0;
        let leaf = |(depth, leaf): &(u8, Node)| Some((*depth, self.node(leaf, Place::Tr)?.pop()?));
        let tree = TaprootTree { internal_key, leaves: leaves.iter().map(leaf).collect::<Option<_>>()? };
        let output = tree.output_key()?;
        self.known.taproot.insert(output, tree);
        Some(vec![Destination::WitnessV1Taproot(output).script_pubkey()])
    }
}

fn multisig(threshold: u32, keys: &[PublicKey]) -> Option<ScriptBuf> {
    let script = Builder::new().push_int(i64::from(threshold));
    let script = keys.iter().fold(script, Builder::push_key);
    let count = i64::try_from(keys.len()).ok()?;
    Some(script.push_int(count).push_opcode(OP_CHECKMULTISIG).into_script())
}
