//! What an input must show to spend an output, from the signatures and scripts that are known.
//!
//! Nothing is signed here. Signatures are put in the order in which the script asks for them, the scripts behind hashes
//! are added, and the result is run. What is missing is noted.

use std::collections::BTreeMap;

use bitcoin::hashes::{Hash, hash160, sha256};
use bitcoin::{Script, ScriptBuf, Witness};
use script::instruction::push_data;
use script::{Flags, Opcode, SignatureChecker, Solution, TxoutType, solve, verify_script};

/// The flags under which transactions are relayed.
pub const STANDARD: Flags = Flags::ALL;

/// A key and a signature by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySignature {
    /// The key.
    pub key: Vec<u8>,
    /// The signature with its hash type.
    pub signature: Vec<u8>,
}

/// The 20 bytes that stand for a key or a script.
pub type Id = [u8; 20];

/// The id of a key or a script.
pub fn id_of(bytes: &[u8]) -> Id {
    hash160::Hash::hash(bytes).to_byte_array()
}

/// What is known for one input, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Whether the two fields below spend the output.
    pub complete: bool,
    /// Whether the output is spent by a witness.
    pub by_witness: bool,
    /// The input's script.
    pub script_sig: ScriptBuf,
    /// The input's witness.
    pub witness: Vec<Vec<u8>>,
    /// The script behind a script hash.
    pub redeem_script: Option<ScriptBuf>,
    /// The script behind a witness script hash.
    pub witness_script: Option<ScriptBuf>,
    /// Signatures by the id of their key.
    pub signatures: BTreeMap<Id, KeySignature>,
    /// Other keys by their id.
    pub keys: BTreeMap<Id, Vec<u8>>,
    /// The signature by a taproot output key.
    pub taproot_signature: Option<Vec<u8>>,
    /// What is missing.
    pub missing: Missing,
}

/// What is missing to spend an output.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    /// Keys.
    pub keys: Vec<Id>,
    /// Signatures by these keys.
    pub signatures: Vec<Id>,
    /// The script with this hash.
    pub redeem_script: Option<Id>,
    /// The script with this hash.
    pub witness_script: Option<[u8; 32]>,
}

impl Known {
    /// Adds what another copy of the same input knows.
    pub fn merge(&mut self, other: Self) {
        if self.complete {
            return;
        }
        if other.complete {
            *self = other;
            return;
        }
        self.redeem_script = self.redeem_script.take().or(other.redeem_script);
        self.witness_script = self.witness_script.take().or(other.witness_script);
        for (id, signature) in other.signatures {
            self.signatures.entry(id).or_insert(signature);
        }
    }

    fn key(&self, id: &Id) -> Option<&[u8]> {
        self.signatures.get(id).map(|s| s.key.as_slice()).or_else(|| self.keys.get(id).map(Vec::as_slice))
    }

    fn signature(&mut self, key: &[u8], signer: Signer) -> Option<Vec<u8>> {
        let id = id_of(key);
        if let Some(known) = self.signatures.get(&id) {
            return Some(known.signature.clone());
        }
        match signer {
            Signer::Nobody => {
                self.missing.signatures.push(id);
                None
            }
            Signer::Dummy => Some(DUMMY_SIGNATURE.to_vec()),
        }
    }
}

/// Who signs where a signature is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signer {
    /// Nobody.
    Nobody,
    /// Nobody either, but a signature's place is filled to measure the transaction. Pair it with [`AnySignature`].
    Dummy,
}

/// 70 bytes of strict DER and a hash type: what signatures with a low R are as long as.
const DUMMY_SIGNATURE: [u8; 71] = {
    let mut bytes = [0; 71];
    bytes[0] = 0x30;
    bytes[1] = 68;
    bytes[2] = 0x02;
    bytes[3] = 32;
    bytes[4] = 0x01;
    bytes[36] = 0x02;
    bytes[37] = 32;
    bytes[38] = 0x01;
    bytes[70] = 0x01;
    bytes
};

/// As long as a Schnorr signature with the default hash type.
const DUMMY_SCHNORR: [u8; 64] = [0; 64];

/// A checker for which every signature is good and every lock is open.
#[derive(Debug, Clone, Copy)]
pub struct AnySignature;

impl SignatureChecker for AnySignature {
    fn check_ecdsa(&self, signature: &[u8], _: &[u8], _: &[u8], _: script::SigVersion) -> bool {
        !signature.is_empty()
    }

    fn check_schnorr(&self, _: &[u8], _: &[u8; 32], _: &script::ExecutionData) -> Result<(), script::ScriptError> {
        Ok(())
    }

    fn check_lock_time(&self, _: i64) -> bool {
        true
    }

    fn check_sequence(&self, _: i64) -> bool {
        true
    }
}

/// How far a script was solved.
struct Step {
    solved: bool,
    kind: TxoutType,
    stack: Vec<Vec<u8>>,
}

