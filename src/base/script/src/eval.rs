//! The interpreter: runs one script on a stack.
//!
//! The loop reads an opcode, applies the rules that hold even for opcodes that are skipped, and runs it if every
//! enclosing IF is taken. The opcodes live in families: `ops` moves and computes, `sigs` and `multisig` check signatures.

mod extended;
mod multisig;
mod ops;
mod sigs;

use bitcoin::Script;

use crate::checker::SignatureChecker;
use crate::dialect::{Limits, Opcodes};
use crate::error::ScriptError;
use crate::flags::Flags;
use crate::hashing::Digest;
use crate::instruction::{Cursor, Instruction, is_minimal_push};
use crate::num::{MAX_OPERAND, read_num};
use crate::opcode::Opcode;
use crate::sighash::{Leaf, TaprootContext};
use crate::stack::{Conditions, Element, Stack};

use extended::Flow;
pub use multisig::MAX_PUBKEYS_PER_MULTISIG;
pub use sigs::find_and_delete;

/// Which rules for signatures and opcodes a script runs under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SigVersion {
    /// Bare scripts and redeem scripts.
    Base,
    /// Segwit version 0 (BIP141, BIP143).
    WitnessV0,
    /// A script path of taproot with leaf version 0xc0 (BIP342).
    Tapscript,
}

/// What a taproot input carries through its execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExecutionData {
    /// The hash of the leaf, in a script path.
    pub leaf_hash: Option<Digest>,
    /// The position, in opcodes, of the last executed CODESEPARATOR.
    pub code_separator: u32,
    /// The hash of the annex, if there is one.
    pub annex_hash: Option<Digest>,
    /// How much signature checking the witness still pays for.
    pub weight_left: i64,
}

impl Default for ExecutionData {
    fn default() -> Self {
        Self { leaf_hash: None, code_separator: NO_SEPARATOR, annex_hash: None, weight_left: 0 }
    }
}

impl ExecutionData {
    /// The part of it that signatures commit to.
    pub fn signed(&self) -> TaprootContext {
        TaprootContext {
            annex_hash: self.annex_hash,
            leaf: self.leaf_hash.map(|hash| Leaf { hash, code_separator: self.code_separator }),
        }
    }
}

const NO_SEPARATOR: u32 = 0xffff_ffff;

/// One script under execution.
pub(crate) struct Machine<'s, 'r> {
    script: &'s [u8],
    stack: &'r mut Stack<'s>,
    alt: Stack<'s>,
    conditions: Conditions,
    flags: Flags,
    minimal: bool,
    version: SigVersion,
    limits: Limits,
    opcodes: Opcodes,
    /// Opcodes without a meaning end the script with success.
    open: bool,
    checker: &'r dyn SignatureChecker,
    exec: &'r mut ExecutionData,
    ops_left: usize,
    /// Where the signed part of the script begins.
    code_start: usize,
}

/// What a script runs in.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'r> {
    pub(crate) flags: Flags,
    pub(crate) limits: &'r Limits,
    pub(crate) opcodes: Opcodes,
    pub(crate) checker: &'r dyn SignatureChecker,
}

/// Runs a script on a stack.
pub(crate) fn run<'s>(
    stack: &mut Stack<'s>,
    script: &'s [u8],
    version: SigVersion,
    setting: Setting<'_>,
    exec: &mut ExecutionData,
) -> Result<(), ScriptError> {
    let Setting { flags, limits, opcodes, checker } = setting;
    let tapscript = version == SigVersion::Tapscript;
    let extended = opcodes == Opcodes::Extended;
    let strict = extended && version != SigVersion::Base;
    let open = strict || (extended && flags.has(Flags::PROTOCOL_CLEANUP));
    let limits = if open { Limits::OPEN } else { *limits };
    if !tapscript && script.len() > limits.script_size {
        return Err(ScriptError::ScriptSize);
    }
    // What is a policy elsewhere is a rule in these witnesses.
    let flags =
        if strict { flags.with(Flags::MINIMALDATA).with(Flags::NULLFAIL).with(Flags::NULLDUMMY) } else { flags };
    exec.code_separator = NO_SEPARATOR;
    let machine = Machine {
        script,
        stack,
        alt: Stack::default(),
        conditions: Conditions::default(),
        flags,
        minimal: flags.has(Flags::MINIMALDATA),
        version,
        limits,
        opcodes,
        open,
        checker,
        exec,
        ops_left: if tapscript { usize::MAX } else { limits.ops },
        code_start: 0,
    };
    machine.run()
}

