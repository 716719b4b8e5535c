//! `bumpfee` and `psbtbumpfee`: pay more for a transaction that is on its way.

use std::sync::Arc;

use ::rpc::values::{check_object, hash_from_value};
use ::rpc::{Code, Json, Object, Request, RpcError};
use bitcoin::Txid;
use bitcoin::hashes::Hash;
use primitives::Tx;
use psbt::{Psbt, Version};
use signer::requests::psbt_error;
use signer::{PsbtManner, fill_psbt};
use walletdb::WalletFlags;

use super::fund::{psbt_version, usual_version};
use super::options::{has, read_fee};
use super::outputs::{normalize, outputs};
use super::{build, default_control, dice};
use crate::ledger::Notes;
use crate::loader::Wallets;
use crate::rpc::common::{ensure_unlocked, is_watch_only, wallet_of};
use crate::rpc::sign::{fill_and_sign, finished};
use crate::spend::{BumpError, BumpRequest, Bumped};
use crate::wallet::{Wallet, road};

/// `bumpfee`
pub(super) fn bumpfee(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = &wallet_of(wallets, request)?;
    let has_device = wallet.has_flag(WalletFlags::EXTERNAL_SIGNER);
    if wallet.read(is_watch_only) && !has_device {
        let text = "bumpfee is not available with wallets that have private keys disabled. Use psbtbumpfee instead.";
        return Err(RpcError::new(Code::WALLET_ERROR, text));
    }
    let (bump, _) = read(wallet, request, true)?;
    let txid = bump.txid;
    let bumped = replace(wallet, bump)?;
    let signed = if has_device {
        sign_by_device(wallet, &bumped.tx)?
    } else {
        let cannot = || RpcError::new(Code::WALLET_ERROR, "Can't sign transaction.");
        wallet.read(|core| core.sign(wallet.shared().codec, &bumped.tx)).ok_or_else(cannot)?
    };
    let tx = Arc::new(signed);
    let notes = wallet.read(|core| core.ledger.get(&txid).map(|old| old.notes().clone()));
    let Some(old) = notes else { return Err(bump_error(BumpError::Unknown)) };
    // Meanwhile it may have been mined, or spent.
    let mut dice = dice(wallet)?;
    build(wallet, &mut dice, |spender| match spender.ledger.get(&txid) {
        Some(old) => spender.check_replaceable(old, false),
        None => Err(BumpError::Unknown),
    })?
    .map_err(|error| match error {
        BumpError::Chain(error) => road(error),
        error => RpcError::new(Code::WALLET_ERROR, error.to_string()),
    })?;
    let notes = Notes { replaces: Some(txid), replaced_by: None, from: None, message: None, ..old };
    wallet.commit(&tx, &notes)?;
    let mut errors = Vec::new();
    if !wallet.mark_replaced(&txid, tx.txid())? {
        let text = "Created new bumpfee transaction but could not mark the original transaction as replaced";
        errors.push(Json::str(text));
    }
    Ok(answer(Object::new().with("txid", tx.txid().to_string()), &bumped, errors))
}

/// `psbtbumpfee`
pub(super) fn psbtbumpfee(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = &wallet_of(wallets, request)?;
    let (bump, version) = read(wallet, request, false)?;
    let bumped = replace(wallet, bump)?;
    let mut psbt = Psbt::new(wallet.shared().codec, version, &bumped.tx);
    let manner = PsbtManner { sign: false, sighash: None, finalize: true, bip32_derivs: true };
    let provider = wallet.read(|core| core.prepare_psbt(&mut psbt));
    fill_psbt(&mut psbt, &provider, manner).map_err(psbt_error)?;
    Ok(answer(Object::new().with("psbt", psbt.to_base64()), &bumped, Vec::new()))
}

