//! Replacing a transaction that pays too little by one that pays more (BIP125).

use bitcoin::{ScriptBuf, TxOut, Txid, Witness};
use consensus::{format_money, value_of};
use interfaces::IpcError;
use primitives::Tx;
use script::TxData;

use super::coins::output;
use super::fees::{fee_rate, incremental_rate, mempool_min_rate, required_rate};
use super::size::{InputSize, signed_size};
use super::weigh::resigned_weight;
use super::{CoinControl, Recipient, SpendError, Spender};
use crate::convert::{to_outpoint, to_txid};
use crate::ledger::WalletTx;
use crate::select::FeeRate;

/// What a replacement pays more at least, whatever the node says.
const WALLET_INCREMENT: FeeRate = FeeRate::per_kvb(5000);

/// What is to be replaced, and how.
#[derive(Debug, Clone)]
pub struct BumpRequest {
    /// The transaction.
    pub txid: Txid,
    /// The fee rate, and whether the replacement may be replaced.
    pub control: CoinControl,
    /// Whether all inputs must be the wallet's.
    pub require_mine: bool,
    /// What to pay instead; empty to pay the same.
    pub outputs: Vec<TxOut>,
    /// Which output is the change, if the wallet is not to guess.
    pub change_index: Option<u32>,
}

/// A replacement that only lacks signatures.
#[derive(Debug, Clone)]
pub struct Bumped {
    /// The replacement.
    pub tx: Tx,
    /// What the old transaction pays.
    pub old_fee: i64,
    /// What the new one pays.
    pub new_fee: i64,
}

/// Why a transaction cannot be replaced. The text is what the user is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BumpError {
    /// The change cannot be an output of the old transaction and among the new ones.
    #[error(
        "The options 'outputs' and 'original_change_index' are incompatible. You can only either specify a new set of \
         outputs, or designate a change output to be recycled."
    )]
    OutputsAndChange,
    /// The wallet does not have it.
    #[error("Invalid or non-wallet transaction id")]
    Unknown,
    /// It has no such output.
    #[error("Change position is out of range")]
    ChangePosition,
    /// Something else spends the same.
    #[error("{0}:{1} is already spent")]
    Spent(Txid, u32),
    /// The wallet has spent its outputs.
    #[error("Transaction has descendants in the wallet")]
    WalletDescendants,
    /// Somebody has spent its outputs.
    #[error("Transaction has descendants in the mempool")]
    MempoolDescendants,
    /// It is too late.
    #[error("Transaction has been mined, or is conflicted with a mined transaction")]
    Mined,
    /// It was replaced already.
    #[error("Cannot bump transaction {0} which was already bumped by transaction {1}")]
    Replaced(Txid, Txid),
    /// Somebody else pays too.
    #[error("Transaction contains inputs that don't belong to this wallet")]
    ForeignInputs,
    /// It pays nobody.
    #[error("Unable to create transaction. Transaction must have at least one recipient")]
    NoRecipients,
    /// The mempool is full below that rate.
    #[error("New fee rate ({0}) is lower than the minimum fee rate ({1}) to get into the mempool -- ")]
    BelowMempool(String, String),
    /// The node cannot say what the ancestors lack.
    #[error(
        "Failed to calculate bump fees, because unconfirmed UTXOs depend on an enormous cluster of unconfirmed \
         transactions."
    )]
    UnknownBumpFees,
    /// It does not pay for its own relay.
    #[error("Insufficient total fee {new}, must be at least {least} (oldFee {old} + incrementalFee {increment})")]
    BelowIncrement {
        /// What it would pay.
        new: String,
        /// What it must pay.
        least: String,
        /// What the old one pays.
        old: String,
        /// What relaying costs.
        increment: String,
    },
    /// It pays less than any transaction must.
    #[error("Insufficient total fee (cannot be less than required fee {0})")]
    BelowRequired(String),
    /// It pays more than the user allows.
    #[error("Specified or calculated fee {0} is too high (cannot be higher than -maxtxfee {1})")]
    TooHigh(String, String),
    /// The replacement cannot be made.
    #[error("Unable to create transaction. {0}")]
    Create(SpendError),
    /// The node is gone.
    #[error(transparent)]
    Chain(#[from] IpcError),
}

