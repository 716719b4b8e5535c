//! From the ledger's coins, and those that the caller names, to coins with a price.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bitcoin::{OutPoint, Script, ScriptBuf, TxOut, Txid};
use consensus::value_of;
use descriptors::Known;
use interfaces::{Call, ChainMempool, TxAncestry};

use super::size::{InputSize, kind, vsize};
use super::{CoinControl, Preset, SpendError, Spender};
use crate::convert::{to_outpoint, to_txid};
use crate::ledger::{Available, CoinFilter};
use crate::select::{BumpFees, Coin, FeeRate, TRUC_VERSION};

/// The node's mempool, asked about ancestors.
pub(super) struct Ancestors<'a>(pub(super) &'a dyn ChainMempool);

impl BumpFees for Ancestors<'_> {
    fn combined_bump_fee(&self, outpoints: &[OutPoint], rate: FeeRate) -> Call<Option<i64>> {
        let outpoints: Vec<_> = outpoints.iter().map(to_outpoint).collect();
        self.0.combined_bump_fee(&outpoints, rate.fee_per_kvb())
    }
}

/// What ancestors of each output lack. What the node does not answer is nothing.
fn bump_fees(mempool: &dyn ChainMempool, outpoints: &[OutPoint], rate: FeeRate) -> Call<BTreeMap<OutPoint, i64>> {
    if outpoints.is_empty() {
        return Ok(BTreeMap::new());
    }
    let asked: Vec<_> = outpoints.iter().map(to_outpoint).collect();
    let answers: BTreeMap<_, _> = mempool
        .individual_bump_fees(&asked, rate.fee_per_kvb())?
        .into_iter()
        .map(|answer| (answer.outpoint, answer.fee))
        .collect();
    let fee = |asked: &interfaces::OutPoint| answers.get(asked).copied().unwrap_or(0);
    Ok(outpoints.iter().zip(&asked).map(|(outpoint, asked)| (*outpoint, fee(asked))).collect())
}

/// How a version 3 transaction may, and others may not, spend unconfirmed version 3 coins.
pub(super) fn check_truc(parent: u32, child: u32) -> Result<(), SpendError> {
    match (parent == TRUC_VERSION, child == TRUC_VERSION) {
        (true, false) => Err(SpendError::TrucInput(child)),
        (false, true) => Err(SpendError::NonTrucInput(parent)),
        _ => Ok(()),
    }
}

/// An outpoint as messages show it.
fn shown(outpoint: &OutPoint) -> String {
    let txid = outpoint.txid.to_string();
    format!("COutPoint({}, {})", txid.get(..10).unwrap_or(&txid), outpoint.vout)
}

