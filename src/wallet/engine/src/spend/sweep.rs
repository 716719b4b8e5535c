//! Sending everything: all coins, or certain ones, without change.

use std::collections::BTreeSet;

use bitcoin::{OutPoint, ScriptBuf, Sequence, Transaction, TxIn, Txid};
use consensus::value_of;
use descriptors::Known;
use interfaces::IpcError;
use primitives::Tx;

use super::build::{SEQUENCE_NONFINAL, SEQUENCE_RBF, output_value};
use super::fees::dust_rate;
use super::size::{InputSize, TxSize, dust_threshold, signed_size};
use super::{CoinControl, SpendError, Spender, amount};
use crate::convert::to_outpoint;
use crate::select::{FeeRate, MAX_STANDARD_TX_WEIGHT, TRUC_CHILD_MAX_WEIGHT, TRUC_VERSION};

/// What is to be sent, and to whom.
#[derive(Debug, Clone)]
pub struct SweepRequest {
    /// Version, lock time and outputs. Outputs whose script is in `shares` have no amount yet.
    pub tx: Transaction,
    /// Who shares what the others leave.
    pub shares: BTreeSet<ScriptBuf>,
    /// Whether the inputs of `tx` are all that is spent, instead of every coin.
    pub only_inputs: bool,
    /// Whether coins that cost more than they are worth stay where they are.
    pub send_max: bool,
    /// Whether the transaction may be replaced.
    pub replaceable: bool,
    /// The fee rate, and which coins.
    pub control: CoinControl,
}

/// Why not everything can be sent. The text is what the user is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SweepError {
    /// Somebody spent it.
    #[error("Input not available. UTXO ({0}:{1}) was already spent.")]
    Spent(Txid, u32),
    /// It belongs to somebody else.
    #[error("Input not found. UTXO ({0}:{1}) is not part of wallet.")]
    NotMine(Txid, u32),
    /// Versions do not go together, or there is no fee rate.
    #[error(transparent)]
    Spend(SpendError),
    /// Nobody knows how to spend something.
    #[error("Unable to determine the size of the transaction, the wallet contains unsolvable descriptors")]
    UnknownSize,
    /// It costs more than the user allows.
    #[error("Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)")]
    MaxFee,
    /// The fee eats everything, although coins that are not worth it stay.
    #[error("Total value of UTXO pool too low to pay for transaction, try using lower feerate.")]
    TooLittle,
    /// The fee eats everything.
    #[error(
        "Total value of UTXO pool too low to pay for transaction. Try using lower feerate or excluding uneconomic UTXOs \
         with 'send_max' option."
    )]
    TooLittleWithDust,
    /// It weighs too much.
    #[error("Transaction too large.")]
    TooLarge,
    /// Some are promised more than there is.
    #[error("Assigned more value to outputs than available funds.")]
    PromisedTooMuch,
    /// What is left does not pay the fee.
    #[error("Insufficient funds for fees after creating specified outputs.")]
    NothingLeft,
    /// What is left is not worth sending.
    #[error("Dynamically assigned remainder results in dust output.")]
    DustShare,
    /// Nor is what somebody was promised.
    #[error("Specified output amount to {0} is below dust threshold.")]
    DustOutput(String),
    /// The node is gone.
    #[error(transparent)]
    Chain(#[from] IpcError),
}

impl From<SpendError> for SweepError {
    fn from(error: SpendError) -> Self {
        match error {
            SpendError::Chain(error) => Self::Chain(error),
            error => Self::Spend(error),
        }
    }
}

