//! Between the records of a PSBT and what is known for spending.

use std::collections::BTreeMap;

use bitcoin::ScriptBuf;
use descriptors::{Known, TaprootTree};
use script::taproot::LEAF_TAPSCRIPT;
use script::{NoTransaction, Solution, WitnessProgram, solve, templates};

use crate::joint::JointRecords;
use crate::produce::produce;
use crate::spend::{Nobody, Spend, TaprootSpend, id_of};
use crate::{Input, KeyOrigin, MuSig2Key, Output, Psbt, Records, TaprootOrigin};

fn some_script(script: &ScriptBuf) -> Option<ScriptBuf> {
    Some(script.clone()).filter(|script| !script.is_empty())
}

fn keys_of<'o>(origins: impl IntoIterator<Item = (&'o Vec<u8>, &'o KeyOrigin)>) -> crate::spend::Keys {
    origins.into_iter().map(|(key, origin)| (id_of(key), (key.clone(), origin.clone()))).collect()
}

fn ids_of<'o>(origins: impl IntoIterator<Item = (&'o [u8; 32], &'o TaprootOrigin)>) -> crate::spend::XOnlyKeys {
    origins.into_iter().map(|(key, _)| (id_of(key), *key)).collect()
}

impl Input {
    /// What its records say about spending.
    pub(crate) fn to_spend(&self) -> Spend {
        if self.is_final() {
            return Spend {
                complete: true,
                script_sig: self.final_script_sig.clone(),
                witness: self.final_witness.clone(),
                ..Spend::default()
            };
        }
        Spend {
            redeem_script: some_script(&self.redeem_script),
            witness_script: some_script(&self.witness_script),
            signatures: self.signatures.clone(),
            keys: keys_of(&self.origins),
            taproot: TaprootSpend {
                signature: self.taproot_signature.clone(),
                script_signatures: self.taproot_script_signatures.clone(),
                scripts: self.taproot_scripts.clone(),
                origins: self.taproot_origins.clone(),
                internal_key: self.taproot_internal_key,
                merkle_root: self.taproot_merkle_root,
                tree: None,
                keys: ids_of(&self.taproot_origins),
            },
            joint: JointRecords {
                participants: self.musig2_participants.clone(),
                nonces: self.musig2_nonces.clone(),
                signatures: self.musig2_signatures.clone(),
            },
            preimages: self.preimages.clone(),
            ..Spend::default()
        }
    }

    /// Writes back what came out. A finished input needs nothing that led there.
    pub(crate) fn take_spend(&mut self, spend: Spend) {
        if spend.complete {
            self.signatures.clear();
            self.origins.clear();
            (self.redeem_script, self.witness_script) = (ScriptBuf::new(), ScriptBuf::new());
            if !spend.script_sig.is_empty() {
                self.final_script_sig = spend.script_sig;
            }
            if !spend.witness.is_empty() {
                self.final_witness = spend.witness;
            }
            return;
        }
        for (id, signature) in spend.signatures {
            self.signatures.entry(id).or_insert(signature);
        }
        take_script(&mut self.redeem_script, spend.redeem_script);
        take_script(&mut self.witness_script, spend.witness_script);
        for (key, origin) in spend.keys.into_values() {
            self.origins.entry(key).or_insert(origin);
        }
        let taproot = spend.taproot;
        self.taproot_signature = taproot.signature.or(self.taproot_signature.take());
        for (place, signature) in taproot.script_signatures {
            self.taproot_script_signatures.entry(place).or_insert(signature);
        }
        self.taproot_internal_key = taproot.internal_key.or(self.taproot_internal_key);
        self.taproot_merkle_root = taproot.merkle_root.or(self.taproot_merkle_root);
        for (leaf, controls) in taproot.scripts {
            self.taproot_scripts.entry(leaf).or_insert(controls);
        }
        for (key, origin) in taproot.origins {
            self.taproot_origins.entry(key).or_insert(origin);
        }
        let joint = spend.joint;
        for (aggregate, participants) in joint.participants {
            self.musig2_participants.entry(aggregate).or_insert(participants);
        }
        take_records(&mut self.musig2_nonces, joint.nonces);
        take_records(&mut self.musig2_signatures, joint.signatures);
    }
}

