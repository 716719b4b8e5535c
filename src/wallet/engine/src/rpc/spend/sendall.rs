//! `sendall`: everything, or certain coins, without change.

use std::collections::BTreeSet;

use ::rpc::{Code, Json, Object, Request, RpcError};
use bitcoin::ScriptBuf;

use super::options::{TRUC_MAX_WEIGHT, has, join_fee_arguments, read_depths, read_fee, refuse_old_names};
use super::outputs::{construct, outputs};
use super::send::finish;
use super::{build, default_control, dice, lock_inputs};
use crate::loader::Wallets;
use crate::rpc::common::synced_wallet;
use crate::select::{MAX_STANDARD_TX_WEIGHT, TRUC_VERSION};
use crate::spend::{SpendError, SweepError, SweepRequest};
use crate::wallet::road;

/// `sendall`
pub(super) fn sendall(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = synced_wallet(wallets, request)?;
    let shared = wallet.shared();
    let options: Json =
        join_fee_arguments(request.param(4), request.param(1), request.param(2), request.param(3))?.into();
    refuse_old_names(&options)?;
    let (pairs, without_amount) = read_recipients(request.param(0))?;

    let mut control = default_control(&wallet);
    let [target, mode, rate] = ["conf_target", "estimate_mode", "fee_rate"].map(|key| options.get(key));
    read_fee(&wallet, &mut control, target, mode, rate, false)?;
    read_depths(&options, &mut control, "Invalid minconf (minconf cannot be negative): {}")?;
    if has(&options, "version") {
        control.version = options.get("version").as_int()?;
    }
    let is_truc = control.version == TRUC_VERSION;
    control.max_tx_weight = Some(if is_truc { TRUC_MAX_WEIGHT } else { MAX_STANDARD_TX_WEIGHT });
    let replaceable =
        if has(&options, "replaceable") { options.get("replaceable").as_bool()? } else { wallet.settings().signal_rbf };
    let mut dice = dice(&wallet)?;
    build(&wallet, &mut dice, |spender| spender.chosen_rate(&control))?.map_err(|error| rate_error(&error))?;

    let (inputs, lock_time) = (options.get("inputs"), options.get("locktime"));
    let tx = construct(shared, inputs, &pairs, lock_time, replaceable, control.version)?;
    let send_max = has(&options, "send_max") && options.get("send_max").as_bool()?;
    let only_inputs = has(&options, "inputs");
    if only_inputs && has(&options, "send_max") {
        return Err(RpcError::invalid_parameter("Cannot combine send_max with specific inputs."));
    }
    if only_inputs && (has(&options, "minconf") || has(&options, "maxconf")) {
        return Err(RpcError::invalid_parameter("Cannot combine minconf or maxconf with specific inputs."));
    }
    let mut shares = BTreeSet::new();
    for address in &without_amount {
        let one = Object::new().with(address.clone(), 0);
        shares.extend(outputs(shared, &one)?.into_iter().map(|output| output.script_pubkey));
    }
    let address = |script: &ScriptBuf| {
        let addresses = shared.addresses();
        addresses.encode(&addresses.destination(script)).unwrap_or_default()
    };
    let sweep = SweepRequest { tx, shares, only_inputs, send_max, replaceable, control };
    let tx =
        build(&wallet, &mut dice, |spender| spender.sweep(&sweep, &address))?.map_err(|error| sweep_error(&error))?;
    if has(&options, "lock_unspents") && options.get("lock_unspents").as_bool()? {
        lock_inputs(&wallet, &tx)?;
    }
    finish(&wallet, &options, tx)
}

/// The recipients as outputs, those without an amount with none; and the addresses of the latter.
fn read_recipients(given: &Json) -> Result<(Json, BTreeSet<String>), RpcError> {
    let mut pairs = Vec::new();
    let mut without_amount = BTreeSet::new();
    for recipient in given.as_arr()? {
        if let Json::Str(address) = recipient {
            pairs.push(Object::new().with(address.clone(), 0).into());
            without_amount.insert(address.clone());
        } else {
            pairs.push(recipient.clone());
        }
    }
    if without_amount.is_empty() {
        return Err(RpcError::invalid_parameter("Must provide at least one address without a specified amount"));
    }
    Ok((Json::Arr(pairs), without_amount))
}

fn rate_error(error: &SpendError) -> RpcError {
    let code = match error {
        SpendError::Chain(error) => return road(error.clone()),
        SpendError::FeeRateTooLow { .. } => Code::INVALID_PARAMETER,
        _ => Code::WALLET_ERROR,
    };
    RpcError::new(code, error.to_string())
}

/// The error with its number.
fn sweep_error(error: &SweepError) -> RpcError {
    let code = match error {
        SweepError::Chain(error) => return road(error.clone()),
        SweepError::Spent(..)
        | SweepError::NotMine(..)
        | SweepError::DustOutput(_)
        | SweepError::Spend(SpendError::TrucInput(_) | SpendError::NonTrucInput(_)) => Code::INVALID_PARAMETER,
        SweepError::TooLittle
        | SweepError::TooLittleWithDust
        | SweepError::PromisedTooMuch
        | SweepError::NothingLeft
        | SweepError::DustShare => Code::WALLET_INSUFFICIENT_FUNDS,
        SweepError::UnknownSize | SweepError::MaxFee | SweepError::TooLarge | SweepError::Spend(_) => {
            Code::WALLET_ERROR
        }
    };
    RpcError::new(code, error.to_string())
}