impl Spender<'_> {
    /// Sends everything, or the named inputs: the recipients without an amount share what is left after the fee, and the
    /// first of them also gets what cannot be shared. `address` names a script for people.
    pub fn sweep(&mut self, request: &SweepRequest, address: &dyn Fn(&ScriptBuf) -> String) -> Result<Tx, SweepError> {
        let (rate, _) = self.chosen_rate(&request.control)?;
        let mut max_weight = request.control.max_tx_weight.unwrap_or(MAX_STANDARD_TX_WEIGHT);
        let mut tx = request.tx.clone();
        let total = if request.only_inputs {
            self.value_of_inputs(&tx, &request.control)?
        } else {
            self.take_all(&mut tx, request, rate, &mut max_weight)?
        };

        let size = self.size_of_mine(&tx).ok_or(SweepError::UnknownSize)?;
        let fee = rate.fee(size.vsize);
        let outpoints: Vec<_> = tx.input.iter().map(|input| to_outpoint(&input.previous_output)).collect();
        let bumps =
            if outpoints.is_empty() { None } else { self.mempool.combined_bump_fee(&outpoints, rate.fee_per_kvb())? };
        let left = total.saturating_sub(fee).saturating_sub(bumps.unwrap_or(0).max(0));
        if fee > self.settings.max_fee {
            return Err(SweepError::MaxFee);
        }
        if left <= 0 {
            return Err(if request.send_max { SweepError::TooLittle } else { SweepError::TooLittleWithDust });
        }
        if size.weight > max_weight {
            return Err(SweepError::TooLarge);
        }
        let promised = output_value(&tx);
        if promised > total {
            return Err(SweepError::PromisedTooMuch);
        }
        let rest = left.saturating_sub(promised);
        if rest < 0 {
            return Err(SweepError::NothingLeft);
        }
        self.share(&mut tx, &request.shares, rest, address)?;
        Ok(self.finish(tx))
    }

    /// What named inputs are worth. All of them must be the wallet's, and unspent.
    fn value_of_inputs(&self, tx: &Transaction, control: &CoinControl) -> Result<i64, SweepError> {
        let mut total = 0_i64;
        for input in &tx.input {
            let outpoint = input.previous_output;
            let OutPoint { txid, vout } = outpoint;
            if self.ledger.is_spent(&outpoint) {
                return Err(SweepError::Spent(txid, vout));
            }
            let (parent, _) = self.ledger.coin(&outpoint).ok_or(SweepError::NotMine(txid, vout))?;
            if self.ledger.depth(parent) == 0 {
                super::coins::check_truc(parent.tx().version(), control.version)?;
            }
            total = total.saturating_add(self.ledger.worth(parent, vout));
        }
        Ok(total)
    }

    /// Adds every coin that may be spent, and says what they are worth.
    fn take_all(
        &self,
        tx: &mut Transaction,
        request: &SweepRequest,
        rate: FeeRate,
        max_weight: &mut i64,
    ) -> Result<i64, SweepError> {
        let sequence = Sequence(if request.replaceable { SEQUENCE_RBF } else { SEQUENCE_NONFINAL });
        let mut total = 0_i64;
        for coin in self.spendable(&request.control, 0)? {
            let size = self.purse.satisfaction(&coin.script, &Known::default(), false);
            let cost = rate.fee(size.map_or(0, |size| i64::from(size.input_vsize())));
            if request.send_max && cost > coin.value {
                continue;
            }
            if coin.depth == 0 && request.control.version == TRUC_VERSION {
                *max_weight = TRUC_CHILD_MAX_WEIGHT;
            }
            tx.input.push(TxIn { previous_output: coin.outpoint, sequence, ..TxIn::default() });
            total = total.saturating_add(coin.value);
        }
        Ok(total)
    }

    /// The size of a transaction that spends coins of the wallet only, once it is signed.
    fn size_of_mine(&self, tx: &Transaction) -> Option<TxSize> {
        let size = |input: &TxIn| {
            let (_, output) = self.ledger.coin(&input.previous_output)?;
            let found = self.purse.satisfaction(&output.script_pubkey, &Known::default(), false)?;
            Some(InputSize::Script(found))
        };
        let inputs: Option<Vec<InputSize>> = tx.input.iter().map(size).collect();
        Some(signed_size(tx, &inputs?, self.tail()))
    }

    fn share(
        &self,
        tx: &mut Transaction,
        shares: &BTreeSet<ScriptBuf>,
        rest: i64,
        address: &dyn Fn(&ScriptBuf) -> String,
    ) -> Result<(), SweepError> {
        let dust_rate = dust_rate(self.fees)?;
        let count = i64::try_from(shares.len()).unwrap_or(i64::MAX).max(1);
        let mut odd = rest % count;
        for output in &mut tx.output {
            let gets_share = shares.contains(&output.script_pubkey);
            if gets_share {
                output.value = amount(rest / count + std::mem::take(&mut odd));
            }
            if value_of(output) < dust_threshold(&output.script_pubkey, dust_rate) {
                return Err(if gets_share {
                    SweepError::DustShare
                } else {
                    SweepError::DustOutput(address(&output.script_pubkey))
                });
            }
        }
        Ok(())
    }
}
