//! The last transaction of a block.
//!
//! Once the rule is in force, each block ends with a transaction that spends what the last transaction of the block before
//! left, so that these form a chain of their own. Whoever mines can put data there without touching the coinbase. The
//! first of them spends an output of the coinbase of the block in which the rule came into force, a hundred blocks later.
//! Everything that it leaves can be spent by anybody, with nothing.

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use primitives::{FinalTx, Tx, TxOutEntry};
use script::{Flags, Prevout, TxData, TxSignatureChecker, verify_script_in};

use super::Freicoin;
use crate::deployment::{Buried, ThresholdState, VersionBitsCache, state_after};
use crate::money::value_of;
use crate::reason::FinalTxReason;
use crate::rules::{BlockEnds, Rules};
use crate::tx::CoinView;
use crate::view::{Below, HeaderView, next_height, tip_median_time};

/// The signalled upgrade.
pub(super) const DEPLOYMENT: &str = "finaltx";

/// What a block must do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Duty {
    /// Nothing: the rule is not in force, and there is no last transaction to remember.
    None,
    /// Leave an output that anybody can spend, first in its coinbase.
    Begin,
    /// Nothing yet: that output is not mature.
    Wait(FinalTx),
    /// End with a transaction that spends what this one left.
    Continue(FinalTx),
}

fn duty(
    rules: &Freicoin,
    prev: &dyn HeaderView,
    last: Option<FinalTx>,
    coins: &dyn CoinView,
    cache: &dyn VersionBitsCache,
) -> Result<Duty, FinalTxReason> {
    let Some(deployment) = rules.params().deployment(DEPLOYMENT) else { return Ok(Duty::None) };
    let active = |prev: &dyn HeaderView| state_after(deployment, Some(prev), cache) == ThresholdState::Active;
    if !active(prev) {
        return Ok(Duty::None);
    }
    if prev.height().checked_sub(1).is_none_or(|before| !active(&Below::new(prev, before))) {
        return Ok(Duty::Begin);
    }
    let last = last.ok_or(FinalTxReason::Lost)?;
    let height = next_height(Some(prev));
    let maturity = rules.params().coinbase_maturity();
    let mut found = false;
    for vout in 0..last.outputs {
        let Some(coin) = coins.coin(&OutPoint { txid: last.txid, vout }) else { continue };
        if coin.coinbase && height.saturating_sub(coin.height) < maturity {
            return Ok(Duty::Wait(last));
        }
        found = true;
    }
    if found { Ok(Duty::Continue(last)) } else { Err(FinalTxReason::Lost) }
}

/// Checks how a block that follows `prev` ends, and tells what the next one has to continue.
pub(super) fn check(
    rules: &Freicoin,
    txs: &[std::sync::Arc<Tx>],
    prev: &dyn HeaderView,
    flags: Flags,
    coins: &dyn CoinView,
    cache: &dyn VersionBitsCache,
) -> Result<Option<FinalTx>, FinalTxReason> {
    let last = match duty(rules, prev, coins.final_tx(), coins, cache)? {
        Duty::None => return Ok(None),
        Duty::Wait(last) => return Ok(Some(last)),
        Duty::Begin => {
            let coinbase = txs.first().ok_or(FinalTxReason::CoinbaseOutputs)?;
            let first = coinbase.outputs().first().ok_or(FinalTxReason::CoinbaseOutputs)?;
            if !is_free(rules, first, coinbase.lock_height().unwrap_or(0), flags) {
                return Err(FinalTxReason::CoinbaseNotFree);
            }
            return Ok(Some(FinalTx { txid: coinbase.txid(), outputs: 1 }));
        }
        Duty::Continue(last) => last,
    };
    let tx = txs.get(1..).and_then(|rest| rest.last()).ok_or(FinalTxReason::Missing)?;
    let height = next_height(Some(prev));
    let oldest = height.saturating_sub(rules.params().coinbase_maturity());
    let mut continued = 0u32;
    for input in tx.inputs() {
        let from = &input.previous_output;
        if from.txid == last.txid {
            continued = continued.saturating_add(1);
        } else if let Some(coin) = coins.coin(from)
            && !(coin.coinbase && coin.height >= oldest)
        {
            // What is not there comes from this very block, or does not exist, which is found out later.
            return Err(FinalTxReason::ForeignInput);
        }
    }
    let first = coins.coin(&OutPoint { txid: last.txid, vout: 0 }).ok_or(FinalTxReason::Lost)?;
    if !first.coinbase && continued < last.outputs {
        return Err(FinalTxReason::NotContinued);
    }
    if tx.outputs().len() > tx.inputs().len() {
        return Err(FinalTxReason::ManyOutputs);
    }
    let height = tx.lock_height().unwrap_or(0);
    if !tx.outputs().iter().all(|output| is_free(rules, output, height, flags)) {
        return Err(FinalTxReason::NotFree);
    }
    let outputs = u32::try_from(tx.outputs().len()).unwrap_or(u32::MAX);
    Ok((outputs > 0).then(|| FinalTx { txid: tx.txid(), outputs }))
}