/// Puts together what spends `output`, and runs it. Whether it is complete is also the answer.
pub fn produce(output: &Script, known: &mut Known, signer: Signer, checker: &dyn SignatureChecker) -> bool {
    if known.complete {
        return true;
    }
    let mut step = solve_step(output, known, signer);
    let mut redeem_script = None;
    if step.solved && step.kind == TxoutType::ScriptHash {
        let inner = ScriptBuf::from_bytes(step.stack.pop().unwrap_or_default());
        known.redeem_script = Some(inner.clone());
        step = solve_step(&inner, known, signer);
        step.solved &= step.kind != TxoutType::ScriptHash;
        redeem_script = Some(inner);
    }
    match step.kind {
        TxoutType::WitnessV0KeyHash if step.solved => {
            let hash = step.stack.pop().unwrap_or_default();
            let inner = solve_step(&pay_to_hash(&hash), known, signer);
            step = Step { solved: inner.solved, kind: step.kind, stack: Vec::new() };
            (known.witness, known.by_witness) = (inner.stack, true);
        }
        TxoutType::WitnessV0ScriptHash if step.solved => {
            let script = ScriptBuf::from_bytes(step.stack.pop().unwrap_or_default());
            known.witness_script = Some(script.clone());
            let mut inner = solve_step(&script, known, signer);
            let nested = [TxoutType::ScriptHash, TxoutType::WitnessV0ScriptHash, TxoutType::WitnessV0KeyHash]
                .contains(&inner.kind);
            inner.stack.push(script.into_bytes());
            step = Step { solved: inner.solved && !nested, kind: step.kind, stack: Vec::new() };
            (known.witness, known.by_witness) = (inner.stack, true);
        }
        TxoutType::WitnessV1Taproot if redeem_script.is_none() => {
            known.by_witness = true;
            let stack = std::mem::take(&mut step.stack);
            if step.solved {
                known.witness = stack;
            }
        }
        _ => {}
    }
    if !known.by_witness {
        known.witness.clear();
    }
    if let Some(script) = redeem_script {
        step.stack.push(script.into_bytes());
    }
    known.script_sig = push_all(&step.stack);
    let witness = Witness::from_slice(&known.witness);
    known.complete = step.solved && verify_script(&known.script_sig, output, &witness, STANDARD, checker).is_ok();
    known.complete
}

/// What one script asks for.
fn solve_step(script: &Script, known: &mut Known, signer: Signer) -> Step {
    let solution = solve(script);
    let kind = solution.kind();
    let found = match solution {
        Solution::Pubkey(key) => known.signature(key, signer).map(|signature| vec![signature]),
        Solution::PubkeyHash(id) => {
            if let Some(key) = known.key(id).map(<[u8]>::to_vec) {
                known.signature(&key, signer).map(|signature| vec![signature, key])
            } else {
                known.missing.keys.push(*id);
                None
            }
        }
        Solution::ScriptHash(id) => {
            let script = known.redeem_script.as_ref().filter(|s| id_of(s.as_bytes()) == *id);
            let script = script.or(known.witness_script.as_ref().filter(|s| id_of(s.as_bytes()) == *id));
            if script.is_none() {
                known.missing.redeem_script = Some(*id);
            }
            script.map(|s| vec![s.to_bytes()])
        }
        Solution::WitnessV0ScriptHash(hash) => {
            let fits = |s: &&ScriptBuf| sha256::Hash::hash(s.as_bytes()).as_byte_array() == hash;
            let script = known.witness_script.as_ref().filter(fits).or(known.redeem_script.as_ref().filter(fits));
            if script.is_none() {
                known.missing.witness_script = Some(*hash);
            }
            script.map(|s| vec![s.to_bytes()])
        }
        Solution::WitnessV0KeyHash(hash) => Some(vec![hash.to_vec()]),
        Solution::WitnessV1Taproot(_) => {
            let dummy = || (signer == Signer::Dummy).then(|| DUMMY_SCHNORR.to_vec());
            known.taproot_signature.clone().or_else(dummy).map(|signature| vec![signature])
        }
        Solution::Anchor => Some(Vec::new()),
        Solution::Multisig { required, keys } => {
            let required = usize::from(required);
            // The operation takes one element too many. Every key is asked, so that all that is missing is known.
            let mut stack = vec![Vec::new()];
            for key in keys {
                if let Some(signature) = known.signature(key, signer)
                    && stack.len() <= required
                {
                    stack.push(signature);
                }
            }
            let solved = stack.len() == required + 1;
            stack.resize(required + 1, Vec::new());
            return Step { solved, kind, stack };
        }
        Solution::Nonstandard | Solution::NullData | Solution::WitnessUnknown(_) => None,
    };
    Step { solved: found.is_some(), kind, stack: found.unwrap_or_default() }
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
