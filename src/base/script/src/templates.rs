//! The forms of output scripts that have names.

use std::fmt;

use bitcoin::{Script, ScriptBuf};

use crate::dialect::Limits;
use crate::encoding::is_valid_pubkey_size;
use crate::eval::MAX_PUBKEYS_PER_MULTISIG;
use crate::instruction::{Cursor, Instruction, is_minimal_push, push_data, push_num};
use crate::num::{MAX_OPERAND, read_num};
use crate::opcode::Opcode;

/// The most keys of a script of CHECKSIGADDs.
pub const MAX_PUBKEYS_PER_MULTI_A: usize = 999;

/// A witness program: what a script of a version opcode and one push says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WitnessProgram<'s> {
    /// 0 to 16.
    pub version: u8,
    /// The program, 2 to 40 bytes.
    pub program: &'s [u8],
}

impl WitnessProgram<'_> {
    /// Whether it is the anchor that anyone can spend.
    pub fn is_anchor(&self) -> bool {
        self.version == 1 && self.program == [0x4e, 0x73]
    }
}

/// Reads a witness program: `OP_0` to `OP_16`, then one direct push of 2 to 40 bytes, and nothing else.
pub fn witness_program(script: &Script) -> Option<WitnessProgram<'_>> {
    program_of(script.as_bytes())
}

pub(crate) fn program_of(script: &[u8]) -> Option<WitnessProgram<'_>> {
    let (version, len, program) = match script {
        [version, len, program @ ..] if (2..=40).contains(&program.len()) => (*version, *len, program),
        _ => return None,
    };
    let version = Opcode(version).small_number()?;
    (usize::from(len) == program.len()).then_some(WitnessProgram { version, program })
}

/// `HASH160 <20 bytes> EQUAL`, in these very bytes.
pub fn is_p2sh(script: &Script) -> bool {
    script_hash(script.as_bytes()).is_some()
}

pub(crate) fn script_hash(script: &[u8]) -> Option<&[u8; 20]> {
    match script {
        [0xa9, 0x14, hash @ .., 0x87] => hash.try_into().ok(),
        _ => None,
    }
}

/// Whether the script only pushes. `OP_RESERVED` counts as a push here; executing it fails anyway.
pub fn is_push_only(script: &Script) -> bool {
    only_pushes(script.as_bytes())
}

pub(crate) fn only_pushes(script: &[u8]) -> bool {
    let mut cursor = Cursor::new(script);
    while !cursor.at_end() {
        if !cursor.next_op().is_some_and(|op| op.opcode.is_push()) {
            return false;
        }
    }
    true
}

/// Whether no input can ever make the script succeed, so that its output need not be kept.
pub fn is_unspendable(script: &Script) -> bool {
    let bytes = script.as_bytes();
    bytes.first() == Some(&Opcode::RETURN.0) || bytes.len() > Limits::BITCOIN.script_size
}

/// Whether every opcode is known and every push is whole and small enough.
pub fn has_valid_ops(script: &Script) -> bool {
    let mut cursor = Cursor::new(script.as_bytes());
    while !cursor.at_end() {
        match cursor.next_op() {
            Some(op) if op.opcode <= Opcode::LAST && op.data.len() <= Limits::BITCOIN.element_size => {}
            _ => return false,
        }
    }
    true
}

/// The kinds of output script, by the names that RPC gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TxoutType {
    /// None of the others.
    Nonstandard,
    /// `1 <4e73>`: anyone can spend it, to raise a fee.
    Anchor,
    /// A key and CHECKSIG.
    Pubkey,
    /// The hash of a key.
    PubkeyHash,
    /// The hash of a script (BIP16).
    ScriptHash,
    /// CHECKMULTISIG with its keys.
    Multisig,
    /// OP_RETURN and data.
    NullData,
    /// Segwit version 0 with the hash of a script.
    WitnessV0ScriptHash,
    /// Segwit version 0 with the hash of a key.
    WitnessV0KeyHash,
    /// Taproot.
    WitnessV1Taproot,
    /// A witness program without rules yet.
    WitnessUnknown,
}

impl TxoutType {
    /// The name that RPC prints.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nonstandard => "nonstandard",
            Self::Anchor => "anchor",
            Self::Pubkey => "pubkey",
            Self::PubkeyHash => "pubkeyhash",
            Self::ScriptHash => "scripthash",
            Self::Multisig => "multisig",
            Self::NullData => "nulldata",
            Self::WitnessV0ScriptHash => "witness_v0_scripthash",
            Self::WitnessV0KeyHash => "witness_v0_keyhash",
            Self::WitnessV1Taproot => "witness_v1_taproot",
            Self::WitnessUnknown => "witness_unknown",
        }
    }
}

