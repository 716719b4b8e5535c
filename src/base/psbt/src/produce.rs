//! What an input must show to spend an output.
//!
//! Signatures are put in the order in which the script asks for them, the scripts behind hashes are added, and the result
//! is run. Signatures that are not there yet are asked of a [`Creator`]; what is missing in the end is noted. Where keys
//! and scripts come from is noted too, for whoever signs next.

mod joint;
mod miniscripts;
mod taproot;

use bitcoin::hashes::{Hash, sha256};
use bitcoin::{Script, ScriptBuf, Witness};
use descriptors::Known;
use script::instruction::push_data;
use script::{Opcode, SigVersion, Solution, TxoutType, solve, verify_script_in};

use crate::KeyOrigin;
use crate::spend::{Creator, Id, KeySignature, STANDARD, Spend, id_of};

/// Puts together what spends `output`, and runs it. Whether it is complete is also the answer. `known` says which keys
/// and scripts are behind hashes.
pub fn produce(output: &Script, known: &Known, creator: &dyn Creator, spend: &mut Spend) -> bool {
    if spend.complete {
        return true;
    }
    Producer { known, creator, spend }.run(output)
}

/// How far a script was solved.
struct Step {
    solved: bool,
    kind: TxoutType,
    stack: Vec<Vec<u8>>,
}

struct Producer<'a> {
    known: &'a Known,
    creator: &'a dyn Creator,
    spend: &'a mut Spend,
}

