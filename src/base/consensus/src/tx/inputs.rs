//! What can be said about a transaction once the coins that it spends are known.

use bitcoin::OutPoint;
use primitives::{FinalTx, Tx, TxOutEntry};

use crate::money::{in_range, value_of};
use crate::params::ChainParams;
use crate::reason::TxReason;
use crate::rules::Rules;

/// The unspent outputs at some point of a chain.
pub trait CoinView {
    /// The coin at `outpoint`, unless it does not exist or is spent.
    fn coin(&self, outpoint: &OutPoint) -> Option<TxOutEntry>;

    /// The last transaction of the block before, where blocks have to continue it.
    fn final_tx(&self) -> Option<FinalTx> {
        None
    }

    /// Whether there is a coin at one of them at least.
    fn has_any(&self, outpoints: &[OutPoint]) -> bool {
        outpoints.iter().any(|outpoint| self.coin(outpoint).is_some())
    }
}

/// The coins that a transaction spends, in the order of its inputs. Later checks take this list, so that each coin is
/// looked up once.
pub fn spent_coins(tx: &Tx, view: &(impl CoinView + ?Sized)) -> Result<Vec<TxOutEntry>, TxReason> {
    tx.inputs().iter().map(|input| view.coin(&input.previous_output).ok_or(TxReason::MissingInputs)).collect()
}

/// Checks maturity and values of a transaction that spends `spent` in a block at `height`, and tells its fee.
///
/// The transaction itself must have been checked. Values are taken at the height where they are spent.
pub(crate) fn check_inputs<R: Rules + ?Sized>(
    rules: &R,
    tx: &Tx,
    spent: &[TxOutEntry],
    height: u32,
) -> Result<i64, TxReason> {
    let params: &ChainParams = rules.params();
    if spent.len() != tx.inputs().len() {
        return Err(TxReason::MissingInputs);
    }
    let max = params.max_money();
    let maturity = i64::from(rules.coinbase_maturity(height));
    let mut value_in = 0i64;
    for coin in spent {
        let depth = i64::from(height) - i64::from(coin.height);
        if coin.coinbase && depth < maturity {
            return Err(TxReason::Immature { depth });
        }
        let value = rules.worth(value_of(&coin.out), coin, height);
        let sum = value_in.checked_add(value).filter(|sum| in_range(value, max) && in_range(*sum, max));
        value_in = sum.ok_or(TxReason::InputValues)?;
    }
    let value_out = rules.value_out(tx).ok_or(TxReason::OutputTotalTooLarge)?;
    if value_in < value_out {
        return Err(TxReason::InBelowOut { value_in, value_out });
    }
    let fee = value_in - value_out;
    if in_range(fee, max) { Ok(fee) } else { Err(TxReason::Fee) }
}

/// What a coin is worth to a transaction that spends it, for showing: at the transaction's lock height, if it has one.
pub fn value_spent(tx: &Tx, coin: &TxOutEntry) -> i64 {
    let value = value_of(&coin.out);
    match (tx.lock_height(), coin.refheight()) {
        (Some(height), Some(reference)) => crate::freicoin::demurrage::decayed(value, height.saturating_sub(reference)),
        _ => value,
    }
}

/// The sum of the outputs; `None` if it does not fit, which a checked transaction rules out.
pub(crate) fn output_value(tx: &Tx) -> Option<i64> {
    tx.outputs().iter().try_fold(0i64, |sum, output| sum.checked_add(value_of(output)))
}
