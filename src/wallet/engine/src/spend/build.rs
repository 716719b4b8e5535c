//! Building one transaction: from recipients to inputs, outputs and a fee.

use std::sync::Arc;

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, ScriptBuf, Sequence, Transaction, TxIn, TxOut};
use consensus::{format_money, value_of};
use descriptors::Known;
use primitives::{Tx, compact_len};

use super::coins::Ancestors;
use super::fees::{discard_rate, dust_rate, fee_rate, relay_min_rate};
use super::size::{InputSize, NESTED_INPUT_VSIZE, dust_threshold, script_output_size, signed, signed_size, vsize};
use super::{CoinControl, Created, FeeReason, Recipient, SpendError, Spender};
use crate::convert::to_raw;
use crate::select::{
    Coin, FeeRate, Limits, MAX_STANDARD_TX_WEIGHT, Params, SelectError, Selection, Selector, WITNESS_SCALE,
    change_target,
};

/// No transaction is relayed whose size without witnesses is less.
const MIN_STANDARD_TX_SIZE: i64 = 65;

/// The sequence number of a transaction that may be replaced (BIP125).
pub const SEQUENCE_RBF: u32 = 0xffff_fffd;
/// The sequence number of one that may not, but whose lock time counts.
pub const SEQUENCE_NONFINAL: u32 = 0xffff_fffe;

/// What is known before coins are chosen.
struct Plan {
    params: Params,
    reason: FeeReason,
    dust_rate: FeeRate,
    /// What the recipients get.
    paid: i64,
    /// How many of them pay the fee.
    payers: i64,
    /// What the coins must amount to.
    target: i64,
    change: Result<ScriptBuf, String>,
}

impl Plan {
    fn change_script(&self) -> ScriptBuf {
        self.change.clone().unwrap_or_default()
    }
}

/// An amount as an output has it.
pub fn amount(value: i64) -> Amount {
    Amount::from_sat(u64::try_from(value).unwrap_or(0))
}

