//! Witness programs: version 0 (BIP141) and taproot (BIP341, BIP342).

use bitcoin::Witness;

use crate::checker::SignatureChecker;
use crate::dialect::{Limits, Opcodes, WitnessRules};
use crate::error::ScriptError;
use crate::eval::{ExecutionData, Setting, SigVersion, run};
use crate::flags::Flags;
use crate::hashing::sha256;
use crate::instruction::Cursor;
use crate::num::cast_to_bool;
use crate::opcode::Opcode;
use crate::stack::{Element, Stack};
use crate::taproot::{ANNEX_TAG, ControlBlock, LEAF_TAPSCRIPT, annex_hash, leaf_hash};
use crate::templates::{WitnessProgram, program_of};

/// What a witness may spend on signatures beyond its own size.
const WEIGHT_OFFSET: i64 = 50;

/// The witnesses of Bitcoin.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bip141;

impl WitnessRules for Bip141 {
    fn program<'s>(&self, script: &'s [u8]) -> Option<WitnessProgram<'s>> {
        program_of(script)
    }

    fn nests_in_p2sh(&self) -> bool {
        true
    }

    fn verify(
        &self,
        program: WitnessProgram<'_>,
        witness: &Witness,
        nested: bool,
        flags: Flags,
        limits: &Limits,
        checker: &dyn SignatureChecker,
    ) -> Result<(), ScriptError> {
        let setting = Setting { flags, limits, opcodes: Opcodes::Bitcoin, checker };
        match (program.version, program.program) {
            (0, bytes) => match (<&[u8; 20]>::try_from(bytes), <&[u8; 32]>::try_from(bytes)) {
                (Ok(hash), _) => pay_to_key_hash(hash, witness, setting),
                (_, Ok(hash)) => pay_to_script_hash(hash, witness, setting),
                _ => Err(ScriptError::WitnessProgramWrongLength),
            },
            (1, bytes) if !nested && bytes.len() == 32 => {
                if flags.has(Flags::TAPROOT) {
                    pay_to_taproot(bytes, witness, setting)
                } else {
                    Ok(())
                }
            }
            _ if !nested && program.is_anchor() => Ok(()),
            _ if flags.has(Flags::DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM) => {
                Err(ScriptError::DiscourageUpgradableWitnessProgram)
            }
            _ => Ok(()),
        }
    }
}

fn pay_to_script_hash(hash: &[u8; 32], witness: &Witness, setting: Setting<'_>) -> Result<(), ScriptError> {
    let script = witness.last().ok_or(ScriptError::WitnessProgramWitnessEmpty)?;
    if sha256(script) != *hash {
        return Err(ScriptError::WitnessProgramMismatch);
    }
    let mut exec = ExecutionData::default();
    execute(witness, witness.len() - 1, script, SigVersion::WitnessV0, setting, &mut exec)
}

fn pay_to_key_hash(hash: &[u8; 20], witness: &Witness, setting: Setting<'_>) -> Result<(), ScriptError> {
    if witness.len() != 2 {
        return Err(ScriptError::WitnessProgramMismatch);
    }
    let mut script = [0; 25];
    script[..3].copy_from_slice(&[Opcode::DUP.0, Opcode::HASH160.0, 20]);
    script[3..23].copy_from_slice(hash);
    script[23..].copy_from_slice(&[Opcode::EQUALVERIFY.0, Opcode::CHECKSIG.0]);
    execute(witness, 2, &script, SigVersion::WitnessV0, setting, &mut ExecutionData::default())
}

fn pay_to_taproot(output_key: &[u8], witness: &Witness, setting: Setting<'_>) -> Result<(), ScriptError> {
    let mut exec = ExecutionData::default();
    let mut count = witness.len();
    let last = witness.last().ok_or(ScriptError::WitnessProgramWitnessEmpty)?;
    if count >= 2 && last.first() == Some(&ANNEX_TAG) {
        exec.annex_hash = Some(annex_hash(last));
        count -= 1;
    }
    let element = |index: usize| witness.nth(index).unwrap_or_default();
    if count == 1 {
        let key = output_key.try_into().map_err(|_| ScriptError::WitnessProgramWrongLength)?;
        return setting.checker.check_schnorr(element(0), key, &exec);
    }
    let (script, control) = (element(count - 2), element(count - 1));
    let control = ControlBlock::parse(control).ok_or(ScriptError::TaprootWrongControlSize)?;
    let leaf = leaf_hash(control.leaf_version(), script);
    if !control.commits(output_key, leaf) {
        return Err(ScriptError::WitnessProgramMismatch);
    }
    if control.leaf_version() == LEAF_TAPSCRIPT {
        exec.leaf_hash = Some(leaf);
        exec.weight_left = serialized_size(witness).saturating_add(WEIGHT_OFFSET);
        return execute(witness, count - 2, script, SigVersion::Tapscript, setting, &mut exec);
    }
    if setting.flags.has(Flags::DISCOURAGE_UPGRADABLE_TAPROOT_VERSION) {
        return Err(ScriptError::DiscourageUpgradableTaprootVersion);
    }
    Ok(())
}

/// Runs the script of a witness on the first `count` of its elements. It must leave one true element.
fn execute(
    witness: &Witness,
    count: usize,
    script: &[u8],
    version: SigVersion,
    setting: Setting<'_>,
    exec: &mut ExecutionData,
) -> Result<(), ScriptError> {
    if version == SigVersion::Tapscript {
        // An OP_SUCCESSx anywhere overrides everything else, what comes after it and the limits included.
        let mut cursor = Cursor::new(script);
        while !cursor.at_end() {
            if cursor.next_op().ok_or(ScriptError::BadOpcode)?.opcode.is_success() {
                let discouraged = setting.flags.has(Flags::DISCOURAGE_OP_SUCCESS);
                return if discouraged { Err(ScriptError::DiscourageOpSuccess) } else { Ok(()) };
            }
        }
        if count > setting.limits.stack {
            return Err(ScriptError::StackSize);
        }
    }
    let mut stack = Stack::with_capacity(count + 8);
    for element in witness.iter().take(count) {
        if element.len() > setting.limits.element_size {
            return Err(ScriptError::PushSize);
        }
        stack.push(Element::Pushed(element));
    }
    run(&mut stack, script, version, setting, exec)?;
    if stack.len() != 1 {
        return Err(ScriptError::CleanStack);
    }
    if cast_to_bool(stack.peek(0)?.as_slice()) { Ok(()) } else { Err(ScriptError::EvalFalse) }
}

/// The size of a witness in a transaction: its count, and each element with its length.
fn serialized_size(witness: &Witness) -> i64 {
    let compact = |value: usize| match value {
        0..=0xfc => 1,
        0xfd..=0xffff => 3,
        0x1_0000..=0xffff_ffff => 5,
        _ => 9,
    };
    let size: usize = witness.iter().map(|element| compact(element.len()) + element.len()).sum();
    i64::try_from(compact(witness.len()) + size).unwrap_or(i64::MAX)
}
