//! `sendtoaddress` and `sendmany`: pay, sign, send.

use std::collections::BTreeSet;
use std::sync::Arc;

use ::rpc::{Code, Json, Object, Request, RpcError};
use walletdb::{Text, WalletFlags};

use super::options::read_fee;
use super::outputs::{fee_payers, outputs, recipients};
use super::{default_control, dice, spend_error, spend_with};
use crate::ledger::Notes;
use crate::loader::Wallets;
use crate::rpc::common::{avoid_reuse, ensure_unlocked, is_watch_only, synced_wallet};
use crate::spend::{CoinControl, Recipient, Spender};
use crate::wallet::{Wallet, WalletError};

/// `sendtoaddress`
pub(super) fn sendtoaddress(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = &synced_wallet(wallets, request)?;
    let notes =
        Notes { comment: comment(request.param(2))?, comment_to: comment(request.param(3))?, ..Notes::default() };
    let mut control = default_control(wallet);
    control.signal_rbf = optional_bool(request.param(5))?;
    control.avoid_address_reuse = wallet.read(|core| avoid_reuse(core, request.param(8)))?;
    control.avoid_partial_spends |= control.avoid_address_reuse;
    read_fee(wallet, &mut control, request.param(6), request.param(7), request.param(9), false)?;
    wallet.read(ensure_unlocked)?;

    let pairs = Object::new().with(request.param(0).as_str()?.to_owned(), request.param(1).clone());
    let pays_fee = optional_bool(request.param(4))? == Some(true);
    let payers: BTreeSet<usize> = if pays_fee { [0].into() } else { BTreeSet::new() };
    let recipients = recipients(&outputs(wallet.shared(), &pairs)?, &payers);
    let verbose = optional_bool(request.param(10))? == Some(true);
    pay(wallet, recipients, &control, &notes, verbose)
}

/// `sendmany`
pub(super) fn sendmany(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = &synced_wallet(wallets, request)?;
    if !request.param(0).is_null() && !request.param(0).as_str()?.is_empty() {
        return Err(RpcError::invalid_parameter("Dummy value must be set to \"\""));
    }
    let pairs = request.param(1).as_obj()?;
    let notes = Notes { comment: comment(request.param(3))?, ..Notes::default() };
    let mut control = default_control(wallet);
    control.signal_rbf = optional_bool(request.param(5))?;
    read_fee(wallet, &mut control, request.param(6), request.param(7), request.param(8), false)?;
    let outputs = outputs(wallet.shared(), pairs)?;
    let keys: Vec<&str> = pairs.keys().collect();
    let recipients = recipients(&outputs, &fee_payers(request.param(4), &keys)?);
    let verbose = optional_bool(request.param(9))? == Some(true);
    pay(wallet, recipients, &control, &notes, verbose)
}

/// Builds, signs and sends. Such a transaction is sent at once or not at all.
fn pay(
    wallet: &Arc<Wallet>,
    mut recipients: Vec<Recipient>,
    control: &CoinControl,
    notes: &Notes,
    verbose: bool,
) -> Result<Json, RpcError> {
    wallet.read(ensure_unlocked)?;
    if wallet.has_flag(WalletFlags::EXTERNAL_SIGNER) {
        let text =
            "Error: sendtoaddress and sendmany are not supported for wallets with external signers; use send instead";
        return Err(RpcError::new(Code::WALLET_ERROR, text));
    }
    if wallet.read(is_watch_only) {
        return Err(RpcError::new(Code::WALLET_ERROR, "Error: Private keys are disabled for this wallet"));
    }
    let mut dice = dice(wallet)?;
    // The order of the outputs says nothing.
    dice.shuffle(&mut recipients);
    // One change, so that the disk is waited for once.
    let made = wallet.change(|core, draft| {
        let spend = |spender: &mut Spender<'_>| spender.create(&recipients, None, control);
        let created = match spend_with(wallet, core, draft, &mut dice, spend) {
            Ok(created) => created,
            Err(error) => return Ok(Err(spend_error(error, Code::WALLET_INSUFFICIENT_FUNDS))),
        };
        let Some(signed) = core.sign(wallet.shared().codec, &created.tx) else {
            return Ok(Err(RpcError::new(Code::WALLET_INSUFFICIENT_FUNDS, "Signing transaction failed")));
        };
        let tx = Arc::new(signed);
        wallet.enter(core, draft, &tx, notes);
        Ok::<_, WalletError>(Ok((tx, created.fee_reason)))
    })?;
    let (tx, fee_reason) = made?;
    wallet.send_entered(&tx)?;
    let txid = tx.txid().to_string();
    Ok(if verbose {
        Object::new().with("txid", txid).with("fee_reason", fee_reason.text()).into()
    } else {
        Json::str(txid)
    })
}

/// A comment, unless it is empty.
fn comment(given: &Json) -> Result<Option<Text>, RpcError> {
    let text = if given.is_null() { "" } else { given.as_str()? };
    Ok(Some(text).filter(|text| !text.is_empty()).map(Text::from))
}

fn optional_bool(given: &Json) -> Result<Option<bool>, RpcError> {
    Ok(if given.is_null() { None } else { Some(given.as_bool()?) })
}