fn sign_by_device(wallet: &Wallet, tx: &Tx) -> Result<Tx, RpcError> {
    let mut psbt = Psbt::new(wallet.shared().codec, usual_version(wallet.shared()), tx);
    let complete = fill_and_sign(wallet, &mut psbt);
    let complete = complete.or_else(|error| if error.code == Code::VERIFY_ERROR { Ok(false) } else { Err(error) })?;
    let signed = if complete { finished(&psbt) } else { None };
    signed.ok_or_else(|| RpcError::new(Code::WALLET_ERROR, "Transaction incomplete. Try psbtbumpfee instead."))
}

fn answer(head: Object, bumped: &Bumped, errors: Vec<Json>) -> Json {
    head.with("origfee", Json::amount(bumped.old_fee))
        .with("fee", Json::amount(bumped.new_fee))
        .with("errors", Json::Arr(errors))
        .into()
}

/// Reads what is to be replaced, and the version of the PSBT.
fn read(wallet: &Arc<Wallet>, request: &Request, require_mine: bool) -> Result<(BumpRequest, Version), RpcError> {
    let txid = Txid::from_byte_array(hash_from_value(request.param(0), "txid")?);
    let mut control = default_control(wallet);
    control.signal_rbf = Some(true);
    let mut bump = BumpRequest { txid, control, require_mine, outputs: Vec::new(), change_index: None };
    let mut version = usual_version(wallet.shared());
    let options = request.param(1);
    if !options.is_null() {
        let number = Some("number");
        let fields = [
            ("confTarget", number),
            ("conf_target", number),
            ("fee_rate", None),
            ("replaceable", Some("bool")),
            ("estimate_mode", Some("string")),
            ("outputs", None),
            ("original_change_index", number),
            ("psbt_version", number),
        ];
        check_object(options, &fields, true, true)?;
        if has(options, "confTarget") && has(options, "conf_target") {
            return Err(RpcError::invalid_parameter(
                "confTarget and conf_target options should not both be set. Use conf_target (confTarget is deprecated).",
            ));
        }
        let target = if has(options, "confTarget") { "confTarget" } else { "conf_target" };
        if has(options, "replaceable") {
            bump.control.signal_rbf = Some(options.get("replaceable").as_bool()?);
        }
        let [target, mode, rate] = [target, "estimate_mode", "fee_rate"].map(|key| options.get(key));
        read_fee(wallet, &mut bump.control, target, mode, rate, false)?;
        let given = options.get("outputs");
        if !given.is_null() {
            if matches!(given, Json::Arr(list) if list.is_empty()) {
                let text = "Invalid parameter, output argument cannot be an empty array";
                return Err(RpcError::invalid_parameter(text));
            }
            bump.outputs = outputs(wallet.shared(), &normalize(given)?)?;
        }
        if has(options, "original_change_index") {
            bump.change_index = Some(options.get("original_change_index").as_int::<u32>()?);
        }
        version = psbt_version(wallet.shared(), options.get("psbt_version"))?;
    }
    Ok((bump, version))
}

fn replace(wallet: &Arc<Wallet>, bump: BumpRequest) -> Result<Bumped, RpcError> {
    wallet.wait_until_synced()?;
    wallet.read(ensure_unlocked)?;
    let mut dice = dice(wallet)?;
    build(wallet, &mut dice, |spender| spender.bump(bump))?.map_err(bump_error)
}

/// The error with its number.
fn bump_error(error: BumpError) -> RpcError {
    let code = match error {
        BumpError::Chain(error) => return road(error),
        BumpError::Unknown => Code::INVALID_ADDRESS_OR_KEY,
        BumpError::OutputsAndChange
        | BumpError::ChangePosition
        | BumpError::WalletDescendants
        | BumpError::MempoolDescendants
        | BumpError::NoRecipients
        | BumpError::BelowIncrement { .. }
        | BumpError::BelowRequired(_) => Code::INVALID_PARAMETER,
        BumpError::Spent(..) => Code::MISC,
        BumpError::Mined
        | BumpError::Replaced(..)
        | BumpError::ForeignInputs
        | BumpError::BelowMempool(..)
        | BumpError::UnknownBumpFees
        | BumpError::TooHigh(..)
        | BumpError::Create(_) => Code::WALLET_ERROR,
    };
    RpcError::new(code, error.to_string())
}
