//! `send`: whatever the wallet can do with a payment, as far as it can.

use std::sync::Arc;

use ::rpc::{Code, Json, Object, Request, RpcError};
use bitcoin::absolute::LockTime;
use primitives::{Tx, WitnessMode, hex};
use psbt::Psbt;

use super::fund::{fund, usual_version};
use super::options::{has, join_fee_arguments, move_weights, refuse_old_names};
use super::outputs::{construct, fee_payers, normalize, outputs, recipients};
use super::{build, default_control, dice, spend_error};
use crate::ledger::Notes;
use crate::loader::Wallets;
use crate::rpc::common::wallet_of;
use crate::rpc::sign::{fill_and_sign, finished};
use crate::spend::{SEQUENCE_NONFINAL, SEQUENCE_RBF};
use crate::wallet::Wallet;

/// `send`
pub(super) fn send(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = &wallet_of(wallets, request)?;
    let shared = wallet.shared();
    let mut options = join_fee_arguments(request.param(4), request.param(1), request.param(2), request.param(3))?;
    refuse_old_names(&options.clone().into())?;
    let replaceable = match options.get("replaceable") {
        None => wallet.settings().signal_rbf,
        Some(said) => said.as_bool()?,
    };
    let pairs = normalize(request.param(0))?;
    let paid = outputs(shared, &pairs)?;
    let keys: Vec<&str> = pairs.keys().collect();
    let payers = fee_payers(options.get("subtract_fee_from_outputs").unwrap_or(&Json::Null), &keys)?;
    let recipients = recipients(&paid, &payers);
    let mut control = default_control(wallet);
    control.version = request.int("version")?;
    let null = Json::Null;
    let given_inputs = options.get("inputs").unwrap_or(&null).clone();
    let lock_time = options.get("locktime").unwrap_or(&null);
    let mut inputs = construct(shared, &given_inputs, request.param(0), lock_time, replaceable, control.version)?;
    // Coins are added by themselves unless some are named, or the options say so.
    control.allow_other_inputs = inputs.input.is_empty();
    move_weights(&given_inputs, &mut options)?;
    inputs.output.clear();
    let options = Json::from(options);
    let created = fund(wallet, inputs, &recipients, &options, control, false)?;
    finish(wallet, &options, created.tx)
}

/// Signs as far as the wallet can, and sends a transaction that is complete, unless the options say otherwise.
pub(super) fn finish(wallet: &Arc<Wallet>, options: &Json, tx: Tx) -> Result<Json, RpcError> {
    let shared = wallet.shared();
    let usual = |sequence: u32| sequence == SEQUENCE_NONFINAL || sequence == SEQUENCE_RBF;
    let mut tx = tx;
    if !has(options, "locktime") && tx.inputs().iter().all(|input| usual(input.sequence.0)) {
        let mut dice = dice(wallet)?;
        let lock_time = build(wallet, &mut dice, |spender| {
            spender.lock_time_against_sniping().map_err(|error| spend_error(error, Code::MISC))
        })??;
        let height = tx.lock_height().unwrap_or(0);
        let mut inner = tx.into_inner();
        inner.lock_time = LockTime::from_consensus(lock_time);
        tx = shared.codec.new_tx(inner, height);
    }
    let mut psbt = Psbt::new(shared.codec, usual_version(shared), &tx);
    let complete = fill_and_sign(wallet, &mut psbt)?;
    let signed = if complete { finished(&psbt) } else { None };

    let flag = |name: &str, default: bool| match options.get(name) {
        Json::Null => Ok(default),
        said => said.as_bool(),
    };
    let wants_psbt = flag("psbt", false)?;
    let add_to_wallet = flag("add_to_wallet", true)?;
    let mut answer = Object::new();
    if wants_psbt || signed.is_none() || !add_to_wallet {
        answer.push("psbt", psbt.to_base64());
    }
    let complete = signed.is_some();
    if let Some(tx) = signed {
        let tx = Arc::new(tx);
        answer.push("txid", tx.txid().to_string());
        if add_to_wallet && !wants_psbt {
            wallet.commit(&tx, &Notes::default())?;
        } else {
            answer.push("hex", hex::encode(&tx.to_bytes(WitnessMode::Include)));
        }
    }
    answer.push("complete", complete);
    Ok(answer.into())
}
