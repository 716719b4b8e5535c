//! Standardness of a transaction against what it spends.

use bitcoin::{Script, ScriptBuf};
use primitives::{Tx, TxOutEntry};
use script::{
    ExecutionData, Flags, NoTransaction, ScriptError, SigVersion, Solution, eval_script, sigops, solve, templates,
};

use super::{MAX_P2SH_SIGOPS, MAX_TX_LEGACY_SIGOPS};
use crate::reason::InputProblem;

const MAX_P2WSH_ITEMS: usize = 100;
const MAX_ITEM: usize = 80;
const MAX_P2WSH_SCRIPT: usize = 3600;
const ANNEX_TAG: u8 = 0x50;
const LEAF_MASK: u8 = 0xfe;
const LEAF_TAPSCRIPT: u8 = 0xc0;

/// Checks that everything a transaction spends has a known form, and that running it is not too expensive.
pub fn check_inputs_standard(tx: &Tx, spent: &[TxOutEntry]) -> Result<(), InputProblem> {
    let mut operations = 0usize;
    for (input, coin) in tx.inputs().iter().zip(spent) {
        operations += sigops::count(&input.script_sig, true);
        operations += sigops::count_p2sh(&coin.out.script_pubkey, &input.script_sig);
        if operations > MAX_TX_LEGACY_SIGOPS {
            return Err(InputProblem::LegacySigops);
        }
    }
    for (n, (input, coin)) in tx.inputs().iter().zip(spent).enumerate() {
        match solve(&coin.out.script_pubkey) {
            Solution::Nonstandard => return Err(InputProblem::Unknown(n)),
            Solution::WitnessUnknown(_) => return Err(InputProblem::UndefinedProgram(n)),
            Solution::ScriptHash(_) => {
                let redeem = redeem_script(&input.script_sig).map_err(|error| InputProblem::Malformed(n, error))?;
                let redeem = redeem.ok_or(InputProblem::NoRedeemScript(n))?;
                let count = sigops::count(&redeem, true);
                if count > MAX_P2SH_SIGOPS {
                    return Err(InputProblem::P2shSigops(n, count));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What an input's script leaves on top of the stack.
fn redeem_script(script_sig: &Script) -> Result<Option<ScriptBuf>, ScriptError> {
    let mut stack = Vec::new();
    let mut exec = ExecutionData::default();
    eval_script(&mut stack, script_sig, Flags::NONE, &NoTransaction, SigVersion::Base, &mut exec)?;
    Ok(stack.pop().map(ScriptBuf::from_bytes))
}

/// Checks that witnesses are no larger than their use needs.
pub fn is_witness_standard(tx: &Tx, spent: &[TxOutEntry]) -> bool {
    tx.inputs().iter().zip(spent).all(|(input, coin)| {
        let script = &coin.out.script_pubkey;
        if input.witness.is_empty() {
            return true;
        }
        let redeem = if templates::is_p2sh(script) {
            let Ok(Some(redeem)) = redeem_script(&input.script_sig) else { return false };
            Some(redeem)
        } else {
            None
        };
        let nested = redeem.is_some();
        let Some(program) = templates::witness_program(redeem.as_deref().unwrap_or(script)) else { return false };
        if program.is_anchor() && !nested {
            return false;
        }
        let items: Vec<&[u8]> = input.witness.iter().collect();
        match (program.version, program.program.len()) {
            // Where programs are trees of scripts, the way to the root stands behind the script.
            (0, 20 | 32) if tx.lock_height().is_some() => {
                items.split_last().is_none_or(|(_, items)| is_p2wsh_standard(items))
            }
            (0, 32) => is_p2wsh_standard(&items),
            (1, 32) if !nested => is_taproot_standard(&items),
            _ => true,
        }
    })
}

fn is_p2wsh_standard(items: &[&[u8]]) -> bool {
    let Some((script, arguments)) = items.split_last() else { return true };
    script.len() <= MAX_P2WSH_SCRIPT
        && arguments.len() <= MAX_P2WSH_ITEMS
        && arguments.iter().all(|item| item.len() <= MAX_ITEM)
}

fn is_taproot_standard(items: &[&[u8]]) -> bool {
    match items {
        [] => false,
        [_] => true,
        [.., last] if last.first() == Some(&ANNEX_TAG) => false,
        [arguments @ .., _script, control] => match control.first() {
            None => false,
            Some(first) if first & LEAF_MASK == LEAF_TAPSCRIPT => arguments.iter().all(|item| item.len() <= MAX_ITEM),
            Some(_) => true,
        },
    }
}

/// Whether a transaction spends something that needs a witness: if it has none, somebody may have taken it away.
pub fn spends_witness_program(tx: &Tx, spent: &[TxOutEntry]) -> bool {
    tx.inputs().iter().zip(spent).any(|(input, coin)| {
        let script = &coin.out.script_pubkey;
        if let Some(program) = templates::witness_program(script) {
            return !program.is_anchor();
        }
        templates::is_p2sh(script)
            && matches!(redeem_script(&input.script_sig), Ok(Some(redeem)) if templates::witness_program(&redeem).is_some())
    })
}
