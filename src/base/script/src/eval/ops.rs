//! Opcodes that move elements, compute with them, or choose what runs.

use bitcoin::hashes::{Hash, hash160, ripemd160, sha1, sha256, sha256d};

use super::{Machine, SigVersion};
use crate::checker::SEQUENCE_DISABLE;
use crate::error::ScriptError;
use crate::flags::Flags;
use crate::num::{MAX_LOCK_TIME_OPERAND, cast_to_bool, read_num};
use crate::opcode::Opcode;
use crate::stack::Element;

type Executed = Result<(), ScriptError>;

impl Machine<'_, '_> {
    /// Runs one opcode that pushes no data of its own.
    pub(super) fn execute(&mut self, opcode: Opcode) -> Executed {
        match opcode {
            Opcode::NEGATE1 => self.stack.push(Element::number(-1)),
            Opcode(0x51..=0x60) => self.stack.push(Element::number(i64::from(opcode.0 - 0x50))),
            Opcode::NOP => {}
            Opcode::NOP1 | Opcode(0xb3..=0xb9) => {
                if self.flags.has(Flags::DISCOURAGE_UPGRADABLE_NOPS) {
                    return Err(ScriptError::DiscourageUpgradableNops);
                }
            }
            Opcode::CHECKLOCKTIMEVERIFY => return self.check_lock_time(),
            Opcode::CHECKSEQUENCEVERIFY => return self.check_sequence(),
            Opcode::IF | Opcode::NOTIF | Opcode::ELSE | Opcode::ENDIF => return self.branch(opcode),
            Opcode::VERIFY => {
                if !cast_to_bool(self.stack.peek(0)?.as_slice()) {
                    return Err(ScriptError::Verify);
                }
                self.stack.discard(1);
            }
            Opcode::RETURN => return Err(ScriptError::OpReturn),
            Opcode(0x6b..=0x7d) => return self.shuffle(opcode),
            Opcode::SIZE => {
                let size = self.stack.peek(0)?.as_slice().len();
                self.push_size(size);
            }
            Opcode::EQUAL | Opcode::EQUALVERIFY => {
                self.stack.need(2)?;
                let equal = self.stack.peek(0)?.as_slice() == self.stack.peek(1)?.as_slice();
                self.stack.discard(2);
                return self.answer(opcode == Opcode::EQUALVERIFY, equal, ScriptError::EqualVerify);
            }
            Opcode(0x8b..=0x92) => return self.unary(opcode),
            Opcode(0x93..=0xa4) => return self.binary(opcode),
            Opcode::WITHIN => {
                self.stack.need(3)?;
                let (value, min, max) = (self.number(2)?, self.number(1)?, self.number(0)?);
                self.stack.discard(3);
                self.stack.push(Element::boolean(min <= value && value < max));
            }
            Opcode(0xa6..=0xaa) => return self.hash(opcode),
            Opcode::CHECKSIG | Opcode::CHECKSIGVERIFY => {
                return self.check_sig(opcode == Opcode::CHECKSIGVERIFY);
            }
            Opcode::CHECKMULTISIG | Opcode::CHECKMULTISIGVERIFY => {
                return self.check_multisig(opcode == Opcode::CHECKMULTISIGVERIFY);
            }
            Opcode::CHECKSIGADD => return self.check_sig_add(),
            _ => return Err(ScriptError::BadOpcode),
        }
        Ok(())
    }

    /// IF, NOTIF, ELSE and ENDIF, which keep count even where nothing runs. VERIF and VERNOTIF fail there too.
    pub(super) fn branch(&mut self, opcode: Opcode) -> Executed {
        match opcode {
            Opcode::IF | Opcode::NOTIF => {
                let mut taken = false;
                if self.conditions.executing() {
                    let top = self.stack.peek(0)?.as_slice();
                    let minimal = matches!(top, [] | [1]);
                    match self.version {
                        SigVersion::Tapscript if !minimal => return Err(ScriptError::TapscriptMinimalIf),
                        SigVersion::WitnessV0 if !minimal && self.flags.has(Flags::MINIMALIF) => {
                            return Err(ScriptError::MinimalIf);
                        }
                        _ => {}
                    }
                    taken = cast_to_bool(top) != (opcode == Opcode::NOTIF);
                    self.stack.discard(1);
                }
                self.conditions.enter(taken);
                Ok(())
            }
            Opcode::ELSE => self.conditions.toggle(),
            Opcode::ENDIF => self.conditions.leave(),
            _ => Err(ScriptError::BadOpcode),
        }
    }

    fn check_lock_time(&mut self) -> Executed {
        if !self.flags.has(Flags::CHECKLOCKTIMEVERIFY) {
            return Ok(());
        }
        let lock_time = self.lock_operand()?;
        if self.checker.check_lock_time(lock_time) { Ok(()) } else { Err(ScriptError::UnsatisfiedLocktime) }
    }

    fn check_sequence(&mut self) -> Executed {
        if !self.flags.has(Flags::CHECKSEQUENCEVERIFY) {
            return Ok(());
        }
        let sequence = self.lock_operand()?;
        // An operand with this bit is left to later rules.
        if sequence & SEQUENCE_DISABLE != 0 || self.checker.check_sequence(sequence) {
            Ok(())
        } else {
            Err(ScriptError::UnsatisfiedLocktime)
        }
    }

    /// Lock times reach beyond 2038, so their operands have a byte more than others.
    fn lock_operand(&self) -> Result<i64, ScriptError> {
        let operand = read_num(self.stack.peek(0)?.as_slice(), self.minimal, MAX_LOCK_TIME_OPERAND)?;
        if operand < 0 { Err(ScriptError::NegativeLocktime) } else { Ok(operand) }
    }