impl Spender<'_> {
    /// The coins that the transaction may spend besides the named ones, before they are priced.
    pub fn spendable(&self, control: &CoinControl, min_amount: i64) -> Result<Vec<Available>, SpendError> {
        let purse = &*self.purse;
        let is_used = |script: &Script| purse.is_used(script);
        let filter = CoinFilter {
            min_depth: control.min_depth,
            max_depth: control.max_depth,
            only_safe: !control.include_unsafe,
            min_amount,
            trust_change: self.settings.spend_zero_conf_change,
            version: Some(control.version),
            is_used: control.avoid_address_reuse.then_some(&is_used),
            ..CoinFilter::default()
        };
        let owner = |script: &Script| purse.is_mine(script);
        let mut found = self.ledger.available(&owner, &filter);
        found.retain(|coin| control.preset(&coin.outpoint).is_none());
        self.one_truc_parent(&mut found)?;
        Ok(found)
    }

    /// An unconfirmed version 3 transaction has at most one unconfirmed parent, so only the coins of one are of use: of
    /// the one that is worth most. A parent that has a parent itself is of none.
    fn one_truc_parent(&self, found: &mut Vec<Available>) -> Result<(), SpendError> {
        let is_truc = |coin: &Available| coin.depth == 0 && coin.version == TRUC_VERSION;
        let mut totals: BTreeMap<Txid, i64> = BTreeMap::new();
        for coin in found.iter().filter(|coin| is_truc(coin)) {
            let total = totals.entry(coin.outpoint.txid).or_default();
            *total = total.saturating_add(coin.value);
        }
        let relatives = self.relatives(totals.keys().copied().collect())?;
        let is_alone = |txid: &Txid| relatives.get(txid).is_some_and(|relatives| relatives.ancestors <= 1);
        let best = totals.into_iter().filter(|(txid, _)| is_alone(txid)).map(|(txid, total)| (total, txid)).max();
        let best = best.map(|(_, txid)| txid);
        found.retain(|coin| !is_truc(coin) || Some(coin.outpoint.txid) == best);
        Ok(())
    }

    /// What transactions of the mempool depend on.
    fn relatives(&self, txids: BTreeSet<Txid>) -> Result<BTreeMap<Txid, TxAncestry>, SpendError> {
        if txids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let asked: Vec<_> = txids.iter().map(to_txid).collect();
        Ok(txids.into_iter().zip(self.mempool.transaction_ancestries(&asked)?).collect())
    }

    /// The coins that the transaction may spend besides the named ones.
    pub(super) fn available(
        &self,
        control: &CoinControl,
        rate: FeeRate,
        long_term: FeeRate,
    ) -> Result<Vec<Arc<Coin>>, SpendError> {
        let found = self.spendable(control, 1)?;
        let unconfirmed: Vec<OutPoint> =
            found.iter().filter(|coin| coin.depth == 0).map(|coin| coin.outpoint).collect();
        let bumps = bump_fees(self.mempool, &unconfirmed, rate)?;
        let relatives = self.relatives(unconfirmed.iter().map(|outpoint| outpoint.txid).collect())?;
        Ok(found
            .into_iter()
            .map(|found| {
                let satisfaction = self.purse.satisfaction(&found.script, &Known::default(), false);
                let vsize = satisfaction.map(|found| found.input_vsize());
                let kind = kind(&found.script, satisfaction.as_ref());
                let mut coin =
                    Coin::new(found.outpoint, found.value, found.script, kind, vsize).priced(rate, long_term);
                coin.depth = found.depth;
                coin.from_me = found.from_me;
                if let Some(relatives) = relatives.get(&found.outpoint.txid).filter(|_| found.depth == 0) {
                    coin.ancestors = relatives.ancestors;
                    coin.cluster = relatives.cluster;
                }
                coin.add_bump_fee(bumps.get(&found.outpoint).copied().unwrap_or(0));
                Arc::new(coin)
            })
            .collect())
    }

    /// The named coins.
    pub(super) fn presets(
        &self,
        control: &CoinControl,
        rate: FeeRate,
        long_term: FeeRate,
    ) -> Result<Vec<Arc<Coin>>, SpendError> {
        let outpoints: Vec<OutPoint> = control.presets().map(|(outpoint, _)| *outpoint).collect();
        let bumps = bump_fees(self.mempool, &outpoints, rate)?;
        let mut coins = Vec::new();
        for (outpoint, preset) in control.presets() {
            let (value, script) = self.preset_output(outpoint, preset, control)?;
            let input = self.preset_size(script, preset, control);
            let input_vsize = input.map(|input| match input {
                InputSize::Script(satisfaction) => satisfaction.input_vsize(),
                InputSize::Weight { weight, .. } => u32::try_from(vsize(weight)).unwrap_or(u32::MAX),
            });
            let input_vsize = input_vsize.ok_or_else(|| SpendError::UnsolvableInput(shown(outpoint)))?;
            let mut coin =
                Coin::new(*outpoint, value, script.to_owned(), None, Some(input_vsize)).priced(rate, long_term);
            coin.depth = 0;
            coin.add_bump_fee(bumps.get(outpoint).copied().unwrap_or(0));
            coins.push(Arc::new(coin));
        }
        Ok(coins)
    }

    /// Value and script of a named coin.
    fn preset_output<'s>(
        &'s self,
        outpoint: &OutPoint,
        preset: &'s Preset,
        control: &CoinControl,
    ) -> Result<(i64, &'s Script), SpendError> {
        if let Some((tx, output)) = self.ledger.coin(outpoint) {
            if self.ledger.depth(tx) == 0 {
                check_truc(tx.tx().version(), control.version)?;
            }
            return Ok((self.ledger.worth(tx, outpoint.vout), &output.script_pubkey));
        }
        let output = preset.external.as_ref().ok_or_else(|| SpendError::UnknownInput(shown(outpoint)))?;
        Ok((value_of(output), &output.script_pubkey))
    }

    /// How a named input will be signed: as the caller says, or as its script demands.
    pub(super) fn preset_size(&self, script: &Script, preset: &Preset, control: &CoinControl) -> Option<InputSize> {
        // Somebody else may make longer signatures.
        let high_r = preset.external.is_some();
        let satisfaction = self.purse.satisfaction(script, &control.solving, high_r);
        match preset.weight {
            Some(weight) => Some(InputSize::Weight { weight, segwit: satisfaction.is_some_and(|found| found.segwit) }),
            None => satisfaction.map(InputSize::Script),
        }
    }
}

/// An output that the node tells of.
pub(super) fn output(coin: &interfaces::Coin) -> TxOut {
    TxOut { value: super::amount(coin.value), script_pubkey: ScriptBuf::from_bytes(coin.script.as_bytes().to_vec()) }
}
