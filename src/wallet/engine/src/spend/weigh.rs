//! How much an input may weigh that somebody else signed, judged by how it is signed now.

use std::cell::Cell;

use bitcoin::TxIn;
use primitives::Tx;
use script::{ExecutionData, Flags, ScriptError, SigVersion, SignatureChecker, TxData, TxSignatureChecker};

use super::size::signed;
use crate::select::WITNESS_SCALE;

/// The longest signature, hash type included, that is relayed.
const LONGEST_SIGNATURE: i64 = 72;

/// Passes questions on, and adds up what good signatures could weigh more.
struct Scale<'a> {
    inner: TxSignatureChecker<'a>,
    missing: Cell<i64>,
}

impl SignatureChecker for Scale<'_> {
    fn check_ecdsa(&self, signature: &[u8], key: &[u8], script_code: &[u8], version: SigVersion) -> bool {
        let good = self.inner.check_ecdsa(signature, key, script_code, version);
        if good {
            let scale = if version == SigVersion::Base { WITNESS_SCALE } else { 1 };
            self.missing.set(self.missing.get() + (LONGEST_SIGNATURE - signed(signature.len())) * scale);
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

/// What an input weighs as it is.
pub(super) fn input_weight(input: &TxIn) -> i64 {
    let script_len = input.script_sig.len();
    let bare = 32 + 4 + signed(primitives::compact_len(script_len) + script_len) + 4;
    bare * WITNESS_SCALE + signed(input.witness.size())
}

/// What an input weighs at most if it is signed again as it is signed now. Signatures differ in length.
pub(super) fn resigned_weight(tx: &Tx, data: &TxData<'_>, index: usize, dialect: &script::Dialect) -> Option<i64> {
    let input = tx.inputs().get(index)?;
    let prevout = data.prevout(index)?;
    let scale = Scale { inner: TxSignatureChecker::new(data, index, prevout.amount), missing: Cell::new(0) };
    // An input that is not signed, or not well, weighs what it weighs.
    let _ =
        script::verify_script_in(dialect, &input.script_sig, prevout.script_pubkey, &input.witness, Flags::ALL, &scale);
    Some(input_weight(input).saturating_add(scale.missing.get()))
}
