//! Spending: from recipients to a transaction that only lacks signatures.
//!
//! A [`Spender`] borrows what it needs: the ledger, the wallet's addresses as a [`Purse`], the node's fee rates and
//! mempool, settings, time and randomness. It signs nothing and stores nothing. What happens, in order:
//!
//! 1. The caller says what it wants: [`Recipient`]s and a [`CoinControl`].
//! 2. The fee rate is what the user named or the node estimates, within limits (`fees`).
//! 3. The ledger's coins, and those that were named, get a price (`coins`), and [`crate::select`] chooses among them.
//! 4. Inputs, outputs and change are put together, locked against fee sniping (`snipe`), measured as if they were signed
//!    (`size`), and the fee is settled: change grows, or recipients get less (`build`).
//! 5. Unless the wallet does so anyway, the same is tried once more with all coins of each script together; if that costs
//!    hardly more, it is better for privacy.
//!
//! [`Spender::fund`] starts from a transaction with inputs, [`Spender::bump`] replaces one that pays too little.
//!
//! Errors are the reference wallet's, word by word: [`SpendError`].

mod build;
mod bump;
mod coins;
mod control;
mod core_purse;
mod error;
mod fees;
mod purse;
mod settings;
mod sign;
mod size;
mod snipe;
mod sweep;
#[cfg(test)]
mod tests;
mod weigh;

use std::fmt;

use bitcoin::ScriptBuf;
use descriptors::AddressType;
use interfaces::{Chain, ChainBlocks, ChainFees, ChainMempool, ChainTip};
use primitives::{Codec, Destination, Tx};

pub use build::{SEQUENCE_NONFINAL, SEQUENCE_RBF, amount};
pub use bump::{BumpError, BumpRequest, Bumped};
pub use control::{CoinControl, FeeMode, Preset, Recipient};
pub use core_purse::CorePurse;
pub use error::SpendError;
pub use fees::{FeeReason, dust_rate};
pub use purse::Purse;
pub use settings::{Settings, SettingsError, parse_money};
pub use size::{InputSize, Satisfaction, TxSize, dust_threshold, signed_size};
pub use sweep::{SweepError, SweepRequest};

use crate::convert::to_outpoint;
use crate::ledger::Ledger;
use crate::select::Dice;

/// A transaction that only lacks signatures.
#[derive(Debug, Clone)]
pub struct Created {
    /// The transaction. Inputs that had signatures still have them.
    pub tx: Tx,
    /// What it pays.
    pub fee: i64,
    /// Which output is the change.
    pub change_position: Option<usize>,
    /// Why it pays that.
    pub fee_reason: FeeReason,
}

/// Makes transactions.
pub struct Spender<'a> {
    /// The wallet's transactions.
    pub ledger: &'a Ledger,
    /// The wallet's addresses.
    pub purse: &'a mut dyn Purse,
    /// What the user configured.
    pub settings: &'a Settings,
    /// How the coin writes transactions.
    pub codec: Codec,
    /// The tip of the chain.
    pub tip: &'a dyn ChainTip,
    /// Its blocks.
    pub blocks: &'a dyn ChainBlocks,
    /// Its fee rates.
    pub fees: &'a dyn ChainFees,
    /// Its mempool.
    pub mempool: &'a dyn ChainMempool,
    /// The time, in seconds.
    pub now: i64,
    /// Randomness.
    pub dice: &'a mut Dice,
}

impl fmt::Debug for Spender<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spender").field("settings", self.settings).field("now", &self.now).finish_non_exhaustive()
    }
}

impl<'a> Spender<'a> {
    /// With all that one node offers.
    pub fn new(
        ledger: &'a Ledger,
        purse: &'a mut dyn Purse,
        settings: &'a Settings,
        codec: Codec,
        chain: &'a dyn Chain,
        now: i64,
        dice: &'a mut Dice,
    ) -> Self {
        Self { ledger, purse, settings, codec, tip: chain, blocks: chain, fees: chain, mempool: chain, now, dice }
    }

