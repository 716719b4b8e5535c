//! The signatures that an input of a transaction already holds.

use std::cell::RefCell;
use std::collections::BTreeMap;

use bitcoin::{Script, ScriptBuf, TxIn, TxOut};
use script::instruction::Cursor;
use script::{
    ExecutionData, ScriptError, SigVersion, SignatureChecker, Solution, TxData, TxSignatureChecker, TxoutType, solve,
    verify_script_in,
};

use crate::spend::{Id, KeySignature, STANDARD, Spend, id_of};

/// Passes questions on, and remembers the signatures that were good.
struct Listener<'a> {
    inner: TxSignatureChecker<'a>,
    heard: RefCell<BTreeMap<Id, KeySignature>>,
}

impl SignatureChecker for Listener<'_> {
    fn check_ecdsa(&self, signature: &[u8], key: &[u8], script_code: &[u8], version: SigVersion) -> bool {
        let good = self.inner.check_ecdsa(signature, key, script_code, version);
        if good {
            let heard = KeySignature { key: key.to_vec(), signature: signature.to_vec() };
            self.heard.borrow_mut().insert(id_of(key), heard);
        }
        good
    }

    fn check_schnorr(&self, signature: &[u8], key: &[u8; 32], context: &ExecutionData) -> Result<(), ScriptError> {
        self.inner.check_schnorr(signature, key, context)
    }

    fn check_lock_time(&self, lock_time: i64) -> bool {
        self.inner.check_lock_time(lock_time)
    }

    fn check_sequence(&self, sequence: i64) -> bool {
        self.inner.check_sequence(sequence)
    }
}

/// What an input knows about spending `output`. `data` is of its transaction.
pub fn extract(data: &TxData<'_>, input: usize, spender: &TxIn, output: &TxOut) -> Spend {
    let listener = Listener { inner: TxSignatureChecker::new(data, input, output.value), heard: RefCell::default() };
    let mut spend =
        Spend { script_sig: spender.script_sig.clone(), witness: spender.witness.to_vec(), ..Spend::default() };
    let run = verify_script_in(
        &data.dialect(),
        &spender.script_sig,
        &output.script_pubkey,
        &spender.witness,
        STANDARD,
        &listener,
    );
    spend.complete = run.is_ok();
    if !spend.complete {
        collect(&output.script_pubkey, &mut spend, &listener);
    }
    spend.signatures = listener.heard.into_inner();
    spend
}

/// Finds the scripts behind hashes, and tries the signatures of an unfinished multisig on its keys.
fn collect(output: &Script, spend: &mut Spend, listener: &Listener<'_>) {
    let (mut stack, mut witness) = (pushes(&spend.script_sig), spend.witness.clone());
    let (mut script, mut version) = (output.to_owned(), SigVersion::Base);
    if solve(&script).kind() == TxoutType::ScriptHash
        && let Some(inner) = stack.pop_if(|last| !last.is_empty())
    {
        script = ScriptBuf::from_bytes(inner);
        spend.redeem_script = Some(script.clone());
    }
    if solve(&script).kind() == TxoutType::WitnessV0ScriptHash
        && let Some(inner) = witness.pop_if(|last| !last.is_empty())
    {
        script = ScriptBuf::from_bytes(inner);
        spend.witness_script = Some(script.clone());
        (stack, version) = (witness, SigVersion::WitnessV0);
    }
    if let Solution::Multisig { keys, .. } = solve(&script) {
        let mut keys = keys.iter();
        for signature in &stack {
            // Keys and signatures come in the same order.
            let mut rest = keys.clone();
            let good = rest.any(|key| {
                listener.heard.borrow().contains_key(&id_of(key))
                    || listener.check_ecdsa(signature, key, script.as_bytes(), version)
            });
            if good {
                keys = rest;
            }
        }
    }
}

/// What an input's script leaves on the stack, if it only pushes.
fn pushes(script: &Script) -> Vec<Vec<u8>> {
    let element = |op: script::instruction::Instruction<'_>| match op.opcode.small_number() {
        Some(number @ 1..) => vec![number],
        _ => op.data.to_vec(),
    };
    Cursor::new(script.as_bytes()).map(element).collect()
}