fn take_records(records: &mut BTreeMap<MuSig2Key, Records>, found: BTreeMap<MuSig2Key, Records>) {
    for (place, values) in found.into_iter().filter(|(_, values)| !values.is_empty()) {
        let known = records.entry(place).or_default();
        for (participant, value) in values {
            known.entry(participant).or_insert(value);
        }
    }
}

fn take_script(script: &mut ScriptBuf, found: Option<ScriptBuf>) {
    if script.is_empty()
        && let Some(found) = found
    {
        *script = found;
    }
}

impl Output {
    fn to_spend(&self) -> Spend {
        let mut taproot = TaprootSpend {
            origins: self.taproot_origins.clone(),
            keys: ids_of(&self.taproot_origins),
            ..TaprootSpend::default()
        };
        let internal = self.taproot_internal_key.and_then(|key| bitcoin::XOnlyPublicKey::from_slice(&key).ok());
        let leaf = |(depth, version, script): &(u8, u8, Vec<u8>)| {
            (*version == LEAF_TAPSCRIPT).then(|| (*depth, ScriptBuf::from_bytes(script.clone())))
        };
        let leaves: Option<Vec<_>> = self.taproot_tree.iter().map(leaf).collect();
        if let (Some(internal_key), Some(leaves @ [_, ..])) = (internal, leaves.as_deref()) {
            taproot.learn(&TaprootTree { internal_key, leaves: leaves.to_vec() });
        }
        Spend {
            redeem_script: some_script(&self.redeem_script),
            witness_script: some_script(&self.witness_script),
            keys: keys_of(&self.origins),
            taproot,
            joint: JointRecords { participants: self.musig2_participants.clone(), ..JointRecords::default() },
            ..Spend::default()
        }
    }

    fn take_spend(&mut self, spend: Spend) {
        take_script(&mut self.redeem_script, spend.redeem_script);
        take_script(&mut self.witness_script, spend.witness_script);
        for (key, origin) in spend.keys.into_values() {
            self.origins.entry(key).or_insert(origin);
        }
        self.taproot_internal_key = spend.taproot.internal_key.or(self.taproot_internal_key);
        if let Some(tree) = spend.taproot.tree.filter(|_| self.taproot_tree.is_empty()) {
            let leaf = |(depth, script): (u8, ScriptBuf)| (depth, LEAF_TAPSCRIPT, script.into_bytes());
            self.taproot_tree = tree.leaves.into_iter().map(leaf).collect();
        }
        for (aggregate, participants) in spend.joint.participants {
            self.musig2_participants.entry(aggregate).or_insert(participants);
        }
        for (key, origin) in spend.taproot.origins {
            self.taproot_origins.entry(key).or_insert(origin);
        }
    }

    /// Adds the scripts and keys behind it, for signers that want to recognise their change.
    pub fn fill(&mut self, known: &Known) {
        let mut spend = self.to_spend();
        produce(&self.script, known, &Nobody(NoTransaction), &mut spend);
        self.take_spend(spend);
    }
}

impl Psbt {
    /// Drops whole transactions that no signature needs: when all inputs are taproot, whose signatures say the amounts.
    pub fn drop_needless_transactions(&mut self) {
        let says_all = |input: &Input| {
            let program = input.witness_utxo.as_ref().and_then(|utxo| templates::witness_program(&utxo.script_pubkey));
            // A signature that covers one input only does not say what the others pay.
            program.is_some_and(|WitnessProgram { version, .. }| version > 0)
                && input.sighash.is_none_or(|kind| kind & 0x80 == 0)
        };
        if self.inputs.iter().all(says_all) {
            for input in &mut self.inputs {
                input.non_witness_utxo = None;
            }
        }
    }
}

/// Whether an output is spent by a witness, as far as is known.
pub fn is_segwit(script: &bitcoin::Script, known: &Known) -> bool {
    if templates::witness_program(script).is_some() {
        return true;
    }
    let Solution::ScriptHash(id) = solve(script) else { return false };
    known.scripts.get(id).is_some_and(|inner| templates::witness_program(inner).is_some())
}
