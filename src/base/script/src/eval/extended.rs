//! Freicoin's opcodes, where they differ.
//!
//! In a witness, and everywhere after its protocol clean-up, a script is *open*: the limits of old are lifted, and an opcode
//! without a meaning ends the script with success, so that a later rule can give it one. Outside of witnesses the opcodes
//! that Bitcoin made of NOPs do nothing, as before.

use bitcoin::hashes::{Hash, sha256d};

use super::{Machine, SigVersion};
use crate::checker::SEQUENCE_DISABLE;
use crate::error::ScriptError;
use crate::flags::Flags;
use crate::merkle_proof::MerkleProof;
use crate::num::{MAX_LOCK_TIME_OPERAND, read_num};
use crate::opcode::Opcode;
use crate::stack::Element;

/// `OP_MERKLEBRANCHVERIFY`, NOP4 of old.
const MERKLEBRANCHVERIFY: Opcode = Opcode(0xb3);

/// What becomes of a script after an opcode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    /// It goes on.
    On,
    /// It has succeeded, whatever follows.
    Success,
}

impl Machine<'_, '_> {
    /// Runs one opcode that pushes no data of its own.
    pub(super) fn execute_extended(&mut self, opcode: Opcode) -> Result<Flow, ScriptError> {
        let base = self.version == SigVersion::Base;
        match opcode {
            Opcode::CHECKLOCKTIMEVERIFY | Opcode::CHECKSEQUENCEVERIFY if base && self.open => self.succeed(),
            // Not discouraged either, unlike other NOPs.
            MERKLEBRANCHVERIFY if base && self.open => Ok(Flow::Success),
            Opcode::CHECKLOCKTIMEVERIFY | Opcode::CHECKSEQUENCEVERIFY | MERKLEBRANCHVERIFY if base => Ok(Flow::On),
            Opcode::CHECKLOCKTIMEVERIFY => self.lock_time().map(|()| Flow::On),
            Opcode::CHECKSEQUENCEVERIFY => self.sequence().map(|()| Flow::On),
            MERKLEBRANCHVERIFY => self.merkle_branch().map(|()| Flow::On),
            Opcode::NOP1 | Opcode(0xb4..=0xb9) if self.open => self.succeed(),
            Opcode::SHA1 | Opcode::ROLL if !base => self.succeed(),
            _ if self.open && has_no_meaning(opcode) => self.succeed(),
            _ => self.execute(opcode).map(|()| Flow::On),
        }
    }

    fn succeed(&self) -> Result<Flow, ScriptError> {
        if self.flags.has(Flags::DISCOURAGE_OP_SUCCESS) {
            Err(ScriptError::DiscourageOpSuccess)
        } else {
            Ok(Flow::Success)
        }
    }

    /// CHECKLOCKTIMEVERIFY, which takes its operand away: (time --).
    fn lock_time(&mut self) -> Result<(), ScriptError> {
        let lock_time = read_num(self.stack.peek(0)?.as_slice(), true, MAX_LOCK_TIME_OPERAND)?;
        if lock_time < 0 {
            return Err(ScriptError::NegativeLocktime);
        }
        if !self.checker.check_lock_time(lock_time) {
            return Err(ScriptError::UnsatisfiedLocktime);
        }
        self.stack.discard(1);
        Ok(())
    }

    /// CHECKSEQUENCEVERIFY, which takes its operand away: (sequence --).
    fn sequence(&mut self) -> Result<(), ScriptError> {
        let operand = self.stack.peek(0)?.as_slice();
        let sequence = read_num(operand, true, MAX_LOCK_TIME_OPERAND)?;
        // An operand with this bit is left to later rules, negative or not. It takes a fifth byte to have it.
        let left = operand.len() > 4 && sequence.abs() & SEQUENCE_DISABLE != 0;
        if !left {
            if sequence < 0 {
                return Err(ScriptError::NegativeLocktime);
            }
            if !self.checker.check_sequence(sequence) {
                return Err(ScriptError::UnsatisfiedLocktime);
            }
        }
        self.stack.discard(1);
        Ok(())
    }

    /// MERKLEBRANCHVERIFY: (leaf* proof root count -- leaf*). A negative count says that the leaves are hashes already.
    fn merkle_branch(&mut self) -> Result<(), ScriptError> {
        self.stack.need(3)?;
        let count = read_num(self.stack.peek(0)?.as_slice(), true, 2).map_err(|_| ScriptError::MinimalData)?;
        let hashed = count < 0;
        let count = usize::try_from(count.unsigned_abs()).map_err(|_| ScriptError::InvalidStackOperation)?;
        self.stack.need(3 + count)?;
        let root = self.stack.peek(1)?.as_slice();
        let root: &[u8; 32] = root.try_into().map_err(|_| ScriptError::InvalidHashLength)?;
        let proof = MerkleProof::parse(self.stack.peek(2)?.as_slice()).ok_or(ScriptError::InvalidMerkleProof)?;
        let mut leaves = Vec::with_capacity(count);
        for at in 0..count {
            let leaf = self.stack.peek(3 + at)?.as_slice();
            leaves.push(if hashed {
                leaf.try_into().map_err(|_| ScriptError::InvalidHashLength)?
            } else {
                sha256d::Hash::hash(leaf).to_byte_array()
            });
        }
        if proof.root(&leaves).ok_or(ScriptError::InvalidMerkleProof)? != *root {
            return Err(ScriptError::MerkleBranchVerify);
        }
        self.stack.discard(3);
        Ok(())
    }

    /// The hint of a CHECKMULTISIG, in place of the element that the first implementation took by mistake: a bit for each
    /// key, the one nearest to the top first, that is set if the key has no signature.
    pub(super) fn multisig_hint(&self, keys: usize, signatures: usize, extra: usize) -> Result<u32, ScriptError> {
        let hint = read_num(self.stack.peek(extra)?.as_slice(), true, 3)?;
        let hint = u32::try_from(hint).ok().filter(|hint| hint.checked_shr(count(keys)).unwrap_or(0) == 0);
        let hint = hint.ok_or(ScriptError::MultisigHint)?;
        let empty =
            (extra - signatures..extra).any(|at| self.stack.peek(at).is_ok_and(|sig| sig.as_slice().is_empty()));
        let signed = count(keys) - hint.count_ones();
        let expected = if empty { 0 } else { count(signatures) };
        if signed == expected { Ok(hint) } else { Err(ScriptError::MultisigHint) }
    }

    /// Puts the one element on the stack that a script leaves that has succeeded early.
    pub(super) fn end_with_success(&mut self) {
        self.stack.discard(self.stack.len());
        self.stack.push(Element::boolean(true));
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Whether an opcode has no meaning: it is reserved, disabled, or not known.
fn has_no_meaning(opcode: Opcode) -> bool {
    opcode.is_success() || matches!(opcode.0, 0x65 | 0x66 | 0xba | 0xff)
}