impl fmt::Display for TxoutType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An output script, solved: its kind and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Solution<'s> {
    /// None of the others.
    Nonstandard,
    /// The anchor.
    Anchor,
    /// The key, of 33 or 65 bytes.
    Pubkey(&'s [u8]),
    /// The hash of the key.
    PubkeyHash(&'s [u8; 20]),
    /// The hash of the script.
    ScriptHash(&'s [u8; 20]),
    /// How many signatures of which keys.
    Multisig {
        /// Signatures needed.
        required: u8,
        /// The keys, each with the length that its first byte announces.
        keys: Vec<&'s [u8]>,
    },
    /// Data and nothing to spend.
    NullData,
    /// The SHA-256 of the script.
    WitnessV0ScriptHash(&'s [u8; 32]),
    /// The hash of the key.
    WitnessV0KeyHash(&'s [u8; 20]),
    /// The output key.
    WitnessV1Taproot(&'s [u8; 32]),
    /// A program without rules yet.
    WitnessUnknown(WitnessProgram<'s>),
}

impl Solution<'_> {
    /// The kind alone.
    pub const fn kind(&self) -> TxoutType {
        match self {
            Self::Nonstandard => TxoutType::Nonstandard,
            Self::Anchor => TxoutType::Anchor,
            Self::Pubkey(_) => TxoutType::Pubkey,
            Self::PubkeyHash(_) => TxoutType::PubkeyHash,
            Self::ScriptHash(_) => TxoutType::ScriptHash,
            Self::Multisig { .. } => TxoutType::Multisig,
            Self::NullData => TxoutType::NullData,
            Self::WitnessV0ScriptHash(_) => TxoutType::WitnessV0ScriptHash,
            Self::WitnessV0KeyHash(_) => TxoutType::WitnessV0KeyHash,
            Self::WitnessV1Taproot(_) => TxoutType::WitnessV1Taproot,
            Self::WitnessUnknown(_) => TxoutType::WitnessUnknown,
        }
    }
}

/// Says which kind an output script is.
pub fn solve(script: &Script) -> Solution<'_> {
    let bytes = script.as_bytes();
    if let Some(hash) = script_hash(bytes) {
        return Solution::ScriptHash(hash);
    }
    if let Some(program) = program_of(bytes) {
        return solve_program(program);
    }
    match bytes {
        [0x6a, data @ ..] if only_pushes(data) => Solution::NullData,
        [33 | 65, key @ .., 0xac] if usize::from(bytes[0]) == key.len() && is_valid_pubkey_size(key) => {
            Solution::Pubkey(key)
        }
        [0x76, 0xa9, 20, hash @ .., 0x88, 0xac] if hash.len() == 20 => {
            hash.try_into().map_or(Solution::Nonstandard, Solution::PubkeyHash)
        }
        _ => match_multisig(bytes).unwrap_or(Solution::Nonstandard),
    }
}

fn solve_program(witness: WitnessProgram<'_>) -> Solution<'_> {
    let WitnessProgram { version, program } = witness;
    if version == 0 {
        return match (program.try_into(), program.try_into()) {
            (Ok(hash), _) => Solution::WitnessV0KeyHash(hash),
            (_, Ok(hash)) => Solution::WitnessV0ScriptHash(hash),
            _ => Solution::Nonstandard,
        };
    }
    match program.try_into() {
        Ok(key) if version == 1 => Solution::WitnessV1Taproot(key),
        _ if witness.is_anchor() => Solution::Anchor,
        _ => Solution::WitnessUnknown(witness),
    }
}

/// The number that an opcode or a shortest push stands for, if it is from 1 up to `max`.
fn count_of(op: Instruction<'_>, max: usize) -> Option<usize> {
    let number = match op.opcode.small_number() {
        Some(0) => return None,
        Some(number) => usize::from(number),
        None if op.opcode.is_data_push() && is_minimal_push(op.opcode, op.data) => {
            usize::try_from(read_num(op.data, true, MAX_OPERAND).ok()?).ok()?
        }
        None => return None,
    };
    (1..=max).contains(&number).then_some(number)
}

fn match_multisig(script: &[u8]) -> Option<Solution<'_>> {
    if script.last() != Some(&Opcode::CHECKMULTISIG.0) {
        return None;
    }
    let mut cursor = Cursor::new(script);
    let required = count_of(cursor.next_op()?, MAX_PUBKEYS_PER_MULTISIG)?;
    let mut keys = Vec::new();
    let total = loop {
        let op = cursor.next_op()?;
        if !is_valid_pubkey_size(op.data) {
            break count_of(op, MAX_PUBKEYS_PER_MULTISIG)?;
        }
        keys.push(op.data);
    };
    let ends_here = cursor.position() + 1 == script.len();
    (total >= required && total == keys.len() && ends_here)
        .then_some(Solution::Multisig { required: u8::try_from(required).ok()?, keys })
}

/// Reads `<key> CHECKSIG <key> CHECKSIGADD … <n> NUMEQUAL`: how many signatures of which keys.
pub fn match_multi_a(script: &Script) -> Option<(usize, Vec<&[u8; 32]>)> {
    let mut rest = script.as_bytes();
    let mut keys = Vec::new();
    while let Some(([32, key @ .., check], after)) = rest.split_first_chunk::<34>() {
        let wanted = if keys.is_empty() { Opcode::CHECKSIG } else { Opcode::CHECKSIGADD };
        if *check != wanted.0 {
            return None;
        }
        keys.push(key);
        rest = after;
    }
    if keys.is_empty() || keys.len() > MAX_PUBKEYS_PER_MULTI_A {
        return None;
    }
    let mut cursor = Cursor::new(rest);
    let required = count_of(cursor.next_op()?, keys.len())?;
    (rest.get(cursor.position()..) == Some(&[Opcode::NUMEQUAL.0])).then_some((required, keys))
}

/// The script that pays to a key itself.
pub fn pay_to_pubkey(key: &[u8]) -> ScriptBuf {
    let mut script = Vec::with_capacity(key.len() + 2);
    push_data(&mut script, key);
    script.push(Opcode::CHECKSIG.0);
    ScriptBuf::from_bytes(script)
}

/// The script that asks for `required` signatures of these keys.
pub fn multisig<K: AsRef<[u8]>>(required: u8, keys: &[K]) -> ScriptBuf {
    let mut script = Vec::new();
    push_num(&mut script, i64::from(required));
    for key in keys {
        push_data(&mut script, key.as_ref());
    }
    push_num(&mut script, i64::try_from(keys.len()).unwrap_or(i64::MAX));
    script.push(Opcode::CHECKMULTISIG.0);
    ScriptBuf::from_bytes(script)
}