impl Spender<'_> {
    /// Makes the replacement of a transaction.
    pub fn bump(&mut self, request: BumpRequest) -> Result<Bumped, BumpError> {
        let BumpRequest { txid, mut control, require_mine, outputs, change_index } = request;
        if !outputs.is_empty() && change_index.is_some() {
            return Err(BumpError::OutputsAndChange);
        }
        let old = self.ledger.get(&txid).ok_or(BumpError::Unknown)?;
        let tx = old.tx();
        let change_index = change_index.map(|index| usize::try_from(index).unwrap_or(usize::MAX));
        if change_index.is_some_and(|index| index >= tx.outputs().len()) {
            return Err(BumpError::ChangePosition);
        }
        let spent = self.spent_by(tx)?;
        let input_value = self.name_inputs(tx, &spent, &mut control);
        self.check_replaceable(old, require_mine)?;
        let paid = |outputs: &[TxOut]| outputs.iter().fold(0_i64, |sum, output| sum.saturating_add(value_of(output)));
        let old_fee = input_value.saturating_sub(paid(tx.outputs()));

        let new_outputs = if outputs.is_empty() { tx.outputs() } else { &outputs };
        let recipients = self.recipients(new_outputs, change_index, &mut control)?;
        match control.fee_rate {
            Some(rate) => self.check_rate(tx, new_outputs, &spent, rate, old_fee, &control)?,
            None => control.fee_rate = Some(self.raised_rate(tx, old_fee, &control)?),
        }
        for input in tx.inputs() {
            control.select(input.previous_output);
        }
        // What replaces must not spend other unconfirmed coins.
        control.allow_other_inputs = true;
        control.min_depth = 1;
        let created = self.create(&recipients, None, &control).map_err(|error| match error {
            SpendError::Chain(error) => BumpError::Chain(error),
            error => BumpError::Create(error),
        })?;
        Ok(Bumped { tx: created.tx, old_fee, new_fee: created.fee })
    }

    /// Whether a transaction could be replaced now.
    pub fn check_replaceable(&self, old: &WalletTx, require_mine: bool) -> Result<(), BumpError> {
        if self.ledger.has_spent_outputs(old) {
            return Err(BumpError::WalletDescendants);
        }
        if self.mempool.has_descendants_in_mempool(to_txid(&old.txid()))? {
            return Err(BumpError::MempoolDescendants);
        }
        if self.ledger.depth(old) != 0 {
            return Err(BumpError::Mined);
        }
        if let Some(by) = old.notes().replaced_by {
            return Err(BumpError::Replaced(old.txid(), by));
        }
        if require_mine && !old.tx().inputs().iter().all(|input| self.ledger.coin(&input.previous_output).is_some()) {
            return Err(BumpError::ForeignInputs);
        }
        Ok(())
    }

    /// The outputs that a transaction spends.
    fn spent_by(&self, tx: &Tx) -> Result<Vec<TxOut>, BumpError> {
        let outpoints: Vec<_> = tx.inputs().iter().map(|input| to_outpoint(&input.previous_output)).collect();
        let mut coins = self.mempool.find_coins(&outpoints)?.into_iter();
        let mut spent = Vec::new();
        for input in tx.inputs() {
            let outpoint = input.previous_output;
            let coin = coins.next().flatten().ok_or(BumpError::Spent(outpoint.txid, outpoint.vout))?;
            // What the wallet knows, it does not believe anybody else.
            let own = self.ledger.coin(&outpoint).map(|(_, own)| own.clone());
            spent.push(own.unwrap_or_else(|| output(&coin)));
        }
        Ok(spent)
    }

    /// Names all inputs, and returns what they are worth.
    fn name_inputs(&self, tx: &Tx, spent: &[TxOut], control: &mut CoinControl) -> i64 {
        let data = TxData::of(tx, spent);
        let dialect = self.ledger.rules().dialect();
        let height = tx.lock_height();
        let mut total = 0_i64;
        for (index, (input, output)) in tx.inputs().iter().zip(spent).enumerate() {
            let outpoint = input.previous_output;
            let preset = control.select(outpoint);
            let value = if let Some((parent, _)) = self.ledger.coin(&outpoint) {
                height.map_or(value_of(output), |height| self.ledger.worth_at(parent, outpoint.vout, height))
            } else {
                preset.external = Some(output.clone());
                preset.weight = resigned_weight(tx, &data, index, &dialect);
                value_of(output)
            };
            total = total.saturating_add(value);
        }
        total
    }

    /// Who is paid. What was change becomes where the new change goes.
    fn recipients(
        &self,
        outputs: &[TxOut],
        change_index: Option<usize>,
        control: &mut CoinControl,
    ) -> Result<Vec<Recipient>, BumpError> {
        let mut recipients = Vec::new();
        for (index, output) in outputs.iter().enumerate() {
            let is_change =
                change_index.map_or_else(|| self.purse.is_change(&output.script_pubkey), |change| change == index);
            if is_change {
                control.change_script = Some(output.script_pubkey.clone());
            } else {
                let (script, amount) = (output.script_pubkey.clone(), value_of(output));
                recipients.push(Recipient { script, amount, subtract_fee: false });
            }
        }
        if recipients.is_empty() {
            // All of it is change: one recipient, who pays the fee.
            let script = control.change_script.take().ok_or(BumpError::NoRecipients)?;
            let amount = outputs.iter().fold(0_i64, |sum, output| sum.saturating_add(value_of(output)));
            recipients.push(Recipient { script, amount, subtract_fee: true });
        }
        Ok(recipients)
    }

    /// Whether a rate that the user named can replace.
    fn check_rate(
        &self,
        tx: &Tx,
        outputs: &[TxOut],
        spent: &[TxOut],
        rate: FeeRate,
        old_fee: i64,
        control: &CoinControl,
    ) -> Result<(), BumpError> {
        let least = mempool_min_rate(self.fees)?;
        if rate.fee_per_kvb() < least.fee_per_kvb() {
            let text = |rate: FeeRate| format_money(rate.fee_per_kvb());
            return Err(BumpError::BelowMempool(text(rate), text(least)));
        }
        let outpoints: Vec<_> = tx.inputs().iter().map(|input| to_outpoint(&input.previous_output)).collect();
        let bumps = self.mempool.combined_bump_fee(&outpoints, rate.fee_per_kvb())?;
        let bumps = bumps.ok_or(BumpError::UnknownBumpFees)?.max(0);
        let vsize =
            self.resigned_vsize(tx, outputs, spent, control).ok_or(BumpError::Create(SpendError::UnknownSize))?;
        let new_fee = rate.fee(vsize).saturating_add(bumps);
        let increment = incremental_rate(self.fees)?.fee(vsize);
        let least = old_fee.saturating_add(increment);
        if new_fee < least {
            let [new, least, old, increment] = [new_fee, least, old_fee, increment].map(format_money);
            return Err(BumpError::BelowIncrement { new, least, old, increment });
        }
        let required = required_rate(self.settings, self.fees)?.fee(vsize);
        if new_fee < required {
            return Err(BumpError::BelowRequired(format_money(required)));
        }
        if new_fee > self.settings.max_fee {
            return Err(BumpError::TooHigh(format_money(new_fee), format_money(self.settings.max_fee)));
        }
        Ok(())
    }

    /// The size of a transaction with these outputs, signed again.
    fn resigned_vsize(&self, tx: &Tx, outputs: &[TxOut], spent: &[TxOut], control: &CoinControl) -> Option<i64> {
        let mut unsigned = tx.inner().clone();
        for input in &mut unsigned.input {
            input.script_sig = ScriptBuf::new();
            input.witness = Witness::new();
        }
        unsigned.output = outputs.to_vec();
        let sizes: Option<Vec<InputSize>> = tx
            .inputs()
            .iter()
            .zip(spent)
            .map(|(input, output)| {
                let preset = control.preset(&input.previous_output)?;
                self.preset_size(&output.script_pubkey, preset, control)
            })
            .collect();
        Some(signed_size(&unsigned, &sizes?, self.tail()).vsize)
    }

    /// A rate that replaces: the old one and an increment, or what the wallet would pay now.
    fn raised_rate(&self, tx: &Tx, old_fee: i64, control: &CoinControl) -> Result<FeeRate, BumpError> {
        let vsize = i64::try_from(tx.vsize()).unwrap_or(i64::MAX);
        // The rate of the old transaction is rounded down, hence one unit more.
        let old = FeeRate::paid(old_fee, vsize).plus(FeeRate::per_kvb(1));
        let increment = incremental_rate(self.fees)?.max(WALLET_INCREMENT);
        let (now, _) = fee_rate(self.settings, self.fees, control)?;
        Ok(old.plus(increment).max(now))
    }
}
