//! Witness programs that are roots of trees of scripts, as Freicoin has them.
//!
//! A program of version 0 is the root of a fast Merkle tree, or its RIPEMD-160. A witness ends with one of the scripts and
//! the way from it to the root. The first byte of that script is its inner version, of which only 0 is known: anything else
//! may be spent by anybody, until a later rule gives it a meaning.

use bitcoin::Witness;
use bitcoin::hashes::{Hash, ripemd160, sha256d};
use primitives::fast_merkle;

use crate::checker::SignatureChecker;
use crate::dialect::{Limits, Opcodes, WitnessRules};
use crate::error::ScriptError;
use crate::eval::{ExecutionData, Setting, SigVersion, run};
use crate::flags::Flags;
use crate::hashing::Digest;
use crate::num::cast_to_bool;
use crate::opcode::Opcode;
use crate::stack::{Element, Stack};
use crate::templates::WitnessProgram;

/// A proof of 32 levels: 32 hashes, and four bytes that say which side they are on.
const MAX_PROOF: usize = 32 * 32 + 4;

/// The most elements on both stacks in a witness script.
pub(crate) const MAX_STACK: usize = 0x7fff;

/// Freicoin's witnesses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mast;

/// The leaf of a script in its tree: the hash of inner version 0 and the script.
pub fn mast_leaf(script: &[u8]) -> Digest {
    let mut bytes = Vec::with_capacity(script.len() + 1);
    bytes.push(0);
    bytes.extend_from_slice(script);
    sha256d::Hash::hash(&bytes).to_byte_array()
}

/// The short form of a root: what a program of 20 bytes holds.
pub fn mast_short(root: &Digest) -> [u8; 20] {
    ripemd160::Hash::hash(root).to_byte_array()
}

impl WitnessRules for Mast {
    fn program<'s>(&self, script: &'s [u8]) -> Option<WitnessProgram<'s>> {
        program_of(script)
    }

    fn nests_in_p2sh(&self) -> bool {
        false
    }

    fn verify(
        &self,
        program: WitnessProgram<'_>,
        witness: &Witness,
        _nested: bool,
        flags: Flags,
        limits: &Limits,
        checker: &dyn SignatureChecker,
    ) -> Result<(), ScriptError> {
        let unknown = || {
            let discouraged = flags.has(Flags::DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM);
            if discouraged { Err(ScriptError::DiscourageUpgradableWitnessProgram) } else { Ok(()) }
        };
        let (0, 20 | 32) = (program.version, program.program.len()) else { return unknown() };
        let (Some(proof), Some(script)) = (witness.last(), witness.second_to_last()) else {
            return Err(ScriptError::WitnessProgramWitnessEmpty);
        };
        let (path, branch) = parse_proof(proof).ok_or(ScriptError::WitnessProgramInvalidProof)?;
        let leaf = sha256d::Hash::hash(script).to_byte_array();
        let root = fast_merkle::root_of_branch(leaf, branch, path).ok_or(ScriptError::WitnessProgramInvalidProof)?;
        if program.program != root && program.program != mast_short(&root) {
            return Err(ScriptError::WitnessProgramMismatch);
        }
        let Some((0, script)) = script.split_first() else { return unknown() };
        let count = witness.len() - 2;
        if count > MAX_STACK {
            return Err(ScriptError::StackSize);
        }
        let mut stack = Stack::with_capacity(count + 8);
        for element in witness.iter().take(count) {
            stack.push(Element::Pushed(element));
        }
        let setting = Setting { flags, limits, opcodes: Opcodes::Extended, checker };
        run(&mut stack, script, SigVersion::WitnessV0, setting, &mut ExecutionData::default())?;
        match stack.peek(0) {
            Ok(top) if cast_to_bool(top.as_slice()) => Ok(()),
            _ => Err(ScriptError::EvalFalse),
        }
    }
}

/// The path and the hashes of a proof in its shortest form.
fn parse_proof(proof: &[u8]) -> Option<(u32, &[Digest])> {
    if proof.len() > MAX_PROOF {
        return None;
    }
    let (path, hashes) = proof.split_at(proof.len() % 32);
    let (branch, _) = hashes.as_chunks::<32>();
    if path.len() > branch.len().div_ceil(8) || path.last() == Some(&0) {
        return None;
    }
    let path = path.iter().rev().try_fold(0u32, |number, byte| Some(number.checked_mul(256)? | u32::from(*byte)))?;
    Some((path, branch))
}

/// The witness program that a script is, if it is one: an opcode that says the version and a push of 2 to 75 bytes. A
/// second part for another chain may follow: a number, and another push.
fn program_of(script: &[u8]) -> Option<WitnessProgram<'_>> {
    const SIZES: std::ops::RangeInclusive<u8> = 2..=75;
    if !(4..=155).contains(&script.len()) {
        return None;
    }
    let (&[version, size], rest) = script.split_first_chunk::<2>()?;
    if !SIZES.contains(&size) {
        return None;
    }
    let (program, rest) = rest.split_at_checked(usize::from(size))?;
    let rest = match rest {
        [1, 0x80 | ..0x10, ..] | [1] => return None,
        [1, _, rest @ ..] | [0x4f | 0x51..=0x60, rest @ ..] | rest => rest,
    };
    if let Some((size, push)) = rest.split_first()
        && !(SIZES.contains(size) && push.len() == usize::from(*size))
    {
        return None;
    }
    let version = match Opcode(version) {
        Opcode(0) => 0,
        Opcode::NEGATE1 => 1,
        Opcode(number @ 0x51..=0x60) => 2 + number - 0x51,
        Opcode::NOP => 18,
        Opcode::DEPTH => 19,
        Opcode::CODESEPARATOR => 20,
        Opcode(nop @ 0xb0..=0xb9) => 21 + nop - 0xb0,
        _ => return None,
    };
    Some(WitnessProgram { version, program })
}

#[cfg(test)]
mod tests;