impl Spender<'_> {
    /// Makes one transaction, with the change address that is given.
    pub(super) fn attempt(
        &mut self,
        recipients: &[Recipient],
        change_position: Option<usize>,
        control: &CoinControl,
        change: Result<ScriptBuf, String>,
    ) -> Result<Created, SpendError> {
        let plan = self.plan(recipients, control, change)?;
        if plan.target == 0 && control.presets().len() == 0 {
            return Err(SpendError::NothingToSpend);
        }
        let selection = self.choose_coins(&plan, control)?;
        let mut made = self.assemble(recipients, change_position, control, &plan, &selection)?;
        settle_fee(recipients, &plan, &selection, &mut made)?;
        if made.change_position.is_some()
            && let Err(reason) = plan.change
        {
            return Err(SpendError::NoChangeAddress(reason));
        }
        if made.weight > MAX_STANDARD_TX_WEIGHT {
            return Err(SpendError::TooLarge);
        }
        if made.fee > self.settings.max_fee {
            return Err(SpendError::MaxFeeExceeded);
        }
        tracing::info!(
            target: "wallet",
            "Coin Selection: Algorithm:{}, Waste Metric Score:{}",
            selection.algorithm().name(),
            selection.waste(&plan.params)
        );
        let (fee, bytes) = (made.fee, vsize(made.weight));
        tracing::info!(target: "wallet", "Fee Calculation: Fee:{fee} Bytes:{bytes}, Source: {}", plan.reason.text());
        let tx = self.finish(made.tx);
        if self.settings.reject_long_chains {
            self.mempool.check_chain_limits(&to_raw(&tx))?.map_err(|failure| SpendError::ChainLimits(failure.0))?;
        }
        Ok(Created { tx, fee, change_position: made.change_position, fee_reason: plan.reason })
    }

    /// The finished transaction, with what the coin writes behind it.
    pub(super) fn finish(&self, tx: Transaction) -> Tx {
        self.codec.new_tx(tx, self.spend_height())
    }

    /// The height that coins are worth what they are worth at: that of the next block.
    fn spend_height(&self) -> u32 {
        u32::try_from(self.ledger.tip().height.saturating_add(1)).unwrap_or(0)
    }

    /// Bytes that the coin writes behind the lock time.
    pub(super) fn tail(&self) -> i64 {
        if self.codec.tx_format().has_lock_height() { 4 } else { 0 }
    }

    fn plan(
        &mut self,
        recipients: &[Recipient],
        control: &CoinControl,
        change: Result<ScriptBuf, String>,
    ) -> Result<Plan, SpendError> {
        let lightest = MIN_STANDARD_TX_SIZE * WITNESS_SCALE;
        let max_tx_weight = control.max_tx_weight.unwrap_or(MAX_STANDARD_TX_WEIGHT);
        if !(lightest..=MAX_STANDARD_TX_WEIGHT).contains(&max_tx_weight) {
            return Err(SpendError::WeightLimit(lightest, MAX_STANDARD_TX_WEIGHT));
        }
        let dust_rate = dust_rate(self.fees)?;
        // Version, lock time, the count of inputs, marker, flag and counts of the witnesses; then the outputs.
        let mut no_inputs_size = 10 + self.tail() + signed(compact_len(recipients.len()));
        let mut paid = 0_i64;
        for recipient in recipients {
            if recipient.amount < dust_threshold(&recipient.script, dust_rate) {
                return Err(SpendError::Dust);
            }
            no_inputs_size += script_output_size(&recipient.script);
            paid = paid.saturating_add(recipient.amount);
        }
        let payers = signed(recipients.iter().filter(|recipient| recipient.subtract_fee).count());

        let change_script = change.clone().unwrap_or_default();
        let spends_change = self.purse.satisfaction(&change_script, &Known::default(), false);
        let change_spend_size = spends_change.map_or(NESTED_INPUT_VSIZE, |found| i64::from(found.input_vsize()));
        let discard_fee_rate = discard_rate(self.settings, self.fees)?;
        let (fee_rate, reason) = self.chosen_rate(control)?;

        let change_output_size = script_output_size(&change_script);
        let change_fee = fee_rate.fee(change_output_size);
        let change_spend_fee = discard_fee_rate.fee(change_spend_size);
        let count = signed(recipients.len()).max(1);
        let params = Params {
            change_output_size,
            change_spend_size,
            min_change_target: change_target(paid / count, change_fee, self.dice),
            min_viable_change: change_spend_fee.saturating_add(1).max(dust_threshold(&change_script, discard_fee_rate)),
            change_fee,
            cost_of_change: change_spend_fee.saturating_add(change_fee),
            fee_rate,
            long_term_fee_rate: self.settings.consolidate_fee_rate,
            discard_fee_rate,
            no_inputs_size,
            subtract_fee: payers > 0,
            avoid_partial_spends: control.avoid_partial_spends,
            include_unsafe: control.include_unsafe,
            version: control.version,
            max_tx_weight,
        };
        let not_inputs = if params.subtract_fee { 0 } else { fee_rate.fee(no_inputs_size) };
        Ok(Plan { params, reason, dust_rate, paid, payers, target: paid.saturating_add(not_inputs), change })
    }

    /// The rate that the transaction pays. A rate that the user named is taken as it is, or not at all.
    pub fn chosen_rate(&self, control: &CoinControl) -> Result<(FeeRate, FeeReason), SpendError> {
        let (rate, reason) = fee_rate(self.settings, self.fees, control)?;
        if let Some(user) = control.fee_rate.filter(|user| rate > *user) {
            let hint = if reason == FeeReason::Required {
                format!(
                    "\nConsider modifying -mintxfee ({}) or -minrelaytxfee ({}).",
                    self.settings.min_fee_rate.per_vbyte_text(),
                    relay_min_rate(self.fees)?.per_vbyte_text()
                )
            } else {
                String::new()
            };
            let (user, minimum) = (user.per_vbyte_text(), rate.per_vbyte_text());
            return Err(SpendError::FeeRateTooLow { user, minimum, hint });
        }
        if reason == FeeReason::Fallback && self.settings.fallback_fee_rate.is_zero() {
            return Err(SpendError::NoFeeRate);
        }
        Ok((rate, reason))
    }

    fn choose_coins(&mut self, plan: &Plan, control: &CoinControl) -> Result<Selection, SpendError> {
        let params = &plan.params;
        let (rate, long_term) = (params.fee_rate, params.long_term_fee_rate);
        let preset = self.presets(control, rate, long_term)?;
        let available = if control.allow_other_inputs { self.available(control, rate, long_term)? } else { Vec::new() };
        let sum = |of: fn(&Coin) -> i64| {
            preset.iter().chain(&available).fold(0_i64, |sum, coin| sum.saturating_add(of(coin)))
        };
        let (balance, effective_balance) = (sum(|coin| coin.value), sum(Coin::effective_value));
        let package = self.mempool.package_limits()?;
        let limits = Limits {
            ancestors: u64::from(package.ancestors),
            descendants: u64::from(package.descendants),
            spend_zero_conf_change: self.settings.spend_zero_conf_change,
            reject_long_chains: self.settings.reject_long_chains,
        };
        let bumps = Ancestors(self.mempool);
        let mut selector = Selector { params, limits: &limits, bumps: &bumps, dice: self.dice };
        match selector.select(available, &preset, plan.target, control.allow_other_inputs) {
            // There is enough for the recipients, but not for the fee.
            Err(SelectError::Insufficient) if balance >= plan.paid && effective_balance < plan.target => {
                Err(SpendError::FeeExceedsBalance(format_money(plan.target.saturating_sub(plan.paid))))
            }
            result => Ok(result?),
        }
    }

    /// Puts inputs, outputs and change together.
    fn assemble(
        &mut self,
        recipients: &[Recipient],
        change_position: Option<usize>,
        control: &CoinControl,
        plan: &Plan,
        selection: &Selection,
    ) -> Result<Made, SpendError> {
        let pay =
            |recipient: &Recipient| TxOut { value: amount(recipient.amount), script_pubkey: recipient.script.clone() };
        let mut output: Vec<TxOut> = recipients.iter().map(pay).collect();
        let change = selection.change(plan.params.min_viable_change, plan.params.change_fee);
        let mut position = None;
        if change > 0 {
            let at = change_position.unwrap_or_else(|| self.dice.index(output.len() + 1));
            if at > output.len() {
                return Err(SpendError::ChangePosition);
            }
            output.insert(at, TxOut { value: amount(change), script_pubkey: plan.change_script() });
            position = Some(at);
        }

        let mut coins = selection.shuffled(self.dice);
        // Named inputs come first, in the order in which they were named.
        coins.sort_by_key(|coin| {
            let position = control.preset(&coin.outpoint).and_then(super::Preset::position);
            (position.is_none(), position)
        });
        let replaceable = control.signal_rbf.unwrap_or(self.settings.signal_rbf);
        let default_sequence = if replaceable { SEQUENCE_RBF } else { SEQUENCE_NONFINAL };
        let mut free_lock_time = true;
        let mut input = Vec::with_capacity(coins.len());
        for coin in &coins {
            let preset = control.preset(&coin.outpoint);
            let sequence = preset.and_then(|preset| preset.sequence);
            free_lock_time &= sequence.is_none();
            input.push(TxIn {
                previous_output: coin.outpoint,
                script_sig: preset.map(|preset| preset.script_sig.clone()).unwrap_or_default(),
                sequence: Sequence(sequence.unwrap_or(default_sequence)),
                witness: preset.map(|preset| preset.witness.clone()).unwrap_or_default(),
            });
        }
        let lock_time = match control.lock_time {
            Some(lock_time) => lock_time,
            None if free_lock_time => self.lock_time_against_sniping()?,
            None => 0,
        };
        let tx = Transaction {
            version: Version(control.version.cast_signed()),
            lock_time: LockTime::from_consensus(lock_time),
            input,
            output,
        };
        let weight = self.estimate(&tx, &coins, control).ok_or(SpendError::UnknownSize)?;
        Ok(Made { tx, weight, fee: 0, change_position: position })
    }

    /// What the transaction weighs when it is signed.
    fn estimate(&self, tx: &Transaction, coins: &[Arc<Coin>], control: &CoinControl) -> Option<i64> {
        let size = |coin: &Arc<Coin>| match control.preset(&coin.outpoint) {
            Some(preset) => self.preset_size(&coin.script, preset, control),
            None => self.purse.satisfaction(&coin.script, &control.solving, false).map(InputSize::Script),
        };
        let inputs: Option<Vec<InputSize>> = coins.iter().map(size).collect();
        Some(signed_size(tx, &inputs?, self.tail()).weight)
    }
}

