//! `fundrawtransaction` and `walletcreatefundedpsbt`: add coins and change, and let somebody else sign.

use std::sync::Arc;

use ::rpc::{Code, Json, Object, Request, RpcError};
use bitcoin::{Transaction, TxOut};
use primitives::{WitnessMode, hex};
use psbt::{Psbt, Version};
use signer::requests::psbt_error;
use signer::{PsbtManner, fill_psbt};

use super::options::{TRUC_MAX_WEIGHT, move_weights, read_options};
use super::outputs::{construct, fee_payers, normalize, outputs, recipients};
use super::{build, default_control, dice, json_position, lock_inputs, spend_error};
use crate::loader::Wallets;
use crate::rpc::common::{synced_wallet, wallet_of};
use crate::select::TRUC_VERSION;
use crate::shared::Shared;
use crate::spend::{CoinControl, Created, Recipient};
use crate::wallet::Wallet;

/// Adds coins to a transaction without outputs, until they pay the recipients, as the options say.
pub(super) fn fund(
    wallet: &Arc<Wallet>,
    inputs: Transaction,
    recipients: &[Recipient],
    options: &Json,
    mut control: CoinControl,
    override_minimum: bool,
) -> Result<Created, RpcError> {
    wallet.wait_until_synced()?;
    let (change_position, lock) = read_options(wallet, options, recipients.len(), &mut control, override_minimum)?;
    let inputs = wallet.shared().codec.new_tx(inputs, 0);
    if inputs.version() == TRUC_VERSION {
        let limit = control.max_tx_weight.unwrap_or(TRUC_MAX_WEIGHT).min(TRUC_MAX_WEIGHT);
        control.max_tx_weight = Some(limit);
    }
    if recipients.is_empty() {
        return Err(RpcError::invalid_parameter("TX must have at least one output"));
    }
    let mut dice = dice(wallet)?;
    let created = build(wallet, &mut dice, |spender| spender.fund(&inputs, recipients, change_position, control))?
        .map_err(|error| spend_error(error, Code::WALLET_ERROR))?;
    if lock {
        lock_inputs(wallet, &created.tx)?;
    }
    Ok(created)
}

/// `fundrawtransaction`
pub(super) fn fundrawtransaction(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = &wallet_of(wallets, request)?;
    let is_witness = match request.param(2) {
        Json::Null => None,
        said => Some(said.as_bool()?),
    };
    let bytes = hex::decode(request.param(0).as_str()?);
    let (without, with) = (is_witness != Some(true), is_witness != Some(false));
    let tx = bytes.and_then(|bytes| wallet.shared().codec.guess_tx(&bytes, without, with));
    let tx = tx.ok_or_else(|| RpcError::new(Code::DESERIALIZATION_ERROR, "TX decode failed"))?;

    let options = request.param(1);
    let names = vec!["dummy"; tx.outputs().len()];
    let payers = fee_payers(options.get("subtractFeeFromOutputs"), &names)?;
    let recipients = recipients(tx.outputs(), &payers);
    let mut inputs = tx.into_inner();
    inputs.output.clear();
    let created = fund(wallet, inputs, &recipients, options, default_control(wallet), true)?;
    Ok(Object::new()
        .with("hex", hex::encode(&created.tx.to_bytes(WitnessMode::Include)))
        .with("fee", Json::amount(created.fee))
        .with("changepos", json_position(created.change_position))
        .into())
}

/// `walletcreatefundedpsbt`
pub(super) fn walletcreatefundedpsbt(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = &synced_wallet(wallets, request)?;
    let shared = wallet.shared();
    let mut options = match request.param(3) {
        Json::Null => Object::new(),
        given => given.as_obj()?.clone(),
    };
    let mut control = default_control(wallet);
    control.version = request.int("version")?;
    let replaceable = match options.get("replaceable") {
        None | Some(Json::Null) => wallet.settings().signal_rbf,
        Some(said) => said.as_bool()?,
    };
    let (given_inputs, given_outputs) = (request.param(0), request.param(1));
    let mut inputs = construct(shared, given_inputs, given_outputs, request.param(2), replaceable, control.version)?;
    let pairs = normalize(given_outputs)?;
    let keys: Vec<&str> = pairs.keys().collect();
    let payers = fee_payers(options.get("subtractFeeFromOutputs").unwrap_or(&Json::Null), &keys)?;
    let paid: Vec<TxOut> = outputs(shared, &pairs)?;
    let recipients = recipients(&paid, &payers);
    // Coins are added by themselves unless some are named, or the options say so.
    control.allow_other_inputs = inputs.input.is_empty();
    move_weights(given_inputs, &mut options)?;
    inputs.output.clear();
    let created = fund(wallet, inputs, &recipients, &options.into(), control, true)?;

    let version = psbt_version(shared, request.param(6))?;
    let mut psbt = Psbt::new(shared.codec, version, &created.tx);
    let bip32_derivs = request.param(4).is_null() || request.param(4).as_bool()?;
    let manner = PsbtManner { sign: false, sighash: None, finalize: true, bip32_derivs };
    let provider = wallet.read(|core| core.prepare_psbt(&mut psbt));
    fill_psbt(&mut psbt, &provider, manner).map_err(psbt_error)?;
    Ok(Object::new()
        .with("psbt", psbt.to_base64())
        .with("fee", Json::amount(created.fee))
        .with("changepos", json_position(created.change_position))
        .into())
}

/// The version of PSBTs that is written unless another one is asked for (`-rpccompat`).
pub(super) fn usual_version(shared: &Shared) -> Version {
    if shared.config.answers_deprecated("psbtv0") { Version::V0 } else { Version::V2 }
}

/// The version of a PSBT that is asked for.
pub(super) fn psbt_version(shared: &Shared, given: &Json) -> Result<Version, RpcError> {
    if given.is_null() {
        return Ok(usual_version(shared));
    }
    match given.as_int::<i64>()? {
        0 => Ok(Version::V0),
        2 => Ok(Version::V2),
        _ => Err(RpcError::invalid_parameter("The PSBT version can only be 2 or 0")),
    }
}