impl Producer<'_> {
    fn run(&mut self, output: &Script) -> bool {
        let mut step = self.step(output, SigVersion::Base);
        let mut redeem_script = None;
        if step.solved && step.kind == TxoutType::ScriptHash {
            let inner = ScriptBuf::from_bytes(step.stack.pop().unwrap_or_default());
            self.spend.redeem_script = Some(inner.clone());
            step = self.step(&inner, SigVersion::Base);
            step.solved &= step.kind != TxoutType::ScriptHash;
            redeem_script = Some(inner);
        }
        let mut dialect = script::BITCOIN;
        let known = self.known;
        let tree = match solve(output) {
            Solution::WitnessV0KeyHash(hash) => known.tree(hash),
            Solution::WitnessV0ScriptHash(root) => known.tree(root),
            _ => None,
        };
        match step.kind {
            _ if tree.is_some() => {
                dialect = script::MAST;
                let solved = tree.is_some_and(|script| self.tree_script(script));
                step = Step { solved, kind: step.kind, stack: Vec::new() };
            }
            TxoutType::WitnessV0KeyHash if step.solved => {
                let hash = step.stack.pop().unwrap_or_default();
                let inner = self.step(&pay_to_hash(&hash), SigVersion::WitnessV0);
                step = Step { solved: inner.solved, kind: step.kind, stack: Vec::new() };
                (self.spend.witness, self.spend.by_witness) = (inner.stack, true);
            }
            TxoutType::WitnessV0ScriptHash if step.solved => {
                let script = ScriptBuf::from_bytes(step.stack.pop().unwrap_or_default());
                step = Step { solved: self.witness_script(script), kind: step.kind, stack: Vec::new() };
            }
            TxoutType::WitnessV1Taproot if redeem_script.is_none() => {
                self.spend.by_witness = true;
                let stack = std::mem::take(&mut step.stack);
                if step.solved {
                    self.spend.witness = stack;
                }
            }
            _ => {}
        }
        if !self.spend.by_witness {
            self.spend.witness.clear();
        }
        if let Some(script) = redeem_script {
            step.stack.push(script.into_bytes());
        }
        let spend = &mut *self.spend;
        spend.script_sig = push_all(&step.stack);
        let witness = Witness::from_slice(&spend.witness);
        let checker = self.creator.checker();
        spend.complete =
            step.solved && verify_script_in(&dialect, &spend.script_sig, output, &witness, STANDARD, checker).is_ok();
        spend.complete
    }

    /// Puts together the witness for the only script of a tree: the script with its version, and the way to the root,
    /// which is empty.
    fn tree_script(&mut self, script: &Script) -> bool {
        let mut inner = self.step(script, SigVersion::WitnessV0);
        if let Solution::Multisig { required, keys } = solve(script) {
            let signed = |key: &&[u8]| self.spend.signatures.contains_key(&id_of(key));
            // The lowest bit is that of the last key. Keys whose signatures are not needed are left out too.
            let mut left = usize::from(required);
            let mut hint = 0u32;
            for (at, key) in keys.iter().enumerate() {
                if left > 0 && signed(key) {
                    left -= 1;
                } else {
                    hint |= 1 << (keys.len() - 1 - at);
                }
            }
            if let Some(first) = inner.stack.first_mut() {
                *first = script::num::NumBytes::new(i64::from(hint)).as_slice().to_vec();
            }
        }
        inner.stack.push([&[0], script.as_bytes()].concat());
        inner.stack.push(Vec::new());
        (self.spend.witness, self.spend.by_witness) = (inner.stack, true);
        inner.solved
    }

    /// Puts together the witness for the script behind a witness script hash.
    fn witness_script(&mut self, script: ScriptBuf) -> bool {
        self.spend.witness_script = Some(script.clone());
        let mut inner = self.step(&script, SigVersion::WitnessV0);
        inner.solved &=
            ![TxoutType::ScriptHash, TxoutType::WitnessV0ScriptHash, TxoutType::WitnessV0KeyHash].contains(&inner.kind);
        // A multisig that lacks signatures keeps those that it has, for whoever combines them.
        if !inner.solved
            && inner.stack.is_empty()
            && let Some(stack) = self.satisfy_witness_script(&script)
        {
            (inner.solved, inner.stack) = (true, stack);
        }
        inner.stack.push(script.into_bytes());
        (self.spend.witness, self.spend.by_witness) = (inner.stack, true);
        inner.solved
    }

    /// What one script asks for.
    fn step(&mut self, script: &Script, version: SigVersion) -> Step {
        let solution = solve(script);
        let kind = solution.kind();
        let found = match solution {
            Solution::Pubkey(key) => self.ecdsa(key, script, version).map(|signature| vec![signature]),
            Solution::PubkeyHash(id) => {
                if let Some(key) = self.key(id) {
                    self.ecdsa(&key, script, version).map(|signature| vec![signature, key])
                } else {
                    self.spend.missing.keys.push(*id);
                    None
                }
            }
            Solution::ScriptHash(id) => {
                let script = self.script(id);
                if script.is_none() {
                    self.spend.missing.redeem_script = Some(*id);
                }
                script.map(|s| vec![s])
            }
            Solution::WitnessV0ScriptHash(hash) if self.known.tree(hash).is_some() => None,
            Solution::WitnessV0ScriptHash(hash) => {
                let fits = |s: &Vec<u8>| sha256::Hash::hash(s).as_byte_array() == hash;
                let script = self.script(&bitcoin::hashes::ripemd160::Hash::hash(hash).to_byte_array()).filter(fits);
                if script.is_none() {
                    self.spend.missing.witness_script = Some(*hash);
                }
                script.map(|s| vec![s])
            }
            Solution::WitnessV0KeyHash(hash) => Some(vec![hash.to_vec()]),
            Solution::WitnessV1Taproot(key) => self.taproot(key),
            Solution::Anchor => Some(Vec::new()),
            Solution::Multisig { required, keys } => {
                let required = usize::from(required);
                // The operation takes one element too many. Every key is asked, so that all that is missing is known,
                // and others can choose among all signatures that were made here.
                let mut stack = vec![Vec::new()];
                for key in keys {
                    if let Some(signature) = self.ecdsa(key, script, version)
                        && stack.len() <= required
                    {
                        stack.push(signature);
                    }
                }
                let missing = (required + 1).saturating_sub(stack.len());
                let solved = missing == 0;
                // The reference fills half of the places that are left, and others compare with it byte by byte.
                stack.resize(stack.len() + missing.div_ceil(2), Vec::new());
                return Step { solved, kind, stack };
            }
            Solution::Nonstandard | Solution::NullData | Solution::WitnessUnknown(_) => None,
        };
        Step { solved: found.is_some(), kind, stack: found.unwrap_or_default() }
    }

    /// The script with this id.
    fn script(&self, id: &Id) -> Option<Vec<u8>> {
        let spend = &*self.spend;
        let own = [&spend.redeem_script, &spend.witness_script].into_iter().flatten();
        let own = || own.into_iter().find(|script| id_of(script.as_bytes()) == *id);
        self.known.scripts.get(id).or_else(own).map(|script| script.to_bytes())
    }

    /// The key with this id.
    fn key(&self, id: &Id) -> Option<Vec<u8>> {
        let spend = &*self.spend;
        let signer = spend.signatures.get(id).map(|s| s.key.clone());
        let listed = || spend.keys.get(id).map(|(key, _)| key.clone());
        let even = || spend.taproot.keys.get(id).map(|key| [&[2][..], key].concat());
        signer.or_else(listed).or_else(even).or_else(|| self.known.keys.get(id).map(|key| key.to_bytes()))
    }

    /// The signature by a key: one that is there, or one that is made now.
    fn ecdsa(&mut self, key: &[u8], script: &Script, version: SigVersion) -> Option<Vec<u8>> {
        let id = id_of(key);
        if let Some(there) = self.spend.signatures.get(&id) {
            return Some(there.signature.clone());
        }
        if let Some(origin) = self.known.origins.get(&id) {
            self.spend.keys.entry(id).or_insert_with(|| (key.to_vec(), KeyOrigin::from(origin)));
        }
        let Some(signature) = self.creator.ecdsa(&id, script, version) else {
            self.spend.missing.signatures.push(id);
            return None;
        };
        let made = KeySignature { key: key.to_vec(), signature: signature.clone() };
        self.spend.signatures.insert(id, made);
        Some(signature)
    }
}

/// The script that a witness key hash stands for.
fn pay_to_hash(hash: &[u8]) -> ScriptBuf {
    let mut script = vec![Opcode::DUP.0, Opcode::HASH160.0];
    push_data(&mut script, hash);
    script.extend_from_slice(&[Opcode::EQUALVERIFY.0, Opcode::CHECKSIG.0]);
    ScriptBuf::from_bytes(script)
}

/// A script that pushes elements, each in the shortest way.
fn push_all(elements: &[Vec<u8>]) -> ScriptBuf {
    let mut script = Vec::new();
    for element in elements {
        match element.as_slice() {
            [number @ 1..=16] => script.extend(Opcode::of_small_number(*number).map(|op| op.0)),
            [0x81] => script.push(0x4f),
            other => push_data(&mut script, other),
        }
    }
    ScriptBuf::from_bytes(script)
}