/// Makes the outputs what is left after the fee: change grows by what was put aside too much, and recipients who pay
/// the fee get less.
fn settle_fee(recipients: &[Recipient], plan: &Plan, selection: &Selection, made: &mut Made) -> Result<(), SpendError> {
    let needed = plan.params.fee_rate.fee(vsize(made.weight)).saturating_add(selection.bump_fees());
    let input_value = selection.value();
    let mut fee = input_value.saturating_sub(output_value(&made.tx));
    if fee < 0 {
        return Err(SpendError::Internal("Fee paid < 0"));
    }
    if let Some(change) = made.change_position.and_then(|position| made.tx.output.get_mut(position))
        && needed < fee
    {
        change.value = amount(value_of(change).saturating_add(fee - needed));
        fee = needed;
    }
    if plan.params.subtract_fee {
        subtract_fee(recipients, plan, needed.saturating_sub(fee), made)?;
        fee = input_value.saturating_sub(output_value(&made.tx));
        if fee != needed {
            return Err(SpendError::Internal("SFFO: Fee needed != fee paid"));
        }
    }
    if needed > fee {
        return Err(SpendError::Internal("Fee needed > fee paid"));
    }
    made.fee = fee;
    Ok(())
}

/// A transaction in the making.
struct Made {
    tx: Transaction,
    weight: i64,
    fee: i64,
    change_position: Option<usize>,
}

/// What all outputs are worth.
pub(super) fn output_value(tx: &Transaction) -> i64 {
    tx.output.iter().fold(0_i64, |sum, output| sum.saturating_add(value_of(output)))
}

/// Takes the fee from those who pay it, in equal parts. The first pays what is left over.
fn subtract_fee(recipients: &[Recipient], plan: &Plan, missing: i64, made: &mut Made) -> Result<(), SpendError> {
    let (share, mut rest) = (missing / plan.payers, missing % plan.payers);
    let change = made.change_position;
    let outputs = made.tx.output.iter_mut().enumerate().filter(|(index, _)| Some(*index) != change);
    for (recipient, (_, output)) in recipients.iter().zip(outputs) {
        if !recipient.subtract_fee {
            continue;
        }
        let left = value_of(output).saturating_sub(share).saturating_sub(rest);
        rest = 0;
        if left < dust_threshold(&output.script_pubkey, plan.dust_rate) {
            return Err(if left < 0 { SpendError::AmountBelowFee } else { SpendError::DustAfterFee });
        }
        output.value = amount(left);
    }
    Ok(())
}
