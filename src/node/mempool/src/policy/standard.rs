//! Standardness of a transaction by itself, and dust.

use bitcoin::{Script, TxOut};
use primitives::{Tx, compact_len};
use script::{Solution, solve, templates};

use super::MAX_STANDARD_TX_WEIGHT;
use crate::{FeeRate, Options, Reason, feerate::signed};

const VERSIONS: std::ops::RangeInclusive<u32> = 1..=3;
const MAX_SCRIPT_SIG: usize = 1650;
const MAX_MULTISIG_KEYS: usize = 3;
const MAX_DUST_OUTPUTS: usize = 1;
/// What spending an output takes: outpoint, sequence, script length, and a signature with its key.
const SPEND_LEGACY: u64 = 32 + 4 + 1 + 107 + 4;
const SPEND_WITNESS: u64 = 32 + 4 + 1 + 107 / 4 + 4;

/// Checks that a transaction is of a form that is relayed.
pub fn check_standard(tx: &Tx, options: &Options) -> Result<(), Reason> {
    check_form(tx, options, false)
}

/// The same for a transaction that carries assets: its version says so, and it lists them in a data output, whose size is
/// not limited then.
pub fn check_standard_with_assets(tx: &Tx, options: &Options) -> Result<(), Reason> {
    check_form(tx, options, true)
}

fn check_form(tx: &Tx, options: &Options, carries_assets: bool) -> Result<(), Reason> {
    if !carries_assets && !VERSIONS.contains(&tx.version()) {
        return Err(Reason::Version);
    }
    if tx.weight() > MAX_STANDARD_TX_WEIGHT {
        return Err(Reason::TxSize);
    }
    for input in tx.inputs() {
        if input.script_sig.len() > MAX_SCRIPT_SIG {
            return Err(Reason::ScriptSigSize);
        }
        if !templates::is_push_only(&input.script_sig) {
            return Err(Reason::ScriptSigNotPushOnly);
        }
    }
    let mut data_left = options.max_datacarrier.unwrap_or(0);
    for output in tx.outputs() {
        let solution = solve(&output.script_pubkey);
        if !is_standard_solution(&solution) {
            return Err(Reason::ScriptPubKey);
        }
        match solution {
            Solution::NullData if carries_assets => {}
            Solution::NullData => {
                data_left = data_left.checked_sub(output.script_pubkey.len()).ok_or(Reason::DataCarrier)?;
            }
            Solution::Multisig { .. } if !options.permit_bare_multisig => return Err(Reason::BareMultisig),
            _ => {}
        }
    }
    if dust_outputs(tx, options.dust_relay_fee).count() > MAX_DUST_OUTPUTS {
        return Err(Reason::Dust);
    }
    Ok(())
}

/// Whether an output script is of a form that is relayed.
pub fn is_standard_output(script: &Script) -> bool {
    is_standard_solution(&solve(script))
}

fn is_standard_solution(solution: &Solution<'_>) -> bool {
    match solution {
        Solution::Nonstandard => false,
        Solution::Multisig { required, keys } => {
            keys.len() <= MAX_MULTISIG_KEYS && usize::from(*required) <= keys.len()
        }
        _ => true,
    }
}

/// Below this value an output is not worth spending.
pub fn dust_threshold(output: &TxOut, rate: FeeRate) -> i64 {
    let script = &output.script_pubkey;
    if templates::is_unspendable(script) {
        return 0;
    }
    let spend = if templates::witness_program(script).is_some() { SPEND_WITNESS } else { SPEND_LEGACY };
    let own = u64::try_from(8 + compact_len(script.len()) + script.len()).unwrap_or(u64::MAX);
    rate.fee_for(signed(own.saturating_add(spend)))
}

/// Whether an output is dust.
pub fn is_dust(output: &TxOut, rate: FeeRate) -> bool {
    consensus::value_of(output) < dust_threshold(output, rate)
}

/// Which outputs are dust.
pub fn dust_outputs(tx: &Tx, rate: FeeRate) -> impl Iterator<Item = u32> {
    (0u32..).zip(tx.outputs()).filter(move |(_, output)| is_dust(output, rate)).map(|(n, _)| n)
}