    /// Makes a transaction that pays the recipients. Change goes to `change_position`, or anywhere.
    pub fn create(
        &mut self,
        recipients: &[Recipient],
        change_position: Option<usize>,
        control: &CoinControl,
    ) -> Result<Created, SpendError> {
        if recipients.is_empty() {
            return Err(SpendError::NoRecipients);
        }
        if recipients.iter().any(|recipient| recipient.amount < 0) {
            return Err(SpendError::NegativeAmount);
        }
        let single = self.attempt_with_change(recipients, change_position, control)?;
        let Some(tolerance) = self.settings.max_aps_fee else { return Ok(single) };
        if single.fee <= 0 || control.avoid_partial_spends {
            return Ok(single);
        }
        let mut grouped_control = control.clone();
        grouped_control.avoid_partial_spends = true;
        if let Some(change) = single.change_position.and_then(|position| single.tx.outputs().get(position)) {
            grouped_control.change_script = Some(change.script_pubkey.clone());
        }
        let Ok(grouped) = self.attempt_with_change(recipients, change_position, &grouped_control) else {
            return Ok(single);
        };
        let better = grouped.fee <= single.fee.saturating_add(tolerance);
        tracing::info!(
            target: "wallet",
            "Fee non-grouped = {}, grouped = {}, using {}",
            single.fee,
            grouped.fee,
            if better { "grouped" } else { "non-grouped" }
        );
        Ok(if better { grouped } else { single })
    }

    /// Makes a transaction with an address for change, which is taken back if it comes to nothing.
    fn attempt_with_change(
        &mut self,
        recipients: &[Recipient],
        change_position: Option<usize>,
        control: &CoinControl,
    ) -> Result<Created, SpendError> {
        if let Some(script) = &control.change_script {
            return self.attempt(recipients, change_position, control, Ok(script.clone()));
        }
        let kind = self.change_kind(control, recipients);
        let change = self.purse.give_change(kind);
        let given: Option<ScriptBuf> = change.as_ref().ok().cloned();
        let made = self.attempt(recipients, change_position, control, change);
        if let (Err(_), Some(script)) = (&made, given) {
            self.purse.take_back_change(&script);
        }
        made
    }

    /// The kind of the change address: what was asked for, or what looks most like the recipients'.
    fn change_kind(&self, control: &CoinControl, recipients: &[Recipient]) -> AddressType {
        if let Some(kind) = control.change_type.or(self.settings.change_type) {
            return kind;
        }
        if self.settings.address_type == AddressType::Legacy {
            return AddressType::Legacy;
        }
        let paid: Vec<Destination> =
            recipients.iter().map(|recipient| Destination::from_script(&recipient.script)).collect();
        let is_paid = |kind: AddressType| {
            paid.iter().any(|destination| match kind {
                AddressType::Bech32m => matches!(destination, Destination::WitnessV1Taproot(_)),
                AddressType::Bech32 => matches!(destination, Destination::WitnessV0KeyHash(_)),
                AddressType::P2shSegwit => matches!(destination, Destination::ScriptHash(_)),
                AddressType::Legacy => matches!(destination, Destination::PubKeyHash(_)),
            })
        };
        let by_preference = || AddressType::ALL.into_iter().rev().filter(|kind| self.purse.has_change_kind(*kind));
        let like_recipient = by_preference().find(|kind| is_paid(*kind));
        let newest = || by_preference().find(|kind| matches!(kind, AddressType::Bech32m | AddressType::Bech32));
        like_recipient.or_else(newest).unwrap_or(self.settings.address_type)
    }

    /// Makes a transaction that pays the recipients, spends the inputs of `inputs` and keeps its version and lock time.
    pub fn fund(
        &mut self,
        inputs: &Tx,
        recipients: &[Recipient],
        change_position: Option<usize>,
        mut control: CoinControl,
    ) -> Result<Created, SpendError> {
        control.lock_time = Some(inputs.lock_time());
        control.version = inputs.version();
        let outpoints: Vec<_> = inputs.inputs().iter().map(|input| to_outpoint(&input.previous_output)).collect();
        let mut coins =
            if outpoints.is_empty() { Vec::new() } else { self.mempool.find_coins(&outpoints)? }.into_iter();
        for input in inputs.inputs() {
            let coin = coins.next().flatten();
            let outpoint = input.previous_output;
            let is_mine = self.ledger.coin(&outpoint).is_some();
            let preset = control.select(outpoint);
            if !is_mine {
                preset.external = Some(coins::output(&coin.ok_or(SpendError::UnknownExternalInput)?));
            }
            preset.sequence = Some(input.sequence.0);
            preset.script_sig.clone_from(&input.script_sig);
            preset.witness.clone_from(&input.witness);
        }
        self.create(recipients, change_position, &control)
    }
}
