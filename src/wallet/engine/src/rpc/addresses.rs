//! Addresses, labels, and the scripts ahead.

use std::collections::BTreeMap;

use ::rpc::{Code, Json, Method, Object, Request, RpcError};
use signer::AddressType;

use super::common::{destination_of, ensure_unlocked, label_of, synced_wallet, wallet_of};
use super::describe;
use super::docs::addresses as docs;
use crate::book::Purpose;
use crate::ledger::Owner;
use crate::loader::Wallets;
use crate::wallet::WalletError;

pub(super) fn methods() -> Vec<Method<Wallets>> {
    vec![
        docs::getaddressesbylabel().run(by_label),
        docs::getaddressinfo().run(describe::answer),
        docs::getnewaddress().run(new_address),
        docs::getrawchangeaddress().run(change_address),
        docs::keypoolrefill().run(refill),
        docs::listaddressgroupings().run(groupings),
        docs::listlabels().run(labels),
        docs::setlabel().run(set_label),
    ]
}

/// A kind of address that the caller names.
pub(crate) fn kind_of(name: &str) -> Result<AddressType, RpcError> {
    let unknown = || RpcError::new(Code::INVALID_ADDRESS_OR_KEY, format!("Unknown address type '{name}'"));
    AddressType::from_name(name).ok_or_else(unknown)
}

fn no_keys() -> RpcError {
    RpcError::new(Code::WALLET_ERROR, "Error: This wallet has no available keys")
}

fn new_address(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    if !wallet.read(|core| core.keys.can_give_addresses(false)) {
        return Err(no_keys());
    }
    let label = label_of(request.arg("label"))?;
    let kind = request.opt_str("address_type")?.map_or(Ok(wallet.settings().address_type), kind_of)?;
    Ok(wallet.new_address(kind, &label)?.into())
}

fn change_address(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    if !wallet.read(|core| core.keys.can_give_addresses(true)) {
        return Err(no_keys());
    }
    let usual = wallet.settings().change_type.unwrap_or(wallet.settings().address_type);
    let kind = request.opt_str("address_type")?.map_or(Ok(usual), kind_of)?;
    let address = wallet.change(|core, draft| {
        let script = core.keys.give(kind, true, &mut draft.records).map_err(WalletError::from)?;
        Ok::<_, WalletError>(core.address(&script))
    })?;
    Ok(address.into())
}

fn set_label(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let destination = destination_of(wallets, request.str("address")?)?;
    let label = label_of(request.arg("label"))?;
    wallet.change(|core, draft| {
        let script = wallets.shared().addresses().script(&destination);
        let purpose = if core.keys.is_mine(&script) { Purpose::Receive } else { Purpose::Send };
        core.set_label(destination, &label, Some(purpose), draft);
        Ok::<_, WalletError>(())
    })?;
    Ok(Json::Null)
}

fn by_label(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let label = label_of(request.arg("label"))?;
    let found: Object = wallet.read(|core| {
        let entries = core.book.entries().filter(|(_, entry)| entry.label_text() == label);
        let shown = entries.filter_map(|(destination, entry)| {
            let address = wallets.shared().addresses().encode(destination)?;
            let purpose = entry.purpose.map_or("unknown", Purpose::name);
            Some((address, Json::from(Object::new().with("purpose", purpose))))
        });
        shown.collect()
    });
    if found.is_empty() {
        let text = format!("No addresses with label {label}");
        return Err(RpcError::new(Code::WALLET_INVALID_LABEL_NAME, text));
    }
    Ok(found.into())
}

fn labels(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let purpose = match request.opt_str("purpose")?.filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(Purpose::from_name(text).ok_or_else(|| {
            RpcError::invalid_parameter(
                "Invalid 'purpose' argument, must be a known purpose string, typically 'send', or 'receive'.",
            )
        })?),
    };
    Ok(wallet.read(|core| core.book.labels(purpose)).into_iter().collect())
}

fn refill(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    let size: i32 = request.opt_int("newsize")?.unwrap_or(0);
    let size =
        u32::try_from(size).map_err(|_| RpcError::invalid_parameter("Invalid parameter, expected valid size."))?;
    wallet.change(|core, draft| {
        ensure_unlocked(core)?;
        core.keys.top_up(size, &mut draft.records);
        let ahead = core.keys.keypool_size(false) + core.keys.keypool_size(true);
        if u32::try_from(ahead).is_ok_and(|ahead| ahead < size) {
            return Err(RpcError::new(Code::WALLET_ERROR, "Error refreshing keypool."));
        }
        core.ledger.refresh_coins(&core.keys);
        Ok(())
    })?;
    Ok(Json::Null)
}

fn groupings(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = synced_wallet(wallets, request)?;
    let trust_change = wallet.settings().spend_zero_conf_change;
    Ok(wallet.read(|core| {
        let balances: BTreeMap<_, _> = core.ledger.script_balances(&core.keys, trust_change);
        let is_change = |script: &bitcoin::Script| core.is_change(script);
        let groups = core.ledger.groupings(&core.keys, &is_change);
        let shown = groups.iter().filter_map(|group| {
            let members: Vec<Json> = group
                .iter()
                .filter_map(|script| {
                    let destination = core.destination(script);
                    let address = core.address(script)?;
                    let balance = balances.get(script).copied().unwrap_or(0);
                    let mut row = vec![Json::from(address), Json::amount(balance)];
                    row.extend(core.book.find(&destination).map(|entry| Json::from(entry.label_text())));
                    Some(Json::Arr(row))
                })
                .collect();
            (!members.is_empty()).then_some(Json::Arr(members))
        });
        shown.collect()
    }))
}