impl Machine<'_, '_> {
    fn run(mut self) -> Result<(), ScriptError> {
        let mut cursor = Cursor::new(self.script);
        let mut position: u32 = 0;
        while !cursor.at_end() {
            let Instruction { opcode, data } = cursor.next_op().ok_or(ScriptError::BadOpcode)?;
            if data.len() > self.limits.element_size {
                return Err(ScriptError::PushSize);
            }
            if !opcode.is_push() {
                self.spend_ops(1)?;
            }
            // These two count even where they are not executed.
            if opcode.is_disabled() && !self.open {
                return Err(ScriptError::DisabledOpcode);
            }
            if opcode == Opcode::CODESEPARATOR
                && self.version == SigVersion::Base
                && self.flags.has(Flags::CONST_SCRIPTCODE)
                && !(self.opcodes == Opcodes::Extended && crate::dialect::MAST.witness.program(self.script).is_some())
            {
                return Err(ScriptError::OpCodeSeparator);
            }
            if self.conditions.executing() {
                if opcode.is_data_push() {
                    if self.minimal && !is_minimal_push(opcode, data) {
                        return Err(ScriptError::MinimalData);
                    }
                    self.stack.push(Element::Pushed(data));
                } else if opcode == Opcode::CODESEPARATOR {
                    self.code_start = cursor.position();
                    self.exec.code_separator = position;
                } else if self.opcodes == Opcodes::Bitcoin {
                    self.execute(opcode)?;
                } else if self.execute_extended(opcode)? == Flow::Success {
                    self.end_with_success();
                    return Ok(());
                }
            } else if (Opcode::IF..=Opcode::ENDIF).contains(&opcode) && !(self.open && opcode.is_conditional_of_old()) {
                self.branch(opcode)?;
            }
            if self.stack.len() + self.alt.len() > self.limits.stack {
                return Err(ScriptError::StackSize);
            }
            position = position.wrapping_add(1);
        }
        if self.conditions.is_empty() { Ok(()) } else { Err(ScriptError::UnbalancedConditional) }
    }

    /// Counts operations against the limit.
    fn spend_ops(&mut self, count: usize) -> Result<(), ScriptError> {
        self.ops_left = self.ops_left.checked_sub(count).ok_or(ScriptError::OpCount)?;
        Ok(())
    }

    /// The number at a depth of the stack.
    #[inline]
    fn number(&self, depth: usize) -> Result<i64, ScriptError> {
        Ok(read_num(self.stack.peek(depth)?.as_slice(), self.minimal, MAX_OPERAND)?)
    }

    /// Ends a test: pushes its answer, or insists on it in the VERIFY form.
    #[inline]
    fn answer(&mut self, verify: bool, answer: bool, error: ScriptError) -> Result<(), ScriptError> {
        match (verify, answer) {
            (true, false) => Err(error),
            (true, true) => Ok(()),
            (false, answer) => {
                self.stack.push(Element::boolean(answer));
                Ok(())
            }
        }
    }
}

/// Runs one script on a stack of plain byte strings, with Bitcoin's limits: for tools that look at what a script
/// leaves behind. After an error the stack is as it was.
pub fn eval_script(
    stack: &mut Vec<Vec<u8>>,
    script: &Script,
    flags: Flags,
    checker: &dyn SignatureChecker,
    version: SigVersion,
    exec: &mut ExecutionData,
) -> Result<(), ScriptError> {
    let left = {
        let mut running = Stack::with_capacity(stack.len() + 16);
        for element in stack.iter() {
            running.push(Element::Pushed(element));
        }
        let setting = Setting { flags, limits: &Limits::BITCOIN, opcodes: Opcodes::Bitcoin, checker };
        run(&mut running, script.as_bytes(), version, setting, exec)?;
        let mut left = Vec::with_capacity(running.len());
        while let Ok(element) = running.pop() {
            left.push(element.as_slice().to_vec());
        }
        left.reverse();
        left
    };
    *stack = left;
    Ok(())
}