    fn push_size(&mut self, size: usize) {
        self.stack.push(Element::number(i64::try_from(size).unwrap_or(i64::MAX)));
    }

    /// TOALTSTACK to TUCK.
    fn shuffle(&mut self, opcode: Opcode) -> Executed {
        let stack = &mut *self.stack;
        match opcode {
            Opcode::TOALTSTACK => self.alt.push(stack.pop()?),
            Opcode::FROMALTSTACK => {
                stack.push(self.alt.pop().map_err(|_| ScriptError::InvalidAltstackOperation)?);
            }
            Opcode::DROP2 => {
                stack.need(2)?;
                stack.discard(2);
            }
            Opcode::DUP2 => copy_group(self, 2, 1)?,
            Opcode::DUP3 => copy_group(self, 3, 2)?,
            Opcode::OVER2 => copy_group(self, 2, 3)?,
            Opcode::ROT2 => {
                stack.need(6)?;
                stack.move_up(5)?;
                stack.move_up(5)?;
            }
            Opcode::SWAP2 => {
                stack.need(4)?;
                stack.swap(3, 1)?;
                stack.swap(2, 0)?;
            }
            Opcode::IFDUP => {
                if cast_to_bool(stack.peek(0)?.as_slice()) {
                    stack.copy_up(0)?;
                }
            }
            Opcode::DEPTH => {
                let depth = stack.len();
                self.push_size(depth);
            }
            Opcode::DROP => {
                stack.pop()?;
            }
            Opcode::DUP => stack.copy_up(0)?,
            Opcode::NIP => stack.nip()?,
            Opcode::OVER => stack.copy_up(1)?,
            Opcode::PICK | Opcode::ROLL => {
                stack.need(2)?;
                let depth = usize::try_from(self.number(0)?).map_err(|_| ScriptError::InvalidStackOperation)?;
                self.stack.discard(1);
                if opcode == Opcode::ROLL {
                    self.stack.move_up(depth)?;
                } else {
                    self.stack.copy_up(depth)?;
                }
            }
            Opcode::ROT => stack.move_up(2)?,
            Opcode::SWAP => stack.swap(1, 0)?,
            Opcode::TUCK => stack.tuck()?,
            _ => return Err(ScriptError::BadOpcode),
        }
        Ok(())
    }

    /// 1ADD to 0NOTEQUAL.
    fn unary(&mut self, opcode: Opcode) -> Executed {
        let number = self.number(0)?;
        let result = match opcode {
            Opcode::ADD1 => number + 1,
            Opcode::SUB1 => number - 1,
            Opcode::NEGATE => -number,
            Opcode::ABS => number.abs(),
            Opcode::NOT => i64::from(number == 0),
            Opcode::NOTEQUAL0 => i64::from(number != 0),
            _ => return Err(ScriptError::BadOpcode),
        };
        self.stack.discard(1);
        self.stack.push(Element::number(result));
        Ok(())
    }

    /// ADD to MAX.
    fn binary(&mut self, opcode: Opcode) -> Executed {
        self.stack.need(2)?;
        let (a, b) = (self.number(1)?, self.number(0)?);
        let result = match opcode {
            Opcode::ADD => a + b,
            Opcode::SUB => a - b,
            Opcode::MIN => a.min(b),
            Opcode::MAX => a.max(b),
            _ => i64::from(match opcode {
                Opcode::BOOLAND => a != 0 && b != 0,
                Opcode::BOOLOR => a != 0 || b != 0,
                Opcode::NUMEQUAL | Opcode::NUMEQUALVERIFY => a == b,
                Opcode::NUMNOTEQUAL => a != b,
                Opcode::LESSTHAN => a < b,
                Opcode::GREATERTHAN => a > b,
                Opcode::LESSTHANOREQUAL => a <= b,
                Opcode::GREATERTHANOREQUAL => a >= b,
                _ => return Err(ScriptError::BadOpcode),
            }),
        };
        self.stack.discard(2);
        if opcode == Opcode::NUMEQUALVERIFY {
            return self.answer(true, result != 0, ScriptError::NumEqualVerify);
        }
        self.stack.push(Element::number(result));
        Ok(())
    }

    /// RIPEMD160 to HASH256.
    fn hash(&mut self, opcode: Opcode) -> Executed {
        let top = self.stack.peek(0)?;
        let input = top.as_slice();
        let hashed = match opcode {
            Opcode::RIPEMD160 => Element::computed(ripemd160::Hash::hash(input).as_byte_array()),
            Opcode::SHA1 => Element::computed(sha1::Hash::hash(input).as_byte_array()),
            Opcode::SHA256 => Element::computed(sha256::Hash::hash(input).as_byte_array()),
            Opcode::HASH160 => Element::computed(hash160::Hash::hash(input).as_byte_array()),
            Opcode::HASH256 => Element::computed(sha256d::Hash::hash(input).as_byte_array()),
            _ => return Err(ScriptError::BadOpcode),
        };
        self.stack.discard(1);
        self.stack.push(hashed);
        Ok(())
    }
}

/// Copies `count` elements, the lowest of them `depth` below the top, in their order.
fn copy_group(machine: &mut Machine<'_, '_>, count: usize, depth: usize) -> Executed {
    machine.stack.need(depth + 1)?;
    for _ in 0..count {
        // Each push moves the next one down to the same depth.
        machine.stack.copy_up(depth)?;
    }
    Ok(())
}
