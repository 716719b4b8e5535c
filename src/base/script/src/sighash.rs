//! What a signature signs: the three messages, from the one of 2009 to BIP341.
//!
//! A hash type chooses what is covered. In the messages before taproot it is a number of 32 bits, of which a signature
//! can only carry the low eight; the vectors use all of them.

use bitcoin::hashes::sha256;
use bitcoin::{Amount, TxOut};

use crate::hashing::{Digest, Engine, Piece, finish, finish_twice, outpoint_bytes, tagged};
use crate::instruction::Cursor;
use crate::opcode::Opcode;
use crate::txdata::{BLANK_INPUT, TxData};

/// Taproot only: no hash type byte; covers what `ALL` covers.
pub const DEFAULT: u8 = 0;
/// Covers every output.
pub const ALL: u8 = 1;
/// Covers no output.
pub const NONE: u8 = 2;
/// Covers the output at the input's own position.
pub const SINGLE: u8 = 3;
/// Covers no input but the signed one.
pub const ANYONECANPAY: u8 = 0x80;

pub(crate) const TAP_SIGHASH: sha256::Midstate = sha256::Midstate::hash_tag(b"TapSighash");

/// What the old message hashes to when `SINGLE` finds no output: the number one.
const ONE: Digest = {
    let mut one = [0; 32];
    one[0] = 1;
    one
};

/// The two choices that a hash type of the messages before taproot encodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub(crate) outputs: Outputs,
    pub(crate) anyone_can_pay: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outputs {
    All,
    None,
    Single,
}

impl Coverage {
    pub(crate) fn of(hash_type: i32) -> Self {
        let outputs = match hash_type & 0x1f {
            2 => Outputs::None,
            3 => Outputs::Single,
            _ => Outputs::All,
        };
        Self { outputs, anyone_can_pay: hash_type & i32::from(ANYONECANPAY) != 0 }
    }
}

/// The signature hash of scripts before segwit. `None`: there is no such input.
pub fn legacy(data: &TxData<'_>, input: usize, script_code: &[u8], hash_type: i32) -> Option<Digest> {
    if is_single_without_output(data, input, hash_type) {
        return data.tx.input.get(input).map(|_| ONE);
    }
    legacy_message(data, input, script_code, Coverage::of(hash_type)).map(|engine| seal(engine, hash_type))
}

/// The signature hash of segwit version 0 (BIP143). `None`: there is no such input.
pub fn segwit_v0(
    data: &TxData<'_>,
    input: usize,
    script_code: &[u8],
    amount: Amount,
    hash_type: i32,
) -> Option<Digest> {
    segwit_v0_message(data, input, script_code, amount, Coverage::of(hash_type)).map(|engine| seal(engine, hash_type))
}

/// The old rule's famous accident: signing the output at a position where there is none.
pub(crate) fn is_single_without_output(data: &TxData<'_>, input: usize, hash_type: i32) -> bool {
    Coverage::of(hash_type).outputs == Outputs::Single && input >= data.tx.output.len()
}

/// Ends a message with the hash type and hashes it.
pub(crate) fn seal(mut engine: Engine, hash_type: i32) -> Digest {
    engine.input(&hash_type.to_le_bytes());
    finish_twice(engine)
}

