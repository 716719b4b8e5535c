//! Balances and locked coins.

use std::collections::BTreeSet;

use ::rpc::values::check_object;
use ::rpc::{Code, Json, Method, Object, Request, RpcError};
use bitcoin::{OutPoint, Script, ScriptBuf};
use walletdb::Record;

use super::common::{avoid_reuse, destination_of, label_of, last_processed, synced_wallet, txid_of, wallet_of};
use super::docs::coins as docs;
use super::unspent;
use crate::ledger::{BalanceQuery, Owner};
use crate::loader::Wallets;
use crate::wallet::Core;

pub(super) fn methods() -> Vec<Method<Wallets>> {
    vec![
        docs::getbalance().run(balance),
        docs::getbalances().run(balances),
        docs::getreceivedbyaddress().run(|wallets, request| received(wallets, request, false)),
        docs::getreceivedbylabel().run(|wallets, request| received(wallets, request, true)),
        docs::listlockunspent().run(list_locked),
        docs::listunspent().run(unspent::answer),
        docs::lockunspent().run(lock_unspent),
    ]
}

fn balance(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = synced_wallet(wallets, request)?;
    if request.opt_str("dummy")?.is_some_and(|dummy| dummy != "*") {
        let text = "dummy first argument must be excluded or set to \"*\".";
        return Err(RpcError::new(Code::METHOD_DEPRECATED, text));
    }
    let min_depth = request.int("minconf")?;
    let trust_change = wallet.settings().spend_zero_conf_change;
    wallet.read(|core| {
        let avoid = avoid_reuse(core, request.param(3))?;
        let is_used = |script: &Script| core.is_used(script);
        let is_used: Option<&dyn Fn(&Script) -> bool> = if avoid { Some(&is_used) } else { None };
        let query = BalanceQuery { min_depth, trust_change, include_nonmempool: false, is_used };
        Ok(Json::amount(core.ledger.balance(&core.keys, query).trusted))
    })
}

fn balances(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = synced_wallet(wallets, request)?;
    let trust_change = wallet.settings().spend_zero_conf_change;
    Ok(wallet.read(|core| {
        let is_used = |script: &Script| core.is_used(script);
        let is_used: Option<&dyn Fn(&Script) -> bool> = if core.avoids_reuse() { Some(&is_used) } else { None };
        let query = BalanceQuery { min_depth: 0, trust_change, include_nonmempool: true, is_used };
        let balance = core.ledger.balance(&core.keys, query);
        let mut mine = Object::new()
            .with("trusted", Json::amount(balance.trusted))
            .with("untrusted_pending", Json::amount(balance.untrusted_pending))
            .with("immature", Json::amount(balance.immature))
            .with("nonmempool", Json::amount(balance.nonmempool));
        if core.avoids_reuse() {
            mine.push("used", Json::amount(balance.used));
        }
        Object::new().with("mine", mine).with("lastprocessedblock", last_processed(core)).into()
    }))
}

fn received(wallets: &Wallets, request: &Request, by_label: bool) -> Result<Json, RpcError> {
    let wallet = synced_wallet(wallets, request)?;
    let refused = |text: &'static str| RpcError::new(Code::WALLET_ERROR, text);
    let addresses = wallets.shared().addresses();
    let destinations: Vec<_> = if by_label {
        let label = label_of(request.param(0))?;
        let found: Vec<_> = wallet.read(|core| {
            let entries = core.book.entries().filter(|(_, entry)| entry.label_text() == label);
            entries.map(|(destination, _)| destination.clone()).collect()
        });
        if found.is_empty() {
            return Err(refused("Label not found in wallet"));
        }
        found
    } else {
        vec![destination_of(wallets, request.str("address")?)?]
    };
    let min_depth: i32 = request.int("minconf")?;
    let with_immature = request.bool("include_immature_coinbase")?;
    wallet.read(|core| {
        let scripts: BTreeSet<ScriptBuf> =
            destinations.iter().map(|destination| addresses.script(destination)).collect();
        let scripts: BTreeSet<ScriptBuf> = scripts.into_iter().filter(|script| core.keys.is_mine(script)).collect();
        if scripts.is_empty() {
            return Err(refused("Address not found in wallet"));
        }
        let counted = core.ledger.in_order().filter(|tx| counts(core, tx, min_depth, with_immature));
        let paid = counted.flat_map(|tx| tx.tx().outputs()).filter(|output| scripts.contains(&output.script_pubkey));
        Ok(Json::amount(paid.map(consensus::value_of).sum()))
    })
}

/// Whether a transaction counts as received.
pub(super) fn counts(core: &Core, tx: &crate::ledger::WalletTx, min_depth: i32, with_immature: bool) -> bool {
    let depth = core.ledger.depth(tx);
    let orphaned = tx.tx().is_coinbase() && depth < 1;
    depth >= min_depth && !orphaned && (with_immature || !core.ledger.is_immature(tx))
}

fn list_locked(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = wallet_of(wallets, request)?;
    Ok(wallet.read(|core| {
        let show = |at: &OutPoint| Object::new().with("txid", at.txid.to_string()).with("vout", at.vout);
        core.ledger.locked().map(show).collect()
    }))
}

fn lock_unspent(wallets: &Wallets, request: &Request) -> Result<Json, RpcError> {
    let wallet = synced_wallet(wallets, request)?;
    let (unlock, persistent) = (request.bool("unlock")?, request.bool("persistent")?);
    if request.param(1).is_null() {
        if unlock {
            wallet.change(|core, draft| {
                core.ledger.unlock_all(&mut draft.changes);
                Ok::<_, RpcError>(())
            })?;
        }
        return Ok(true.into());
    }
    let given = request.param(1).as_arr()?;
    wallet.change(|core, draft| {
        let mut outpoints = Vec::with_capacity(given.len());
        for item in given {
            item.as_obj()?;
            check_object(item, &[("txid", Some("string")), ("vout", Some("number"))], false, false)?;
            outpoints.push(lockable(core, item, unlock, persistent)?);
        }
        for outpoint in outpoints {
            if unlock {
                core.ledger.unlock_coin(&outpoint, &mut draft.changes);
            } else {
                core.ledger.lock_coin(outpoint, persistent);
                if persistent {
                    draft.records.push(Record::LockedUtxo(outpoint));
                }
            }
        }
        Ok::<_, RpcError>(())
    })?;
    Ok(true.into())
}

/// An output that can be locked, or unlocked.
fn lockable(core: &Core, item: &Json, unlock: bool, persistent: bool) -> Result<OutPoint, RpcError> {
    let bad = |text: &'static str| Err(RpcError::invalid_parameter(text));
    let txid = txid_of(item.get("txid"), "txid")?;
    let Ok(vout) = u32::try_from(item.get("vout").as_int::<i32>()?) else {
        return bad("Invalid parameter, vout cannot be negative");
    };
    let outpoint = OutPoint { txid, vout };
    let Some(tx) = core.ledger.get(&txid) else { return bad("Invalid parameter, unknown transaction") };
    if tx.output(vout).is_none() {
        return bad("Invalid parameter, vout index out of bounds");
    }
    if core.ledger.is_spent(&outpoint) {
        return bad("Invalid parameter, expected unspent output");
    }
    match (unlock, core.ledger.is_locked(&outpoint)) {
        (true, false) => bad("Invalid parameter, expected locked output"),
        (false, true) if !persistent => bad("Invalid parameter, output already locked"),
        _ => Ok(outpoint),
    }
}