/// Whether anybody can spend an output without showing anything.
fn is_free(rules: &Freicoin, output: &TxOut, reference_height: u32, flags: Flags) -> bool {
    let flags = flags | Flags::P2SH | Flags::WITNESS | Flags::CLEANSTACK;
    let spender = Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::ZERO,
        input: vec![input(OutPoint { txid: Txid::all_zeros(), vout: 0 })],
        output: vec![free_output()],
    };
    let spender = Tx::new(spender, Some(reference_height));
    let prevout = Prevout {
        amount: output.value,
        script_pubkey: &output.script_pubkey,
        reference_height: Some(reference_height),
    };
    let data = TxData::of(&spender, [prevout]);
    let checker = TxSignatureChecker::new(&data, 0, output.value);
    let (nothing, empty) = (ScriptBuf::new(), Witness::new());
    verify_script_in(&rules.dialect(), &nothing, &output.script_pubkey, &empty, flags, &checker).is_ok()
}

fn input(previous_output: OutPoint) -> TxIn {
    TxIn { previous_output, script_sig: ScriptBuf::new(), sequence: Sequence::MAX, witness: Witness::new() }
}

/// An output of no value that anybody can spend.
fn free_output() -> TxOut {
    TxOut { value: bitcoin::Amount::ZERO, script_pubkey: ScriptBuf::from_bytes(vec![0x51]) }
}

/// What a miner puts at both ends of the block that follows `prev`.
pub(super) fn ends(
    rules: &Freicoin,
    prev: &dyn HeaderView,
    coins: &dyn CoinView,
    cache: &dyn VersionBitsCache,
) -> Result<BlockEnds, FinalTxReason> {
    let height = next_height(Some(prev));
    // The coinbase's own lock is that of the block before, which is not open yet: its input must be final.
    let time = u32::try_from(tip_median_time(prev)).unwrap_or(u32::MAX);
    let mut ends = BlockEnds {
        sequence: Sequence::MAX.0,
        lock_time: time,
        witness: None,
        commitment_in_coinbase: false,
        data: Vec::new(),
        first_outputs: Vec::new(),
        last: None,
    };
    match duty(rules, prev, coins.final_tx(), coins, cache)? {
        Duty::None | Duty::Wait(_) => {}
        Duty::Begin => ends.first_outputs.push(free_output()),
        Duty::Continue(last) => {
            let mut spent: Vec<TxOutEntry> = Vec::new();
            let mut inputs = Vec::new();
            for vout in 0..last.outputs {
                let from = OutPoint { txid: last.txid, vout };
                if let Some(coin) = coins.coin(&from) {
                    inputs.push(input(from));
                    spent.push(coin);
                }
            }
            // Where no witness may be, nothing commits to any.
            let commits = rules.params().is_active(Buried::Segwit, height);
            let output = if commits {
                TxOut { script_pubkey: ScriptBuf::from_bytes(super::witness::blank_script()), ..free_output() }
            } else {
                free_output()
            };
            let inner = Transaction {
                version: bitcoin::transaction::Version::TWO,
                lock_time: bitcoin::absolute::LockTime::from_consensus(time),
                input: inputs,
                output: vec![output],
            };
            let fee = spent.iter().map(|coin| rules.worth(value_of(&coin.out), coin, height)).sum();
            ends.witness = commits.then(Vec::new);
            ends.last = Some((Tx::new(inner, Some(height)), fee));
        }
    }
    Ok(ends)
}
