//! Reading transactions.
//!
//! The ids are hashes of the very bytes that are being read, so nothing is serialized again: every encoding that is
//! accepted is the only one of its value, up to marker and flags, which the ids do not cover or cover as they are.

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use coin::TxFormat;

use crate::tx::{Layout, has_lock_height};
use crate::{DecodeError, Reader, Tx, WitnessMode};

/// The fewest bytes of a transaction, an input, an output and a witness item.
pub(super) const SMALLEST: usize = 10;
const SMALLEST_INPUT: usize = 41;
const SMALLEST_OUTPUT: usize = 9;

/// The longest script that can run, and the longest item that one can push.
const MAX_SCRIPT_SIZE: usize = 10_000;
const MAX_ITEM_SIZE: usize = 520;
/// The last opcode that has a meaning, `OP_NOP10`.
const MAX_OPCODE: u8 = 0xb9;

/// Reads a transaction.
pub(super) fn read(format: TxFormat, reader: &mut Reader<'_>, mode: WitnessMode) -> Result<Tx, DecodeError> {
    let freicoin = format == TxFormat::FreicoinLockHeight;
    let allowed = mode == WitnessMode::Include;
    let start = reader.position();
    let version = Version(reader.i32()?);

    let mut flags = 0;
    let mut body = reader.position();
    let mut input;
    let output;
    if freicoin {
        // 0xff would count more than 2^32 inputs, so it marks the extended form instead.
        if reader.peek()? == 0xff {
            reader.u8()?;
            flags = reader.u8()?;
            body = reader.position();
        }
        input = inputs(reader)?;
        output = outputs(reader)?;
    } else {
        input = inputs(reader)?;
        if input.is_empty() && allowed {
            // No inputs, or the marker of the extended form: what follows tells.
            flags = reader.u8()?;
            if flags == 0 {
                output = Vec::new();
            } else {
                body = reader.position();
                input = inputs(reader)?;
                output = outputs(reader)?;
            }
        } else {
            output = outputs(reader)?;
        }
    }

    let witness = reader.position();
    let mut has_witness = false;
    if flags & 1 == 1 && allowed {
        flags ^= 1;
        has_witness = witnesses(reader, &mut input)?;
        if !has_witness {
            return Err(DecodeError::SuperfluousWitness);
        }
    }
    if flags != 0 {
        return Err(DecodeError::UnknownTxData);
    }

    let tail = reader.position();
    let lock_time = LockTime::from_consensus(reader.u32()?);
    let inner = Transaction { version, lock_time, input, output };
    let lock_height = match (freicoin, has_lock_height(&inner)) {
        (false, _) => None,
        (true, false) => Some(0),
        (true, true) => Some(reader.u32()?),
    };
    let raw = reader.between(start, reader.position());
    let layout = Layout { body: body - start, witness: (witness - start, tail - start), has_witness };
    let tx = Tx::from_raw(inner, lock_height, raw, layout);
    if format == TxFormat::Syscoin {
        // The reference reads the list of assets here, and what it cannot read is no transaction.
        crate::assets::tails(&tx)?;
    }
    Ok(tx)
}

fn inputs(reader: &mut Reader<'_>) -> Result<Vec<TxIn>, DecodeError> {
    let count = reader.compact_size()?;
    let mut inputs = Vec::with_capacity(reader.room_for(count, SMALLEST_INPUT));
    for _ in 0..count {
        let previous_output = OutPoint { txid: Txid::from_byte_array(reader.array()?), vout: reader.u32()? };
        let script_sig = ScriptBuf::from_bytes(reader.bytes()?.to_vec());
        let sequence = Sequence(reader.u32()?);
        inputs.push(TxIn { previous_output, script_sig, sequence, witness: Witness::new() });
    }
    Ok(inputs)
}

fn outputs(reader: &mut Reader<'_>) -> Result<Vec<TxOut>, DecodeError> {
    let count = reader.compact_size()?;
    let mut outputs = Vec::with_capacity(reader.room_for(count, SMALLEST_OUTPUT));
    for _ in 0..count {
        let value = Amount::from_sat(reader.u64()?);
        outputs.push(TxOut { value, script_pubkey: ScriptBuf::from_bytes(reader.bytes()?.to_vec()) });
    }
    Ok(outputs)
}

/// Reads a witness for each input and tells whether any of them holds something.
fn witnesses(reader: &mut Reader<'_>, inputs: &mut [TxIn]) -> Result<bool, DecodeError> {
    let mut any = false;
    let mut items: Vec<&[u8]> = Vec::new();
    for input in inputs {
        let count = reader.compact_size()?;
        if count == 0 {
            continue;
        }
        any = true;
        items.clear();
        items.reserve(reader.room_for(count, 1).min(1024));
        for _ in 0..count {
            items.push(reader.bytes()?);
        }
        input.witness = Witness::from_slice(&items);
    }
    Ok(any)
}

/// Whether all scripts could run: known opcodes, no push beyond the limits, no truncated push. A coinbase's input
/// script may hold anything.
pub(super) fn scripts_make_sense(tx: &Tx) -> bool {
    let inputs = tx.inputs().iter().filter(|_| !tx.is_coinbase()).map(|input| input.script_sig.as_bytes());
    let outputs = tx.outputs().iter().map(|output| output.script_pubkey.as_bytes());
    inputs.chain(outputs).all(script_makes_sense)
}

fn script_makes_sense(script: &[u8]) -> bool {
    if script.len() > MAX_SCRIPT_SIZE {
        return false;
    }
    let mut reader = Reader::new(script);
    while !reader.is_empty() {
        if !next_operation(&mut reader).is_ok_and(|known| known) {
            return false;
        }
    }
    true
}

/// Reads an operation with its data and tells whether it is known.
fn next_operation(reader: &mut Reader<'_>) -> Result<bool, DecodeError> {
    let len = match reader.u8()? {
        direct @ 0..=75 => usize::from(direct),
        76 => usize::from(reader.u8()?),
        77 => usize::from(reader.u16()?),
        78 => usize::try_from(reader.u32()?).unwrap_or(usize::MAX),
        opcode => return Ok(opcode <= MAX_OPCODE),
    };
    reader.take(len).map(|item| item.len() <= MAX_ITEM_SIZE)
}
