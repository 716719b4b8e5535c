//! Verifying an input: its script, the output's script, the redeem script and the witness, in that order.

use bitcoin::{Script, Witness};

use crate::checker::SignatureChecker;
use crate::dialect::{BITCOIN, Dialect, Opcodes};
use crate::error::ScriptError;
use crate::eval::{ExecutionData, Setting, SigVersion, run};
use crate::flags::Flags;
use crate::instruction::push_head;
use crate::num::cast_to_bool;
use crate::stack::Stack;
use crate::templates::{only_pushes, program_of, script_hash};

/// Verifies that an input may spend an output, under Bitcoin's Script.
pub fn verify_script(
    script_sig: &Script,
    script_pubkey: &Script,
    witness: &Witness,
    flags: Flags,
    checker: &dyn SignatureChecker,
) -> Result<(), ScriptError> {
    verify_script_in(&BITCOIN, script_sig, script_pubkey, witness, flags, checker)
}

/// Verifies that an input may spend an output, under some chain's Script.
pub fn verify_script_in(
    dialect: &Dialect,
    script_sig: &Script,
    script_pubkey: &Script,
    witness: &Witness,
    flags: Flags,
    checker: &dyn SignatureChecker,
) -> Result<(), ScriptError> {
    let (input, output) = (script_sig.as_bytes(), script_pubkey.as_bytes());
    let setting = Setting { flags, limits: &dialect.limits, opcodes: dialect.opcodes, checker };
    let rules = dialect.witness;
    if flags.has(Flags::SIGPUSHONLY) && !only_pushes(input) {
        return Err(ScriptError::SigPushOnly);
    }

    if dialect.opcodes == Opcodes::Bitcoin
        && flags.has(Flags::WITNESS)
        && input.is_empty()
        && let Some(pushed) = program_of(output)
        && let Some(program) = rules.program(output)
    {
        // The usual case. Such a script leaves its two pushes, which are minimal and below every limit: no stack is
        // needed to know what is on top. Nor can it be the hash of a script.
        if !cast_to_bool(pushed.program) {
            return Err(ScriptError::EvalFalse);
        }
        return rules.verify(program, witness, false, flags, setting.limits, checker);
    }

    // One after the other on the same stack, never joined into one script (CVE-2010-5141).
    let mut stack = Stack::with_capacity(16);
    let mut exec = ExecutionData::default();
    run(&mut stack, input, SigVersion::Base, setting, &mut exec)?;
    let pushed_last = stack.peek(0).ok().copied();
    run(&mut stack, output, SigVersion::Base, setting, &mut exec)?;
    require_true(&stack)?;

    let mut has_program = false;
    let mut left = stack.len();
    if flags.has(Flags::WITNESS)
        && let Some(program) = rules.program(output)
    {
        has_program = true;
        if !input.is_empty() {
            return Err(ScriptError::WitnessMalleated);
        }
        rules.verify(program, witness, false, flags, setting.limits, checker)?;
        // What a program leaves on this stack says nothing.
        left = 1;
    }

    if flags.has(Flags::P2SH) && script_hash(output).is_some() {
        if !only_pushes(input) {
            return Err(ScriptError::SigPushOnly);
        }
        // The output's script took the redeem script and left its answer: taking that away too leaves the stack that
        // the redeem script runs on. Something was pushed, or there would have been nothing to hash.
        let redeem = pushed_last.ok_or(ScriptError::EvalFalse)?;
        let mut stack = stack;
        stack.pop()?;
        run(&mut stack, redeem.as_slice(), SigVersion::Base, setting, &mut exec)?;
        require_true(&stack)?;
        left = stack.len();
        if flags.has(Flags::WITNESS)
            && rules.nests_in_p2sh()
            && let Some(program) = rules.program(redeem.as_slice())
        {
            has_program = true;
            if !is_single_push(input, redeem.as_slice()) {
                return Err(ScriptError::WitnessMalleatedP2sh);
            }
            rules.verify(program, witness, true, flags, setting.limits, checker)?;
            left = 1;
        }
    }

    // Only now, because a P2SH output leaves its inputs on the stack until the redeem script has run.
    if flags.has(Flags::CLEANSTACK) && left != 1 {
        return Err(ScriptError::CleanStack);
    }
    if flags.has(Flags::WITNESS) && !has_program && !witness.is_empty() {
        return Err(ScriptError::WitnessUnexpected);
    }
    Ok(())
}

fn require_true(stack: &Stack<'_>) -> Result<(), ScriptError> {
    match stack.peek(0) {
        Ok(top) if cast_to_bool(top.as_slice()) => Ok(()),
        _ => Err(ScriptError::EvalFalse),
    }
}

/// Whether a script is one push of these bytes by length, and nothing else.
fn is_single_push(script: &[u8], data: &[u8]) -> bool {
    let (head, len) = push_head(data.len());
    script.strip_prefix(&head[..len]) == Some(data)
}