/// The old message, up to the hash type.
pub(crate) fn legacy_message(
    data: &TxData<'_>,
    index: usize,
    script_code: &[u8],
    coverage: Coverage,
) -> Option<Engine> {
    let tx = data.tx;
    let input = tx.input.get(index)?;
    let mut engine;
    if let Some(shared) = data.legacy().filter(|_| !coverage.anyone_can_pay && coverage.outputs == Outputs::All) {
        engine = shared.prefixes.get(index)?.clone();
        engine.outpoint(&input.previous_output);
        feed_script_code(&mut engine, script_code);
        engine.input(&input.sequence.0.to_le_bytes());
        engine.input(shared.blank_inputs.get((index + 1) * BLANK_INPUT..)?);
    } else {
        engine = Engine::default();
        engine.input(&tx.version.0.to_le_bytes());
        let covered = if coverage.anyone_can_pay { index..index + 1 } else { 0..tx.input.len() };
        engine.compact_size(covered.len());
        for (other, position) in tx.input.get(covered.clone())?.iter().zip(covered) {
            engine.outpoint(&other.previous_output);
            if position == index {
                feed_script_code(&mut engine, script_code);
                engine.input(&other.sequence.0.to_le_bytes());
            } else {
                engine.compact_size(0);
                // The others may still be replaced, unless all outputs are covered.
                let sequence = if coverage.outputs == Outputs::All { other.sequence.0 } else { 0 };
                engine.input(&sequence.to_le_bytes());
            }
        }
    }
    let outputs: &[TxOut] = match coverage.outputs {
        Outputs::All => &tx.output,
        Outputs::None => &[],
        Outputs::Single => tx.output.get(..=index)?,
    };
    engine.compact_size(outputs.len());
    for (position, output) in outputs.iter().enumerate() {
        if coverage.outputs == Outputs::Single && position != index {
            engine.output(&TxOut::NULL);
        } else {
            engine.output(output);
        }
    }
    let mut end = Piece::<8>::default();
    put_end(&mut end, data);
    engine.input(end.as_slice());
    Some(engine)
}

/// The script code without its CODESEPARATORs.
///
/// Of a script that breaks off in the middle of a push, the rest after the broken opcode is left out, although the
/// length says otherwise.
fn feed_script_code(engine: &mut Engine, script_code: &[u8]) {
    let is_separator = |opcode| opcode == Opcode::CODESEPARATOR;
    let mut cursor = Cursor::new(script_code);
    let separators = cursor.by_ref().filter(|op| is_separator(op.opcode)).count();
    let end = cursor.position();
    engine.compact_size(script_code.len() - separators);
    let mut start = 0;
    if separators != 0 {
        let mut cursor = Cursor::new(script_code);
        while let Some(op) = cursor.next_op() {
            if is_separator(op.opcode) {
                engine.input(&script_code[start..cursor.position() - 1]);
                start = cursor.position();
            }
        }
    }
    engine.input(&script_code[start..end]);
}

/// Lock time, and lock height where the chain has one.
fn put_end<const N: usize>(piece: &mut Piece<N>, data: &TxData<'_>) {
    piece.put(&data.tx.lock_time.to_consensus_u32().to_le_bytes());
    if let Some(height) = data.lock_height {
        piece.put(&height.to_le_bytes());
    }
}

/// The BIP143 message, up to the hash type.
pub(crate) fn segwit_v0_message(
    data: &TxData<'_>,
    index: usize,
    script_code: &[u8],
    amount: Amount,
    coverage: Coverage,
) -> Option<Engine> {
    const ZERO: Digest = [0; 32];
    let tx = data.tx;
    let input = tx.input.get(index)?;
    let segwit = data.segwit();
    let mut engine = match coverage {
        Coverage { outputs: Outputs::All, anyone_can_pay: false } => segwit.prefix.clone(),
        Coverage { anyone_can_pay, .. } => {
            let mut engine = Engine::default();
            engine.input(&tx.version.0.to_le_bytes());
            engine.input(if anyone_can_pay { &ZERO } else { &segwit.prevouts });
            engine.input(&ZERO);
            engine
        }
    };
    engine.headed(&outpoint_bytes(&input.previous_output), script_code);
    // Amount and reference height, sequence, outputs, lock time and lock height.
    let mut rest = Piece::<{ 16 + 4 + 32 + 8 }>::default();
    rest.put(&amount.to_sat().to_le_bytes());
    if let Some(height) = data.prevout(index).and_then(|prevout| prevout.reference_height) {
        rest.put(&i64::from(height).to_le_bytes());
    }
    rest.put(&input.sequence.0.to_le_bytes());
    match (coverage.outputs, tx.output.get(index)) {
        (Outputs::All, _) => rest.put(&segwit.outputs),
        (Outputs::Single, Some(output)) => {
            let mut single = Engine::default();
            single.output(output);
            rest.put(&finish_twice(single));
        }
        (Outputs::Single | Outputs::None, _) => rest.put(&ZERO),
    }
    put_end(&mut rest, data);
    engine.input(rest.as_slice());
    Some(engine)
}

