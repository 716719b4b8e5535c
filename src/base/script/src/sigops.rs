//! Counting signature operations, the old way and the accurate way.

use bitcoin::{Script, Transaction, Witness};

use crate::dialect::{BITCOIN, Dialect};
use crate::eval::MAX_PUBKEYS_PER_MULTISIG;
use crate::flags::Flags;
use crate::instruction::Cursor;
use crate::opcode::Opcode;
use crate::templates::{WitnessProgram, only_pushes, script_hash};

/// What one signature operation outside the witness costs.
pub const WITNESS_SCALE_FACTOR: usize = 4;

/// Counts the signature operations of a script. `accurate` reads how many keys a CHECKMULTISIG has from the number
/// before it; otherwise each counts as twenty. A script that breaks off counts up to there.
pub fn count(script: &Script, accurate: bool) -> usize {
    count_bytes(script.as_bytes(), accurate)
}

fn count_bytes(script: &[u8], accurate: bool) -> usize {
    let mut total = 0;
    let mut last = Opcode::INVALIDOPCODE;
    for op in Cursor::new(script) {
        total += match op.opcode {
            Opcode::CHECKSIG | Opcode::CHECKSIGVERIFY => 1,
            Opcode::CHECKMULTISIG | Opcode::CHECKMULTISIGVERIFY => match last.small_number() {
                Some(keys @ 1..) if accurate => usize::from(keys),
                _ => MAX_PUBKEYS_PER_MULTISIG,
            },
            _ => 0,
        };
        last = op.opcode;
    }
    total
}

/// Counts the signature operations of a redeem script, or of the output's script if it is not P2SH.
pub fn count_p2sh(script_pubkey: &Script, script_sig: &Script) -> usize {
    if script_hash(script_pubkey.as_bytes()).is_none() {
        return count(script_pubkey, true);
    }
    redeem_script(script_sig.as_bytes()).map_or(0, |redeem| count_bytes(redeem, true))
}

/// The last thing that an input's script pushes, if it does nothing else.
fn redeem_script(script_sig: &[u8]) -> Option<&[u8]> {
    only_pushes(script_sig).then(|| Cursor::new(script_sig).last().map_or(&[][..], |op| op.data))
}

/// Counts the signature operations of a witness.
pub fn count_witness(script_sig: &Script, script_pubkey: &Script, witness: &Witness, flags: Flags) -> usize {
    if !flags.has(Flags::WITNESS) {
        return 0;
    }
    let Dialect { witness: rules, .. } = BITCOIN;
    let nested = || {
        script_hash(script_pubkey.as_bytes())?;
        rules.program(redeem_script(script_sig.as_bytes())?)
    };
    match rules.program(script_pubkey.as_bytes()).or_else(nested) {
        Some(WitnessProgram { version: 0, program }) => match (program.len(), witness.last()) {
            (20, _) => 1,
            (32, Some(script)) => count_bytes(script, true),
            _ => 0,
        },
        // Later versions bound their signatures by other means.
        _ => 0,
    }
}

/// Counts the signature operations of a transaction's own scripts, the old way.
pub fn legacy(tx: &Transaction) -> usize {
    let inputs: usize = tx.input.iter().map(|input| count(&input.script_sig, false)).sum();
    let outputs: usize = tx.output.iter().map(|output| count(&output.script_pubkey, false)).sum();
    inputs + outputs
}

/// Counts the signature operations of a transaction's redeem scripts. `spent` names the script that each input
/// spends, in their order; inputs for which it has none count nothing.
pub fn p2sh<'s>(tx: &Transaction, spent: impl IntoIterator<Item = &'s Script>) -> usize {
    if tx.is_coinbase() {
        return 0;
    }
    let redeemed = tx.input.iter().zip(spent).filter(|(_, script)| script_hash(script.as_bytes()).is_some());
    redeemed.map(|(input, script)| count_p2sh(script, &input.script_sig)).sum()
}

/// What the signature operations of a transaction cost a block, of which there are 80,000.
pub fn cost<'s>(tx: &Transaction, spent: impl IntoIterator<Item = &'s Script> + Clone, flags: Flags) -> usize {
    let mut cost = legacy(tx) * WITNESS_SCALE_FACTOR;
    if tx.is_coinbase() {
        return cost;
    }
    if flags.has(Flags::P2SH) {
        cost += p2sh(tx, spent.clone()) * WITNESS_SCALE_FACTOR;
    }
    let inputs = tx.input.iter().zip(spent);
    cost + inputs.map(|(input, script)| count_witness(&input.script_sig, script, &input.witness, flags)).sum::<usize>()
}
