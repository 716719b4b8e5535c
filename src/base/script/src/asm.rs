//! Scripts as text: the assembly that RPC prints, and the notation in which test vectors are written.

use std::fmt::Write as _;

use bitcoin::{Script, ScriptBuf};
use primitives::hex;

use crate::encoding::check_signature_encoding;
use crate::flags::Flags;
use crate::instruction::{Cursor, push_data, push_num};
use crate::num::{MAX_OPERAND, read_num};
use crate::opcode::Opcode;
use crate::templates::is_unspendable;

/// Prints a script as `asm` in RPC. Short pushes are numbers, others hexadecimal.
///
/// `decode_sighash` shows the hash type of what looks like a signature by name; ask for it only for scripts of inputs.
pub fn to_asm(script: &Script, decode_sighash: bool) -> String {
    let mut text = String::new();
    let decode_sighash = decode_sighash && !is_unspendable(script);
    let mut cursor = Cursor::new(script.as_bytes());
    while !cursor.at_end() {
        if !text.is_empty() {
            text.push(' ');
        }
        match cursor.next_op() {
            None => {
                text.push_str("[error]");
                break;
            }
            Some(op) if !op.opcode.is_data_push() => text.push_str(op.opcode.name()),
            Some(op) => match read_num(op.data, false, MAX_OPERAND) {
                Ok(number) => push_fmt(&mut text, format_args!("{number}")),
                Err(_) => match decode_sighash.then(|| sighash_name_of(op.data)).flatten() {
                    Some((der, name)) => push_fmt(&mut text, format_args!("{}[{name}]", hex::encode(der))),
                    None => text.push_str(&hex::encode(op.data)),
                },
            },
        }
    }
    text
}

fn push_fmt(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = text.write_fmt(arguments);
}

/// The name of a hash type, as `asm` and PSBTs show it.
pub const fn sighash_name(hash_type: u8) -> Option<&'static str> {
    Some(match hash_type {
        0x01 => "ALL",
        0x02 => "NONE",
        0x03 => "SINGLE",
        0x81 => "ALL|ANYONECANPAY",
        0x82 => "NONE|ANYONECANPAY",
        0x83 => "SINGLE|ANYONECANPAY",
        _ => return None,
    })
}

/// Splits what looks like a signature into its DER part and its hash type's name.
fn sighash_name_of(data: &[u8]) -> Option<(&[u8], &'static str)> {
    check_signature_encoding(data, Flags::STRICTENC).ok()?;
    let (hash_type, der) = data.split_last()?;
    Some((der, sighash_name(*hash_type)?))
}

/// Why a text is not a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A word is no opcode's name.
    #[error("script parse error: unknown opcode")]
    UnknownOpcode,
    /// A number does not fit.
    #[error("script parse error: decimal numeric value only allowed in the range -0xFFFFFFFF...0xFFFFFFFF")]
    NumberRange,
}

/// Reads the notation of test vectors and `bitcoin-tx`: decimal numbers are pushed, `0x…` is inserted as it is,
/// `'text'` is pushed, and everything else is an opcode with or without `OP_`.
pub fn parse_script(text: &str) -> Result<ScriptBuf, ParseError> {
    let mut script = Vec::new();
    for word in text.split([' ', '\t', '\n']).filter(|word| !word.is_empty()) {
        let digits = word.strip_prefix('-').unwrap_or(word);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let number: i64 = word.parse().map_err(|_| ParseError::NumberRange)?;
            if number.unsigned_abs() > u64::from(u32::MAX) {
                return Err(ParseError::NumberRange);
            }
            push_num(&mut script, number);
        } else if let Some(bytes) = raw_bytes(word) {
            script.extend_from_slice(&bytes);
        } else if let Some(quoted) = word.strip_prefix('\'').and_then(|word| word.strip_suffix('\'')) {
            push_data(&mut script, quoted.as_bytes());
        } else {
            script.push(opcode_named(word).ok_or(ParseError::UnknownOpcode)?.0);
        }
    }
    Ok(ScriptBuf::from_bytes(script))
}

fn raw_bytes(word: &str) -> Option<Vec<u8>> {
    word.strip_prefix("0x").filter(|digits| !digits.is_empty()).and_then(hex::decode)
}

/// Opcodes from OP_NOP on, and OP_RESERVED: numbers are written as numbers.
fn opcode_named(word: &str) -> Option<Opcode> {
    let named = |opcode: &Opcode| {
        let name = opcode.name();
        name != "OP_UNKNOWN" && (name == word || name.strip_prefix("OP_") == Some(word))
    };
    std::iter::once(Opcode::RESERVED).chain((Opcode::NOP.0..=Opcode::LAST.0).map(Opcode)).find(named)
}