/// What a taproot signature covers beyond the transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaprootContext {
    /// The hash of the annex, its length included, if there is one.
    pub annex_hash: Option<Digest>,
    /// In a script path, the leaf and where its code starts; `None` in the key path.
    pub leaf: Option<Leaf>,
}

/// The script that a tapscript signature is checked in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The leaf's hash.
    pub hash: Digest,
    /// The position, in opcodes, of the last executed CODESEPARATOR; `0xffff_ffff` if there was none.
    pub code_separator: u32,
}

/// The hash of the output at an input's own position, as BIP341 covers it.
pub(crate) fn single_output_hash(data: &TxData<'_>, index: usize) -> Option<Digest> {
    data.tx.output.get(index).map(|output| {
        let mut engine = Engine::default();
        engine.output(output);
        finish(engine)
    })
}

/// The signature hash of taproot (BIP341, BIP342).
///
/// `None`: the hash type is not defined, or covers an output that does not exist, or it is not known what the
/// transaction spends.
pub fn taproot(data: &TxData<'_>, input: usize, hash_type: u8, context: &TaprootContext) -> Option<Digest> {
    taproot_with(data, input, hash_type, context, || single_output_hash(data, input))
}

/// As [`taproot`], with the hash of the single output from wherever the caller keeps it.
pub(crate) fn taproot_with(
    data: &TxData<'_>,
    index: usize,
    hash_type: u8,
    context: &TaprootContext,
    single_output: impl FnOnce() -> Option<Digest>,
) -> Option<Digest> {
    let (tx, spent) = (data.tx, data.taproot()?);
    let (input, prevout) = (tx.input.get(index)?, data.prevout(index)?);
    let anyone_can_pay = hash_type & ANYONECANPAY != 0;
    let mut engine = match hash_type {
        DEFAULT => spent.prefix.clone(),
        ALL..=SINGLE | 0x81..=0x83 => {
            let parts = data.parts();
            let mut engine = tagged(&TAP_SIGHASH);
            engine.input(&[0, hash_type]);
            engine.input(&tx.version.0.to_le_bytes());
            engine.input(&tx.lock_time.to_consensus_u32().to_le_bytes());
            if !anyone_can_pay {
                for hash in [&parts.prevouts, &spent.amounts, &spent.scripts, &parts.sequences] {
                    engine.input(hash);
                }
            }
            if hash_type & 3 == ALL {
                engine.input(&parts.outputs);
            }
            engine
        }
        _ => return None,
    };
    let annex = u8::from(context.annex_hash.is_some());
    let spend_type = [if context.leaf.is_some() { 2 | annex } else { annex }];
    // Spend type and index or else the sequence, the hashes of annex and output, and the leaf.
    let mut rest = Piece::<{ 5 + 32 + 32 + 37 }>::default();
    if anyone_can_pay {
        engine.input(&spend_type);
        engine.outpoint(&input.previous_output);
        engine.headed(&prevout.amount.to_sat().to_le_bytes(), prevout.script_pubkey.as_bytes());
        rest.put(&input.sequence.0.to_le_bytes());
    } else {
        rest.put(&spend_type);
        rest.put(&u32::try_from(index).ok()?.to_le_bytes());
    }
    if let Some(hash) = &context.annex_hash {
        rest.put(hash);
    }
    if hash_type & 3 == SINGLE {
        rest.put(&single_output()?);
    }
    if let Some(leaf) = &context.leaf {
        rest.put(&leaf.hash);
        // The version of 32-byte public keys.
        rest.put(&[0]);
        rest.put(&leaf.code_separator.to_le_bytes());
    }
    engine.input(rest.as_slice());
    Some(finish(engine))
}
